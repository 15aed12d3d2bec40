#![allow(unused)]
use malstrom::prelude::*;

#[derive(Clone)]
pub struct Money(u64);

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> top(3, |x| Money(*x)) -> map(|(key, _)| key) -> sink(debug());
    }
}

fn main() {}
