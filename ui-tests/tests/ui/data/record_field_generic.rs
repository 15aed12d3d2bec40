//! A generic record whose field is not one.
#![allow(unused)]
use malstrom::Record;
#[derive(Record)]
struct Bad<T> { value: T, foreign: Foreign<T> }
struct Foreign<T>(T);
fn main() {}
