#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card) -> window(tumbling(1.hours())) else drop -> count() -> map(|(card, n)| n) -> sink(stdout());
    }
}

fn main() {}
