#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[operator]
fn stamp(tx: Tx, window: Window) -> u64 {
    0
}

pipeline! {
    fn p(txs: Vec<Tx>) {
        source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card) -> stamp -> sink(stdout());
    }
}

fn main() {}
