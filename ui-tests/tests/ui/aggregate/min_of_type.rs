#![allow(unused)]
use malstrom::prelude::*;

#[derive(Clone)]
pub struct Money(u64);

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> min(|x| Money(*x)) -> map(|(_, m)| m.0) -> sink(debug());
    }
}

fn main() {}
