//! An operator that keeps state per window fails, pushes to its side outputs and panics as it does elsewhere: for each record
//! once per window, and once more when the window closes.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Error, Pipeline};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use support::run;
use support::time_oracle::{Ev, Firing, Kind, Model, Shape, Splits, on_time, streams};

/// What came out: of which stream, and what.
type Out = Collector<(&'static str, u64, String)>;

#[keyed_state(key = u64)]
#[derive(Default, Clone)]
struct Bag {
    ids: Vec<u64>,
}
impl Bag {
    /// Refuses some records, and keeps the others.
    fn put(&mut self, e: Ev) -> Result<(u64, String), String> {
        if e.id.is_multiple_of(4) {
            return Err(format!("refuses {}", e.id));
        }
        self.ids.push(e.id);
        Ok((e.key, format!("takes {}", e.id)))
    }
    /// Refuses to close with some numbers of records.
    fn shut(self, key: u64) -> Result<(u64, String), String> {
        if self.ids.len().is_multiple_of(3) {
            return Err(format!("shuts in vain on {:?}", self.ids));
        }
        Ok((key, format!("shuts on {:?}", self.ids)))
    }
}
#[operator(on_close = shut)]
fn gather(bag: &mut Bag, e: Ev, fives: Output<'_, (u64, String)>) -> Result<(u64, String), String> {
    if e.id.is_multiple_of(5) {
        fives.push((e.key, format!("five {}", e.id)));
    }
    bag.put(e)
}
#[operator(on_close = shut)]
fn put(bag: &mut Bag, e: Ev) -> Result<(u64, String), String> {
    bag.put(e)
}
#[operator(on_close = burst)]
fn swell(bag: &mut Bag, e: Ev, #[arg] at_record: u64) -> (u64, String) {
    assert!(e.id != at_record, "boom");
    bag.ids.push(e.id);
    (e.key, String::new())
}
#[operator]
fn shut(bag: Bag, key: Key<'_, u64>) -> Result<(u64, String), String> {
    bag.shut(*key)
}
#[operator]
fn burst(bag: Bag) -> (u64, String) {
    panic!("boom {}", bag.ids.len().min(1))
}
/// Refuses the records that `put` does, and keeps nothing: the windows go on behind it.
#[operator]
fn sieve(e: Ev, fives: Output<'_, (u64, String)>) -> Result<Ev, String> {
    if e.id.is_multiple_of(5) {
        fives.push((e.key, format!("five {}", e.id)));
    }
    if e.id.is_multiple_of(4) { Err(format!("refuses {}", e.id)) } else { Ok(e) }
}

fn splits(data: &Splits) -> memory::Splits<impl Fn(usize) -> std::vec::IntoIter<Ev> + 'static> {
    let data = data.clone();
    memory::splits(data.len(), move |split| data[split].clone().into_iter())
}
fn named(name: &'static str) -> impl Fn((u64, String)) -> (&'static str, u64, String) {
    move |(key, text)| (name, key, text)
}

macro_rules! jobs {
    ($routes:ident $drops:ident $fails:ident $panics:ident ($($parameter:ident: $type:ty),*): $window:expr) => {
        pipeline! {
            fn $routes(data: Splits, lag: i64, out: Out, $($parameter: $type),*) {
                let evs = source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
                let cut = evs -> window($window) else late;
                let (main, fives) = cut -> gather else bad;
                main -> map(named("main")) -> sink(out.clone());
                fives -> map(named("fives")) -> sink(out.clone());
                bad -> map(|f| ("bad", 0, f.error)) -> sink(out.clone());
                let (kept, sifted) = cut -> sieve else coarse;
                kept -> count() -> map(|w| ("kept", w.key, format!("{}", w.value))) -> sink(out.clone());
                sifted -> map(named("sifted")) -> sink(out.clone());
                coarse -> map(|f| ("coarse", 0, f.error)) -> sink(out.clone());
                late -> map(|l| ("late", 0, format!("{l:?}"))) -> sink(out);
            }
            fn $drops(data: Splits, lag: i64, out: Out, $($parameter: $type),*) {
                source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key) -> window($window)?
                    -> put else drop -> map(named("main")) -> sink(out);
            }
            fn $fails(data: Splits, lag: i64, out: Out, $($parameter: $type),*) {
                source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key) -> window($window)?
                    -> put? -> map(named("main")) -> sink(out);
            }
            fn $panics(data: Splits, lag: i64, at: u64, $($parameter: $type),*) {
                source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key) -> window($window)?
                    -> swell(at) -> sink(memory::collector());
            }
        }
    };
}
jobs!(routes_tumbling drops_tumbling fails_tumbling panics_tumbling(size: i64): tumbling(size));
jobs!(routes_sliding drops_sliding fails_sliding panics_sliding(size: i64): sliding(3 * size, size));
jobs!(routes_sessions drops_sessions fails_sessions panics_sessions(gap: i64): session(gap));
pipeline! {
    fn routes_counted(data: Splits, lag: i64, out: Out, n: i64) {
        let cut = source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key) -> window(counted(n as u64));
        let (main, fives) = cut -> gather else bad;
        main -> map(named("main")) -> sink(out.clone());
        fives -> map(named("fives")) -> sink(out.clone());
        bad -> map(|f| ("bad", 0, f.error)) -> sink(out.clone());
        let (kept, sifted) = cut -> sieve else coarse;
        kept -> count() -> map(|w| w.value) -> sink(memory::collector::<u64>());
        sifted -> map(named("sifted")) -> sink(out.clone());
        coarse -> map(|f| ("coarse", 0, f.error)) -> sink(out);
    }
    fn panics_counted(data: Splits, lag: i64, at: u64, n: i64) {
        source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key) -> window(counted(n as u64))
            -> swell(at) -> sink(memory::collector());
    }
    fn corrected(data: Splits, lag: i64, out: Out, gap: i64, lateness: i64) {
        let cut = source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key)
            -> window(session(gap), lateness = lateness) else drop;
        let (main, fives) = cut -> gather else bad;
        main -> map(named("main")) -> sink(out.clone());
        fives -> map(named("fives")) -> sink(out.clone());
        bad -> map(|f| ("bad", 0, f.error)) -> sink(out);
    }
    fn overlapping(data: Splits, lag: i64, out: Out, size: i64, lateness: i64) {
        let cut = source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key)
            -> window(sliding(3 * size, size), lateness = lateness) else drop;
        let (main, fives) = cut -> gather else bad;
        main -> map(named("main")) -> sink(out.clone());
        fives -> map(named("fives")) -> sink(out.clone());
        bad -> map(|f| ("bad", 0, f.error)) -> sink(out);
    }
}

type Told = Vec<(&'static str, u64, String)>;
fn sorted(mut told: Told) -> Told {
    told.sort();
    told
}
/// What the stages that keep state emit for one window: for the records that are new to it, and at its close.
fn told(f: &Firing, is_new: impl Fn(&Ev) -> bool) -> Told {
    let (mut bag, mut all) = (Bag::default(), Told::new());
    let result = |result| match result {
        Ok((key, text)) => ("main", key, text),
        Err(error) => ("bad", 0, error),
    };
    for e in &f.records {
        let put = bag.put(*e);
        if is_new(e) {
            all.push(result(put));
            if e.id.is_multiple_of(5) {
                all.push(("fives", e.key, format!("five {}", e.id)));
            }
        }
    }
    all.push(result(bag.shut(f.key)));
    all
}
/// What the stage without state does to the records, each of which it sees once; and what is counted of the windows behind it.
fn sifted(kind: Kind, data: &Splits) -> Told {
    let mut all = Told::new();
    let mut kept = Vec::new();
    for e in data.iter().flatten() {
        if e.id.is_multiple_of(5) {
            all.push(("sifted", e.key, format!("five {}", e.id)));
        }
        if e.id.is_multiple_of(4) {
            all.push(("coarse", 0, format!("refuses {}", e.id)));
        } else {
            kept.push(*e);
        }
    }
    if !matches!(kind, Kind::Counted { .. }) {
        all.extend(on_time(kind, kept).iter().map(|f| ("kept", f.key, f.records.len().to_string())));
    }
    all
}

type Job = fn(Splits, i64, Out, i64) -> Pipeline;
fn output(workers: usize, data: &Splits, lag: i64, job: Job, length: i64) -> Told {
    let (out, data) = (memory::collector(), data.clone());
    let into: Out = out.clone();
    run(workers, move || job(data.clone(), lag, into.clone(), length)).unwrap();
    sorted(out.take())
}

fn kinds(length: i64) -> [(Kind, Job); 4] {
    [
        (Kind::Aligned { size: length, every: length, offset: 0 }, routes_tumbling),
        (Kind::Aligned { size: 3 * length, every: length, offset: 0 }, routes_sliding),
        (Kind::Session { gap: length }, routes_sessions),
        (Kind::Counted { n: length as usize }, routes_counted),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn failures_and_side_outputs_come_once_per_window(
        (data, lag) in streams(Shape { splits: 3, records: 250, dealt: true, late: 0 }),
        length in prop_oneof![1..4i64, 5..40i64],
    ) {
        for (kind, job) in kinds(length) {
            let firings = on_time(kind, data.iter().flatten().copied());
            let mut expected: Told = firings.iter().flat_map(|f| told(f, |_| true)).collect();
            expected.extend(sifted(kind, &data));
            let expected = sorted(expected);
            for workers in 1..=3 {
                prop_assert_eq!(&output(workers, &data, lag, job, length), &expected, "{:?}, {} workers", kind, workers);
            }
        }
    }
    #[test]
    fn dropped_failures_are_counted(
        (data, lag) in streams(Shape { splits: 3, records: 250, dealt: true, late: 0 }), length in 1..40i64,
    ) {
        for ((kind, _), job) in kinds(length).into_iter().zip([drops_tumbling as Job, drops_sliding, drops_sessions]) {
            let firings = on_time(kind, data.iter().flatten().copied());
            let all: Told = firings.iter().flat_map(|f| told(f, |_| true)).collect();
            let failed = all.iter().filter(|(name, ..)| *name == "bad").count() as u64;
            let expected: Told = sorted(all.into_iter().filter(|(name, ..)| *name == "main").collect());
            let (out, data) = (memory::collector(), data.clone());
            let into: Out = out.clone();
            let report = run(2, move || job(data.clone(), lag, into.clone(), length)).unwrap();
            prop_assert_eq!(sorted(out.take()), expected, "{:?}", kind);
            let put = report.operators().iter().find(|op| op.id.ends_with("/put")).unwrap();
            prop_assert_eq!((put.failed, put.dropped), (failed, failed), "{:?}", kind);
        }
    }
    /// A window that fires again goes through a record again, but what it emitted, failed with and pushed stays as it was.
    #[test]
    fn a_corrected_window_fails_and_pushes_for_what_is_new(
        (data, lag) in streams(Shape { splits: 1, records: 250, dealt: true, late: 5 }), length in 1..40i64, lateness in 1..90i64,
    ) {
        let sliding = Kind::Aligned { size: 3 * length, every: length, offset: 0 };
        for (kind, job) in [(Kind::Session { gap: length }, corrected as fn(Splits, i64, Out, i64, i64) -> Pipeline), (sliding, overlapping)] {
            let (mut seen, mut expected) = (BTreeMap::<_, BTreeSet<u64>>::new(), Told::new());
            for f in Model::new(kind, lag, lateness, &data[0]).firings {
                // A record is in one session, whatever that grows to.
                let window = matches!(kind, Kind::Aligned { .. }).then_some((f.key, f.window));
                let seen = seen.entry(window).or_default();
                expected.extend(told(&f, |e| !seen.contains(&e.id)));
                seen.extend(f.records.iter().map(|e| e.id));
            }
            let (out, data) = (memory::collector(), data.clone());
            let into: Out = out.clone();
            run(1, move || job(data.clone(), lag, into.clone(), length, lateness)).unwrap();
            prop_assert_eq!(sorted(out.take()), sorted(expected), "{:?}", kind);
        }
    }
}

/// Records of one key and one window, then one that closes it.
fn one_window(ids: &[u64]) -> Splits {
    let inside = ids.iter().map(|id| Ev { key: 1, at: 5, id: *id, value: 0 });
    vec![inside.chain([Ev { key: 2, at: 1_000, id: 1_001, value: 0 }]).collect()]
}

#[test]
fn a_failure_that_ends_the_job_names_the_operator() {
    for (ids, says) in [(&[1, 2, 4][..], "refuses 4"), (&[1, 2, 3], "shuts in vain on [1, 2, 3]")] {
        for job in [fails_tumbling as Job, fails_sliding, fails_sessions] {
            for workers in [1, 3] {
                let data = one_window(ids);
                match run(workers, move || job(data.clone(), 0, memory::collector(), 10)) {
                    Err(Error::Operator { operator, message }) => {
                        assert!(operator.ends_with("/put") && message == says, "{operator}: {message}");
                    }
                    other => panic!("{says}: {other:?}"),
                }
            }
        }
    }
}
#[test]
fn a_panic_is_the_operators_whether_it_comes_with_a_record_or_at_the_close() {
    let jobs =
        [panics_tumbling as fn(Splits, i64, u64, i64) -> Pipeline, panics_sliding, panics_sessions, panics_counted];
    for (at, says) in [(2, "boom"), (77, "boom 1")] {
        for job in jobs {
            for workers in [1, 3] {
                let mut data = one_window(&[1, 2, 3]);
                // Otherwise another worker may close a window before the record comes.
                data[0].truncate(3);
                match run(workers, move || job(data.clone(), 0, at, 3)) {
                    Err(Error::Panic { operator, message }) => {
                        assert!(operator.ends_with("/swell") && message == says, "{operator}: {message}");
                    }
                    other => panic!("{says}: {other:?}"),
                }
            }
        }
    }
}
