#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        let clicks = source(txs) -> key_by(|tx| tx.card);
        clicks -> window(tumbling(1.hours())) else drop -> count() -> map(|n| n.value) -> sink(stdout());
    }
}

fn main() {}
