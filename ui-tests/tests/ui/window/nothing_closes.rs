#![allow(unused)]
use malstrom::connect::memory;
use malstrom::prelude::*;

#[derive(Record, Clone, Debug)]
struct Click {
    user: u64,
    at: Timestamp,
}

pipeline! {
    fn p(clicks: Vec<Click>) {
        let hours = source(clicks) -> timestamps(|c| c.at) -> key_by(|c| c.user)
            -> window(tumbling(1.hours())) else drop;
        hours -> map(|c| c.at) -> sink(memory::collector::<Timestamp>());
    }
}

fn main() {}
