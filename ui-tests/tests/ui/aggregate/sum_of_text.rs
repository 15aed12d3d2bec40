#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> sum(|x| x.to_string().into_boxed_str()) -> sink(debug());
    }
}

fn main() {}
