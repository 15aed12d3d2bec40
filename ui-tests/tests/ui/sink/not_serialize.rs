#![allow(unused)]
use malstrom::prelude::*;

pub struct Row(u64);

pipeline! {
    fn p() {
        source(0..9u64) -> map(Row) -> sink(files::jsonl_sink("rows.jsonl"));
    }
}

fn main() {}
