use super::*;
use crate::contract::key::KeyGroups;
use crate::state::table::{Ranks, StateTable};
use crate::stream::aggregate::Reduce;
use proptest::prelude::*;
use std::collections::BTreeMap;

const PANES: i128 = 12;

/// Few hashes, so that keys have them in common, and all of them near each other, so that entries are out of order in a table.
fn hash(key: u64) -> u64 {
    (2 * (key % 5) + 1) << 32
}
/// The panes with an even number, as where no window has a tail.
fn pane(number: i128) -> Filled<u64, Option<String>, ()> {
    Filled { number: 2 * number, of: (), table: StateTable::new(Ranks::all(KeyGroups::DEFAULT)) }
}
/// Reads a window.
fn read(
    runs: &mut Runs<u64, Option<String>>,
    panes: &[Filled<u64, Option<String>, ()>],
    (from, to): (i128, i128),
) -> Vec<(u64, u64, String)> {
    let mut concat = Reduce(|a: String, b: String| a + &b, None);
    let mut copying = runs.begin((from, to), panes.partition_point(|filled| filled.number < from));
    while runs.copy(&mut copying, panes) {}
    let mut found = Vec::new();
    while let Some((hash, key, kept, _)) = runs.next::<String, _>(&mut concat) {
        found.push((hash, key, kept.unwrap_or_default()));
    }
    found
}

proptest! {
    /// Against a map per pane, whose panes go on changing while windows of them are read.
    #[test]
    fn windows_have_what_their_panes_have_in_the_order_of_these(
        size in 1..=MOST as i128,
        filled in prop::collection::vec((0..PANES, 0u64..40, "[a-z]"), 0..200),
        changes in prop::collection::vec((0..PANES, 0..PANES, 0u64..40, "[a-z]"), 0..20),
    ) {
        let mut model: BTreeMap<i128, BTreeMap<u64, String>> = BTreeMap::new();
        let mut panes: Vec<_> = (0..PANES).map(pane).collect();
        let mut runs = Runs::new();
        let mut put = |panes: &mut [Filled<u64, Option<String>, ()>], of: i128, key: u64, text: &str| {
            let kept = panes[of as usize].table.entry(hash(key), &key, || Some(String::new()));
            kept.get_or_insert_default().push_str(text);
            model.entry(of).or_default().entry(key).or_default().push_str(text);
            model.clone()
        };
        let mut now = BTreeMap::new();
        for (of, key, text) in &filled {
            now = put(&mut panes, *of, *key, text);
        }
        for first in 0..=PANES - size {
            let found = read(&mut runs, &panes, (2 * first, 2 * (first + size)));
            prop_assert!(found.is_sorted_by_key(|(hash, ..)| *hash));
            let mut expected: BTreeMap<u64, String> = BTreeMap::new();
            for (_, of_pane) in now.range(first..first + size) {
                of_pane.iter().for_each(|(key, text)| expected.entry(*key).or_default().push_str(text));
            }
            let keys = found.len();
            let found: BTreeMap<u64, String> = found.into_iter().map(|(_, key, text)| (key, text)).collect();
            prop_assert_eq!(keys, found.len(), "a key comes once");
            prop_assert_eq!(found, expected);
            for (_, of, key, text) in changes.iter().filter(|(after, ..)| *after == first) {
                runs.forget(2 * of);
                now = put(&mut panes, *of, *key, text);
            }
        }
    }
}
