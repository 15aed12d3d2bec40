#![allow(unused)]
use malstrom::prelude::*;

pipeline! {}

fn main() {}
