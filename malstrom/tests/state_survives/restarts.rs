//! A job that has ended goes on when there is more input; and what cannot be kept or taken in is refused with the reason.
use super::windows::{text, visit};
use crate::support::by_hand::{Fate, Store, run_from};
use crate::support::survival::{Once, Out, PerKey, named, per_key, same};
use crate::support::time_oracle::Ev;
use crate::support::two_phase::two_phase_telling;
use malstrom::prelude::*;
use malstrom::{Error, Pipeline};

pipeline! {
    fn again(evs: Once<Ev>, others: Once<Ev>, out: Out) {
        let evs = source(evs) -> timestamps(|e| e.at) -> key_by(|e| e.key);
        evs -> window(tumbling(10))? as a -> count() -> map(text) -> map(named("tumbling")) -> sink(out.part(0));
        evs -> window(sliding(20, 10))? as b -> sum(|e| e.value) -> map(text) -> map(named("sliding")) -> sink(out.part(1));
        evs -> window(session(5))? as c -> count() -> map(text) -> map(named("session")) -> sink(out.part(2));
        evs -> window(counted(3)) as d -> count() -> map(text) -> map(named("counted")) -> sink(out.part(3));
        evs -> window(global()) as e -> count() -> map(text) -> map(named("global")) -> sink(out.part(4));
        evs -> count() -> map(|(key, n)| (key, n.to_string())) -> map(named("running")) -> sink(out.part(5));
        let others = source(others) as others -> timestamps(|e| e.at) as other_times -> key_by(|e| e.key) as other_keys;
        join(evs, others, within = 2, kind = left) -> map(|(a, b)| ("join".to_owned(), a.key, format!("{} {:?}", a.id, b.map(|b| b.id))))
            -> sink(out.part(6));
    }
    fn filled(evs: Once<Ev>, out: Out) {
        let evs = source(evs) -> timestamps(|e| e.at) -> key_by(|e| e.key);
        let cut = evs -> window(counted(3));
        cut -> count() -> map(text) -> map(named("counted")) -> sink(out.part(0));
        cut -> visit as seen -> map(named("counted visit")) -> sink(out.part(1));
        evs -> window(tumbling(1000))? -> visit -> map(named("visit")) -> sink(out.part(2));
        let nobody = evs -> filter(|_| false);
        join(evs, nobody, window = tumbling(1000), kind = left) -> map(|(a, _)| ("join".to_owned(), a.key, a.id.to_string()))
            -> sink(out.part(3));
    }
    fn tumbling_by(evs: Once<Ev>, size: i64, out: Out) {
        source(evs) -> timestamps(|e| e.at) -> key_by(|e| e.key) -> window(tumbling(size))? -> count() -> map(text)
            -> map(named("count")) -> sink(out);
    }
}
fn ev(key: u64, at: i64, id: u64) -> Ev {
    Ev { key, at, id, value: 1 }
}
fn told(all: &[(&str, &str)]) -> PerKey {
    per_key(all.iter().map(|(name, text)| ((*name).to_owned(), 1, (*text).to_owned())))
}

#[test]
fn a_job_that_has_ended_goes_on_with_more() {
    for seed in 0..6 {
        let (mut store, fate) = (Store::default(), Fate { seed, crashes: seed % 3 * 40, workers: 3 });
        let out: Out = two_phase_telling(|_| ());
        let first = vec![vec![ev(1, 1, 1), ev(1, 12, 2), ev(1, 14, 3), ev(1, 17, 4)]];
        let other = vec![vec![ev(1, 13, 100), ev(1, 17, 101)]];
        let (evs, others) = (Once::new(first.clone()), Once::new(other.clone()));
        run_from(&mut store, fate, || again(evs.clone(), others.clone(), out.clone()));
        let all = told(&[
            ("tumbling", "(0, 10): 1"),
            ("tumbling", "(10, 20): 3"),
            ("sliding", "(-10, 10): 1"),
            ("sliding", "(0, 20): 4"),
            ("sliding", "(10, 30): 3"),
            ("session", "(1, 6): 1"),
            ("session", "(12, 22): 3"),
            ("counted", "(1, 15): 3"),
            ("counted", "(17, 18): 1"),
            ("global", "(-9223372036854775808, 9223372036854775807): 4"),
            ("running", "1"),
            ("running", "2"),
            ("running", "3"),
            ("running", "4"),
            ("join", "1 None"),
            ("join", "2 Some(100)"),
            ("join", "3 Some(100)"),
            ("join", "4 Some(101)"),
        ]);
        let sorted = |mut all: PerKey| {
            all.iter_mut().filter(|((name, _), _)| name == "join").for_each(|(_, texts)| texts.sort_unstable());
            all
        };
        same(sorted(per_key(out.take())), &all, &seed);
        // Nothing more: nothing happens.
        let (evs, others) = (Once::new(first.clone()), Once::new(other.clone()));
        run_from(&mut store, fate, || again(evs.clone(), others.clone(), out.clone()));
        same(per_key(out.take()), &PerKey::new(), &("again", seed));
        // More in another split. What had closed because there was no more has begun anew, unless time had come to its end.
        let (mut more, mut more_others) = (first, other);
        more.push(vec![ev(1, 18, 5), ev(1, 19, 6), ev(1, 31, 7)]);
        more_others.push(vec![ev(1, 18, 102)]);
        let (evs, others) = (Once::new(more), Once::new(more_others));
        run_from(&mut store, fate, || again(evs.clone(), others.clone(), out.clone()));
        let all = told(&[
            ("tumbling", "(10, 20): 2"),
            ("tumbling", "(30, 40): 1"),
            ("sliding", "(0, 20): 2"),
            ("sliding", "(10, 30): 2"),
            ("sliding", "(20, 40): 1"),
            ("sliding", "(30, 50): 1"),
            ("session", "(18, 24): 2"),
            ("session", "(31, 36): 1"),
            ("counted", "(18, 32): 3"),
            ("global", "(-9223372036854775808, 9223372036854775807): 3"),
            ("running", "5"),
            ("running", "6"),
            ("running", "7"),
            ("join", "5 Some(102)"),
            ("join", "6 Some(102)"),
            ("join", "7 None"),
        ]);
        same(sorted(per_key(out.take())), &all, &("more", seed));
    }
}

/// What snapshots have had for long is gone with the last one.
#[test]
fn windows_that_only_the_end_has_closed_begin_anew() {
    for seed in 0..6 {
        let (mut store, fate) = (Store::default(), Fate { seed, crashes: seed % 3 * 40, workers: 3 });
        let out: Out = two_phase_telling(|_| ());
        let mut all = vec![(0..61).map(|n| ev(n.min(1), n.cast_signed(), n)).collect::<Vec<_>>()];
        let evs = Once::new(all.clone());
        run_from(&mut store, fate, || filled(evs.clone(), out.clone()));
        let told = |all: &[(&str, &str)]| {
            let of_key = all.iter().map(|(name, text)| ((*name).to_owned(), 0, (*text).to_owned()));
            per_key(of_key)
        };
        let mut got = per_key(out.take());
        got.retain(|(_, key), _| *key == 0);
        let first =
            [("counted", "(0, 1): 1"), ("counted visit", "(0, 1): [0]"), ("visit", "(0, 1000): [0]"), ("join", "0")];
        same(got, &told(&first), &("first", seed));
        all.push((70..73_u64).map(|n| ev(0, n.cast_signed(), n)).collect());
        let evs = Once::new(all);
        run_from(&mut store, fate, || filled(evs.clone(), out.clone()));
        let second = [
            ("counted", "(70, 73): 3"),
            ("counted visit", "(70, 73): [70, 71, 72]"),
            ("visit", "(0, 1000): [70, 71, 72]"),
            ("join", "70"),
            ("join", "71"),
            ("join", "72"),
        ];
        let mut got = per_key(out.take());
        got.values_mut().for_each(|texts| texts.sort_unstable());
        same(got, &told(&second), &("second", seed));
    }
}

fn refusal(store: &Store, make: impl Fn() -> Pipeline) -> Error {
    store.accepts(2, make).unwrap_err()
}
#[test]
fn other_windows_than_those_that_were_saved_are_refused() {
    let (mut store, out): (_, Out) = (Store::default(), two_phase_telling(|_| ()));
    let evs = Once::new(vec![vec![ev(1, 1, 1)]]);
    let fate = Fate { seed: 1, crashes: 0, workers: 2 };
    run_from(&mut store, fate, || tumbling_by(evs.clone(), 10, out.clone()));
    store.accepts(3, || tumbling_by(evs.clone(), 10, out.clone())).unwrap();
    let error = refusal(&store, || tumbling_by(evs.clone(), 20, out.clone()));
    assert!(matches!(&error, Error::Restore { operator, .. } if operator.ends_with("/count")), "{error:?}");
}

/// No record, but it can be cloned and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd)]
struct Bare(i64);
fn bare(e: Ev) -> Bare {
    Bare(e.value)
}
fn first(a: Bare, _: Bare) -> Bare {
    a
}
macro_rules! unwritten {
    ($($name:ident: |$evs:ident, $out:ident, $all:ident| { $($stages:tt)* })*) => {
        $(pipeline! {
            fn $name($evs: Once<Ev>, $out: TwoBare) {
                let $all = source($evs) -> timestamps(|e| e.at) -> key_by(|e| e.key) -> map(bare);
                $($stages)*
            }
        })*
    };
}
type TwoBare = crate::support::two_phase::TwoPhase<u64>;
unwritten! {
    in_a_window: |evs, out, all| { all -> window(tumbling(5))? -> reduce(first) as kept -> map(|w| w.key) -> sink(out); }
    in_sliding_windows: |evs, out, all| { all -> window(sliding(5, 1))? -> top(2, |b| *b) as kept -> map(|w| w.key) -> sink(out); }
    in_a_counted_window: |evs, out, all| { all -> window(counted(5)) -> distinct() as kept -> map(|b| b.0 as u64) -> sink(out); }
    in_a_session: |evs, out, all| { all -> window(session(5))? -> fold(0u64, |n, _| n + 1) as kept -> map(|w| w.value) -> sink(out); }
    in_a_join: |evs, out, all| {
        let (a, b) = all -> split(|b| b.0 > 0);
        join(a, b, within = 5) as kept -> map(|(a, _)| a.0 as u64) -> sink(out);
    }
    in_a_join_of_windows: |evs, out, all| {
        let (a, b) = all -> split(|b| b.0 > 0);
        join(a, b, window = tumbling(5)) as kept -> map(|(a, _)| a.0 as u64) -> sink(out);
    }
}
/// It is enough that records can be sent, as long as they need not be kept.
#[test]
fn what_cannot_be_written_is_refused_before_the_job_starts() {
    let jobs = [
        in_a_window as fn(Once<Ev>, TwoBare) -> Pipeline,
        in_sliding_windows,
        in_a_counted_window,
        in_a_session,
        in_a_join,
        in_a_join_of_windows,
    ];
    for job in jobs {
        let error = refusal(&Store::default(), || job(Once::new(vec![]), two_phase_telling(|_| ())));
        let Error::Config(text) = &error else { panic!("{error:?}") };
        let names =
            text.contains("/kept` keeps values of type") && text.contains("Bare") && text.contains("derive `Record`");
        assert!(names, "{text}");
    }
}
