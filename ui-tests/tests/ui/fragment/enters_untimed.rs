#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[operator]
fn plain(tx: Tx) -> Tx {
    tx
}

pipeline! {
    <Tx at Timestamp, Tx> fn clean() = plain;

    fn p(txs: Vec<Tx>) {
        source(txs) -> clean -> map(|tx| tx.card) -> sink(stdout());
    }
}

fn main() {}
