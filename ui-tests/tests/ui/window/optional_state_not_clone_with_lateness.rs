#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

#[operator(on_close = finish)]
fn visit(profile: &mut Option<Profile>, tx: Tx) -> Option<u64> {
    None
}
#[operator]
fn finish(profile: Profile, window: Window) -> Option<u64> {
    None
}

pipeline! {
    fn p(txs: Vec<Tx>) {
        source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card) -> window(tumbling(1.hours()), lateness = 1.hours()) else drop -> visit -> sink(stdout());
    }
}

fn main() {}
