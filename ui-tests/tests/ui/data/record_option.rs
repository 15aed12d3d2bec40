//! An option that does not exist.
#![allow(unused)]
use malstrom::Record;
#[derive(Record)]
#[record(codecs = serde)]
struct Bad { a: u32 }
fn main() {}
