#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }
#[derive(Record)]
pub struct Opaque { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        let a = source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card);
        let b = source(Vec::<Opaque>::new()) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card);
        join(a, b, within = 1.hours()) -> map(|(a, b)| a.card + b.card) -> sink(stdout());
    }
}

fn main() {}
