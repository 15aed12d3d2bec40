#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn halve(x: u64, odd: Output<'_, String>) -> Result<u64, String> {
    Ok(x)
}

pipeline! {
    fn p() {
        source(0..9u64) -> halve? -> sink(stdout());
    }
}

fn main() {}
