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

pipeline! {
    fn p() {
        let all = source(0..9u64) -> map(|x| x.to_string());
        all -> sink(Alerts);
        all -> sink(stdout());
    }
}

fn main() {}
