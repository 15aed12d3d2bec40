//! A migration to version 1.
#![allow(unused)]
use malstrom::keyed_state;
#[keyed_state(key = u64)]
struct Old { n: u64 }
#[keyed_state(key = u64, version = 1, migrate_from = Old)]
struct Bad { n: u64 }
#[keyed_state(key = u64, migrate_from = Old)]
struct Worse { n: u64 }
fn main() {}
