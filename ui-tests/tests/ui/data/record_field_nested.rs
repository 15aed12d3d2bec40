//! A container of something that is not a record.
#![allow(unused)]
use malstrom::Record;
struct Foreign;
#[derive(Record)]
enum Bad { Empty, Full { list: Vec<Option<Foreign>> } }
fn main() {}
