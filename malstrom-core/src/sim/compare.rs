//! Whether what has come out of two runs is the same, and what differs.
use super::output::Seen;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// No more records than these are shown.
const SHOWN: usize = 5;

/// What differs, for people; `None` if it is the same.
pub(super) fn difference(expected: &[Seen], got: &[Seen]) -> Option<String> {
    for (expected, got) in expected.iter().zip(got) {
        let differs = match &expected.reader.key {
            None => multiset(expected, got),
            Some(key) => per_key(expected, got, key),
        };
        if let Some(how) = differs {
            return Some(format!(
                "`{}` differs from what it is on one worker where nothing goes wrong\n{how}",
                expected.name
            ));
        }
    }
    // An output that no worker has opened has had nothing.
    let missing = expected.iter().skip(got.len()).find(|expected| !expected.records.is_empty());
    missing.map(|expected| format!("`{}` was not opened", expected.name))
}
fn multiset(expected: &Seen, got: &Seen) -> Option<String> {
    // How many there are more than there should be, and one of them.
    let mut counts: BTreeMap<&[u8], (i64, &[u8])> = BTreeMap::new();
    for (seen, one) in [(expected, -1), (got, 1)] {
        for (content, record) in seen.contents.iter().zip(&seen.records) {
            counts.entry(content).or_insert((0, record)).0 += one;
        }
    }
    let mut how = String::new();
    for (what, sign) in [("missing", -1), ("too many", 1)] {
        let wrong: Vec<_> = counts.values().filter(|(count, _)| count * sign > 0).collect();
        for (count, record) in wrong.iter().take(SHOWN) {
            let times = if count.abs() > 1 { format!(" ({} times)", count.abs()) } else { String::new() };
            let _ = writeln!(how, "  {what}: {}{times}", (expected.reader.show)(record));
        }
        if wrong.len() > SHOWN {
            let _ = writeln!(how, "  {what}: {} others", wrong.len() - SHOWN);
        }
    }
    (!how.is_empty()).then(|| how.trim_end().to_owned())
}
/// The records of each key by their places, in order; or the last of them.
fn by_key(seen: &Seen, key: &dyn Fn(&[u8]) -> String) -> BTreeMap<String, Vec<usize>> {
    let mut all: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, record) in seen.records.iter().enumerate() {
        let of_key = all.entry(key(record)).or_default();
        if seen.reader.last {
            of_key.clear();
        }
        of_key.push(at);
    }
    all
}
fn per_key(expected: &Seen, got: &Seen, key: &dyn Fn(&[u8]) -> String) -> Option<String> {
    let (mut left, mut right) = (by_key(expected, key), by_key(got, key));
    let keys: BTreeSet<String> = left.keys().chain(right.keys()).cloned().collect();
    let mut how = String::new();
    let mut others = 0;
    for key in keys {
        let (left, right) = (left.remove(&key).unwrap_or_default(), right.remove(&key).unwrap_or_default());
        let alike = left.iter().zip(&right).take_while(|(a, b)| expected.contents[**a] == got.contents[**b]).count();
        if alike == left.len() && alike == right.len() {
            continue;
        }
        if !how.is_empty() {
            others += 1;
            continue;
        }
        let _ = writeln!(how, "  of key {key}, behind {alike} that are the same:");
        let _ = writeln!(how, "  expected: {}", shown(expected, &left[alike..]));
        let _ = writeln!(how, "  came:     {}", shown(got, &right[alike..]));
    }
    if others > 0 {
        let _ = writeln!(how, "  and {others} other keys differ");
    }
    (!how.is_empty()).then(|| how.trim_end().to_owned())
}
fn shown(seen: &Seen, places: &[usize]) -> String {
    let mut shown: Vec<_> = places.iter().take(SHOWN).map(|at| (seen.reader.show)(&seen.records[*at])).collect();
    if places.is_empty() {
        shown.push("nothing".to_owned());
    }
    if places.len() > SHOWN {
        shown.push(format!("and {} more", places.len() - SHOWN));
    }
    shown.join(", ")
}
/// Where the first record lies that is not the same in two runs of one seed: in which output.
pub(super) fn first_other(a: &[Seen], b: &[Seen]) -> Option<usize> {
    let other = |at: &usize| a.get(*at).map(|seen| &seen.contents) != b.get(*at).map(|seen| &seen.contents);
    (0..a.len().max(b.len())).find(other)
}
