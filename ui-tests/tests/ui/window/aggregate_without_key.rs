#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        source(txs) -> timestamps(|tx| tx.at) -> count() -> map(|n| n.1) -> sink(stdout());
    }
}

fn main() {}
