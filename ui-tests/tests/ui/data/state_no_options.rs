//! No options at all.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state]
struct Bad { n: u64 }
fn main() {}
