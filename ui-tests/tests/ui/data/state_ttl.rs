//! A time to live.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = u64, ttl = "30d")]
struct Bad { n: u64 }
fn main() {}
