//! `as new was old`: what a snapshot has under the old name is restored, and from then on written under the new one.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Error, Pipeline};
use std::path::Path;
use std::time::Duration;
use support::staying::{Staying, kept, staying};
use support::{until, within};

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Seen {
    times: u64,
}
#[derive(Record)]
pub struct Remind;

#[operator(on_timer = remind)]
fn seen(state: &mut Seen, at: u64, timers: Timers<'_, Remind>) -> Option<String> {
    state.times += 1;
    if at == 5 {
        timers.at(100u64, Remind);
    }
    Some(format!("{} is seen for the {}. time", at % 2, state.times))
}
#[operator]
fn remind(state: &mut Seen, _: Remind, key: Key<'_, u64>) -> Option<String> {
    // It is behind records of its key that came with the watermark, or before them.
    Some(format!("{} was seen {} times", *key, state.times / 10 * 10))
}

mod before {
    use super::*;
    pipeline! {
        <u64, u64 by u64> fn sums() = key_by(|x| x % 2) -> sum(|x| *x) as total -> map(|(_, sum)| sum);

        pub fn p(numbers: Staying<u64>, out: Collector<String>) {
            let numbers = source(numbers) -> timestamps(|x| *x);
            numbers -> key_by(|x| x % 2) -> seen -> sink(out.clone()) as by_seen;
            numbers -> key_by(|x| x % 2) -> count() as counted
                -> map(|(key, n)| format!("{key} counts {n}")) -> sink(out.clone()) as by_count;
            numbers -> sums() as inner -> map(|sum| format!("a sum is {sum}")) -> sink(out) as by_sum;
        }
    }
}
mod after {
    use super::*;
    pipeline! {
        <u64, u64 by u64> fn sums() = key_by(|x| x % 2) -> sum(|x| *x) as total -> map(|(_, sum)| sum);

        pub fn p(numbers: Staying<u64>, out: Collector<String>) {
            let numbers = source(numbers) as given was source -> timestamps(|x| *x);
            numbers -> key_by(|x| x % 2) -> seen as watched was seen -> sink(out.clone()) as by_seen;
            numbers -> key_by(|x| x % 2) -> count() as many was counted
                -> map(|(key, n)| format!("{key} counts {n}")) -> sink(out.clone()) as by_count;
            numbers -> sums() as outer was inner -> map(|sum| format!("a sum is {sum}")) -> sink(out) as by_sum;
        }
    }
}
/// Names that are new and say of nothing what it was.
mod forgotten {
    use super::*;
    pipeline! {
        <u64, u64 by u64> fn sums() = key_by(|x| x % 2) -> sum(|x| *x) as total -> map(|(_, sum)| sum);

        pub fn p(numbers: Staying<u64>, out: Collector<String>) {
            let numbers = source(numbers) as given -> timestamps(|x| *x);
            numbers -> key_by(|x| x % 2) -> seen as watched -> sink(out.clone()) as by_seen;
            numbers -> key_by(|x| x % 2) -> count() as many
                -> map(|(key, n)| format!("{key} counts {n}")) -> sink(out.clone()) as by_count;
            numbers -> sums() as outer -> map(|sum| format!("a sum is {sum}")) -> sink(out) as by_sum;
        }
    }
}

type Make = fn(Staying<u64>, Collector<String>) -> Pipeline;

/// Goes on until all numbers up to this one have been read, and stops. What was emitted, sorted.
fn run(at: &Path, make: Make, upto: u64, expected: usize, dropped: &[&str]) -> Result<Vec<String>, Error> {
    let mut builder = kept(at);
    for operator in dropped {
        builder = builder.drop_state(*operator);
    }
    let runtime = builder.build()?;
    within(Duration::from_secs(60), move || {
        let out = memory::collector();
        let into = out.clone();
        let job = runtime.start(move || make(staying(1..=upto), into.clone()))?;
        let mut all = Vec::new();
        until("everything is emitted", || {
            all.extend(out.take());
            all.len() >= expected
        });
        job.stop()?;
        job.join()?;
        all.extend(out.take());
        all.sort();
        Ok(all)
    })
}

/// What comes of the numbers behind `from`, up to `upto`.
fn model(from: u64, upto: u64) -> Vec<String> {
    let mut all = Vec::new();
    for x in from + 1..=upto {
        let so_far = || (1..=x).filter(|y| y % 2 == x % 2);
        all.push(format!("{} is seen for the {}. time", x % 2, so_far().count()));
        all.push(format!("{} counts {}", x % 2, so_far().count()));
        all.push(format!("a sum is {}", so_far().sum::<u64>()));
    }
    if (from..upto).contains(&100) {
        all.push("1 was seen 50 times".to_owned());
    }
    all.sort();
    all
}

#[test]
fn state_timers_and_positions_are_found_under_the_old_name() {
    let at = tempfile::tempdir().unwrap();
    assert_eq!(run(at.path(), before::p, 10, 30, &[]).unwrap(), model(0, 10));
    assert_eq!(run(at.path(), after::p, 20, 30, &[]).unwrap(), model(10, 20));
    // Now it is there under the new name, whether the old one is mentioned or not.
    assert_eq!(run(at.path(), after::p, 30, 30, &[]).unwrap(), model(20, 30));
    let timer_too = 210 + 1;
    assert_eq!(run(at.path(), forgotten::p, 101, timer_too, &[]).unwrap(), model(30, 101));
    // The old names mean nothing any more.
    let refused = run(at.path(), before::p, 110, 0, &[]).unwrap_err().to_string();
    assert!(refused.contains("has state of `p/given`, `p/many`, `p/outer/total`, `p/watched`"), "{refused}");
}

#[test]
fn without_was_the_state_is_missed_and_not_lost_in_silence() {
    let at = tempfile::tempdir().unwrap();
    run(at.path(), before::p, 10, 30, &[]).unwrap();
    let refused = run(at.path(), forgotten::p, 20, 0, &[]).unwrap_err();
    assert!(matches!(refused, Error::Config(_)));
    assert_eq!(
        refused.to_string(),
        "snapshot 1 has state of `p/counted`, `p/inner/total`, `p/seen`, `p/source`, which the pipeline has no more: if it was \
         renamed, write `as new_name was counted` behind it in the pipeline, and if it is to be lost, start with `--drop-state \
         p/counted`"
    );
    // Dropped, all begins anew, the source too.
    let dropped = ["p/counted", "p/inner/total", "p/seen", "p/source"];
    assert_eq!(run(at.path(), forgotten::p, 20, 60, &dropped).unwrap(), model(0, 20));
    // `was` does not bring back what is dropped.
    let at = tempfile::tempdir().unwrap();
    run(at.path(), before::p, 10, 30, &[]).unwrap();
    let got = run(at.path(), after::p, 11, 3, &["p/counted"]).unwrap();
    assert_eq!(got, ["1 counts 1", "1 is seen for the 6. time", "a sum is 36"]);
}

mod swapped {
    use super::*;
    pipeline! {
        pub fn p(numbers: Staying<u64>, out: Collector<String>) {
            let numbers = source(numbers);
            numbers -> key_by(|x| x % 2) -> sum(|x| *x) as a was b -> map(|(_, n)| n.to_string()) -> sink(out.clone()) as one;
            numbers -> key_by(|x| x % 2) -> sum(|x| *x) as b was a -> map(|(_, n)| n.to_string()) -> sink(out) as two;
        }
    }
}
mod moved_on {
    use super::*;
    pipeline! {
        /// What was `counted` has another name, and something else is called so now.
        pub fn p(numbers: Staying<u64>, out: Collector<String>) {
            let numbers = source(numbers) -> timestamps(|x| *x);
            numbers -> key_by(|x| x % 2) -> count() as many was counted
                -> map(|(key, n)| format!("{key} counts {n}")) -> sink(out.clone()) as by_count;
            numbers -> key_by(|x| x % 2) -> count() as counted
                -> map(|(key, n)| format!("{key} counts anew {n}")) -> sink(out) as by_sum;
        }
    }
}

#[test]
fn a_name_can_go_to_another_operator() {
    let at = tempfile::tempdir().unwrap();
    run(at.path(), before::p, 10, 30, &[]).unwrap();
    let dropped = ["p/inner/total", "p/seen"];
    assert_eq!(run(at.path(), moved_on::p, 11, 2, &dropped).unwrap(), ["1 counts 6", "1 counts anew 1"]);
    assert_eq!(
        run(at.path(), moved_on::p, 13, 4, &[]).unwrap(),
        ["0 counts 6", "0 counts anew 1", "1 counts 7", "1 counts anew 2"]
    );
}

#[test]
fn names_that_were_exchanged_are_refused() {
    let at = tempfile::tempdir().unwrap();
    let refused = run(at.path(), swapped::p, 10, 0, &[]).unwrap_err().to_string();
    assert!(refused.contains("exchanged their names"), "{refused}");
}
