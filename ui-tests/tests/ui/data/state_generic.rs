//! State with a parameter.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = u64)]
struct Bad<T> { n: T }
fn main() {}
