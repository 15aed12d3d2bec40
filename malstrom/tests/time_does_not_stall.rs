//! What has nothing to say holds nobody up: idle splits, empty branches, inputs that have ended, workers without splits. A
//! window closes while its source is still open.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::for_each;
use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Handle, Pipeline, Runtime};
use std::time::Duration;
use support::feed::{Act, Feed};
use support::time_oracle::Ev;

/// The start of a window of 10, and the ids in it.
type Out = Collector<(i64, Vec<u64>)>;
const MINUTE: Duration = Duration::from_secs(60);

fn listed(mut ids: Vec<u64>, e: Ev) -> Vec<u64> {
    ids.push(e.id);
    ids
}
fn closed(w: Windowed<u64, Vec<u64>>) -> (i64, Vec<u64>) {
    (w.window.start().as_micros(), w.value)
}
#[operator]
fn aside(e: Ev, side: Output<'_, Ev>) -> Option<Ev> {
    side.push(e);
    None
}
#[operator]
fn refuse(e: Ev) -> Result<Ev, Ev> {
    Err(e)
}

pipeline! {
    fn plain(feed: Feed, out: Out) {
        source(feed) -> timestamps(|e| e.at) -> key_by(|e| e.key) -> window(tumbling(10)) else drop
            -> fold(Vec::new(), listed) -> map(closed) -> sink(out);
    }
    /// Also says which records have arrived behind the exchange.
    fn watched(feed: Feed, seen: Collector<u64>, out: Out) {
        let keyed = source(feed) -> timestamps(|e| e.at) -> key_by(|e| e.key);
        keyed -> map(|e| e.id) -> sink(seen);
        keyed -> window(tumbling(10)) else drop -> fold(Vec::new(), listed) -> map(closed) -> sink(out);
    }
    fn patient(feed: Feed, idle: Duration, out: Out) {
        source(feed) -> timestamps(|e| e.at, idle = idle) -> key_by(|e| e.key) -> window(tumbling(10)) else drop
            -> fold(Vec::new(), listed) -> map(closed) -> sink(out);
    }
    fn united(a: Feed, b: Feed, out: Out) {
        let a = source(a) as a -> timestamps(|e| e.at);
        let b = source(b) as b -> timestamps(|e| e.at);
        union(a, b) -> key_by(|e| e.key) -> window(tumbling(10)) else drop -> fold(Vec::new(), listed) -> map(closed) -> sink(out);
    }
    fn with_an_empty_branch(feed: Feed, out: Out) {
        let all = source(feed) -> timestamps(|e| e.at);
        let (none, some) = all -> split(|e| e.value < i64::MIN + 1);
        let nothing = some -> filter(|e| e.value == i64::MIN);
        let (empty, aside) = some -> aside;
        let refused = some -> refuse else failures;
        let keyed = some -> key_by(|e| e.key) -> filter(|_| false);
        let unkeyed = union(none, nothing, empty, refused, aside) -> key_by(|e| e.key);
        union(unkeyed, keyed) -> window(tumbling(10)) else drop -> fold(Vec::new(), listed) -> map(closed) -> sink(out);
        failures -> sink(for_each(|_: Failure<Ev>| ()));
    }
    fn through_many_exchanges(feed: Feed, out: Out) {
        source(feed) -> timestamps(|e| e.at) -> key_by(|e| e.id) -> map(|e| e) -> key_by(|e| e.id / 7) -> map(|e| e) -> key_by(|e| e.key)
            -> window(tumbling(10)) else drop -> fold(Vec::new(), listed) -> map(closed) -> sink(out);
    }
}

fn start(workers: usize, pipeline: impl Fn() -> Pipeline + Send + Sync + 'static) -> Handle {
    Runtime::builder().workers(workers).build().unwrap().start(pipeline).unwrap()
}
/// Waits for the next results.
#[track_caller]
fn next(out: &Out, n: usize) -> Vec<(i64, Vec<u64>)> {
    let mut got = Vec::new();
    support::until(&format!("{n} windows have closed"), || {
        got.extend(out.take());
        got.len() >= n
    });
    got.iter_mut().for_each(|(_, ids)| ids.sort_unstable());
    got
}
/// Runs `body` with one to four workers; it must end the sources.
fn on_any_number_of_workers(body: impl Fn(usize, &Out) -> Handle + Send + Sync + 'static) {
    support::within(MINUTE, move || {
        for workers in 1..=4 {
            let out = memory::collector();
            body(workers, &out).join().unwrap();
            assert_eq!(out.take(), [], "everything was looked at, {workers} workers");
        }
    });
}

#[test]
fn a_window_closes_while_the_source_is_open() {
    // Fewer splits than workers.
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(1), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || plain(source.clone(), into.clone()));
        feed.emit(0, [3, 9, 10]);
        assert_eq!(next(out, 1), [(0, vec![3, 9])]);
        feed.emit(0, [42]);
        assert_eq!(next(out, 1), [(10, vec![10])]);
        feed.end();
        assert_eq!(next(out, 1), [(40, vec![42])]);
        handle
    });
}

#[test]
fn time_passes_many_exchanges() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(2), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || through_many_exchanges(source.clone(), into.clone()));
        feed.emit(0, [3, 9, 10]);
        feed.emit(1, [1, 2, 12]);
        assert_eq!(next(out, 1), [(0, vec![1, 2, 3, 9])]);
        feed.end();
        assert_eq!(next(out, 1), [(10, vec![10, 12])]);
        handle
    });
}

#[test]
fn a_source_without_splits_is_no_obstacle() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(1), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || united(source.clone(), Feed::new(0), into.clone()));
        feed.emit(0, [3, 10]);
        assert_eq!(next(out, 1), [(0, vec![3])]);
        feed.end();
        assert_eq!(next(out, 1), [(10, vec![10])]);
        handle
    });
}

#[test]
fn a_split_that_has_ended_holds_nothing_back() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(3), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || plain(source.clone(), into.clone()));
        feed.emit(0, [3, 25]);
        feed.emit(1, [4]);
        feed.act(1, [Act::End]);
        feed.act(2, [Act::End]);
        assert_eq!(next(out, 1), [(0, vec![3, 4])]);
        feed.act(0, [Act::End]);
        assert_eq!(next(out, 1), [(20, vec![25])]);
        handle
    });
}

#[test]
fn an_input_of_a_union_that_has_ended_holds_nothing_back() {
    on_any_number_of_workers(|workers, out| {
        let (a, b, into) = (Feed::new(1), Feed::new(2), out.clone());
        let sources = (a.clone(), b.clone());
        let handle = start(workers, move || united(sources.0.clone(), sources.1.clone(), into.clone()));
        b.emit(0, [5]);
        b.end();
        a.emit(0, [3, 10]);
        assert_eq!(next(out, 1), [(0, vec![3, 5])]);
        a.end();
        assert_eq!(next(out, 1), [(10, vec![10])]);
        handle
    });
}

#[test]
fn a_silent_split_is_idle_after_a_while() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(3), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || patient(source.clone(), 30.millis(), into.clone()));
        // One never says anything, one stops to, one goes on.
        feed.emit(1, [1, 2]);
        feed.emit(0, [3]);
        let mut got = Vec::new();
        support::until("the first window has closed", || {
            feed.emit(0, [10]);
            got.extend(out.take());
            !got.is_empty()
        });
        got.iter_mut().for_each(|(_, ids)| ids.sort_unstable());
        assert_eq!(got, [(0, vec![1, 2, 3])]);
        feed.end();
        assert_eq!(next(out, 1)[0].0, 10);
        handle
    });
}

#[test]
fn when_all_fall_idle_what_the_furthest_has_promised_counts() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(3), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || patient(source.clone(), 30.millis(), into.clone()));
        feed.emit(1, [1, 2]);
        feed.emit(0, [3, 10]);
        assert_eq!(next(out, 1), [(0, vec![1, 2, 3])]);
        feed.emit(0, [20]);
        assert_eq!(next(out, 1), [(10, vec![10])]);
        feed.end();
        assert_eq!(next(out, 1), [(20, vec![20])]);
        handle
    });
}

#[test]
fn a_split_that_was_silent_may_say_later_that_it_rests() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(2), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || plain(source.clone(), into.clone()));
        feed.emit(1, [1]);
        feed.act(1, [Act::Pause(1.millis()), Act::Pause(1.millis()), Act::Rest]);
        feed.emit(0, [3, 10]);
        assert_eq!(next(out, 1), [(0, vec![1, 3])]);
        feed.end();
        assert_eq!(next(out, 1), [(10, vec![10])]);
        handle
    });
}

#[test]
fn a_split_that_wakes_up_is_waited_for_again() {
    on_any_number_of_workers(|workers, out| {
        let (feed, seen, into) = (Feed::new(2), memory::collector(), out.clone());
        let (source, watch) = (feed.clone(), seen.clone());
        feed.act(1, [Act::Rest]);
        let handle = start(workers, move || watched(source.clone(), watch.clone(), into.clone()));
        feed.emit(0, [3, 10]);
        assert_eq!(next(out, 1), [(0, vec![3])]);
        // It wakes up with a record that is on time, and so are those that follow it, however far the other one is.
        feed.emit(1, [31]);
        support::until("it has woken up", || seen.take().contains(&31));
        feed.emit(0, [25]);
        assert_eq!(next(out, 1), [(10, vec![10])]);
        feed.emit(0, [1_000]);
        support::until("the other one is far ahead", || seen.take().contains(&1_000));
        feed.emit(1, [32, 39, 40]);
        assert_eq!(next(out, 2), [(20, vec![25]), (30, vec![31, 32, 39])]);
        feed.emit_and_rest(1, [41]);
        assert_eq!(next(out, 1), [(40, vec![40, 41])]);
        feed.end();
        assert_eq!(next(out, 1), [(1_000, vec![1_000])]);
        handle
    });
}

#[test]
fn when_all_splits_rest_nothing_closes_until_one_goes_on() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(2), out.clone());
        let source = feed.clone();
        feed.act(1, [Act::Rest]);
        let handle = start(workers, move || plain(source.clone(), into.clone()));
        feed.emit_and_rest(0, [3]);
        feed.emit(0, [5, 12]);
        assert_eq!(next(out, 1), [(0, vec![3, 5])]);
        feed.end();
        assert_eq!(next(out, 1), [(10, vec![12])]);
        handle
    });
}

#[test]
fn what_the_source_promises_closes_windows_without_records() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(2), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || plain(source.clone(), into.clone()));
        feed.emit(0, [3, 12]);
        feed.act(0, [Act::Promise(19)]);
        feed.act(1, [Act::Promise(9)]);
        assert_eq!(next(out, 1), [(0, vec![3])]);
        feed.act(1, [Act::Promise(25)]);
        assert_eq!(next(out, 1), [(10, vec![12])]);
        feed.emit(1, [26, 30]);
        feed.end();
        assert_eq!(next(out, 2), [(20, vec![26]), (30, vec![30])]);
        handle
    });
}

#[test]
fn branches_without_records_pass_time_on() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(1), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || with_an_empty_branch(source.clone(), into.clone()));
        // Only what was pushed aside arrives.
        feed.emit(0, [3, 4, 10]);
        assert_eq!(next(out, 1), [(0, vec![3, 4])]);
        feed.end();
        assert_eq!(next(out, 1), [(10, vec![10])]);
        handle
    });
}

#[test]
fn a_stop_closes_nothing() {
    on_any_number_of_workers(|workers, out| {
        let (feed, into) = (Feed::new(2), out.clone());
        let source = feed.clone();
        let handle = start(workers, move || plain(source.clone(), into.clone()));
        feed.emit(0, [3, 10]);
        feed.emit(1, [4, 11]);
        assert_eq!(next(out, 1), [(0, vec![3, 4])]);
        handle.stop().unwrap();
        handle
    });
}
