//! A sliding window of many keys and many panes is put together a slice at a time: whatever else the worker does gets its turn
//! meanwhile.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::Read;
use malstrom::connect::for_each;
use malstrom::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use support::sources::ByCalls;

const KEYS: u64 = 6_000;
const SIZE: i64 = 16;
const TIMES: i64 = 2 * SIZE;
/// One key in one window each.
const RESULTS: u64 = KEYS * (TIMES + SIZE - 1) as u64;
/// More than a slice is, and far less than it takes to put a window together.
const A_SLICE: u64 = 20_000;

#[derive(Default)]
struct Seen {
    /// How often two parts were made one, and how often when the other source was last read.
    merges: AtomicU64,
    before: AtomicU64,
    /// The most of them between two reads of the other source.
    most: AtomicU64,
    results: AtomicU64,
    done: AtomicBool,
}

fn records() -> impl Iterator<Item = (u64, i64, u64)> {
    (0..TIMES).flat_map(|time| (0..KEYS).map(move |key| (key, time, 1)))
}
fn check(seen: &Seen, w: &Windowed<u64, (u64, i64, u64)>) {
    let (start, end) = (w.window.start().as_micros(), w.window.end().as_micros());
    assert_eq!(w.value.2, (end.min(TIMES) - start.max(0)) as u64, "{start}..{end}");
    if seen.results.fetch_add(1, Relaxed) + 1 == RESULTS {
        seen.done.store(true, Relaxed);
    }
}
fn look(seen: &Seen) -> Read {
    let now = seen.merges.load(Relaxed);
    seen.most.fetch_max(now - seen.before.swap(now, Relaxed), Relaxed);
    if seen.done.load(Relaxed) { Read::End } else { Read::More }
}

pipeline! {
    fn beside_another(merging: Arc<Seen>, closing: Arc<Seen>, looking: Arc<Seen>) {
        source(records()) -> timestamps(|r| r.1) -> key_by(|r| r.0) -> window(sliding(SIZE, 1))?
            -> reduce(move |a, b| {
                merging.merges.fetch_add(1, Relaxed);
                (a.0, a.1, a.2 + b.2)
            })
            -> sink(for_each(move |w: Windowed<u64, (u64, i64, u64)>| check(&closing, &w)));
        source(ByCalls { splits: 1, read: move |_, _, _: &mut dyn FnMut(u64)| Ok(look(&looking)) })
            -> sink(for_each(|_: u64| ())) as nowhere;
    }
}

#[test]
fn other_segments_get_their_turn_while_a_window_is_put_together() {
    let seen = Arc::new(Seen::default());
    let job = seen.clone();
    support::run(1, move || beside_another(job.clone(), job.clone(), job.clone())).unwrap();
    assert_eq!(seen.results.load(Relaxed), RESULTS);
    let (merges, most) = (seen.merges.load(Relaxed), seen.most.load(Relaxed));
    assert!(merges > 3 * A_SLICE, "{merges} merges are too few to tell");
    assert!(most <= A_SLICE, "{most} of {merges} merges in one step");
}
