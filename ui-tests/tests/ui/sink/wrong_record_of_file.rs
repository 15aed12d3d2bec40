#![allow(unused)]
use malstrom::prelude::*;

#[derive(serde::Serialize)]
pub struct Row { card: u64 }

pipeline! {
    fn p() {
        source(0..9u64) -> sink(files::jsonl_sink::<Row>("rows.jsonl"));
    }
}

fn main() {}
