#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(flies::csv("rows.csv")) -> sink(stdout());
    }
}

fn main() {}
