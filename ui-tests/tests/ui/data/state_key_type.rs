//! A key that is none.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = f64)]
struct Bad { n: u64 }
fn main() {}
