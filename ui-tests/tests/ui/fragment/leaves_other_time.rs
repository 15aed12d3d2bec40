#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[operator]
fn plain(tx: Tx) -> Tx {
    tx
}

pipeline! {
    <Tx, Tx at Timestamp> fn clean() = plain -> timestamps(|tx| tx.card);
}

fn main() {}
