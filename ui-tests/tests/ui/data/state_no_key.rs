//! No key.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(version = 2)]
struct Bad { n: u64 }
fn main() {}
