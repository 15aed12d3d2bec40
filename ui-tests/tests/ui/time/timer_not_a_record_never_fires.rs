#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

pub struct Forget;

#[operator]
fn score(profile: &mut Profile, tx: Tx, timers: Timers<'_, Forget>) -> Option<u64> {
    None
}

fn main() {}
