#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> timestamps(|x| *x as i64) -> key_by(|x| *x) -> window(tumbling(10))? -> combine() -> count() -> sink(debug());
    }
}

fn main() {}
