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
//! | when nothing moves, and snapshots are committed | nobody waits for key groups to move |
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
use faults::{Menu, Plan, What};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
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
        let counts = run(&Plan::of(seed, menu));
        counts.into_iter().for_each(|(what, times)| *all.entry(what).or_default() += times);
    }
    all
}
fn run(plan: &Plan) -> BTreeMap<&'static str, u64> {
    World::new(plan.clone(), false).run().unwrap_or_else(|(wrong, _)| {
        let trace = World::new(plan.clone(), true).run().err().unwrap_or_default().1.join("\n");
        panic!("{plan:#?}\n{trace}\nseed {}: {wrong}", plan.seed)
    })
}

/// Whether some changes of the layout were made in several steps.
fn assert_stepped(counts: &BTreeMap<&'static str, u64>) {
    if clock::variable("MALSTROM_SEEDS").is_none() {
        assert!(2 * counts["steps"] > 3 * counts["moved"], "{counts:?}");
    }
}
/// Whether all of these have happened.
fn assert_happened(counts: &BTreeMap<&'static str, u64>, what: &[&str]) {
    // Some seeds alone need not have it all.
    if clock::variable("MALSTROM_SEEDS").is_none() {
        let never: Vec<_> = what.iter().filter(|what| !counts.contains_key(*what)).collect();
        assert!(never.is_empty(), "{never:?} has not happened: {counts:?}");
    }
}

#[test]
fn whatever_happens_to_coordinators_nothing_is_restored() {
    let counts = survive(0..100, Menu::Leader);
    assert_happened(
        &counts,
        &["leaders killed", "leaders frozen", "leaders fenced", "taken over", "savepoints", "moved", "rebalances"],
    );
    assert_stepped(&counts);
}
#[test]
fn whatever_happens_to_processes_with_workers_each_record_counts_once() {
    let counts = survive(0..100, Menu::Crews);
    assert_happened(
        &counts,
        &["crews killed", "crews frozen", "crews left", "crews unwanted", "connections reset", "moved", "rebalances"],
    );
    assert_stepped(&counts);
}
#[test]
fn whatever_happens_each_record_counts_once() {
    let counts = survive(0..100, Menu::All);
    assert_happened(
        &counts,
        &[
            "leaders killed",
            "crews killed",
            "taken over",
            "savepoints",
            "savepoints turned down",
            "rebalances",
            "rebalances turned down",
        ],
    );
}
/// A job of so many processes in which nothing goes wrong but this.
fn but(processes: usize, least: usize, size: u64, (at, what): (u64, What), seed: u64) -> Plan {
    Plan {
        processes,
        workers: vec![1; processes],
        least,
        numbered: true,
        leaders: 1,
        sizes: vec![size; 4],
        faults: vec![(Duration::from_secs(at), what)],
        flaky: 0,
        wave: 1 << 20,
        skewed: true,
        rebalance: false,
        over_by: Some(Duration::from_secs(100)),
        ..Plan::of(seed, Menu::Crews)
    }
}
/// Two of three do not reach each other, for longer than the job takes: one of them is done without.
#[test]
fn who_cannot_be_reached_by_others_is_left_out() {
    for seed in 0..5 {
        let cut = What::Cut { slots: (0, 1), lasts: Duration::from_secs(1000) };
        let counts = run(&but(3, 2, 300, (3, cut), seed));
        assert_eq!(counts["attempts"], 2, "seed {seed}: {counts:?}");
    }
}
/// The job goes on without one that does nothing for long, and with it again when it is back, without being restored for that.
#[test]
fn who_comes_back_takes_part_again() {
    for seed in 0..5 {
        let freeze = What::FreezeCrew { slot: 1, lasts: Duration::from_secs(20), replaced: false };
        let counts = run(&but(2, 1, 2000, (4, freeze), seed));
        assert_eq!((counts["attempts"], counts["moved"]), (2, 1), "seed {seed}: {counts:?}");
    }
}
/// One has much more to do than the other, and gives some of that away without being asked for it, if that is wanted.
#[test]
fn key_groups_move_by_themselves_where_that_is_wanted() {
    for (seed, rebalance) in [(0, true), (1, true), (2, false)] {
        let asked = (99, What::Rebalance);
        let counts = run(&Plan { rebalance, ..but(2, 2, 2500, asked, seed) });
        let moved = counts.get("moved").copied().unwrap_or_default();
        assert_eq!((counts["attempts"], moved), (1, u64::from(rebalance)), "seed {seed}: {counts:?}");
    }
}
