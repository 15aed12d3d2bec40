#![allow(unused)]
use malstrom::prelude::*;

#[operator]
struct Score;

fn main() {}
