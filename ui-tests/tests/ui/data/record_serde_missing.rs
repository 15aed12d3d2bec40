//! The codec of serde without the traits of serde.
#![allow(unused)]
use malstrom::Record;
#[derive(Record)]
#[record(codec = serde)]
struct Bad { a: u32 }
fn main() {}
