//! An option that does not exist.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = u64, verson = 2)]
struct Bad { n: u64 }
fn main() {}
