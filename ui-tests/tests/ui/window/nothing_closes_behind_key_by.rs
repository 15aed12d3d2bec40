#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone, Debug)]
struct Click {
    user: u64,
    at: Timestamp,
}

pipeline! {
    fn p(clicks: Vec<Click>) {
        source(clicks) -> timestamps(|c| c.at) -> key_by(|c| c.user) -> window(session(1.hours()))?
            -> key_by(|c| c.at) -> sink(stdout());
    }
}

fn main() {}
