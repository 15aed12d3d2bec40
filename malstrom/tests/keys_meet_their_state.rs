//! The worker that a key is sent to is the one whose state table has room for its group: sender and state agree for every
//! group and any number of workers.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::{Context, Extract};
use malstrom_core::contract::key::KeyGroups;
use malstrom_core::exchange::route::RouteTable;
use malstrom_core::state::key_group::KeyHasher;
use malstrom_core::state::table::{Ranks, StateTable};
use proptest::prelude::*;
use std::collections::HashMap;

#[test]
fn each_group_has_one_owner_and_one_place() {
    for workers in 1..=64 {
        let route = RouteTable::even(workers, KeyGroups::DEFAULT);
        let mut owners = vec![None; KeyGroups::DEFAULT.count()];
        for worker in 0..workers {
            let mut owned = 0;
            for group in route.groups_of(worker) {
                assert_eq!(owners[usize::from(group)].replace(worker), None, "group {group} has two owners");
                owned += 1;
            }
            assert_eq!(Ranks::of(KeyGroups::DEFAULT, route.groups_of(worker)).owned(), owned);
        }
        for (number, owner) in owners.iter().enumerate() {
            // The first hash of the group, the last one, and one between.
            for low in [0, (1 << 52) - 1, 0x000a_bcde_f012_3456] {
                let hash = (number as u64) << 52 | low;
                assert_eq!((usize::from(KeyGroups::DEFAULT.of(hash)), Some(route.owner(hash))), (number, *owner));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_key_is_found_in_the_table_of_its_owner(keys in proptest::collection::vec(any::<(u64, String)>(), 1..100), seed: u64, workers in 1..=64usize) {
        let route = RouteTable::even(workers, KeyGroups::DEFAULT);
        let mut hasher = KeyHasher::new(seed);
        let mut tables: Vec<_> = (0..workers).map(|w| StateTable::new(Ranks::of(KeyGroups::DEFAULT, route.groups_of(w)))).collect();
        let mut expected: HashMap<(u64, String), u64> = HashMap::new();
        for key in &keys {
            let hash = hasher.hash(key);
            let owner = route.owner(hash);
            prop_assert!(route.groups_of(owner).any(|g| g == KeyGroups::DEFAULT.of(hash)));
            *tables[owner].entry(hash, key, || 0u64) += 1;
            *expected.entry(key.clone()).or_default() += 1;
        }
        prop_assert_eq!(tables.iter().map(StateTable::len).sum::<usize>(), expected.len());
        for (owner, table) in tables.iter().enumerate() {
            // Walking the groups that it owns meets every entry.
            let walked: usize = route.groups_of(owner).map(|g| table.iter_group(g).count()).sum();
            prop_assert_eq!(walked, table.len());
            for (key, n) in table.iter() {
                prop_assert_eq!(expected.get(key), Some(n));
            }
        }
    }
}

/// The thread that an operator runs on, which is the worker's.
struct Thread(String);
impl<'a> Extract<'a> for Thread {
    fn extract(_: &'a Context<'a>) -> Self {
        Thread(std::thread::current().name().unwrap_or_default().to_owned())
    }
}
#[operator]
fn located(key: u64, thread: Thread) -> (u64, String) {
    (key, thread.0)
}
pipeline! {
    fn spread(out: memory::Collector<(u64, String)>) {
        source(memory::splits(4, |_| 0..1_000u64)) -> key_by(|x| *x) -> located -> sink(out);
    }
}

#[test]
fn a_running_job_agrees_with_the_table() {
    for workers in [1, 2, 3, 7] {
        let out = memory::collector();
        let into = out.clone();
        let runtime = malstrom_core::Runtime::builder().workers(workers).seed(99).build().unwrap();
        runtime.run(move || spread(into.clone())).unwrap();
        let (route, mut hasher) = (RouteTable::even(workers, KeyGroups::DEFAULT), KeyHasher::new(99));
        for (key, thread) in out.take() {
            assert_eq!(thread, format!("malstrom-worker-{}", route.owner(hasher.hash(&key))));
        }
    }
}
