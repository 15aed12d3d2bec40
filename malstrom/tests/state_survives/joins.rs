//! Joins of every kind.
use crate::support::survival::{Once, Survived, fate, sample};
use crate::support::time_oracle::{
    Ev, Joined, KINDS, Outer, Pair, Shape, joined_in_windows, joined_within, streams, windows, windows_of,
};
use crate::support::two_phase::TwoPhase;
use malstrom::Pipeline;
use malstrom::prelude::*;
use proptest::prelude::*;

type Out = TwoPhase<Pair>;
macro_rules! jobs {
    ($($name:ident($($parameter:ident),*): $kind:ident, $option:ident = $value:expr;)*) => {
        $(pipeline! {
            fn $name(a: Once<Ev>, b: Once<Ev>, lag: i64, out: Out, $($parameter: i64),*) {
                let left = source(a) as lefts -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
                let right = source(b) as rights -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
                join(left, right, $option = $value, kind = $kind) -> map(|joined| joined.pair()) -> sink(out);
            }
        })*
    };
}
jobs! {
    inner_near(d, _e): inner, within = d;
    left_near(d, _e): left, within = d;
    right_near(d, _e): right, within = d;
    outer_near(d, _e): outer, within = d;
    inner_sliding(size, every): inner, window = sliding(size, every);
    left_sliding(size, every): left, window = sliding(size, every);
    right_sliding(size, every): right, window = sliding(size, every);
    outer_sliding(size, every): outer, window = sliding(size, every);
    inner_tumbling(size, _e): inner, window = tumbling(size);
    outer_tumbling(size, _e): outer, window = tumbling(size);
}
type Job = fn(Once<Ev>, Once<Ev>, i64, Out, i64, i64) -> Pipeline;
/// Two sides whose keys and times have to do with each other.
fn sides(seed: u64) -> (Vec<Vec<Ev>>, Vec<Vec<Ev>>, i64) {
    let side = |splits| streams(Shape { splits, records: 120, dealt: false, late: 0 });
    let ((a, lag), (mut b, other)) = (sample(&side(3), seed), sample(&side(2), seed + 1_000));
    let first = |side: &Vec<Vec<Ev>>| side.iter().flatten().next().map_or(0, |e| e.at);
    let shift = first(&a) - first(&b);
    b.iter_mut().flatten().for_each(|e| (e.id, e.at) = (e.id + 1_000_000, e.at + shift));
    (a, b, lag.max(other))
}
fn all(side: &[Vec<Ev>]) -> Vec<Ev> {
    side.iter().flatten().copied().collect()
}
fn survive(
    jobs: &[(Outer, Job)],
    parameters: fn(u64) -> (i64, i64),
    oracle: fn(&[Ev], &[Ev], (i64, i64), Outer) -> Vec<Pair>,
) {
    let mut survived = Survived::default();
    for seed in 0..8 {
        let ((a, b, lag), (p, q)) = (sides(seed), parameters(seed));
        for (outer, job) in jobs {
            let (left, right) = (Once::new(a.clone()), Once::new(b.clone()));
            let memory = (left.clone(), right.clone());
            let commit = move |n| {
                memory.0.commit(n);
                memory.1.commit(n);
            };
            let mut got =
                survived.run(fate(seed, 4), commit, |out| job(left.clone(), right.clone(), lag, out.clone(), p, q));
            got.sort_unstable();
            assert_eq!(
                got,
                oracle(&all(&a), &all(&b), (p, q), *outer),
                "{outer:?}, {p} and {q}, lag {lag}, seed {seed}"
            );
        }
    }
    survived.check();
}

#[test]
fn joins_within_a_distance_do() {
    let jobs = [inner_near as Job, left_near, right_near, outer_near];
    let jobs: Vec<_> = KINDS.into_iter().zip(jobs).collect();
    let distance = |seed| (sample(&prop_oneof![Just(0i64), 1..10i64, 10..200i64], seed), 0);
    survive(&jobs, distance, |a, b, (d, _), outer| joined_within(a, b, d, outer));
}
#[test]
fn joins_in_sliding_windows_do() {
    let jobs = [inner_sliding as Job, left_sliding, right_sliding, outer_sliding];
    let jobs: Vec<_> = KINDS.into_iter().zip(jobs).collect();
    let length = |seed| {
        let (size, every, _) = sample(&windows(), seed);
        (size, every)
    };
    let oracle =
        |a: &[Ev], b: &[Ev], (size, every), outer| joined_in_windows(a, b, |at| windows_of(size, every, 0, at), outer);
    survive(&jobs, length, oracle);
}
#[test]
fn joins_in_tumbling_windows_do() {
    let jobs = [(KINDS[0], inner_tumbling as Job), (KINDS[3], outer_tumbling)];
    let length = |seed| (sample(&windows(), seed).0, 0);
    let oracle =
        |a: &[Ev], b: &[Ev], (size, _), outer| joined_in_windows(a, b, |at| windows_of(size, size, 0, at), outer);
    survive(&jobs, length, oracle);
}
