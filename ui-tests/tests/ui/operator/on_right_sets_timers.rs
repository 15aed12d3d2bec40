#![allow(unused)]
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

#[operator(on_right = person)]
fn listing(profile: &mut Profile, x: u64) -> Option<u64> {
    None
}
#[operator]
fn person(profile: &mut Profile, name: String, timers: Timers<'_, u64>) -> Option<u64> {
    None
}

fn main() {}
