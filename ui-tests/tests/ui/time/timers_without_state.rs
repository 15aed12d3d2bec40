#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[derive(Record)]
pub struct Forget;

#[operator(on_timer = forget)]
fn score(tx: Tx, timers: Timers<'_, Forget>) -> Option<u64> {
    timers.after(1.minutes(), Forget);
    None
}
#[operator]
fn forget(_: Forget) -> Option<u64> {
    None
}

pipeline! {
    fn p(txs: Vec<Tx>) {
        source(txs) -> timestamps(|tx| tx.at) -> score -> sink(stdout());
    }
}

fn main() {}
