#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record)]
pub struct Money(u64);

#[operator]
fn money(x: u64) -> Money {
    Money(x)
}

pipeline! {
    fn p() {
        source(0..9u64) -> money -> key_by(|m| m.0) -> distinct() -> map(|m| m.0) -> sink(debug());
    }
}

fn main() {}
