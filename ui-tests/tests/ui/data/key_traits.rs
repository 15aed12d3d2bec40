//! A key that lacks the traits of keys.
#![allow(unused)]
use malstrom::Key;
#[derive(Key, Clone)]
struct Bad { a: u32 }
fn main() {}
