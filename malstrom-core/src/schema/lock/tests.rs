use super::*;
use crate::contract::record::{Record, description};
use proptest::prelude::*;

fn text<T: Record>() -> String {
    description::<T>().to_string()
}
fn some() -> Lock {
    let block = |state: &str, keeps: String, timers| Block {
        state: state.into(),
        version: 3,
        key: text::<(u64, String)>(),
        keeps,
        timers,
    };
    // `Description` is a struct of an enum that contains itself: its text has several lines.
    Lock(BTreeMap::from([
        ("p/card".into(), block("card", text::<Description>(), Some(text::<Option<u8>>()))),
        ("p/count".into(), block("count", text::<u64>(), None)),
        ("pq/count".into(), block("count", text::<Vec<u64>>(), None)),
    ]))
}

#[test]
fn what_is_printed_is_read() {
    assert_eq!(parse(&some().to_string()), Ok(some()));
    // As a checkout on Windows has it.
    assert_eq!(parse(&some().to_string().replace('\n', "\r\n")), Ok(some()));
}

#[test]
fn a_pipeline_has_its_own_blocks() {
    assert_eq!(some().of("p").into_keys().collect::<Vec<_>>(), ["p/card", "p/count"]);
    assert_eq!(some().of("pq").into_keys().collect::<Vec<_>>(), ["pq/count"]);
    assert!(some().of("q").is_empty());
}

#[test]
fn the_form_is_fixed() {
    let printed = Lock(some().of("pq")).to_string();
    let expected = "\n[pq/count]\nstate = count\nversion = 3\nfingerprint = 1bfed43648e33a73\nkey = (u64, String)\nkeeps = Vec<u64>\n";
    assert_eq!(printed.strip_prefix(HEAD), Some(expected));
}

/// What is wrong with the lock, and in which line.
fn refusal(change: impl FnOnce(String) -> String) -> (u64, String) {
    parse(&change(some().to_string())).expect_err("it is no lock any more")
}

#[test]
fn what_is_broken_is_refused_with_its_line() {
    let count = |text: &str| text.lines().position(|line| line == "[p/count]").unwrap() as u64 + 1;
    let at = count(&some().to_string());
    let (line, why) = refusal(|text| text.replace("keeps = u64", "keeps = i64"));
    assert_eq!(line, at + 3);
    assert!(why.contains("changed by hand, or badly merged"), "{why}");
    let (line, why) = refusal(|text| text.replace("[pq/count]", "[p/count]"));
    assert!(line > at && why.contains("`p/count` is there twice"), "{line} {why}");
    let (line, why) = refusal(|text| text.replace("state = count\n", ""));
    assert_eq!((line, &*why), (at, "`p/count` has no `state`"));
    let (_, why) = refusal(|text| text.replace("version = 3", "version = three"));
    assert_eq!(why, "`three` is no version");
    let (_, why) = refusal(|text| text.replace("version = 3", "version = 3\nversion = 4"));
    assert!(why.contains("`version` is there twice"), "{why}");
    let (_, why) = refusal(|text| text.replace("version = 3", "version = 3\ncolour = red"));
    assert!(why.contains("`colour` is nothing that a lock says"), "{why}");
    let (_, why) = refusal(|text| text.replace("<<<", "") + "<<<<<<< HEAD\n");
    assert!(why.contains("no part of a lock"), "{why}");
    let (line, _) = refusal(|text| text.replace(HEAD, "state = x\n"));
    assert_eq!(line, 1);
}

proptest! {
    #[test]
    fn no_file_is_fatal(lines in prop::collection::vec("(\\[p/[a-c]\\]?|(state|version|key|keeps|timers|fingerprint) ?= ?[#a-c0-9<>{}, ]{0,8}|    #[0-9] [A-C{}: ,a-c]{0,8}|[ -~]{0,9})", 0..12)) {
        drop(parse(&lines.join("\n")));
    }
}
