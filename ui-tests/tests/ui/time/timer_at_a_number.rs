#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

#[derive(Record)]
pub struct Forget;

#[operator(on_timer = forget)]
fn score(profile: &mut Profile, tx: Tx, at: EventTime, timers: Timers<'_, Forget>) -> Option<u64> {
    timers.at(5, Forget);
    None
}
#[operator]
fn forget(profile: &mut Profile, _: Forget) -> Option<u64> {
    None
}

pipeline! {
    fn p(txs: Vec<Tx>) {
        source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card) -> score -> sink(stdout());
    }
}

fn main() {}
