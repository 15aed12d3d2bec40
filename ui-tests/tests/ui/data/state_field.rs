//! A field of state that is not a record.
#![allow(unused)]
use malstrom::keyed_state;
struct Foreign;
#[keyed_state(key = u64)]
struct Bad { n: u64, foreign: Option<u8>, more: Foreign }
fn main() {}
