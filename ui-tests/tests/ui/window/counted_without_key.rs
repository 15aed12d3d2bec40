#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        source(txs) -> window(counted(10)) -> count() -> map(|n| n.value) -> sink(stdout());
    }
}

fn main() {}
