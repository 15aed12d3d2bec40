//! State that is no type.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = u64)]
fn bad() {}
fn main() {}
