//! What released versions have written is read by this one, and by all that come: these tests must pass for ever.
//!
//! `golden/v1` is a location of snapshots as version 1 of the format was written, by [`v1::p`] in two runs: a whole snapshot and
//! one that is relative to it. Nothing in it, nor in `mod v1`, is ever changed. When a format changes so that what is
//! written looks different (the log, manifests, segments, chunks, or a codec), or when something is kept that was not kept
//! before, a new directory is added, by a `mod v2` with its pipeline and a test as the one below:
//! `GOLDEN=v2 cargo test -p malstrom --test golden_snapshots_are_read -- --ignored write`. It is written once, when a
//! release is made.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::Pipeline;
use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::staying::{Staying, kept, staying, url};
use support::{program, until, within};

#[derive(Key, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    Nobody,
    Person { name: String, number: u32 },
}
#[derive(Record, Clone, Debug, PartialEq)]
enum Mood {
    Calm,
    Angry(u8),
    Torn { between: String, and: Option<i64> },
}
#[derive(Record, Clone, Debug, Default, PartialEq)]
struct Nested {
    pair: (bool, char),
    inner: Option<Box<Nested>>,
}
/// One field of each kind of type.
#[keyed_state(key = Who, name = "everything")]
#[derive(Debug)]
struct Everything {
    times: u8,
    negative: i64,
    mean: f64,
    short: f32,
    wide: u128,
    text: String,
    maybe: Option<String>,
    list: Vec<u16>,
    fixed: [i32; 2],
    map: BTreeMap<String, u32>,
    mood: Mood,
    nested: Nested,
    last: Timestamp,
    spent: Duration,
}
#[derive(Record, Debug)]
struct Remind {
    about: String,
}
impl Everything {
    fn new() -> Self {
        Everything {
            times: 0,
            negative: -1,
            mean: 0.5,
            short: 0.1,
            wide: u128::MAX,
            text: String::new(),
            maybe: None,
            list: Vec::new(),
            fixed: [i32::MIN, i32::MAX],
            map: BTreeMap::new(),
            mood: Mood::Calm,
            nested: Nested::default(),
            last: Timestamp::MIN,
            spent: Duration::ZERO,
        }
    }
    fn change(&mut self, at: Timestamp) {
        self.times += 1;
        let times = self.times;
        self.negative *= 3;
        self.mean += 0.25;
        self.wide -= 1;
        self.text.push('é');
        self.maybe = times.is_multiple_of(2).then(|| format!("{times}"));
        self.list.push(times.into());
        self.fixed[0] += 1;
        self.map.insert(format!("n{times}"), times.into());
        self.mood = match times % 3 {
            0 => Mood::Calm,
            1 => Mood::Angry(times),
            _ => Mood::Torn { between: "this".into(), and: Some(times.into()) },
        };
        let inner = std::mem::take(&mut self.nested);
        self.nested = Nested { pair: (times % 2 == 1, 'ß'), inner: Some(Box::new(inner)) };
        self.last = at;
        self.spent += Duration::from_millis(1500);
    }
}
#[operator(on_timer = remind)]
fn everything(
    state: &mut Option<Everything>,
    at: Timestamp,
    who: Key<'_, Who>,
    timers: Timers<'_, Remind>,
) -> Option<String> {
    let state = state.get_or_insert_with(Everything::new);
    state.change(at);
    timers.at(at + 1.hours(), Remind { about: format!("visit {}", state.times) });
    Some(format!("{:?}: {state:?}", *who))
}
#[operator]
fn remind(_: &mut Option<Everything>, remind: Remind, who: Key<'_, Who>) -> Option<String> {
    Some(format!("{:?} is reminded of {}", *who, remind.about))
}

/// What `profile` was in version 1.
pub mod profile1 {
    #[malstrom::keyed_state(key = u64, name = "profile")]
    #[derive(Default)]
    pub struct Profile {
        pub visits: u32,
    }
}
pub mod profile2 {
    #[malstrom::keyed_state(key = u64, name = "profile", version = 2, migrate_from = super::profile1::Profile)]
    #[derive(Default)]
    pub struct Profile {
        pub visits: u64,
        pub label: Option<String>,
    }
    impl From<super::profile1::Profile> for Profile {
        fn from(old: super::profile1::Profile) -> Self {
            Profile { visits: old.visits.into(), label: Some(format!("it was {}", old.visits)) }
        }
    }
}
#[keyed_state(key = u64, name = "profile", version = 3, migrate_from = profile2::Profile)]
#[derive(Default)]
pub struct Profile {
    visits: f64,
    labels: Vec<String>,
}
impl From<profile2::Profile> for Profile {
    fn from(old: profile2::Profile) -> Self {
        Profile { visits: old.visits as f64, labels: old.label.into_iter().collect() }
    }
}
#[operator]
fn profile(state: &mut Profile, at: Timestamp) -> String {
    state.visits += 1.0;
    format!("profile {} has {} visits, {:?}", minute(&at) % 2, state.visits, state.labels)
}

fn minute(at: &Timestamp) -> u64 {
    at.as_micros() as u64 / 60_000_000
}
fn who(at: &Timestamp) -> Who {
    match minute(at) % 2 {
        0 => Who::Nobody,
        _ => Who::Person { name: "ann".into(), number: 7 },
    }
}

/// What has written `golden/v1`.
mod v1 {
    use super::*;

    #[operator]
    fn profile(state: &mut profile1::Profile, at: Timestamp) -> String {
        state.visits += 1;
        format!("profile {} has {} visits", minute(&at) % 2, state.visits)
    }
    pipeline! {
        pub fn golden(times: Staying<Timestamp>, out: Collector<String>) {
            let times = source(times) -> timestamps(|at| *at);
            times -> key_by(who) -> everything -> sink(out.clone()) as a;
            let by = times -> key_by(|at| minute(at) % 2);
            by -> profile -> sink(out.clone()) as b;
            by -> count() as counted -> map(|(key, n)| format!("{key} counts {n}")) -> sink(out) as c;
        }
    }
}
mod present {
    use super::*;

    pipeline! {
        pub fn golden(times: Staying<Timestamp>, out: Collector<String>) {
            let times = source(times) -> timestamps(|at| *at);
            times -> key_by(who) -> everything -> sink(out.clone()) as a;
            let by = times -> key_by(|at| minute(at) % 2);
            by -> profile -> sink(out.clone()) as b;
            by -> count() as counted -> map(|(key, n)| format!("{key} counts {n}")) -> sink(out) as c;
        }
    }
}

/// Not a test: the program whose snapshots are looked at.
#[test]
#[ignore = "it is started by the others"]
fn program() {
    program::main(|| present::golden(staying([]), memory::collector()));
}

type Make = fn(Staying<Timestamp>, Collector<String>) -> Pipeline;

/// Goes on until the records of all these minutes are read. What was emitted, sorted.
fn run(at: &Path, make: Make, workers: usize, minutes: &[i64], records: u64) -> Vec<String> {
    let runtime = kept(at).workers(workers).build().unwrap();
    let times: Vec<_> = minutes.iter().map(|minute| Timestamp::from_secs(60 * minute)).collect();
    within(Duration::from_secs(60), move || {
        let out = memory::collector();
        let into = out.clone();
        let job = runtime.start(move || make(staying(times.clone()), into.clone())).unwrap();
        until("all is read", || {
            job.report().operator("golden/source").is_some_and(|source| source.records_out == records)
        });
        job.stop().unwrap();
        job.join().unwrap();
        let mut all = out.take();
        all.sort();
        all
    })
}
fn golden(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version)
}
/// Snapshots are read where they can be written.
fn copy(version: &str) -> tempfile::TempDir {
    fn copy_all(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let (path, to) = (entry.path(), to.join(entry.file_name()));
            match path.is_dir() {
                true => copy_all(&path, &to),
                false => assert!(std::fs::copy(&path, to).is_ok()),
            }
        }
    }
    let directory = tempfile::tempdir().unwrap();
    copy_all(&golden(version), directory.path());
    directory
}

/// Not a test: writes a new directory, and never one that is there.
#[test]
#[ignore = "it is run once for each version"]
fn write() {
    let version = std::env::var("GOLDEN").expect("the name of the version in `GOLDEN`");
    let at = golden(&version);
    assert!(!at.exists(), "what is golden is not changed");
    let make = match version.as_str() {
        "v1" => v1::golden,
        _ => panic!("no pipeline writes `{version}`"),
    };
    // One worker, for fewer bytes; who reads has several.
    run(&at, make, 1, &[0, 1, 2, 3], 4);
    run(&at, make, 1, &[0, 1, 2, 3, 4, 5], 2);
}

#[test]
fn version_1_is_shown() {
    let at = copy("v1");
    let show = |which: &str, operator: &str| program::show(&url(at.path()), &[which, operator]);
    assert_eq!(
        show("latest", "golden/everything"),
        [
            r#"{"key":"Nobody","value":{"fixed":[-2147483645,2147483647],"last":"1970-01-01T00:04:00Z","list":[1,2,3],"map":{"n1":1,"n2":2,"n3":3},"maybe":null,"mean":1.25,"mood":"Calm","negative":-27,"nested":{"inner":{"inner":{"inner":{"inner":null,"pair":[false,"\u0000"]},"pair":[true,"ß"]},"pair":[false,"ß"]},"pair":[true,"ß"]},"short":0.1,"spent":"4.5s","text":"ééé","times":3,"wide":"340282366920938463463374607431768211452"},"timers":[{"time":"1970-01-01T01:00:00Z","timer":{"about":"visit 1"}},{"time":"1970-01-01T01:02:00Z","timer":{"about":"visit 2"}},{"time":"1970-01-01T01:04:00Z","timer":{"about":"visit 3"}}]}"#,
            r#"{"key":{"Person":{"name":"ann","number":7}},"value":{"fixed":[-2147483645,2147483647],"last":"1970-01-01T00:05:00Z","list":[1,2,3],"map":{"n1":1,"n2":2,"n3":3},"maybe":null,"mean":1.25,"mood":"Calm","negative":-27,"nested":{"inner":{"inner":{"inner":{"inner":null,"pair":[false,"\u0000"]},"pair":[true,"ß"]},"pair":[false,"ß"]},"pair":[true,"ß"]},"short":0.1,"spent":"4.5s","text":"ééé","times":3,"wide":"340282366920938463463374607431768211452"},"timers":[{"time":"1970-01-01T01:01:00Z","timer":{"about":"visit 1"}},{"time":"1970-01-01T01:03:00Z","timer":{"about":"visit 2"}},{"time":"1970-01-01T01:05:00Z","timer":{"about":"visit 3"}}]}"#,
        ]
    );
    // Written as version 1 and shown as it is now.
    assert_eq!(
        show("2", "golden/profile"),
        [
            r#"{"key":0,"value":{"labels":["it was 3"],"visits":3.0}}"#,
            r#"{"key":1,"value":{"labels":["it was 3"],"visits":3.0}}"#
        ]
    );
    assert_eq!(show("1", "golden/counted"), [r#"{"key":0,"value":2}"#, r#"{"key":1,"value":2}"#]);
    assert_eq!(show("latest", "golden/counted"), [r#"{"key":0,"value":3}"#, r#"{"key":1,"value":3}"#]);
    let (code, _, complaints) = program::run(&["--snapshots", &url(at.path()), "snapshot", "verify"]);
    assert_eq!(code, Some(0), "{complaints}");
}

#[test]
fn version_1_is_restored() {
    for workers in [1, 3] {
        let at = copy("v1");
        let state = |who: &str, times: u8, minute: i64| {
            let mut state = Everything::new();
            (1..times).for_each(|_| state.change(Timestamp::MIN));
            state.change(Timestamp::from_secs(60 * minute));
            format!("{who}: {state:?}")
        };
        let ann = "Person { name: \"ann\", number: 7 }";
        let got = run(at.path(), present::golden, workers, &[0, 1, 2, 3, 4, 5, 6, 7], 2);
        let expected = [
            "0 counts 4".to_owned(),
            "1 counts 4".into(),
            state("Nobody", 4, 6),
            state(ann, 4, 7),
            "profile 0 has 4 visits, [\"it was 3\"]".into(),
            "profile 1 has 4 visits, [\"it was 3\"]".into(),
        ];
        assert_eq!(got, expected);
        // What has been migrated is written as it is now, and the timers fire that were set long ago.
        let got = run(at.path(), present::golden, workers, &[0, 1, 2, 3, 4, 5, 6, 7, 100], 1);
        let reminded = |who: &str, visit: u8| format!("{who} is reminded of visit {visit}");
        let mut expected = vec!["0 counts 5".to_owned(), "profile 0 has 5 visits, [\"it was 3\"]".into()];
        expected.push(state("Nobody", 5, 100));
        expected.extend((1..=4).flat_map(|visit| [reminded("Nobody", visit), reminded(ann, visit)]));
        expected.sort();
        assert_eq!(got, expected);
    }
}
