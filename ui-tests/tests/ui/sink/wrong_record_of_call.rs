#![allow(unused)]
use malstrom::prelude::*;

pub struct Alert(u64);
pub struct Alerts;
impl malstrom::Sink for Alerts {
    type In = Alert;
    fn write(&mut self, batch: &mut Vec<Alert>) -> malstrom::Result<()> {
        Ok(())
    }
}

fn alerts(path: &str) -> Alerts {
    Alerts
}

pipeline! {
    fn p() {
        source(0..9u64) -> map(|x| x.to_string()) -> sink(alerts("out.csv"));
    }
}

fn main() {}
