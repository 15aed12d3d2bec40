#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        let (a, b) = source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card) -> window(tumbling(1.hours())) else drop -> split(|tx| tx.card > 5);
        a -> count() -> map(|n| n.value) -> sink(stdout());
        b -> count() -> map(|n| n.value) -> sink(stdout());
    }
}

fn main() {}
