#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

#[operator]
fn stamp(tx: Tx, at: EventTime) -> String {
    at.to_string()
}

pipeline! {
    <Tx, String> fn stamped() = stamp;
}

fn main() {}
