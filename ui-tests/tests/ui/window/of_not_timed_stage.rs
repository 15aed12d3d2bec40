#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        let clicks = source(txs) -> filter(|tx| tx.card > 5);
        clicks -> window(tumbling(1.hours())) else drop -> key_by(|tx| tx.card) -> count() -> map(|n| n.value) -> sink(stdout());
    }
}

fn main() {}
