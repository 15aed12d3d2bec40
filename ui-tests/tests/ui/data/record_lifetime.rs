//! A record that borrows.
#![allow(unused)]
use malstrom::Record;
#[derive(Record)]
struct Bad<'a> { name: &'a str }
fn main() {}
