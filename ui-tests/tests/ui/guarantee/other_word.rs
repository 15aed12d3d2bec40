#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    #[guarantee(at_least_once)]
    fn p() {
        source(0..9u64) -> sink(stdout());
    }
    #[guarantee]
    fn q() {
        source(0..9u64) -> sink(stdout());
    }
    #[guarantee(exactly_once, at_least_once)]
    fn r() {
        source(0..9u64) -> sink(stdout());
    }
    #[guarantee = "exactly_once"]
    fn s() {
        source(0..9u64) -> sink(stdout());
    }
}

fn main() {}
