#![allow(unused)]
use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;

pipeline! {
    #[guarantee(exactly_once)]
    fn p(into: memory::Collector<u64>) {
        let numbers = source(0..9u64);
        numbers -> sink(into);
        numbers -> map(|n| n.to_string()) -> sink(for_each(|n: u64| drop(n)));
    }
}

fn main() {}
