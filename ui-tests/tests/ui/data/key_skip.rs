//! A key with a field left out.
#![allow(unused)]
use malstrom::Key;
#[derive(Key, PartialEq, Eq, Hash, Clone)]
struct Bad { a: u32, #[record(skip)] b: u32 }
fn main() {}
