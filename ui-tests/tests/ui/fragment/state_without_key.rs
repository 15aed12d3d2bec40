#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, cents: i64 }
pub struct Alert(u64);

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Profile { seen: u64 }

#[operator]
fn trim(line: String) -> String {
    line
}
#[operator]
fn parse(line: String) -> Option<Tx> {
    None
}
#[operator]
fn score(profile: &mut Profile, tx: Tx) -> Option<Alert> {
    None
}

pipeline! {
    <Tx, Alert> fn judge() = score;
}

fn main() {}
