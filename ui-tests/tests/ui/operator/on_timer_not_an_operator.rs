#![allow(unused)]
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

#[operator(on_timer = forget)]
fn score(profile: &mut Profile, x: u64, timers: Timers<'_, u64>) -> Option<u64> {
    timers.after(1.minutes(), x);
    None
}
fn forget(profile: &mut Profile, x: u64) -> Option<u64> {
    None
}

fn main() {}
