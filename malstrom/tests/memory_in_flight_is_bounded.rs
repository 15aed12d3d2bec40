//! A source that never ends does not run ahead of a slow sink, and nothing deadlocks while it is held back.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::Runtime;
use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Counts what is under way.
#[derive(Default)]
struct Flow {
    under_way: AtomicI64,
    most: AtomicI64,
    arrived: AtomicU64,
    /// From then on the sink is fast, for the sake of the test's duration.
    stopping: AtomicBool,
}
impl Flow {
    fn produced(&self, n: i64) {
        let now = self.under_way.fetch_add(n, Ordering::Relaxed) + n;
        self.most.fetch_max(now, Ordering::Relaxed);
    }
    fn consumed(&self, slow: bool) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        if self.arrived.fetch_add(1, Ordering::Relaxed).is_multiple_of(512)
            && slow
            && !self.stopping.load(Ordering::Relaxed)
        {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
fn endless(flow: Arc<Flow>) -> impl Iterator<Item = u64> {
    (0..).inspect(move |_| flow.produced(1))
}

pipeline! {
    fn one_exchange(flow: Arc<Flow>) {
        source(memory::splits(3, { let flow = flow.clone(); move |_| endless(flow.clone()) }))
            -> key_by(|x| *x) -> sink(for_each(move |_: u64| flow.consumed(true)));
    }
    fn two_exchanges(flow: Arc<Flow>) {
        source(memory::splits(3, { let flow = flow.clone(); move |_| endless(flow.clone()) }))
            -> key_by(|x| *x) -> map(|x| x / 3) -> key_by(|x| x % 101) -> count() -> sink(for_each(move |_: (u64, u64)| flow.consumed(true)));
    }
    fn tiny_expansion(flow: Arc<Flow>) {
        source(memory::splits(3, { let flow = flow.clone(); move |_| endless(flow.clone()) })) -> key_by(|x| *x)
            -> filter({ let flow = flow.clone(); move |x| { let keep = x % 1000 == 0; if !keep { flow.under_way.fetch_sub(1, Ordering::Relaxed); } keep } })
            -> key_by(|x| x % 7) -> sink(for_each(move |_: u64| { std::thread::sleep(Duration::from_micros(100)); flow.consumed(false) }));
    }
    fn huge_expansion(flow: Arc<Flow>) {
        source(memory::splits(3, |_| 0..)) -> key_by(|x| *x)
            -> flat_map({ let flow = flow.clone(); move |x: u64| { let flow = flow.clone(); (0..300u64).inspect(move |_| flow.produced(1)).map(move |i| x + i) } })
            -> key_by(|x| x % 1009) -> sink(for_each(move |_: u64| flow.consumed(true)));
    }
    fn huge_expansion_at_the_source(flow: Arc<Flow>) {
        source(memory::splits(3, |_| 0..))
            -> flat_map({ let flow = flow.clone(); move |x: u64| { let flow = flow.clone(); (0..300u64).inspect(move |_| flow.produced(1)).map(move |i| x + i) } })
            -> key_by(|x| x % 1009) -> sink(for_each(move |_: u64| flow.consumed(true)));
    }
    fn one_hot_key(flow: Arc<Flow>) {
        source(memory::splits(3, { let flow = flow.clone(); move |_| endless(flow.clone()) })) -> key_by(|_| 7u64)
            -> map(|x| x) -> key_by(|x| if x % 10 == 0 { *x } else { 11 }) -> sink(for_each(move |_: u64| flow.consumed(true)));
    }
    fn combined(flow: Arc<Flow>) {
        source(memory::splits(3, { let flow = flow.clone(); move |_| endless(flow.clone()) })) -> map({ let mut n = 0; move |_| { n += 1; n } })
            -> key_by(|x| *x) -> combine() -> reduce(|a, _| a) -> sink(for_each(move |_: (u64, u64)| flow.consumed(true)));
    }
    fn combined_in_windows(flow: Arc<Flow>) {
        source({ let flow = flow.clone(); endless(flow) }) -> timestamps(|x| x.cast_signed())
            -> key_by(|x| x % 101) -> window(tumbling(2_000))? -> count()
            -> sink(for_each(move |w: Windowed<u64, u64>| (0..w.value).for_each(|_| flow.consumed(true))));
    }
    fn diamond(flow: Arc<Flow>) {
        let all = source(memory::splits(3, { let flow = flow.clone(); move |_| endless(flow.clone()).inspect({ let flow = flow.clone(); move |_| flow.produced(1) }) }));
        let a = all -> key_by(|x| x % 11);
        let b = all -> key_by(|x| x % 5) -> key_by(|x| x % 11);
        union(a, b) -> count() -> sink(for_each(move |_: (u64, u64)| flow.consumed(true)));
    }
}

fn bounded(name: &'static str, job: fn(Arc<Flow>) -> malstrom::Pipeline) {
    support::within(Duration::from_secs(60), move || {
        for workers in [2, 3] {
            let flow = Arc::new(Flow::default());
            let inner = flow.clone();
            let handle =
                Runtime::builder().workers(workers).build().unwrap().start(move || job(inner.clone())).unwrap();
            std::thread::sleep(Duration::from_millis(250));
            let before = flow.arrived.load(Ordering::Relaxed);
            support::until("more has arrived: no deadlock", || flow.arrived.load(Ordering::Relaxed) > before);
            flow.stopping.store(true, Ordering::Relaxed);
            handle.stop().unwrap();
            handle.join().unwrap();
            let (most, left) = (flow.most.load(Ordering::Relaxed), flow.under_way.load(Ordering::Relaxed));
            println!(
                "{name}, {workers} workers: at most {most} under way, {} arrived",
                flow.arrived.load(Ordering::Relaxed)
            );
            let open = if name.ends_with("windows") { 0..2_001 } else { 0..1 };
            assert!(open.contains(&left), "{name}: what was produced before the stop arrives, and {left} have not");
            assert!(most < 100_000, "{name}, {workers} workers: {most} under way");
        }
    });
}

#[test]
fn behind_one_exchange() {
    bounded("one exchange", one_exchange);
}
#[test]
fn behind_two_exchanges() {
    bounded("two exchanges", two_exchanges);
}
#[test]
fn where_few_records_are_left() {
    bounded("tiny expansion", tiny_expansion);
}
#[test]
fn where_one_record_becomes_many() {
    bounded("huge expansion", huge_expansion);
}
#[test]
fn where_one_record_becomes_many_at_the_source() {
    bounded("huge expansion at the source", huge_expansion_at_the_source);
}
#[test]
fn with_one_hot_key() {
    bounded("one hot key", one_hot_key);
}
#[test]
fn where_records_are_combined() {
    bounded("combined", combined);
    bounded("combined in windows", combined_in_windows);
}
#[test]
fn in_a_diamond() {
    bounded("diamond", diamond);
}
