//! `else drop` counts what it drops; `else stream` carries the error and the operator's id, under the key of the record.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory;
use malstrom::prelude::*;

#[operator]
fn odd(x: u64) -> Result<u64, String> {
    if x.is_multiple_of(3) { Err(format!("{x}")) } else { Ok(x) }
}
#[keyed_state(key = u64)]
#[derive(Default)]
struct Seen {
    n: u64,
}
#[operator]
fn every_third(seen: &mut Seen, x: u64, key: Key<'_, u64>) -> Result<u64, (u64, u64)> {
    seen.n += 1;
    if seen.n.is_multiple_of(3) { Err((*key, x)) } else { Ok(x) }
}

pipeline! {
    fn dropping(n: u64, out: memory::Collector<u64>) {
        source(memory::splits(3, move |split| (split as u64..n).step_by(3))) -> odd else drop -> key_by(|x| x % 10)
            -> every_third else drop -> sink(out);
    }
    fn routing(n: u64, out: memory::Collector<u64>, bad: memory::Collector<(String, String)>) {
        let good = source(0..n) -> odd else first;
        let kept = good -> key_by(|x| x % 10) -> every_third else second;
        kept -> sink(out);
        first -> map(|f| (f.operator.to_string(), f.error)) -> sink(bad.clone());
        second -> key_by(|f| f.error.0) -> count() -> map(|(k, n)| ("counted".to_owned(), format!("{k} {n}"))) -> sink(bad.clone());
        let again = source(0..n) -> odd else third as other;
        again -> filter(|_| false) -> sink(memory::collector::<u64>());
        third -> map(|f| (f.operator.to_string(), f.error)) -> sink(bad);
    }
}

#[test]
fn dropped_records_are_counted() {
    for workers in 1..=4 {
        for n in [0, 1, 3, 1_000, 20_000u64] {
            let out = memory::collector();
            let into = out.clone();
            let report = support::run(workers, move || dropping(n, into.clone())).unwrap();
            let op = |id: &str| report.operator(&format!("dropping/{id}")).unwrap().clone();
            let (first, second) = (op("odd"), op("every_third"));
            assert_eq!((first.records_in, first.failed, first.dropped), (n, n.div_ceil(3), n.div_ceil(3)));
            assert_eq!(first.records_out, n - n.div_ceil(3));
            let mut per_key = [0u64; 10];
            (0..n).filter(|x| x % 3 != 0).for_each(|x| per_key[(x % 10) as usize] += 1);
            let lost: u64 = per_key.iter().map(|n| n / 3).sum();
            assert_eq!((second.records_in, second.failed, second.dropped), (first.records_out, lost, lost));
            assert_eq!(report.dropped(), n.div_ceil(3) + lost);
            assert_eq!(op("sink").records_in, out.take().len() as u64);
            assert_eq!(report.records_read(), n);
        }
    }
}

#[test]
fn routed_records_carry_the_error_and_the_operator() {
    for workers in 1..=4 {
        let (out, bad) = (memory::collector(), memory::collector());
        let (o, b) = (out.clone(), bad.clone());
        let report = support::run(workers, move || routing(9_000, o.clone(), b.clone())).unwrap();
        let bad = bad.take();
        for id in ["routing/odd", "routing/other"] {
            let mine: Vec<_> = bad.iter().filter(|(op, _)| op == id).map(|(_, e)| e.clone()).collect();
            let expected: Vec<_> = (0..9_000).step_by(3).map(|x| x.to_string()).collect();
            assert_eq!(mine, expected, "{id}");
            assert_eq!(report.operator(id).map(|op| (op.failed, op.dropped)), Some((3_000, 0)));
        }
        let mut counted: Vec<_> = bad.into_iter().filter(|(op, _)| op == "counted").map(|(_, e)| e).collect();
        counted.sort();
        let mut expected: Vec<_> = (0..10).flat_map(|k| (1..=200).map(move |n| format!("{k} {n}"))).collect();
        expected.sort();
        assert_eq!(counted, expected);
        assert_eq!(out.take().len(), 4_000);
    }
}
