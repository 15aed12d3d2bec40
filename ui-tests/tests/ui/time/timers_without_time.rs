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
fn score(profile: &mut Profile, tx: Tx, timers: Timers<'_, Forget>) -> Option<u64> {
    timers.after(1.minutes(), Forget);
    None
}
#[operator]
fn forget(profile: &mut Profile, _: Forget) -> Option<u64> {
    None
}

pipeline! {
    fn p(txs: Vec<Tx>) {
        let txs = source(txs) -> key_by(|tx| tx.card);
        txs -> score -> sink(stdout());
    }
}

fn main() {}
