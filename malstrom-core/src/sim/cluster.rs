//! A cluster in a simulator: workers, coordinators, network, store and commit log on one thread, in an order, at a pace and with
//! faults that follow from one seed.
//!
//! What is simulated is what lies between the protocols of the engine: time, the network and the store. The protocols are the ones of
//! the engine: [`Coordinator`](crate::coordinator::Coordinator) and [`Member`](crate::coordinator::member::Member) (start,
//! snapshots, recovery, takeover, rescale), [`Log`](crate::snapshot::log::Log) (commits and terms),
//! [`Gate`](crate::exchange::gate::Gate) and [`Handover`](crate::exchange::handover::Handover) (barriers, and how key groups move), and
//! [`Session`](crate::exchange::session::Session) (connections that break). The job is a small one of its own: splits, a keyed
//! exchange with a count per key behind it, another one with a count and windows, and a sink that publishes what is committed.
//!
//! On every run these are checked, as they happen and at the end:
//!
//! 1. each record is applied once per exchange: counts per key have no gap and no double;
//! 2. records of one key and one split keep their order;
//! 3. a key group has one owner in each interval of an attempt;
//! 4. the commit log is one chain with terms that do not go back, and nothing is published that is not in it;
//! 5. time does not go back at any stage, and no record follows a watermark that it is not behind;
//! 6. what waits is bounded, for the network and for state that is awaited;
//! 7. each committed snapshot has exactly what was read up to its positions, whatever the layout;
//! 8. when nothing goes wrong any more, the job comes to its end.
//!
//! ```
//! use malstrom_core::sim::cluster::{Setup, run};
//! let survived = run(&Setup { seed: 7, ..Setup::default() })?;
//! assert!(survived.snapshots > 0 && survived.records > 0);
//! # Ok::<(), Box<malstrom_core::sim::cluster::Violation>>(())
//! ```
mod check;
mod faults;
mod job;
mod leader;
mod store;
mod work;
mod worker;
mod world;

pub use check::Wrong;
pub use faults::{Fault, Menu, What};

use super::engine::Random;
use std::fmt;
use std::time::Duration;
use world::World;

/// A record of the simulated job: its split, its place in that, and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its split.
    pub split: usize,
    /// Its place, and its time.
    pub at: i64,
    /// Its key.
    pub key: u64,
}

/// A rule that is left out, to see that somebody notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breach {
    /// Frames of a later interval are taken in, from whoever has brought no barrier.
    NoGate,
    /// Time goes on while groups are awaited.
    TimeNotHeld,
    /// Groups are shipped before the barrier has come from all senders.
    ShippedEarly,
    /// When the layout changes, what senders have promised before counts as if they read the same splits still.
    TimeOfSendersKept,
    /// What an aborted snapshot had is not written again.
    ChangesForgotten,
    /// What a snapshot had staged is not published by those who restore it.
    NotPublishedAgain,
    /// A coordinator acts upon an entry of the log without looking whether it is the newest.
    NotVerified,
}
impl Breach {
    /// All of them.
    pub const ALL: [Breach; 7] = [
        Breach::NoGate,
        Breach::TimeNotHeld,
        Breach::ShippedEarly,
        Breach::TimeOfSendersKept,
        Breach::ChangesForgotten,
        Breach::NotPublishedAgain,
        Breach::NotVerified,
    ];
}

/// How a cluster is simulated.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What everything follows from.
    pub seed: u64,
    /// What may happen. What does follows from the seed, unless `faults` says it.
    pub menu: Menu,
    /// What happens.
    pub faults: Option<Vec<Fault>>,
    /// How many splits there are, with how many records each.
    pub splits: (usize, usize),
    /// How many key groups and keys there are.
    pub keys: (usize, u64),
    /// A rule that is left out.
    pub breach: Option<Breach>,
    /// Whether there is to be a trace.
    pub trace: bool,
}
impl Default for Setup {
    /// Three splits of fifty records with up to eleven keys in eight groups.
    fn default() -> Self {
        Setup {
            seed: 0,
            menu: Menu::default(),
            faults: None,
            splits: (3, 50),
            keys: (8, 11),
            breach: None,
            trace: false,
        }
    }
}
/// What a cluster has lived through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survived {
    /// How many attempts began.
    pub attempts: u64,
    /// How often a coordinator went on with an attempt of another one.
    pub takeovers: u64,
    /// How many snapshots were committed.
    pub snapshots: u64,
    /// How many were given up.
    pub aborted: u64,
    /// How often the layout changed.
    pub moves: u64,
    /// And how many barriers that took.
    pub steps: u64,
    /// How many changes of the layout were dropped before their barrier.
    pub dropped: u64,
    /// How many records and windows were processed.
    pub records: u64,
    /// How many faults there were.
    pub faults: u64,
    /// For how long it ran, by its own clock.
    pub time: Duration,
    /// What tells two runs apart.
    pub trace: u64,
}
impl Survived {
    /// Adds what another run has survived.
    pub fn add(&mut self, other: &Survived) {
        self.attempts += other.attempts;
        self.takeovers += other.takeovers;
        self.snapshots += other.snapshots;
        self.aborted += other.aborted;
        self.moves += other.moves;
        self.dropped += other.dropped;
        self.steps += other.steps;
        self.records += other.records;
        self.faults += other.faults;
        self.time += other.time;
        self.trace = self.trace.rotate_left(1) ^ other.trace;
    }
}
/// A run in which something went wrong.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub seed: u64,
    /// What.
    pub wrong: Wrong,
    /// What had happened to the cluster.
    pub faults: Vec<Fault>,
    /// What happened, if somebody wanted to know.
    pub trace: Vec<String>,
}
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.wrong)?;
        self.faults
            .iter()
            .try_for_each(|fault| write!(f, "\n{:>10.3} ms: {}", fault.at.as_secs_f64() * 1e3, fault.what))?;
        self.trace.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}
impl std::error::Error for Violation {}

/// Runs a cluster from its start to the end of its job.
///
/// # Errors
/// What went wrong.
pub fn run(setup: &Setup) -> Result<Survived, Box<Violation>> {
    World::new(setup).run()
}
/// Runs it twice, and compares the two.
///
/// # Errors
/// What went wrong, or that the two are not the same.
pub fn run_twice(setup: &Setup) -> Result<Survived, Box<Violation>> {
    let (first, second) = (run(setup)?, run(setup)?);
    if first == second {
        return Ok(first);
    }
    let faults = setup.faults.clone().unwrap_or_default();
    Err(Box::new(Violation { seed: setup.seed, wrong: Wrong::Varies, faults, trace: Vec::new() }))
}
/// Takes away faults one after the other, as long as something is still wrong.
pub fn shrink(setup: &Setup, violation: Violation) -> Violation {
    let mut best = violation;
    let mut at = best.faults.len();
    while at > 0 {
        at -= 1;
        let mut faults = best.faults.clone();
        faults.remove(at);
        if let Err(worse) = run(&Setup { faults: Some(faults), ..setup.clone() }) {
            best = *worse;
            at = at.min(best.faults.len());
        }
    }
    let traced = Setup { faults: Some(best.faults.clone()), trace: true, ..setup.clone() };
    run(&traced).err().map_or(best, |violation| *violation)
}

#[cfg(test)]
mod tests;
