#![allow(unused)]
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Other { seen: u64 }

#[operator(on_close = finish)]
fn visit(profile: &mut Profile, x: u64) -> Option<u64> {
    None
}
#[operator]
fn finish(other: Other, window: Window) -> Option<u64> {
    None
}

fn main() {}
