//! `malstrom.lock`: what has become of what each operator keeps, told before a job is restored.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_debug_implementations, unreachable_pub)]
use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use malstrom::{Pipeline, schema};
use std::path::{Path, PathBuf};

/// A directory of one test, which is gone with it.
struct Dir(PathBuf);
impl Dir {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("malstrom-lock-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Dir(path)
    }
    fn lock(&self) -> PathBuf {
        self.0.join("malstrom.lock")
    }
    fn text(&self) -> String {
        std::fs::read_to_string(self.lock()).unwrap()
    }
}
impl Drop for Dir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
/// The verdicts, by operator.
fn verdicts(pipeline: Pipeline, lock: &Path) -> Vec<(String, String)> {
    let error = schema::check_at(pipeline, lock).expect_err("something has changed").to_string();
    let lines = error.lines().filter_map(|line| line.strip_prefix("  ")?.split_once("  "));
    lines.map(|(id, verdict)| (id.to_owned(), verdict.trim().to_owned())).collect()
}
fn verdict(pipeline: Pipeline, lock: &Path, id: &str) -> String {
    let all = verdicts(pipeline, lock);
    all.iter().find(|(other, _)| other == id).unwrap_or_else(|| panic!("{id} is not in {all:?}")).1.clone()
}

/// The first release.
mod first {
    use super::*;
    #[keyed_state(key = u64, name = "card")]
    #[derive(Default)]
    pub struct Card {
        pub payments: u32,
        pub total: f64,
    }
    #[keyed_state(key = u64)]
    #[derive(Default)]
    pub struct Seen {
        times: u32,
    }
    #[operator]
    pub fn score(card: &mut Card, _: u64) -> f64 {
        card.payments += 1;
        card.total
    }
    #[operator]
    pub fn seen(seen: &mut Seen, x: u64) -> u64 {
        seen.times += 1;
        x
    }
    pipeline! {
        pub fn fraud() {
            source(0..9u64) -> key_by(|x| *x) -> seen -> score -> sink(for_each(|_: f64| ()));
        }
    }
}
/// The second: a version more of the card, with a migration; a field less of what was seen; and a count.
mod second {
    use super::*;
    #[keyed_state(key = u64, name = "card", version = 2, migrate_from = first::Card)]
    #[derive(Default)]
    pub struct Card {
        payments: u64,
        total: f64,
    }
    impl From<first::Card> for Card {
        fn from(old: first::Card) -> Self {
            Card { payments: old.payments.into(), total: old.total }
        }
    }
    #[keyed_state(key = u64)]
    #[derive(Default)]
    pub struct Seen {
        times: u64,
    }
    #[operator]
    pub fn score(card: &mut Card, _: u64) -> f64 {
        card.payments += 1;
        card.total
    }
    #[operator]
    pub fn seen(seen: &mut Seen, x: u64) -> u64 {
        seen.times += 1;
        x
    }
    pipeline! {
        pub fn fraud() {
            let scores = source(0..9u64) -> key_by(|x| *x) -> seen -> score;
            scores -> count() -> sink(for_each(|_: (u64, u64)| ()));
        }
        /// Without the one that was seen.
        pub fn only_score() {
            source(0..9u64) -> key_by(|x| *x) -> score -> sink(for_each(|_: f64| ()));
        }
    }
}
/// What is called `fraud` too, and has lost a stage.
mod third {
    use super::*;
    use first::{score, seen};
    pipeline! {
        pub fn fraud() {
            source(0..9u64) -> key_by(|x| *x) -> score -> sink(for_each(|_: f64| ()));
        }
    }
    pub mod renamed {
        use super::*;
        #[keyed_state(key = u64, name = "card", version = 3)]
        #[derive(Default)]
        pub struct Card {
            payments: u32,
        }
        #[operator]
        pub fn score(card: &mut Card, _: u64) -> f64 {
            card.payments.into()
        }
        pipeline! {
            pub fn fraud() {
                source(0..9u64) -> key_by(|x| *x) -> seen as score_of_before -> map(|x| x) -> score -> sink(for_each(|_: f64| ()));
            }
        }
    }
}

#[test]
fn the_first_run_writes_the_lock_and_the_next_finds_it_unchanged() {
    let dir = Dir::new("first");
    schema::check_at(first::fraud(), dir.lock()).unwrap();
    let text = dir.text();
    let card = "[fraud/score]\nstate = card\nversion = 1\nfingerprint = ";
    assert!(text.contains(card), "{text}");
    assert!(text.contains("keeps = #0\n    #0 Card { payments: u32, total: f64, }\n"), "{text}");
    schema::check_at(first::fraud(), dir.lock()).unwrap();
    assert_eq!(dir.text(), text);
}

#[test]
fn each_operator_has_its_verdict() {
    let dir = Dir::new("verdicts");
    schema::check_at(first::fraud(), dir.lock()).unwrap();
    let before = dir.text();
    let told = verdicts(second::fraud(), &dir.lock());
    let expected = [
        ("fraud/count", "new"),
        ("fraud/score", "migrates: from version 1 to 2"),
        ("fraud/seen", "incompatible: `Seen.times` was `u32` and is `u64`, and the version is still 1"),
    ];
    assert_eq!(told, expected.map(|(id, verdict)| (id.to_owned(), verdict.to_owned())));
    let told = verdicts(third::fraud(), &dir.lock());
    let expected =
        [("fraud/score", "unchanged"), ("fraud/seen", "orphaned: the lock has it, and the pipeline has not")];
    assert_eq!(told, expected.map(|(id, verdict)| (id.to_owned(), verdict.to_owned())));
    assert_eq!(dir.text(), before, "a check changes nothing");
}

#[test]
fn a_version_must_be_led_to() {
    let dir = Dir::new("versions");
    schema::check_at(first::fraud(), dir.lock()).unwrap();
    let told = verdict(third::renamed::fraud(), &dir.lock(), "fraud/score");
    assert_eq!(told, "incompatible: no migration leads from version 1 to 3");
    // And back.
    schema::update_at(second::fraud(), dir.lock()).unwrap();
    let told = verdict(first::fraud(), &dir.lock(), "fraud/score");
    assert_eq!(told, "incompatible: the version was 2 and is 1, and nothing leads back");
}

#[test]
fn a_migration_must_begin_at_what_was_released() {
    let dir = Dir::new("beginning");
    schema::check_at(first::fraud(), dir.lock()).unwrap();
    // The old type in the code is not what the release had.
    mod other {
        use super::*;
        #[keyed_state(key = u64, name = "card")]
        pub struct Old {
            pub payments: u32,
        }
        #[keyed_state(key = u64, name = "card", version = 2, migrate_from = Old)]
        #[derive(Default)]
        pub struct Card {
            payments: u32,
        }
        impl From<Old> for Card {
            fn from(old: Old) -> Self {
                Card { payments: old.payments }
            }
        }
        #[operator]
        pub fn score(card: &mut Card, _: u64) -> f64 {
            card.payments.into()
        }
        pipeline! {
            pub fn fraud() {
                source(0..9u64) -> key_by(|x| *x) -> score -> sink(for_each(|_: f64| ()));
            }
        }
    }
    let told = verdict(other::fraud(), &dir.lock(), "fraud/score");
    assert_eq!(told, "incompatible: the migration begins at another version 1: the type was `Card` and is `Old`");
}

#[test]
fn an_update_makes_it_good_and_leaves_other_pipelines_alone() {
    let dir = Dir::new("update");
    schema::check_at(first::fraud(), dir.lock()).unwrap();
    schema::check_at(second::only_score(), dir.lock()).unwrap();
    schema::update_at(second::fraud(), dir.lock()).unwrap();
    schema::check_at(second::fraud(), dir.lock()).unwrap();
    schema::check_at(second::only_score(), dir.lock()).unwrap();
    assert!(dir.text().contains("[only_score/score]"));
    assert!(dir.text().find("[fraud/count]") < dir.text().find("[fraud/score]"));
    // One that keeps nothing has nothing in it.
    schema::update_at(nothing(), dir.lock()).unwrap();
    schema::check_at(nothing(), dir.lock()).unwrap();
}

pipeline! {
    fn nothing() {
        source(0..9u64) -> map(|x| x + 1) -> sink(for_each(|_: u64| ()));
    }
}

#[test]
fn tests_that_write_at_the_same_time_lose_nothing() {
    let dir = Dir::new("together");
    let (path, start) = (dir.lock(), std::sync::Barrier::new(2));
    for _ in 0..20 {
        drop(std::fs::remove_file(&path));
        std::thread::scope(|scope| {
            for pipeline in [first::fraud as fn() -> Pipeline, second::only_score] {
                let (path, start) = (&path, &start);
                scope.spawn(move || {
                    start.wait();
                    schema::check_at(pipeline(), path).unwrap();
                });
            }
        });
        let text = dir.text();
        assert!(text.contains("[fraud/seen]") && text.contains("[only_score/score]"), "{text}");
    }
}

mod kinds {
    use super::*;
    #[derive(Record, Clone, Debug)]
    pub struct Pay {
        pub card: u64,
        pub amount: f64,
        pub at: Timestamp,
    }
    #[derive(Record, Clone, PartialEq, Eq, Hash)]
    pub struct Remind(pub u8);
    #[keyed_state(key = u64)]
    #[derive(Default)]
    pub struct Visit {
        pub pages: u32,
    }
    #[operator]
    pub fn finish(visit: Visit) -> u32 {
        visit.pages
    }
    #[operator(on_close = finish)]
    pub fn visit(visit: &mut Visit, _: Pay) {
        visit.pages += 1;
    }
    #[operator]
    pub fn remind(_: &mut Visit, _: Remind) -> Option<u32> {
        None
    }
    #[operator(on_timer = remind)]
    pub fn watch(visit: &mut Visit, pay: Pay, timers: Timers<'_, Remind>) -> Option<u32> {
        timers.at(pay.at, Remind(1));
        visit.pages += 1;
        None
    }
    pipeline! {
        /// One of each kind of what can be kept.
        pub fn all(pays: Vec<Pay>, into: memory::Collector<String>) {
            let pays = source(pays) -> timestamps(|pay| pay.at) -> key_by(|pay| pay.card);
            let sums = pays -> sum(|pay| pay.amount) -> map(|x| format!("{x:?}"));
            let least = pays -> min(|pay| pay.at) -> map(|x| format!("{x:?}"));
            let means = pays -> average(|pay| pay.amount) -> map(|x| format!("{x:?}"));
            let lasts = pays -> reduce(|_, pay| pay) -> map(|x| format!("{x:?}"));
            let texts = pays -> fold(String::new(), |a, _| a) -> map(|x| format!("{x:?}"));
            let best = pays -> top(2, |pay| pay.amount) -> map(|x| format!("{x:?}"));
            let cents = pays -> map(|pay| pay.amount as u64) -> distinct() -> map(|x| format!("{x:?}"));
            let hours = pays -> window(tumbling(1.hours())) else drop -> sum(|pay| pay.amount) as hourly -> map(|x| format!("{x:?}"));
            let sessions = pays -> window(session(1.hours())) else drop -> fold(0u64, |a, _| a) as in_sessions -> map(|x| format!("{x:?}"));
            let counted = pays -> window(counted(3)) -> count() as by_three -> map(|x| format!("{x:?}"));
            let visits = pays -> window(tumbling(1.hours())) else drop -> visit -> map(|x| x.to_string());
            let in_session = pays -> window(session(1.hours())) else drop -> visit as in_session -> map(|x| x.to_string());
            let watched = pays -> watch -> map(|x| x.to_string());
            let left = pays -> map(|pay| pay.amount);
            let joined = join(left, pays, within = 1.hours());
            let pairs = joined -> map(|x| format!("{x:?}"));
            let all = union(sums, least, means, lasts, texts, best, cents, hours, sessions, counted, visits, in_session, watched, pairs);
            all -> sink(into);
        }
    }
}

/// What is kept of the records follows from their types, which the expansion has found out.
#[test]
fn every_kind_of_stage_says_what_it_keeps() {
    let pipeline = kinds::all(Vec::new(), memory::collector());
    let kept: Vec<_> = pipeline.plan().kept().collect();
    let text = |id: &str| {
        let (_, kept) = kept.iter().find(|(other, _)| *other == format!("all/{id}")).unwrap();
        assert_eq!(kept.key().to_string(), "u64");
        let text = kept.description().unwrap().to_string();
        (kept.name(), text.lines().next().unwrap().to_owned())
    };
    let pay = "#0 Pay { card: u64, amount: f64, at: #1, }";
    for (id, name, keeps) in [
        ("sum", "sum", "f64"),
        ("min", "min", "Option<#0>"),
        ("average", "average", "(f64, u64)"),
        ("reduce", "reduce", "Option<#0>"),
        ("fold", "fold", "Option<String>"),
        ("top", "top", "Vec<(u64, #0)>"),
        ("distinct", "distinct", "Map<u64, (u64, bool)>"),
        ("hourly", "sum", "PerWindow<f64>"),
        ("in_sessions", "fold", "PerSession<Vec<(i64, #0)>>"),
        ("by_three", "count", "PerCount<u64>"),
        ("visit", "Visit", "PerWindow<#0>"),
        ("in_session", "records", "PerSession<Vec<(i64, #0)>>"),
        ("watch", "Visit", "#0"),
        ("join", "join", "(Vec<(i64, bool, f64)>, Vec<(i64, bool, #0)>)"),
    ] {
        assert_eq!(text(id), (name, keeps.to_owned()), "{id}");
    }
    assert_eq!(kept.len(), 14);
    let (_, top) = kept.iter().find(|(id, _)| *id == "all/top").unwrap();
    assert_eq!(top.description().unwrap().to_string().lines().nth(1), Some(pay));
    let (_, watch) = kept.iter().find(|(id, _)| *id == "all/watch").unwrap();
    assert_eq!(watch.timers().unwrap().to_string(), "#0\n#0 Remind { 0: u8, }");
}

#[test]
fn what_is_no_record_is_named() {
    #[derive(Clone, Copy, Default)]
    struct Number(u64);
    impl std::ops::AddAssign for Number {
        fn add_assign(&mut self, other: Self) {
            self.0 += other.0;
        }
    }
    pipeline! {
        fn unwritten() {
            source(0..9u64) -> key_by(|x| *x) -> sum(|x| Number(*x)) as totals -> map(|(_, n)| n.0) -> sink(for_each(|_: u64| ()));
        }
    }
    let dir = Dir::new("unwritten");
    let told = verdict(unwritten(), &dir.lock(), "unwritten/totals");
    assert!(told.starts_with("cannot be written: it keeps values that are no `Record`"), "{told}");
    assert!(schema::update_at(unwritten(), dir.lock()).is_err());
    assert!(!dir.lock().exists());
}

#[test]
fn a_lock_that_is_none_is_refused_with_its_line() {
    let dir = Dir::new("broken");
    schema::check_at(first::fraud(), dir.lock()).unwrap();
    let text = dir.text().replace("payments: u32", "payments: u64");
    std::fs::write(dir.lock(), &text).unwrap();
    let error = schema::check_at(first::fraud(), dir.lock()).unwrap_err();
    let line = text.lines().position(|line| line == "[fraud/score]").unwrap() + 4;
    assert!(error.to_string().contains(&format!("malstrom.lock:{line}: the fingerprint")), "{error}");
}
