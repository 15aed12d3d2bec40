#![allow(unused)]
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Seen { count: u64 }

#[operator(on_right = person)]
fn listing(seen: &mut Seen, auction: u64) -> Option<u64> {
    None
}
#[operator]
fn person(seen: &mut Seen, name: String) -> Option<u64> {
    None
}

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> listing -> sink(stdout());
    }
}

fn main() {}
