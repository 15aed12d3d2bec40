//! State that is a union.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = u64)]
union Bad { a: u32, b: f32 }
fn main() {}
