//! Something in a key that is neither a key nor a record.
#![allow(unused)]
use malstrom::Key;
#[derive(PartialEq, Eq, Hash, Clone)]
struct Foreign;
#[derive(Key, PartialEq, Eq, Hash, Clone)]
enum Bad { Nobody, Somebody(u32, Foreign) }
fn main() {}
