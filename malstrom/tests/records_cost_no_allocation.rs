//! A running job does not allocate per record. In a process of its own, whose allocations it counts.
#![allow(unsafe_code, clippy::unwrap_used, missing_debug_implementations, missing_docs)]
use malstrom::Runtime;
use malstrom::connect::for_each;
use malstrom::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

struct Counting;
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: what holds for this call holds for that one.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: what holds for this call holds for that one.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: what holds for this call holds for that one.
        unsafe { System.realloc(at, layout, size) }
    }
}
#[global_allocator]
static COUNTING: Counting = Counting;

const RECORDS: u64 = 1_000_000;

#[operator]
fn scaled(x: u64, #[arg] by: u64) -> u64 {
    x.wrapping_mul(by)
}
#[operator]
fn most(x: u64) -> Option<u64> {
    (!x.is_multiple_of(10)).then_some(x)
}
#[keyed_state(key = u64)]
#[derive(Default)]
struct Total {
    sum: u64,
}
#[operator]
fn total(total: &mut Total, x: u64) -> u64 {
    total.sum += x;
    total.sum
}

pipeline! {
    fn chain() {
        source(0..RECORDS) -> scaled(3) -> filter(|x| x % 7 != 0) -> most -> map(|x| x + 1) -> flat_map(|x| [x, x ^ 1]) -> inspect(|x| { black_box(*x); })
            -> sink(for_each(|x: u64| { black_box(x); }));
    }
    fn keyed_sum() { source(0..RECORDS) -> key_by(|x| x % 1_000) -> total -> sink(for_each(|x: u64| { black_box(x); })); }
    fn twice_keyed() {
        let all = source(0..RECORDS) -> key_by(|x| x % 1_000) -> sum(|x| x % 10);
        all -> key_by(|s| s.1 % 10) -> count() -> sink(for_each(|c: (u64, u64)| { black_box(c); }));
        all -> sink(for_each(|c: (u64, u64)| { black_box(c); }));
    }
    fn keyed_sum_of(records: u64) { source(0..records) -> key_by(|x| x % 1_000) -> total -> sink(for_each(|x: u64| { black_box(x); })); }
}

#[test]
fn less_than_one_in_a_thousand_records() {
    type Job = fn() -> malstrom::Pipeline;
    let jobs: [(&str, usize, Job); 4] = [
        ("chain", 1, chain),
        ("keyed sum", 1, keyed_sum),
        ("twice keyed", 1, twice_keyed),
        ("twice keyed", 2, twice_keyed),
    ];
    for (name, workers, job) in jobs {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        Runtime::builder().workers(workers).build().unwrap().run(job).unwrap();
        let each = (ALLOCATIONS.load(Ordering::Relaxed) - before) as f64 / RECORDS as f64;
        println!("{name}, {workers} workers: {each:.6} allocations per record");
        assert!(each < 0.001, "{name}, {workers} workers: {each}");
    }
    // Where key groups may move, records are counted by these. The last snapshot is the same, however many records there were.
    let kept = |records| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let runtime =
            Runtime::builder().workers(2).seed(1).snapshots(format!("memory://{records}"), Duration::from_secs(3600));
        runtime.build().unwrap().run(move || keyed_sum_of(records)).unwrap();
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    let more = kept(3 * RECORDS).saturating_sub(kept(RECORDS)) as f64 / (2 * RECORDS) as f64;
    println!("keyed sum, 2 workers, with snapshots: {more:.6} allocations per record");
    assert!(more < 0.001, "{more}");
}
