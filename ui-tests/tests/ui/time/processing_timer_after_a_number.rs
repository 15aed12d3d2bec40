#![allow(unused)]
use malstrom::connect::memory;
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Profile {
    n: u64,
}
#[derive(Record)]
struct Forget;

#[operator(on_timer = forget)]
fn score(profile: &mut Profile, x: u64, timers: ProcessingTimers<'_, Forget>) -> u64 {
    timers.after(5, Forget);
    x
}
#[operator]
fn forget(profile: &mut Profile, _: Forget) -> u64 {
    0
}

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> score -> sink(memory::collector());
    }
}

fn main() {}
