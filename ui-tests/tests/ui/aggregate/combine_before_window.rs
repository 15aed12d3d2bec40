#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> timestamps(|x| *x as i64) -> key_by(|x| *x) -> combine() -> window(tumbling(10))? -> count() -> sink(debug());
    }
}

fn main() {}
