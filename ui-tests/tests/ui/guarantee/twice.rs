#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    #[guarantee(exactly_once)]
    #[guarantee(exactly_once)]
    fn p(out: std::path::PathBuf) {
        source(0..9u64) -> sink(files::csv_sink(out));
    }
}

fn main() {}
