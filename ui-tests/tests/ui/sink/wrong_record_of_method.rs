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

impl Default for Alerts {
    fn default() -> Self {
        Alerts
    }
}
impl Alerts {
    fn boxed(self, n: u64) -> Self {
        self
    }
}

pipeline! {
    fn p() {
        source(0..9u64) -> map(|x| x.to_string()) -> sink(Alerts::default().boxed(1));
    }
}

fn main() {}
