#![allow(unused)]
use malstrom::prelude::*;

#[derive(Clone, serde::Deserialize)]
pub struct Row { card: u64 }

pipeline! {
    fn p() {
        let rows = source(files::csv::<Row>("rows.csv"));
        rows -> map(|row| row.card) -> sink(stdout());
    }
}

fn main() {}
