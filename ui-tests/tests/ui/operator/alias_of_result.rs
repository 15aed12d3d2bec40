#![allow(unused)]
use malstrom::prelude::*;

type Outcome<T> = Result<T, String>;
#[operator]
fn parse(line: String) -> my::Result<u64> {
    Some(1)
}
mod my {
    pub type Result<T> = Option<T>;
}

fn main() {}
