//! A time to live in an unknown unit.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = u64, ttl = "3 weeks")]
struct Bad { n: u64 }
fn main() {}
