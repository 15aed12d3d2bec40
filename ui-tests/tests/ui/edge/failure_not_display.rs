#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, cents: i64 }
pub struct Alert(u64);

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

#[operator]
fn strict(line: String) -> Result<Tx, Malformed> {
    Err(Malformed)
}
#[derive(Debug)]
pub struct Malformed;

pipeline! {
    fn p(lines: Vec<String>) {
        source(lines) -> strict? -> map(|tx| tx.cents) -> sink(stdout());
    }
}

fn main() {}
