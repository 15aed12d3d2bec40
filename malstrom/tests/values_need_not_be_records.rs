//! What aggregates, windows and joins keep is written to snapshots where it is a record. Where it is none, a pipeline
//! compiles and runs all the same.
#![allow(clippy::unwrap_used)]
use malstrom::__private::Operator;
use malstrom::connect::memory;
use malstrom::prelude::*;
use std::rc::Rc;

/// A number that is no record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd)]
struct Number(u64);
impl std::ops::AddAssign for Number {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

pipeline! {
    fn of_numbers(into: memory::Collector<String>) {
        let keyed = source(1..=3u64) -> key_by(|_| 0u64);
        let numbers = keyed -> map(Number);
        let sums = numbers -> sum(|n| *n) -> map(|(_, n)| format!("sum {}", n.0));
        let least = numbers -> min(|n| *n) -> map(|(_, n)| format!("min {}", n.0));
        let most = numbers -> max(|n| *n) -> map(|(_, n)| format!("max {}", n.0));
        let reduced = numbers -> reduce(|a, b| Number(a.0 * 10 + b.0)) -> map(|(_, n)| format!("reduce {}", n.0));
        let folded = numbers -> fold(Rc::new(0), |a, n| Rc::new(*a + n.0)) -> map(|(_, n)| format!("fold {n}"));
        let best = numbers -> top(1, |n| *n) -> map(|(_, best)| format!("top {}", best[0].0));
        let others = numbers -> distinct() -> map(|n| format!("distinct {}", n.0));
        let all = union(sums, least, most, reduced, folded, best, others);
        all -> sink(into);
    }
}

#[test]
fn aggregates_of_what_is_no_record_run() {
    let into = memory::collector();
    let out = into.clone();
    malstrom::Runtime::builder().workers(1).build().unwrap().run(move || of_numbers(out.clone())).unwrap();
    let mut got = into.take();
    got.sort();
    let mut expected: Vec<String> = Vec::new();
    for (name, values) in [
        ("sum", [1, 3, 6]),
        ("min", [1, 1, 1]),
        ("max", [1, 2, 3]),
        ("reduce", [1, 12, 123]),
        ("fold", [1, 3, 6]),
        ("top", [1, 2, 3]),
        ("distinct", [1, 2, 3]),
    ] {
        expected.extend(values.map(|value| format!("{name} {value}")));
    }
    expected.sort();
    assert_eq!(got, expected);
}

pipeline! {
    fn joined(into: memory::Collector<u64>) {
        let left = source(1..=3u64) -> timestamps(|x| *x) -> key_by(|_| 0u64) -> map(Rc::new);
        let right = source(1..=3u64) -> timestamps(|x| *x) -> key_by(|_| 0u64);
        let pairs = join(left, right, within = 0u64);
        pairs -> map(|(a, b)| *a * 10 + b) -> sink(into);
    }
    // What is written follows from the bounds, so that nothing is asked of whoever uses it.
    <T by u64, u64> fn longest<T: Clone + 'static>() = fold(0u64, |n: u64, _: T| n + 1) -> map(|(_, n)| n);
}

#[test]
fn joins_of_what_is_no_record_run() {
    let into = memory::collector();
    let out = into.clone();
    malstrom::Runtime::builder().workers(2).build().unwrap().run(move || joined(out.clone())).unwrap();
    let mut got = into.take();
    got.sort_unstable();
    assert_eq!(got, [11, 22, 33]);
}

#[keyed_state(key = u64)]
#[derive(Default)]
struct Visit {
    clicks: u64,
}
#[operator]
fn finish(visit: Visit) -> u64 {
    visit.clicks
}
#[operator(on_close = finish)]
fn visit(visit: &mut Visit, _: u64) {
    visit.clicks += 1;
}
#[operator(on_close = finish)]
fn visit_unwritten(visit: &mut Visit, _: Number) {
    visit.clicks += 1;
}
#[operator(on_close = finish)]
fn visit_any<T: 'static>(visit: &mut Visit, _: T) {
    visit.clicks += 1;
}
#[operator(on_close = finish)]
fn visit_record<T: Record>(visit: &mut Visit, _: T) {
    visit.clicks += 1;
}

#[test]
fn operators_know_whether_their_records_can_be_written() {
    assert!(<visit as Operator>::code().is_some());
    assert!(<visit_unwritten as Operator>::code().is_none());
    assert!(<visit_record<u64> as Operator>::code().is_some());
    assert!(<visit_any<u64> as Operator>::code().is_none(), "its bound does not say so");
}
