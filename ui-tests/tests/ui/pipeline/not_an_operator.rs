#![allow(unused)]
use malstrom::prelude::*;

fn plain(line: String) -> String {
    line
}

pipeline! {
    fn p(lines: Vec<String>) {
        source(lines) -> plain -> sink(stdout());
    }
}

fn main() {}
