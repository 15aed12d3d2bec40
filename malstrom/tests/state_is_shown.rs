//! `snapshot show`: what a snapshot has of each operator that keeps something, without running it.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::Record;
use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use support::staying::{Staying, kept, staying, url};
use support::{program, until, within};

#[derive(Record, Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Mood {
    Calm,
    Angry(u8),
    Torn { between: String, and: Option<i64> },
    Both(bool, char),
}
#[derive(Record, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(f64);
#[derive(Record, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nothing;
#[derive(Record, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[record(codec = serde)]
struct BySerde {
    map: BTreeMap<String, Vec<u8>>,
}
/// More fields than one tuple has.
#[derive(Record, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wide {
    a: u8,
    b: u16,
    c: u32,
    d: u64,
    e: i8,
    f: i16,
    g: i32,
    h: i64,
    i: f32,
    j: f64,
    k: bool,
    l: char,
    m: String,
    n: Option<Box<Wide>>,
}

/// As serde has it, which knows nothing of ours.
#[track_caller]
fn same<T: Record + Serialize>(value: T) {
    assert_eq!(value.to_json(), serde_json::to_value(&value).unwrap());
}
#[test]
fn derived_records_look_as_serde_writes_them() {
    same(Mood::Calm);
    same(Mood::Angry(3));
    same(Mood::Torn { between: "a".into(), and: None });
    same(Mood::Torn { between: String::new(), and: Some(-1) });
    same(Mood::Both(true, 'x'));
    same(Wrapped(0.5));
    same(Wrapped(f64::NAN));
    same(Nothing);
    same(BySerde { map: [("k".to_owned(), vec![1, 2])].into() });
    same(vec![Some((Mood::Calm, Nothing)), None]);
    let inner = Wide {
        a: 1,
        b: 2,
        c: 3,
        d: u64::MAX,
        e: -5,
        f: -6,
        g: -7,
        h: i64::MIN,
        i: 0.5,
        j: 1e300,
        k: true,
        l: 'ß',
        m: "m".into(),
        n: None,
    };
    same(Wide { n: Some(Box::new(inner.clone())), ..inner });
}

#[derive(Key, Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Nobody,
    Person { name: String, number: u32 },
}
#[keyed_state(key = Who, ttl = "1d")]
#[derive(Default)]
struct Visits {
    times: u32,
    last: Option<Timestamp>,
    spent: Duration,
    moods: Vec<Mood>,
}
#[derive(Record)]
struct Remind {
    about: String,
}
#[operator(on_timer = remind)]
fn visits(state: &mut Visits, at: Timestamp, who: Key<'_, Who>, timers: Timers<'_, Remind>) {
    state.times += 1;
    state.last = Some(at);
    state.spent += Duration::from_millis(1500);
    state.moods.push(Mood::Angry(state.times as u8));
    if *who != Who::Nobody {
        timers.at(at + 1.hours(), Remind { about: format!("visit {}", state.times) });
    }
}
#[operator]
fn remind(_: &mut Visits, _: Remind) -> Option<u64> {
    None
}

#[keyed_state(key = u64)]
struct Odd {
    sum: u64,
}
/// Keeps something for odd keys only, and sets a timer by the clock of the machine without keeping anything.
#[operator(on_timer = never)]
fn odd(state: &mut Option<Odd>, at: Timestamp, key: Key<'_, u64>, timers: ProcessingTimers<'_, u8>) -> Option<u64> {
    if *key % 2 == 1 {
        state.get_or_insert(Odd { sum: 0 }).sum += at.as_micros() as u64 / 60_000_000;
    } else {
        timers.at(Timestamp::from_secs(4_102_444_800), *key as u8);
    }
    None
}
#[operator]
fn never(_: &mut Option<Odd>, _: u8) -> Option<u64> {
    None
}

fn minute(at: &Timestamp) -> u64 {
    at.as_micros() as u64 / 60_000_000
}
fn who(at: &Timestamp) -> Who {
    match minute(at) % 3 {
        0 => Who::Nobody,
        number => Who::Person { name: "ann".into(), number: number as u32 },
    }
}

pipeline! {
    fn p(times: Staying<Timestamp>, out: Collector<u64>) {
        let times = source(times) -> timestamps(|at| *at);
        times -> key_by(who) -> visits -> sink(out.clone()) as a;
        times -> key_by(|at| minute(at) % 4) -> odd -> sink(out.clone()) as b;
        let by = times -> key_by(|at| minute(at) % 2);
        by -> count() as counted -> map(|(_, n)| n) -> sink(out.clone()) as c;
        by -> average(|at| minute(at) as f64) as mean -> map(|_| 0) -> sink(out.clone()) as d;
        by -> max(|at| minute(at)) as most -> map(|_| 0) -> sink(out.clone()) as e;
        by -> fold(Vec::new(), |mut all, at| { all.push(minute(&at)); all }) as all -> map(|_| 0) -> sink(out.clone()) as f;
        by -> top(2, |at| minute(at)) as best -> map(|_| 0) -> sink(out.clone()) as g;
        by -> map(|at| minute(&at) % 5) -> distinct() as different -> map(|_| 0) -> sink(out) as h;
    }
}
fn times() -> impl Iterator<Item = Timestamp> {
    (0..6).map(|minute| Timestamp::from_secs(60 * minute))
}

/// Not a test: the program whose snapshots are looked at.
#[test]
#[ignore = "it is started by the others"]
fn program() {
    program::main(|| p(staying([]), memory::collector()));
}

#[test]
fn everything_that_is_kept_is_shown() {
    let at = tempfile::tempdir().unwrap();
    let url = url(at.path());
    let runtime = kept(at.path()).build().unwrap();
    within(Duration::from_secs(60), move || {
        let job = runtime.start(|| p(staying(times()), memory::collector())).unwrap();
        // What is under way is drained.
        until("all is read", || job.report().operator("p/source").is_some_and(|source| source.records_out == 6));
        job.stop().unwrap();
        job.join().unwrap();
    });
    let show = |operator: &str| program::show(&url, &["latest", operator]);
    assert_eq!(
        show("p/visits"),
        [
            r#"{"key":"Nobody","value":{"last":"1970-01-01T00:03:00Z","moods":[{"Angry":1},{"Angry":2}],"spent":"3s","times":2},"expires":"1970-01-02T00:03:00Z"}"#,
            r#"{"key":{"Person":{"name":"ann","number":1}},"value":{"last":"1970-01-01T00:04:00Z","moods":[{"Angry":1},{"Angry":2}],"spent":"3s","times":2},"expires":"1970-01-02T00:04:00Z","timers":[{"time":"1970-01-01T01:01:00Z","timer":{"about":"visit 1"}},{"time":"1970-01-01T01:04:00Z","timer":{"about":"visit 2"}}]}"#,
            r#"{"key":{"Person":{"name":"ann","number":2}},"value":{"last":"1970-01-01T00:05:00Z","moods":[{"Angry":1},{"Angry":2}],"spent":"3s","times":2},"expires":"1970-01-02T00:05:00Z","timers":[{"time":"1970-01-01T01:02:00Z","timer":{"about":"visit 1"}},{"time":"1970-01-01T01:05:00Z","timer":{"about":"visit 2"}}]}"#,
        ]
    );
    assert_eq!(
        show("odd"),
        [
            r#"{"key":0,"timers":[{"processing_time":"2100-01-01T00:00:00Z","timer":0}]}"#,
            r#"{"key":1,"value":{"sum":6}}"#,
            r#"{"key":2,"timers":[{"processing_time":"2100-01-01T00:00:00Z","timer":2}]}"#,
            r#"{"key":3,"value":{"sum":3}}"#,
        ]
    );
    assert_eq!(show("counted"), [r#"{"key":0,"value":3}"#, r#"{"key":1,"value":3}"#]);
    assert_eq!(show("mean"), [r#"{"key":0,"value":[6.0,3]}"#, r#"{"key":1,"value":[9.0,3]}"#]);
    assert_eq!(show("most"), [r#"{"key":0,"value":4}"#, r#"{"key":1,"value":5}"#]);
    assert_eq!(show("all"), [r#"{"key":0,"value":[0,2,4]}"#, r#"{"key":1,"value":[1,3,5]}"#]);
    let best = show("best");
    assert!(best[0].contains("1970-01-01T00:04:00Z") && !best[0].contains("1970-01-01T00:00:00Z"), "{best:?}");
    // Each with the number of its arrival.
    let different: serde_json::Value = serde_json::from_str(&show("different")[0]).unwrap();
    let values: Vec<_> = different["value"].as_array().unwrap().iter().map(|pair| pair[0].as_u64().unwrap()).collect();
    assert_eq!(values, [0, 2, 4]);
    let key = r#"{"Person": {"number": 2, "name": "ann"}}"#;
    assert_eq!(program::show(&url, &["latest", "visits", "--key", key]).len(), 1);
    assert_eq!(program::show(&url, &["latest", "visits", "--key", "Nobody"]).len(), 1);
}
