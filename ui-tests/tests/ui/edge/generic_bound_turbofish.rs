#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, cents: i64 }
pub struct Alert(u64);

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

#[operator]
fn read<T: std::str::FromStr + 'static>(line: String) -> Result<T, String> {
    Err(line)
}

pipeline! {
    fn p(lines: Vec<String>) {
        source(lines) -> read::<Tx>? -> map(|tx| tx.cents) -> sink(stdout());
    }
}

fn main() {}
