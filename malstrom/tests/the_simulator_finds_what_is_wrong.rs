//! The simulator lets pipelines pass that are right, and finds what is wrong with others: operators that are not deterministic, state
//! that no snapshot has, sinks that show too much and sources that repeat too little. What it reports is the least that it takes.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::sim::engine::What;
use malstrom::sim::{Finding, Output, Sim, output};
use malstrom::{
    Emit, ExactlyOnce, Guarantee, Interval, Never, Pipeline, Read, Replays, Result, Sink, Source, SplitReader,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn found(sim: Sim<'_>) -> Finding {
    let found = sim.seeds(0..60).run().unwrap_err();
    println!("{found}\n");
    found
}

// ---- what is right -------------------------------------------------------------------------------------------------

#[keyed_state(key = u64)]
#[derive(Default)]
struct Sum {
    sum: u64,
    seen: u64,
}
#[operator]
fn add(state: &mut Sum, x: u64) -> Option<(u64, u64)> {
    (state.sum, state.seen) = (state.sum + x, state.seen + 1);
    state.seen.is_multiple_of(3).then_some((x % 7, state.sum))
}
pipeline! {
    #[guarantee(exactly_once)]
    fn sums(numbers: Vec<u64>, out: Output<(u64, u64)>, all: Output<u64>) {
        let numbers = source(numbers);
        numbers -> key_by(|x| x % 7) -> add -> sink(out);
        numbers -> filter(|x| x % 5 == 0) -> sink(all) as all;
    }
    fn counts(splits: u64, out: Output<(u64, u64)>) {
        source(memory::splits(splits as usize, move |split| (0..60u64).map(move |n| n * splits + split as u64)))
            -> key_by(|x| x % 5) -> count() -> sink(out);
    }
}

#[test]
fn what_is_right_passes() {
    let numbers = || (0..300).collect();
    let survived =
        Sim::new(|| sums(numbers(), output().in_order_per(|(key, _)| *key), output())).seeds(0..24).run().unwrap();
    assert_eq!(survived.seeds, 24);
    // There was something to survive.
    assert!(survived.crashes > 12 && survived.rescales > 8 && survived.failures > 0, "{survived:?}");
    assert!(survived.snapshots > 80 && survived.aborted > 1, "{survived:?}");
    // Numbers that are counted on the way are the same, whichever split is faster.
    Sim::new(|| counts(3, output())).seeds(0..10).run().unwrap();
    Sim::new(|| counts(3, output().last_per(|(key, _)| *key))).seeds(0..10).run().unwrap();
}

/// In a map whose order is another one in each run, and who does not look at the order.
#[keyed_state(key = u64)]
#[derive(Default)]
struct Known {
    numbers: HashMap<u64, u64>,
}
#[operator]
fn remember(known: &mut Known, x: u64) -> HashMap<u64, u64> {
    *known.numbers.entry(x % 11).or_default() += 1;
    known.numbers.clone()
}
pipeline! {
    fn maps(out: Output<HashMap<u64, u64>>) {
        source(0..200u64) -> key_by(|x| x % 3) -> remember -> key_by(|all| all.len() as u64) -> sink(out);
    }
}
#[test]
fn maps_may_have_any_order() {
    Sim::new(|| maps(output())).seeds(0..6).run().unwrap();
}

// ---- operators that are not deterministic --------------------------------------------------------------------------

#[operator]
fn stamp(x: u64) -> (u64, u128) {
    #[allow(clippy::disallowed_methods, reason = "that is what is wrong with it")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    (x % 3, now.map_or(0, |now| now.as_nanos()))
}
#[operator]
fn plain(x: u64) -> u64 {
    x + 1
}
#[operator]
fn letters(x: u64) -> impl Iterator<Item = u64> {
    let map: HashMap<u64, u64> = (x..x + 8).map(|n| (n, n)).collect();
    map.into_values()
}
#[operator]
fn sample(x: u64) -> Option<u64> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    (CALLS.fetch_add(1, Ordering::Relaxed) % 7 != 3).then_some(x)
}
pipeline! {
    fn stamped(out: Output<(u64, u128)>) {
        source(0..100u64) -> plain -> key_by(|x| x % 3) -> stamp -> sink(out);
    }
    fn shuffled(out: Output<u64>) {
        source(0..100u64) -> letters -> key_by(|x| x % 3) -> plain -> sink(out);
    }
    fn sampled(out: Output<u64>) {
        source(0..100u64) -> plain -> sample -> map(|x| x) -> sink(out);
    }
}

#[track_caller]
fn varies(make: impl Fn() -> Pipeline, operator: &str) {
    let found = found(Sim::new(make));
    assert_eq!(found.operators().first().map(String::as_str), Some(operator), "{found}");
    assert!(found.to_string().contains(&format!("`{operator}`")), "{found}");
}
#[test]
fn an_operator_that_reads_the_clock_is_named() {
    varies(|| stamped(output()), "stamped/stamp");
}
#[test]
fn an_operator_that_counts_its_calls_is_named() {
    varies(|| sampled(output()), "sampled/sample");
}

// ---- what depends on how work is divided ----------------------------------------------------------------------------

pipeline! {
    /// It counts in a closure, of which no snapshot knows.
    fn numbered(out: Output<(u64, u64)>) {
        source(0..200u64) -> map({ let mut n = 0; move |x| { n += 1; (n, x) } }) -> sink(out);
    }
    /// What comes out depends on which split is read first.
    fn concatenated(out: Output<(u64, u64)>) {
        source(memory::splits(2, |split| (0..50u64).map(move |n| n * 2 + split as u64)))
            -> key_by(|x| x % 5) -> fold(0u64, |sum, x| sum * 3 + x % 11) -> sink(out);
    }
}
#[test]
fn what_no_snapshot_has_is_missed_after_the_first_crash() {
    let found = found(Sim::new(|| numbered(output())).workers(1).rescales(0));
    assert!(found.to_string().contains("`numbered/sink` differs from what it is on one worker"), "{found}");
    let schedule = found.schedule().unwrap();
    assert!(
        matches!(schedule.faults[..], [ref fault] if matches!(fault.what, What::Crash { .. } | What::Store(_))),
        "{found}"
    );
    assert!(found.trace().iter().any(|line| line.contains("the job goes on from snapshot")), "{found}");
}
#[test]
fn what_depends_on_the_order_of_splits_needs_no_fault() {
    let found = found(Sim::new(|| concatenated(output())));
    assert_eq!(found.schedule().unwrap().faults, [], "{found}");
    assert!(found.operators().is_empty(), "it is deterministic: {found}");
}

// ---- sources and sinks ---------------------------------------------------------------------------------------------

/// A source that forgets how far it is, or one record of it.
#[derive(Clone, Copy)]
struct Forgets {
    /// So many are read again behind a position.
    again: u64,
}
struct Reads {
    at: u64,
}
impl Replays for Forgets {}
impl Source for Forgets {
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Reads;
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok(vec![0, 1])
    }
    fn open(&mut self, _: u64, at: Option<u64>) -> Result<Reads> {
        Ok(Reads { at: at.unwrap_or(0).saturating_sub(self.again) })
    }
}
impl SplitReader for Reads {
    type Out = u64;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, max: usize, out: &mut impl Emit<u64, Never>) -> Result<Read> {
        for _ in 0..max {
            if self.at == 100 {
                return Ok(Read::End);
            }
            out.emit(self.at);
            self.at += 1;
        }
        Ok(Read::More)
    }
    fn position(&self) -> u64 {
        self.at
    }
}
/// A sink that shows what it has staged before that is committed.
#[derive(Clone)]
struct Hasty(memory::Collector<u64>);
impl ExactlyOnce for Hasty {}
impl Sink for Hasty {
    type In = u64;
    const GUARANTEE: Guarantee = Guarantee::ExactlyOnce;
    fn write(&mut self, batch: &mut Vec<u64>) -> Result<()> {
        self.0.write(batch)
    }
    fn pre_commit(&mut self, _: Interval) -> Result<Vec<u8>> {
        Ok(vec![1])
    }
}
pipeline! {
    fn read_by(numbers: Forgets, out: Output<u64>) {
        source(numbers) -> sink(out);
    }
    fn written_to(out: Hasty) {
        source(0..200u64) -> key_by(|x| x % 3) -> sink(out);
    }
    fn collected(out: memory::Collector<u64>) {
        source(0..200u64) -> sink(out);
    }
}
#[test]
fn a_source_that_reads_the_same_again_is_found() {
    Sim::new(|| read_by(Forgets { again: 0 }, output())).seeds(0..30).run().unwrap();
    let found = found(Sim::new(|| read_by(Forgets { again: 1 }, output())));
    assert!(found.to_string().contains("too many: "), "{found}");
    assert_eq!(found.schedule().unwrap().faults.len(), 1, "{found}");
}
#[test]
fn a_sink_that_shows_what_is_not_committed_is_found() {
    let shown = memory::collector();
    let found = found(Sim::new(|| written_to(Hasty(shown.clone()))).observe("shown", || shown.take()));
    assert!(found.to_string().contains("`shown` differs"), "{found}");
    // A crash, or two.
    assert!(found.schedule().unwrap().faults.len() <= 2, "{found}");
}

// ---- what is no test -----------------------------------------------------------------------------------------------

#[test]
fn a_pipeline_of_which_nothing_is_compared_is_refused() {
    let found = found(Sim::new(|| collected(memory::collector())));
    assert!(found.to_string().contains("nothing that comes out of it is compared"), "{found}");
}
#[operator]
fn fail(x: u64) -> Result<u64, String> {
    if x == 150 { Err("150 is too much".to_owned()) } else { Ok(x) }
}
pipeline! {
    fn failing(out: Output<u64>) {
        source(0..200u64) -> fail? -> sink(out);
    }
}
#[test]
fn a_pipeline_that_fails_anyway_says_why() {
    let found = found(Sim::new(|| failing(output())));
    assert!(
        found.to_string().contains("fails on one worker") && found.to_string().contains("150 is too much"),
        "{found}"
    );
    assert_eq!(found.seed(), None);
}
#[test]
fn the_same_seed_is_the_same_finding() {
    let run = || Sim::new(|| read_by(Forgets { again: 1 }, output())).seeds(0..60).run().unwrap_err();
    let (a, b) = (run(), run());
    assert_eq!(a.to_string(), b.to_string());
    assert_eq!(a.trace(), b.trace());
    assert!(a.trace().len() > 5);
    let seed = a.seed().unwrap();
    let again = Sim::new(|| read_by(Forgets { again: 1 }, output())).seeds(seed..seed + 1).run().unwrap_err();
    assert_eq!(again.schedule(), a.schedule());
}
#[test]
fn what_is_shared_by_arc_is_no_trouble() {
    let numbers: Arc<Vec<u64>> = Arc::new((0..100).collect());
    Sim::new(|| sums(numbers.to_vec(), output(), output())).seeds(0..3).run().unwrap();
}
#[test]
fn an_order_that_is_random_is_named() {
    varies(|| shuffled(output()), "shuffled/letters");
}

#[malstrom::sim_test(workers = 3, crashes = 2, rescales = 1, seeds = 0..4)]
fn a_function_becomes_a_test() -> Pipeline {
    counts(2, output())
}
