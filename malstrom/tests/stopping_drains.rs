//! A running job can be watched, stopped and joined; what its sources produced before the stop arrives.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use malstrom::{Read, Runtime};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::sources::ByCalls;

const MINUTE: Duration = Duration::from_secs(60);

pipeline! {
    fn endless(produced: Arc<AtomicU64>, arrived: Arc<AtomicU64>) {
        source(memory::splits(3, move |_| { let produced = produced.clone(); (0..).inspect(move |_| { produced.fetch_add(1, Ordering::Relaxed); }) }))
            -> key_by(|x: &u64| x % 100) -> count() -> key_by(|c| c.1 % 10)
            -> sink(for_each(move |_: (u64, u64)| { arrived.fetch_add(1, Ordering::Relaxed); }));
    }
    fn idle(splits: u64, pause: Duration) {
        source(ByCalls { splits, read: move |_: u64, _: u64, _: &mut dyn FnMut(u64)| Ok(Read::After(pause)) })
            -> key_by(|x| *x) -> sink(for_each(|_: u64| ()));
    }
    fn finite(splits: usize, n: u64, out: memory::Collector<u64>) {
        source(memory::splits(splits, move |_| 0..n)) -> key_by(|x| *x) -> map(|x| x) -> key_by(|x| x % 3) -> sink(out);
    }
}

#[test]
fn what_was_produced_before_the_stop_arrives() {
    support::within(MINUTE, || {
        for workers in [1, 2, 3, 4] {
            let (produced, arrived) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let (p, a) = (produced.clone(), arrived.clone());
            let runtime = Runtime::builder().workers(workers).build().unwrap();
            let handle = runtime.start(move || endless(p.clone(), a.clone())).unwrap();
            let mut before = 0;
            for _ in 0..3 {
                support::until("the report shows progress", || handle.report().records_read() > before);
                before = handle.report().records_read();
            }
            let running = handle.report();
            assert!(!running.stopped() && running.workers() == workers && running.pipeline() == "endless");
            handle.stop().unwrap();
            let counts = (produced.load(Ordering::SeqCst), arrived.load(Ordering::SeqCst));
            assert_eq!(counts.0, counts.1);
            // Once more, and then the outcome.
            handle.stop().unwrap();
            let report = handle.join().unwrap();
            assert!(report.stopped());
            assert_eq!((report.records_read(), produced.load(Ordering::SeqCst)), counts);
            let sink = report.operator("endless/sink").unwrap();
            assert_eq!(sink.records_in, counts.0);
            assert!(report.elapsed() >= running.elapsed());
        }
    });
}

#[test]
fn two_threads_may_stop_at_once() {
    support::within(MINUTE, || {
        let runtime = Runtime::builder().workers(2).build().unwrap();
        let (a, b) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let handle = runtime.start(move || endless(a.clone(), b.clone())).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| handle.stop().unwrap());
            }
        });
        assert!(handle.join().unwrap().stopped());
    });
}

#[test]
fn idle_sources_stop_promptly() {
    support::within(MINUTE, || {
        for workers in [1, 3] {
            for pause in [Duration::from_millis(1), Duration::from_secs(3600)] {
                let handle =
                    Runtime::builder().workers(workers).build().unwrap().start(move || idle(4, pause)).unwrap();
                std::thread::sleep(Duration::from_millis(50));
                let start = Instant::now();
                handle.stop().unwrap();
                assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
                assert_eq!(handle.join().unwrap().records_read(), 0);
            }
        }
    });
}

#[test]
fn a_stop_before_anything_has_begun() {
    support::within(MINUTE, || {
        for _ in 0..50 {
            let (a, b) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
            let (produced, arrived) = (a.clone(), b.clone());
            let runtime = Runtime::builder().workers(3).build().unwrap();
            let handle = runtime.start(move || endless(a.clone(), b.clone())).unwrap();
            handle.stop().unwrap();
            handle.join().unwrap();
            assert_eq!(produced.load(Ordering::SeqCst), arrived.load(Ordering::SeqCst));
        }
    });
}

#[test]
fn few_splits_few_records_and_many_workers() {
    for workers in [1, 2, 5, 16] {
        for splits in [0, 1, 2, 40] {
            for n in [0, 1, 2_000] {
                let out = memory::collector();
                let into = out.clone();
                let report = support::run(workers, move || finite(splits, n, into.clone())).unwrap();
                let mut got = out.take();
                got.sort_unstable();
                let expected: Vec<u64> = (0..n).flat_map(|x| std::iter::repeat_n(x, splits)).collect();
                assert_eq!(got, expected, "{workers} workers, {splits} splits, {n} records");
                assert!(!report.stopped());
                assert_eq!(report.records_read(), n * splits as u64);
            }
        }
    }
}

#[test]
fn a_job_that_has_ended_can_still_be_stopped() {
    support::within(MINUTE, || {
        let out = memory::collector();
        let handle = Runtime::builder().workers(2).build().unwrap().start(move || finite(2, 10, out.clone())).unwrap();
        support::until("it has read everything", || {
            handle.report().operator("finite/sink").is_some_and(|s| s.records_in == 20)
        });
        handle.stop().unwrap();
        assert_eq!(handle.join().unwrap().records_read(), 20);
    });
}
