#![allow(unused)]
use malstrom::prelude::*;

#[operator(on_close = finish)]
fn visit(x: u64) -> Option<u64> {
    None
}
#[operator]
fn finish(x: u64, window: Window) -> Option<u64> {
    None
}

fn main() {}
