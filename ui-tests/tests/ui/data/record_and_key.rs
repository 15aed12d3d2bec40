//! Both derives.
#![allow(unused)]
use malstrom::{Key, Record};
#[derive(Record, Key, PartialEq, Eq, Hash, Clone)]
struct Bad { a: u32 }
fn main() {}
