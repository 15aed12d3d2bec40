#![allow(unused)]
use malstrom::prelude::*;

#[operator(on_right = person)]
fn listing(auction: u64) -> Option<u64> {
    None
}
#[operator]
fn person(name: String) -> Option<u64> {
    None
}

pipeline! {
    fn p(lines: Vec<String>) {
        let a = source(0..9u64) -> key_by(|x| *x);
        let b = source(lines) -> key_by(|x| x.clone());
        (a, b) -> listing -> sink(stdout());
    }
}

fn main() {}
