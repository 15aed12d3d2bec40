#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        let a = source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card) -> window(tumbling(1.hours())) else drop;
        let b = source(Vec::<Tx>::new()) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card);
        union(b, a) -> count() -> map(|n| n.1) -> sink(stdout());
    }
}

fn main() {}
