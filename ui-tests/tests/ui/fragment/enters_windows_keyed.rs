#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[operator]
fn plain(tx: Tx) -> Tx {
    tx
}

pipeline! {
    <Tx by u64 at Timestamp, Tx> fn clean() = plain;

    fn p(txs: Vec<Tx>) {
        source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card) -> window(tumbling(1.hours())) else drop -> clean -> count() -> map(|n| n.value) -> sink(stdout());
    }
}

fn main() {}
