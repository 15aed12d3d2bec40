#![allow(unused)]
use malstrom::prelude::*;

#[derive(Record, Clone)]
pub struct Tx { card: u64, at: Timestamp }

pipeline! {
    <Tx by u64, Windowed<u64, u64>> fn hourly() = window(tumbling(1.hours())) else drop -> count();
}

fn main() {}
