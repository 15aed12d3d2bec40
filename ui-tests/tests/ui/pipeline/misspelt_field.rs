#![allow(unused)]
use malstrom::prelude::*;

pub struct Tx { amount: i64 }
#[operator]
fn tx(line: String) -> Tx {
    Tx { amount: 0 }
}

pipeline! {
    fn p(lines: Vec<String>) {
        source(lines) -> tx -> filter(|tx| tx.amuont > 0) -> map(|tx| tx.amount) -> sink(stdout());
    }
}

fn main() {}
