#![allow(unused)]
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Seen { count: u64 }

pub struct Q3(u64);
pub struct Q8(u64);

#[operator(on_right = person)]
fn listing(seen: &mut Seen, auction: u64) -> Option<Q3> {
    None
}
#[operator]
fn person(seen: &mut Seen, name: String, #[arg] limit: u64) -> Option<Q3> {
    None
}

fn main() {}
