//! `split` parts a stream in two, `union` makes one of several. A stream may have many readers; its records are then
//! copied, so they must be `Clone`.
use malstrom::prelude::*;

pipeline! {
    fn numbers(upto: u64) {
        let all = source(1..=upto);
        let (even, odd) = all -> split(|n| n % 2 == 0);
        let halves = even -> map(|n| n / 2);
        let triples = odd -> map(|n| n * 3);
        union(halves, triples) -> map(|n| format!("result {n}")) -> sink(stdout()) as results;
        all -> map(|n| format!("number {n}")) -> sink(stdout()) as numbers;
    }
}

fn main() -> malstrom::Result<()> {
    eprintln!("{}", malstrom::run(|| numbers(6))?);
    Ok(())
}
