#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[operator]
fn plain(tx: Tx) -> Tx {
    tx
}

pipeline! {
    <Tx at Timestamp at u64, Tx> fn clean() = plain;
}

fn main() {}
