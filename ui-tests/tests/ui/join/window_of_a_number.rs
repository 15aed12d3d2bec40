#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        let a = source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card);
        let b = source(Vec::<Tx>::new()) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card);
        join(a, b, window = tumbling(5)) -> map(|(a, b)| a.card + b.card) -> sink(stdout());
    }
}

fn main() {}
