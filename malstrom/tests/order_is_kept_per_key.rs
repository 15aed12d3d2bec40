//! Records of one split that travel under one key stay in order: through one exchange, and through two in a row where the
//! second key refines the first.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory;
use malstrom::prelude::*;
use std::collections::HashMap;

/// (split, number, fan)
type Numbered = (u64, u64, u64);

pipeline! {
    fn once(splits: usize, n: u64, keys: u64, out: memory::Collector<(u64, u64, Numbered)>) {
        source(memory::splits(splits, move |split| (0..n).map(move |i| (split as u64, i, 0)))) -> key_by(move |r: &Numbered| r.1 % keys)
            -> map(move |r| (0, r.1 % keys, r)) -> sink(out);
    }
    fn twice(splits: usize, n: u64, keys: u64, out: memory::Collector<(u64, u64, Numbered)>) {
        source(memory::splits(splits, move |split| (0..n).map(move |i| (split as u64, i, 0)))) -> key_by(move |r: &Numbered| r.1 % keys)
            -> flat_map(|r| (0..3).map(move |fan| (r.0, r.1, fan)))
            -> key_by(move |r: &Numbered| format!("{}", r.1 % (2 * keys)))
            -> map(move |r| (0, r.1 % (2 * keys), r)) -> sink(out);
    }
    // From one key to another: what comes from one worker keeps its order.
    fn regrouped(splits: usize, n: u64, keys: u64, out: memory::Collector<(u64, u64, Numbered)>) {
        source(memory::splits(splits, move |split| (0..n).map(move |i| (split as u64, i, 0)))) -> key_by(move |r: &Numbered| r.1 % keys)
            -> key_by(|_| 0u64) -> map(move |r| (0, r.1 % keys, r)) -> sink(out);
    }
}

fn in_order(got: Vec<(u64, u64, Numbered)>, expected: usize) {
    assert_eq!(got.len(), expected);
    let mut last: HashMap<(u64, u64), (u64, u64)> = HashMap::new();
    for (_, key, (split, number, fan)) in got {
        let before = last.insert((key, split), (number, fan));
        assert!(before < Some((number, fan)), "key {key}, split {split}: {before:?} before {:?}", (number, fan));
    }
}

#[test]
fn through_one_exchange_and_two() {
    for workers in 1..=4 {
        for (splits, n, keys) in [(1, 1, 1), (1, 5_000, 3), (3, 3_000, 50), (5, 1_023, 1_000)] {
            let out = memory::collector();
            let total = splits * n as usize;
            let into = out.clone();
            support::run(workers, move || once(splits, n, keys, into.clone())).unwrap();
            in_order(out.take(), total);
            let into = out.clone();
            support::run(workers, move || twice(splits, n, keys, into.clone())).unwrap();
            in_order(out.take(), 3 * total);
            let into = out.clone();
            support::run(workers, move || regrouped(splits, n, keys, into.clone())).unwrap();
            in_order(out.take(), total);
        }
    }
}
