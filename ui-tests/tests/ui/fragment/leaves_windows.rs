#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[operator]
fn plain(tx: Tx) -> Tx {
    tx
}

pipeline! {
    <Tx by u64 at Timestamp, Tx by u64 at Timestamp> fn clean() = plain -> window(tumbling(1.hours())) else drop;
}

fn main() {}
