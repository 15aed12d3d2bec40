//! A field that is not a record: the caret is on its type.
#![allow(unused)]
use malstrom::Record;
struct Foreign;
#[derive(Record)]
struct Bad { id: u64, foreign: Foreign, again: u8 }
fn main() {}
