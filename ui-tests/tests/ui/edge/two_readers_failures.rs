#![allow(unused)]
use malstrom::prelude::*;

pub struct Opaque(u64);

#[operator]
fn wrap(x: u64) -> Result<u64, Opaque> {
    Err(Opaque(x))
}

pipeline! {
    fn p() {
        source(0..9u64) -> wrap else bad -> sink(stdout());
        bad -> map(|o| o.operator) -> sink(stdout());
        bad -> map(|o| o.operator) -> sink(stdout());
    }
}

fn main() {}
