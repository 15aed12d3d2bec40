#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

#[operator(on_right = person)]
fn listing(profile: &mut Profile, tx: Tx) -> Option<u64> {
    None
}
#[operator]
fn person(profile: &mut Profile, tx: Tx) -> Option<u64> {
    None
}

pipeline! {
    fn p(txs: Vec<Tx>) {
        let a = source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card) -> window(tumbling(1.hours())) else drop;
        let b = source(Vec::<Tx>::new()) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card);
        (b, a) -> listing -> sink(stdout());
    }
}

fn main() {}
