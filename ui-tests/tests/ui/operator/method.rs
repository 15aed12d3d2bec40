#![allow(unused)]
use malstrom::prelude::*;

struct Cleaner;
impl Cleaner {
    #[operator]
    fn trim(&self, line: String) -> String {
        line
    }
}

fn main() {}
