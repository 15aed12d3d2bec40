//! Barriers through sources, exchanges, unions, splits and copies: whatever crashes, each record of the input comes to the
//! output once, at any number of workers.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::Read;
use malstrom::prelude::*;
use std::time::Duration;
use support::by_hand::{Fate, run};
use support::sources::ByCalls;
use support::two_phase::{TwoPhase, two_phase};

#[operator]
fn parse(x: u64) -> Result<u64, String> {
    if x.is_multiple_of(10) { Err(format!("{x}")) } else { Ok(x) }
}

pipeline! {
    fn branches(splits: u64, calls: u64, out: TwoPhase<u64>, bad: TwoPhase<String>) {
        let numbers = source(ByCalls { splits, read: move |split: u64, call: u64, emit: &mut dyn FnMut(u64)| {
            if call >= calls + split {
                return Ok(Read::End);
            }
            if call % 5 == 3 {
                return Ok(Read::After(Duration::from_micros(100 * split)));
            }
            (0..20).for_each(|i| emit((split * 1000 + call) * 20 + i));
            Ok(Read::More)
        }}) -> parse else failed;
        failed -> map(|f| f.error) -> sink(bad);
        let (even, uneven) = numbers -> key_by(|x| *x % 7) -> split(|x| x % 2 == 0);
        let odd = uneven -> key_by(|x| *x % 31) -> map(|x| x);
        let copy = odd -> filter(|x| x % 3 == 0) -> map(|x| x + 1_000_000_000);
        union(even, odd, copy) -> key_by(|x| *x % 13) -> sink(out);
    }
}

/// What the pipeline must give.
fn expected(splits: u64, calls: u64) -> (Vec<u64>, Vec<String>) {
    let calls = (0..splits).flat_map(|split| (0..calls + split).filter(|c| c % 5 != 3).map(move |call| (split, call)));
    let all: Vec<u64> = calls.flat_map(|(split, call)| (0..20).map(move |i| (split * 1000 + call) * 20 + i)).collect();
    let mut bad: Vec<String> = all.iter().filter(|x| **x % 10 == 0).map(u64::to_string).collect();
    let good = || all.iter().copied().filter(|x| x % 10 != 0);
    let copies = good().filter(|x| x % 2 == 1 && x % 3 == 0).map(|x| x + 1_000_000_000);
    let mut out: Vec<u64> = good().chain(copies).collect();
    out.sort_unstable();
    bad.sort_unstable();
    (out, bad)
}

#[test]
fn every_record_comes_out_once_whatever_crashes() {
    let (splits, calls) = (5, 60);
    let (out, bad) = expected(splits, calls);
    let (mut attempts, mut aborted) = (0, 0);
    for seed in 0..60 {
        let (into, bad_into) = (two_phase(), two_phase());
        let fate = Fate { seed, crashes: if seed % 4 == 0 { 0 } else { 150 + seed * 5 }, workers: 4 };
        let came = run(fate, || branches(splits, calls, into.clone(), bad_into.clone()));
        assert!(came.snapshots > 0);
        (attempts, aborted) = (attempts + came.attempts, aborted + came.aborted);
        let (mut got, mut got_bad) = (into.take(), bad_into.take());
        got.sort_unstable();
        got_bad.sort_unstable();
        let missing: Vec<_> = out.iter().filter(|x| got.binary_search(x).is_err()).collect();
        assert_eq!(missing, Vec::<&u64>::new(), "seed {seed}, {came:?}");
        assert_eq!(got.len(), out.len(), "seed {seed}");
        assert!(got == out && got_bad == bad, "seed {seed}");
    }
    assert!(attempts > 120 && aborted > 40, "{attempts} attempts and {aborted} aborted: there is little to survive");
}
