//! A union.
#![allow(unused)]
use malstrom::Record;
#[derive(Record)]
union Bad { a: u32, b: f32 }
fn main() {}
