#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    async fn p(lines: Vec<String>) {
        source(lines) -> sink(stdout());
    }
}

fn main() {}
