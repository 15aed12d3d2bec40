//! An option that is given twice.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = u64, key = u32)]
struct Bad { n: u64 }
fn main() {}
