//! A codec that does not exist.
#![allow(unused)]
use malstrom::Record;
#[derive(Record)]
#[record(codec = json)]
struct Bad { a: u32 }
fn main() {}
