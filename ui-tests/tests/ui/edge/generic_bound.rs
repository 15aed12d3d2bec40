#![allow(unused)]
use malstrom::prelude::*;

pub struct Opaque(u64);

#[operator]
fn wrap(x: u64) -> Opaque {
    Opaque(x)
}

#[operator]
fn twice<T: Copy + 'static>(x: T) -> impl Iterator<Item = T> {
    [x, x].into_iter()
}

pipeline! {
    fn p() {
        source(0..9u64) -> wrap -> twice -> map(|o| o.0) -> sink(stdout());
    }
}

fn main() {}
