#![allow(unused)]
use malstrom::prelude::*;

#[operator]
unsafe fn first(bytes: Vec<u8>) -> u8 {
    0
}

fn main() {}
