#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[operator]
fn stamp(late: Late<Tx>, at: EventTime) -> String {
    at.to_string()
}

pipeline! {
    fn p(txs: Vec<Tx>) {
        source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card) -> window(tumbling(1.hours())) else late -> count() -> map(|w| w.value) -> sink(stdout());
        late -> stamp -> sink(stdout());
    }
}

fn main() {}
