#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        let a = source(txs);
        let b = source(Vec::<Tx>::new()) -> timestamps(|tx| tx.at);
        union(a, b) -> map(|tx| tx.card) -> sink(stdout());
    }
}

fn main() {}
