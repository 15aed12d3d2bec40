//! A type that is used as state and is not annotated.
#![allow(unused)]
use malstrom::KeyedState;
struct Plain;
fn version() -> u32 { <Plain as KeyedState>::VERSION }
fn main() {}
