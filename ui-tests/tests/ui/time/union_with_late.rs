#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    fn p(txs: Vec<Tx>) {
        let clicks = source(txs) -> timestamps(|tx| tx.at) -> key_by(|tx| tx.card);
        clicks -> window(tumbling(1.hours())) else late -> count() -> map(|n| n.value) -> sink(stdout());
        let again = late -> map(|late| late.record);
        union(clicks, again) -> map(|tx| tx.card) -> sink(stdout());
    }
}

fn main() {}
