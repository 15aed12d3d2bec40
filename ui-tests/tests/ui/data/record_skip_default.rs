//! A skipped field without a default.
#![allow(unused)]
use malstrom::Record;
struct Foreign;
#[derive(Record)]
struct Bad { a: u32, #[record(skip)] foreign: Foreign }
fn main() {}
