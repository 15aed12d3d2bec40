//! Lengths that make no sense are refused before anything runs, and the message names the stage; those that are only extreme
//! give the right answer.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Error, Pipeline};
use std::collections::BTreeMap;
use std::time::Duration;
use support::run;
use support::time_oracle::{Ev, Kind, Model, Pair, joined_in_windows, joined_within, on_time, windows_of};

type Out = Collector<(u64, (i64, i64), Vec<u64>)>;
fn shown(w: Windowed<u64, Vec<u64>>) -> (u64, (i64, i64), Vec<u64>) {
    (w.key, (w.window.start().as_micros(), w.window.end().as_micros()), w.value)
}
fn listed(mut ids: Vec<u64>, e: Ev) -> Vec<u64> {
    ids.push(e.id);
    ids
}

macro_rules! windows {
    ($($name:ident($($parameter:ident: $type:ty),*): $window:expr;)*) => { pipeline! { $(
        fn $name(data: Vec<Ev>, lag: i64, out: Out, $($parameter: $type),*) {
            source(data) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key) -> window($window) else drop
                -> fold(Vec::new(), listed) -> map(shown) -> sink(out);
        }
    )* } };
}
windows! {
    tumbles(size: i64, offset: i64): tumbling(size).offset(offset);
    slides(size: i64, every: i64): sliding(size, every);
    visits(gap: i64): session(gap);
}
pipeline! {
    fn counts(n: u64) {
        source(0..9u64) -> key_by(|x| *x) -> window(counted(n)) -> count() -> sink(debug());
    }
    fn tumbles_by(size: Duration) {
        source(0..9u64) -> timestamps(|_| Timestamp::UNIX_EPOCH) -> key_by(|x| *x) -> window(tumbling(size))? -> count() -> sink(debug());
    }
    fn lags(lag: i64) {
        source(0..9u64) -> timestamps(|x| *x, lag = lag) -> sink(debug());
    }
    fn waits(lateness: i64) {
        source(0..9u64) -> timestamps(|x| *x) -> key_by(|x| *x) -> window(tumbling(1), lateness = lateness)? as hours
            -> count() -> sink(debug());
    }
    fn pairs_near(within: i64) {
        let a = source(0..9u64) as a -> timestamps(|x| *x) -> key_by(|x| *x);
        let b = source(0..9u64) as b -> timestamps(|x| *x) -> key_by(|x| *x);
        join(a, b, within = within) -> sink(debug());
    }
    fn pairs_in(size: i64, every: i64) {
        let a = source(0..9u64) as a -> timestamps(|x| *x) -> key_by(|x| *x);
        let b = source(0..9u64) as b -> timestamps(|x| *x) -> key_by(|x| *x);
        join(a, b, window = sliding(size, every)) as pairs -> sink(debug());
    }
    fn patient(data: Vec<Ev>, lateness: i64, out: Out) {
        source(data) -> timestamps(|e| e.at) -> key_by(|e| e.key) -> window(tumbling(10), lateness = lateness)?
            -> fold(Vec::new(), listed) -> map(shown) -> sink(out);
    }
    fn patient_visits(data: Vec<Ev>, lateness: i64, out: Out) {
        source(data) -> timestamps(|e| e.at) -> key_by(|e| e.key) -> window(session(10), lateness = lateness)?
            -> fold(Vec::new(), listed) -> map(shown) -> sink(out);
    }
    fn near(a: Vec<Ev>, b: Vec<Ev>, within: i64, out: Collector<Pair>) {
        let a = source(a) as a -> timestamps(|e| e.at, lag = i64::MAX) -> key_by(|e| e.key);
        let b = source(b) as b -> timestamps(|e| e.at, lag = i64::MAX) -> key_by(|e| e.key);
        join(a, b, within = within, kind = outer) -> sink(out);
    }
    fn together(a: Vec<Ev>, b: Vec<Ev>, size: i64, every: i64, out: Collector<Pair>) {
        let a = source(a) as a -> timestamps(|e| e.at, lag = i64::MAX) -> key_by(|e| e.key);
        let b = source(b) as b -> timestamps(|e| e.at, lag = i64::MAX) -> key_by(|e| e.key);
        join(a, b, window = sliding(size, every), kind = outer) -> sink(out);
    }
    fn at_the_least_time(data: Vec<Ev>, out: Out, pairs: Collector<Pair>) {
        let evs = source(data) -> timestamps(|e| e.at) -> key_by(|e| e.key);
        evs -> window(tumbling(1))? as single -> fold(Vec::new(), listed) -> map(shown) -> sink(out.clone());
        evs -> window(session(1), lateness = 0)? as sessions -> fold(Vec::new(), listed) -> map(shown) -> sink(out);
        join(evs, evs, within = 0, kind = outer) -> sink(pairs);
    }
}

fn refused(job: impl Fn() -> Pipeline + Send + Sync + 'static, says: &str) {
    match run(1, job) {
        Err(Error::Config(message)) => assert!(message.contains(says), "{message:?} does not say {says:?}"),
        other => panic!("{says}: {other:?}"),
    }
}
fn ev(id: u64, at: i64) -> Ev {
    Ev { key: 1, at, id, value: 0 }
}
fn evs(times: &[i64]) -> Vec<Ev> {
    (0..).zip(times).map(|(id, at)| ev(id, *at)).collect()
}
fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

#[test]
fn lengths_that_are_not_positive_are_refused() {
    for bad in [0, -5, i64::MIN] {
        let size = format!("/window`: the size of a window must be more than 0, and is {bad}");
        refused(move || tumbles(Vec::new(), 0, memory::collector(), bad, 0), &format!("`tumbles{size}"));
        refused(move || slides(Vec::new(), 0, memory::collector(), bad, 1), &format!("`slides{size}"));
        let every = format!("`slides/window`: how often a window begins must be more than 0, and is {bad}");
        refused(move || slides(Vec::new(), 0, memory::collector(), 5, bad), &every);
        let gap = format!("`visits/window`: the gap between two sessions must be more than 0, and is {bad}");
        refused(move || visits(Vec::new(), 0, memory::collector(), bad), &gap);
        refused(
            move || pairs_in(bad, 1),
            &format!("`pairs_in/pairs`: the size of a window must be more than 0, and is {bad}"),
        );
    }
    refused(|| counts(0), "`counts/window`: a counted window must have at least 1 record");
    // Half a tick is none.
    refused(|| tumbles_by(Duration::ZERO), "`tumbles_by/window`: the size of a window must be more than 0");
    refused(|| tumbles_by(Duration::from_nanos(500)), "`tumbles_by/window`: the size of a window must be more than 0");
    refused(|| tumbles_by((-1).hours()), "`tumbles_by/window`: the size of a window must be more than 0");
}
#[test]
fn lengths_that_are_negative_are_refused() {
    for bad in [-1, i64::MIN] {
        refused(move || lags(bad), &format!("`lags/timestamps`: `lag` cannot be negative, and is {bad}"));
        refused(move || waits(bad), &format!("`waits/hours`: `lateness` cannot be negative, and is {bad}"));
        refused(move || pairs_near(bad), &format!("`pairs_near/join`: `within` cannot be negative, and is {bad}"));
    }
}
#[test]
fn windows_with_gaps_between_them_are_refused() {
    let says = "`every` must not be greater than the size";
    for (size, every) in [(5, 6), (1, i64::MAX), (i64::MAX - 1, i64::MAX)] {
        refused(move || slides(Vec::new(), 0, memory::collector(), size, every), says);
        refused(move || pairs_in(size, every), says);
    }
}
#[test]
fn windows_that_overlap_beyond_reason_are_refused() {
    for (size, every) in [(i64::MAX, 1), (5_000_000, 2)] {
        refused(move || slides(Vec::new(), 0, memory::collector(), size, every), "1000000 are the most");
        refused(move || pairs_in(size, every), "1000000 are the most");
    }
}

/// Runs windows of a kind, and compares with brute force.
fn right(kind: Kind, times: &[i64], lag: i64) {
    let data = evs(times);
    let firings = on_time(kind, data.iter().copied());
    let expected = firings.iter().map(|f| (f.key, f.window, f.records.iter().map(|e| e.id).collect())).collect();
    for workers in 1..=2 {
        let (out, data) = (memory::collector(), data.clone());
        let into: Out = out.clone();
        let job = move || match kind {
            Kind::Aligned { size, every, offset } if size == every => {
                tumbles(data.clone(), lag, into.clone(), size, offset)
            }
            Kind::Aligned { size, every, .. } => slides(data.clone(), lag, into.clone(), size, every),
            Kind::Session { gap } => visits(data.clone(), lag, into.clone(), gap),
            Kind::Counted { .. } | Kind::Global => unreachable!("they have no lengths"),
        };
        run(workers, job).unwrap();
        assert_eq!(sorted(out.take()), sorted::<(u64, _, _)>(Vec::clone(&expected)), "{kind:?}, lag {lag}");
    }
}

#[test]
fn a_lag_longer_than_all_of_time_makes_nothing_late() {
    let times = [i64::MAX - 1, 0, i64::MIN, -7, 3];
    for kind in [
        Kind::Aligned { size: 10, every: 10, offset: 0 },
        Kind::Aligned { size: i64::MAX, every: i64::MAX, offset: 0 },
        Kind::Aligned { size: i64::MAX, every: i64::MAX / 3, offset: 0 },
        Kind::Session { gap: 5 },
        Kind::Session { gap: i64::MAX },
    ] {
        right(kind, &times[1..], i64::MAX);
        right(kind, &[0, -i64::MAX, -7], i64::MAX);
    }
}
#[test]
fn an_offset_larger_than_the_window_shifts_by_what_is_left_of_it() {
    for offset in [7, 23, -23, i64::MAX, i64::MIN, i64::MIN + 1] {
        // Windows go by the offset less whole windows, which is the same shift.
        let kind = Kind::Aligned { size: 10, every: 10, offset: offset.rem_euclid(10) };
        let data = evs(&[-11, -10, -1, 0, 3, 9, 10, 12, 40]);
        let expected: Vec<_> = on_time(kind, data.iter().copied())
            .iter()
            .map(|f| (f.key, f.window, f.records.iter().map(|e| e.id).collect::<Vec<_>>()))
            .collect();
        let (out, into) = {
            let out: Out = memory::collector();
            (out.clone(), out)
        };
        run(1, move || tumbles(data.clone(), 0, into.clone(), 10, offset)).unwrap();
        assert_eq!(sorted(out.take()), sorted(expected), "offset {offset}");
    }
}
#[test]
fn a_thousand_windows_that_overlap() {
    right(Kind::Aligned { size: 1_000, every: 1, offset: 0 }, &[-3, 0, 1, 1, 700, 1_500, 10_000], 0);
    right(Kind::Aligned { size: 3_000, every: 3, offset: 0 }, &[-3, 0, 1, 1, 700, 1_500, 10_000], 5);
}

#[test]
fn lateness_without_an_end_keeps_all_windows() {
    let data = evs(&[5, 100, 7, 1_000_000, 3, 104, 1 << 60, 2, -1 << 60, -5]);
    for (kind, job) in [
        (Kind::Aligned { size: 10, every: 10, offset: 0 }, patient as fn(Vec<Ev>, i64, Out) -> Pipeline),
        (Kind::Session { gap: 10 }, patient_visits),
    ] {
        let data = data.clone();
        let model = Model::new(kind, 0, i64::MAX, &data);
        assert!(model.late.is_empty());
        // What each window came to last.
        let last = |all: Vec<(u64, (i64, i64), Vec<u64>)>| -> BTreeMap<(i64, i64), Vec<u64>> {
            all.into_iter().map(|(_, window, ids)| (window, sorted(ids))).collect()
        };
        let expected = model.firings.iter().map(|f| (f.key, f.window, f.records.iter().map(|e| e.id).collect()));
        let out: Out = memory::collector();
        let into = out.clone();
        run(1, move || job(data.clone(), i64::MAX, into.clone())).unwrap();
        assert_eq!(last(out.take()), last(expected.collect()), "{kind:?}");
    }
}

#[test]
fn joins_reach_to_the_ends_of_time() {
    let (a, b) =
        (evs(&[i64::MIN, -1, 0, i64::MAX]), [i64::MIN, 1, i64::MAX - 1, i64::MAX].map(|at| ev(at.cast_unsigned(), at)));
    for within in [0, 1, i64::MAX - 1, i64::MAX] {
        let out: Collector<Pair> = memory::collector();
        let (into, left, right) = (out.clone(), a.clone(), b.to_vec());
        run(1, move || near(left.clone(), right.clone(), within, into.clone())).unwrap();
        assert_eq!(sorted(out.take()), joined_within(&a, &b, within, (true, true)), "within {within}");
    }
    for (size, every) in [(1, 1), (10, 3), (i64::MAX, i64::MAX), (i64::MAX, i64::MAX / 2)] {
        let out: Collector<Pair> = memory::collector();
        let (into, left, right) = (out.clone(), a.clone(), b.to_vec());
        run(1, move || together(left.clone(), right.clone(), size, every, into.clone())).unwrap();
        let expected = joined_in_windows(&a, &b, |at| windows_of(size, every, 0, at), (true, true));
        assert_eq!(sorted(out.take()), expected, "{size} every {every}");
    }
}

#[test]
fn what_has_the_least_time_is_not_late_for_it() {
    // No promise can be made that lies before it.
    let data = evs(&[i64::MIN, i64::MIN, i64::MIN]);
    let (out, pairs): (Out, Collector<Pair>) = (memory::collector(), memory::collector());
    let (into, paired) = (out.clone(), pairs.clone());
    run(1, move || at_the_least_time(data.clone(), into.clone(), paired.clone())).unwrap();
    let window = (1, (i64::MIN, i64::MIN + 1), vec![0, 1, 2]);
    assert_eq!(out.take(), [window.clone(), window]);
    assert_eq!(pairs.take().len(), 9);
}
