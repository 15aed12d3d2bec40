#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn tag(line: String, key: Key<'_, u64>) -> String {
    line
}

pipeline! {
    fn p(lines: Vec<String>) {
        source(lines) -> key_by(|line| line.clone()) -> tag -> sink(stdout());
    }
}

fn main() {}
