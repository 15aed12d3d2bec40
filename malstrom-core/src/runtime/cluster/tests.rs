//! A simulated cluster: leaders and crews as they are, around a model of the job, with a network and a store in which everything goes
//! wrong that follows from a seed.
//!
//! What is simulated is all that lies [outside](super::leader::Outside) of them. Time passes from one event to the next, and all of it
//! runs on one thread, so that a seed always stands for the same events.
//!
//! | what is to be the case | |
//! |---|---|
//! | at each entry of the commit log | it is of the term that was claimed last, and behind all others |
//! | at each commit | the snapshot has all splits, as one attempt has counted them, and goes on where the one before it ended |
//! | whenever a worker publishes | it is what the log has of that interval, and nothing before it is missing |
//! | at each restore | the keys are hashed as they were, and everything that is wanted is there |
//! | when nothing has gone wrong for two minutes | the job is over, with each record counted and published once |
//! | if only coordinators and their connections have failed | there was one attempt, and nothing was restored |
mod crews;
mod faults;
mod job;
mod leaders;
mod net;
mod random;
mod store;
mod team;
mod world;

use crate::runtime::clock;
use faults::{Menu, Plan};
use std::collections::BTreeMap;
use std::ops::Range;
use world::World;

/// The seeds to run: `MALSTROM_SEEDS` may say that it is `100x` as many, or just `17..18`.
fn seeds(usual: Range<u64>) -> Range<u64> {
    let Some(value) = clock::variable("MALSTROM_SEEDS") else { return usual };
    if let Some(times) = value.strip_suffix('x').and_then(|times| times.parse::<u64>().ok()) {
        return usual.start..usual.start + (usual.end - usual.start) * times;
    }
    let range = value.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range.unwrap_or_else(|| panic!("MALSTROM_SEEDS is `{value}`, and not like `100x` or `17..18`"))
}
/// Runs these seeds. How often each thing has happened.
fn survive(usual: Range<u64>, menu: Menu) -> BTreeMap<&'static str, u64> {
    let mut all = BTreeMap::new();
    for seed in seeds(usual) {
        let plan = Plan::of(seed, menu);
        match World::new(plan.clone(), false).run() {
            Ok(counts) => counts.into_iter().for_each(|(what, times)| *all.entry(what).or_default() += times),
            Err((wrong, _)) => {
                let trace = World::new(plan.clone(), true).run().err().unwrap_or_default().1;
                panic!(
                    "seed {seed} of {menu:?}: {wrong}\n{plan:#?}\n{}\nseed {seed} of {menu:?}: {wrong}",
                    trace.join("\n")
                );
            }
        }
    }
    all
}

#[test]
fn whatever_happens_to_coordinators_nothing_is_restored() {
    let counts = survive(0..100, Menu::Leader);
    println!("{counts:?}");
}
#[test]
fn whatever_happens_to_processes_with_workers_each_record_counts_once() {
    let counts = survive(0..100, Menu::Crews);
    println!("{counts:?}");
}
#[test]
fn whatever_happens_each_record_counts_once() {
    let counts = survive(0..100, Menu::All);
    println!("{counts:?}");
}
