#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn trim(line: String) -> String {
    line
}
#[operator]
fn length(line: String) -> u64 {
    0
}
#[operator]
fn halve(x: u64, odd: Output<'_, String>) -> Option<u64> {
    Some(x)
}

macro_rules! measure {
    ($name:ident, $stage:ident) => {
        pipeline! {
            fn $name(lines: Vec<String>) {
                source(lines) -> length -> $stage -> sink(stdout());
            }
        }
    };
}
measure!(p, trim);

fn main() {}
