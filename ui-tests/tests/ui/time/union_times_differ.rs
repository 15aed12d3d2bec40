#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        let a = source(txs) -> timestamps(|tx| tx.at);
        let b = source(Vec::<Tx>::new()) -> timestamps(|tx| tx.card);
        union(a, b) -> map(|tx| tx.card) -> sink(stdout());
    }
}

fn main() {}
