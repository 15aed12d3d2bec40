#![allow(unused)]
use malstrom::prelude::*;

pub struct Opaque(u64);

#[operator]
fn wrap(x: u64) -> Opaque {
    Opaque(x)
}

pipeline! {
    fn p() {
        let opaque = source(0..9u64) -> wrap;
        union(opaque, opaque) -> map(|o| o.0) -> sink(stdout());
    }
}

fn main() {}
