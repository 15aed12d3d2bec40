#![allow(unused)]
use malstrom::prelude::*;

pub struct Opaque(u64);

#[operator]
fn wrap(x: u64) -> Opaque {
    Opaque(x)
}

pipeline! {
    fn p() {
        source(0..9u64) -> wrap -> key_by(|o| o.0 as f64) -> map(|o| o.0) -> sink(stdout());
    }
}

fn main() {}
