#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[operator]
fn stamp(tx: Tx, at: EventTime<u64>) -> u64 {
    *at
}

pipeline! {
    fn p(txs: Vec<Tx>) {
        source(txs) -> timestamps(|tx| tx.at) -> stamp -> sink(stdout());
    }
}

fn main() {}
