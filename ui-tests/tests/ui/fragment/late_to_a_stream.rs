#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    <Tx by u64 at Timestamp, Windowed<u64, u64>> fn hourly() = window(tumbling(1.hours())) else late -> count();
}

fn main() {}
