//! State that derives Record too, below the attribute or above it.
#![allow(unused)]
use malstrom::{Record, keyed_state};
#[keyed_state(key = u64)]
#[derive(Record, Clone)]
struct Bad { n: u64 }
#[derive(Clone, Record)]
#[keyed_state(key = u64)]
struct Worse { n: u64 }
fn main() {}
