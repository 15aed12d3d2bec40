#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p(rows: std::path::PathBuf) {
        source(rows) -> sink(stdout());
    }
}

fn main() {}
