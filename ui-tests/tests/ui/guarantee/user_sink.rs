#![allow(unused)]
use malstrom::prelude::*;

struct Alerts;
impl malstrom::Sink for Alerts {
    type In = u64;
    fn write(&mut self, batch: &mut Vec<u64>) -> malstrom::Result<()> {
        batch.clear();
        Ok(())
    }
}

pipeline! {
    #[guarantee(exactly_once)]
    fn p(out: std::path::PathBuf) {
        let numbers = source(0..9u64);
        numbers -> sink(files::csv_sink(out));
        numbers -> sink(Alerts) as alerts;
    }
}

fn main() {}
