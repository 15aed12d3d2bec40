//! Joins pair what looking at all pairs does, within a distance and in windows, for all four kinds and on any number of
//! workers.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Pipeline, Report};
use proptest::prelude::*;
use std::collections::BTreeSet;
use support::run;
use support::time_oracle::{
    Ev, Joined, KINDS, Pair, Shape, Splits, joined_in_windows, joined_within, streams, windows, windows_of,
};

/// A pair and its event time.
type Out = Collector<(Pair, i64)>;

#[operator]
fn timed<J: Joined>(joined: J, at: EventTime<i64>, key: Key<'_, u64>) -> (Pair, i64) {
    let pair = joined.pair();
    assert!(pair.0.iter().chain(&pair.1).all(|e| e.key == *key));
    (pair, *at)
}

fn splits(data: &Splits) -> memory::Splits<impl Fn(usize) -> std::vec::IntoIter<Ev> + 'static> {
    let data = data.clone();
    memory::splits(data.len(), move |split| data[split].clone().into_iter())
}

macro_rules! jobs {
    ($($name:ident($($parameter:ident),*): $kind:ident, $option:ident = $value:expr;)*) => {
        $(pipeline! {
            fn $name(a: Splits, b: Splits, lag: i64, out: Out, $($parameter: i64),*) {
                let left = source(splits(&a)) as lefts -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
                let right = source(splits(&b)) as rights -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
                join(left, right, $option = $value, kind = $kind) -> timed -> sink(out);
            }
        })*
    };
}
jobs! {
    inner_near(d): inner, within = d;
    left_near(d): left, within = d;
    right_near(d): right, within = d;
    outer_near(d): outer, within = d;
    inner_tumbling(size, offset): inner, window = tumbling(size).offset(offset);
    left_tumbling(size, offset): left, window = tumbling(size).offset(offset);
    right_tumbling(size, offset): right, window = tumbling(size).offset(offset);
    outer_tumbling(size, offset): outer, window = tumbling(size).offset(offset);
    inner_sliding(size, every): inner, window = sliding(size, every);
    left_sliding(size, every): left, window = sliding(size, every);
    right_sliding(size, every): right, window = sliding(size, every);
    outer_sliding(size, every): outer, window = sliding(size, every);
}
pipeline! {
    fn near_by_default(a: Splits, b: Splits, lag: i64, out: Out, d: i64) {
        let left = source(splits(&a)) as lefts -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
        let right = source(splits(&b)) as rights -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
        join(left, right, within = d) -> timed -> sink(out);
    }
    /// A stream with itself.
    fn near_itself(a: Splits, lag: i64, out: Out, d: i64) {
        let all = source(splits(&a)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
        let (odd, even) = all -> split(|e| e.value % 2 != 0);
        join(odd, even, within = d, kind = outer) -> timed -> sink(out);
    }
}

/// What a job emits, sorted.
fn got(workers: usize, job: impl Fn(Out) -> Pipeline + Send + Sync + 'static) -> (Vec<(Pair, i64)>, Report) {
    let out = memory::collector();
    let into = out.clone();
    let report = run(workers, move || job(into.clone())).unwrap();
    let mut pairs = out.take();
    pairs.sort_unstable();
    (pairs, report)
}
fn late(report: &Report) -> u64 {
    report.operators().iter().find(|op| op.id.ends_with("/join")).unwrap().late
}
/// Compares the pairs. Each has the later time of its halves.
fn compare(what: &str, expected: &[Pair], job: impl Fn(Out) -> Pipeline + Clone + Send + Sync + 'static) {
    for workers in 1..=4 {
        let (got, report) = got(workers, job.clone());
        let pairs: Vec<Pair> = got.iter().map(|(pair, _)| *pair).collect();
        assert_eq!(pairs, expected, "{what}, {workers} workers");
        assert_eq!(late(&report), 0, "{what}, {workers} workers");
        for (pair, at) in got {
            assert_eq!(Some(at), pair.0.iter().chain(&pair.1).map(|e| e.at).max(), "{what}: {pair:?}");
        }
    }
}

/// Two sides whose keys and times have to do with each other. Either may be empty, or much longer.
fn sides(late: u64) -> impl Strategy<Value = (Splits, Splits, i64)> {
    let side = move |splits, records| streams(Shape { splits, records, dealt: false, late });
    let lengths = prop_oneof![
        4 => (side(3, 120), side(2, 120)),
        1 => (side(1, 600), side(1, 12)),
        1 => (side(1, 12), side(3, 600)),
        1 => (side(2, 60), Just((vec![Vec::new()], 0))),
        1 => (Just((vec![], 0)), side(2, 60)),
    ];
    (lengths, prop_oneof![Just(0i64), -100..100i64]).prop_map(|(((a, lag), (mut b, other)), apart)| {
        // The ids of both sides differ, and both begin at about the same time, with a tie for one.
        let first = |side: &Splits| side.iter().flatten().next().map_or(0, |e| e.at);
        let shift = first(&a) - first(&b) + apart;
        b.iter_mut().flatten().for_each(|e| (e.id, e.at) = (e.id + 1_000_000, e.at + shift));
        (a, b, lag.max(other))
    })
}
fn all(side: &Splits) -> Vec<Ev> {
    side.iter().flatten().copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 36, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn within_a_distance((a, b, lag) in sides(0), d in prop_oneof![Just(0i64), 1..10i64, 10..200i64]) {
        let jobs = [inner_near as fn(Splits, Splits, i64, Out, i64) -> Pipeline, left_near, right_near, outer_near];
        for (outer, job) in KINDS.into_iter().zip(jobs) {
            let expected = joined_within(&all(&a), &all(&b), d, outer);
            let (a, b) = (a.clone(), b.clone());
            compare(&format!("{outer:?} within {d}"), &expected, move |out| job(a.clone(), b.clone(), lag, out, d));
        }
        let expected = joined_within(&all(&a), &all(&b), d, (false, false));
        compare("default", &expected, move |out| near_by_default(a.clone(), b.clone(), lag, out, d));
    }
    #[test]
    fn in_windows((a, b, lag) in sides(0), (size, every, offset) in windows()) {
        let jobs = [inner_tumbling as fn(Splits, Splits, i64, Out, i64, i64) -> Pipeline, left_tumbling, right_tumbling, outer_tumbling];
        for (outer, job) in KINDS.into_iter().zip(jobs) {
            let expected = joined_in_windows(&all(&a), &all(&b), |at| windows_of(size, size, offset, at), outer);
            let (a, b) = (a.clone(), b.clone());
            compare(&format!("{outer:?} in {size} + {offset}"), &expected, move |out| job(a.clone(), b.clone(), lag, out, size, offset));
        }
        let jobs = [inner_sliding as fn(Splits, Splits, i64, Out, i64, i64) -> Pipeline, left_sliding, right_sliding, outer_sliding];
        for (outer, job) in KINDS.into_iter().zip(jobs) {
            let expected = joined_in_windows(&all(&a), &all(&b), |at| windows_of(size, every, 0, at), outer);
            let (a, b) = (a.clone(), b.clone());
            compare(&format!("{outer:?} in {size} every {every}"), &expected, move |out| job(a.clone(), b.clone(), lag, out, size, every));
        }
    }
    #[test]
    fn two_halves_of_a_stream((a, lag) in streams(Shape { splits: 3, records: 300, dealt: false, late: 0 }), d in 0..60i64) {
        let (odd, even): (Vec<Ev>, Vec<Ev>) = all(&a).into_iter().partition(|e| e.value % 2 != 0);
        let expected = joined_within(&odd, &even, d, (true, true));
        compare("halves", &expected, move |out| near_itself(a.clone(), lag, out, d));
    }
    /// Which records are late depends on who is faster. But those that are not come out, and are joined as if the late ones
    /// did not exist.
    #[test]
    fn late_records_are_counted_and_leave_no_trace((a, b, lag) in sides(4), d in 0..60i64, (size, _, offset) in windows()) {
        for workers in 1..=4 {
            for near in [true, false] {
                let (left, right) = (a.clone(), b.clone());
                let (got, report) = got(workers, move |out| match near {
                    true => outer_near(left.clone(), right.clone(), lag, out, d),
                    false => outer_tumbling(left.clone(), right.clone(), lag, out, size, offset),
                });
                let pairs: Vec<Pair> = got.iter().map(|(pair, _)| *pair).collect();
                let came: (BTreeSet<u64>, BTreeSet<u64>) = (
                    pairs.iter().filter_map(|pair| pair.0).map(|e| e.id).collect(),
                    pairs.iter().filter_map(|pair| pair.1).map(|e| e.id).collect(),
                );
                let (left, right) = (all(&a), all(&b));
                prop_assert_eq!(left.len() + right.len(), came.0.len() + came.1.len() + late(&report) as usize);
                let left: Vec<Ev> = left.into_iter().filter(|e| came.0.contains(&e.id)).collect();
                let right: Vec<Ev> = right.into_iter().filter(|e| came.1.contains(&e.id)).collect();
                let expected = match near {
                    true => joined_within(&left, &right, d, (true, true)),
                    false => joined_in_windows(&left, &right, |at| windows_of(size, size, offset, at), (true, true)),
                };
                prop_assert_eq!(pairs, expected, "near: {}, {} workers", near, workers);
            }
        }
    }
}
