//! A migration that nobody has written.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = u64)]
struct Old { n: u64 }
#[keyed_state(key = u64, version = 2, migrate_from = Old)]
struct Bad { n: u64 }
fn main() {}
