#![allow(unused)]
use malstrom::prelude::*;

pub struct Parity(u64);

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| Parity(x % 2)) -> count() -> map(|(_, n)| n) -> sink(stdout());
    }
}

fn main() {}
