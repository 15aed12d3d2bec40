//! The life of a job: one attempt after the other, until it has come to its end.
use super::attempt::{Attempt, Ended};
use super::schedule::Fault;
use super::violation::Violation;
use super::witness::Witness;
use super::{Acted, Keeping, Random, Schedule};
use crate::contract::key::KeyGroups;
use crate::error::{Error, Result};
use crate::graph::Pipeline;
use crate::runtime::keeping::is_worth_a_restart;
use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How often in a row a job is started again that fails by itself, if it does not get as far as the next snapshot; as in the
/// runtime.
const RESTARTS: u32 = 3;
/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_millis(1);

/// How a job is simulated.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What everything follows from that the schedule does not say: the order of steps, how long they take, when messages arrive.
    pub seed: u64,
    /// What goes wrong, and when.
    pub schedule: Schedule,
    /// From the beginning of one snapshot to that of the next; each attempt draws one.
    pub every: RangeInclusive<Duration>,
    /// How many records of a split a source reads in one step, at most.
    pub pace: usize,
    /// Whether the input may have records that are late. If not, it is a [violation](super::Violation) if one follows the watermark
    /// that it is at or before.
    pub late: bool,
    /// After so many steps of one attempt it is said not to come to an end.
    pub limit: u64,
}
impl Default for Setup {
    fn default() -> Self {
        Setup {
            seed: 0,
            schedule: Schedule { workers: 1, faults: Vec::new() },
            every: Duration::from_micros(200)..=Duration::from_micros(3200),
            pace: usize::MAX,
            late: true,
            limit: 3_000_000,
        }
    }
}
/// Of one job in so many, key groups are split now and then when it is restored, until there are so many.
const SPLITS: u64 = 3;
const MOST_GROUPS: usize = 8192;
/// What a job has lived through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lived {
    /// How often it began.
    pub attempts: u64,
    /// How often all of it crashed.
    pub crashes: u64,
    /// How often it was stopped, to go on with another number of workers.
    pub rescales: u64,
    /// How often its key groups were split when it began.
    pub splits: u64,
    /// How often its workers became more or fewer while it went on.
    pub moves: u64,
    /// How often it failed by itself: the store could not be reached, or an operator, source or sink failed.
    pub failures: u64,
    /// How many snapshots were committed, savepoints among them.
    pub snapshots: u64,
    /// How many of them were savepoints.
    pub savepoints: u64,
    /// How many snapshots were given up.
    pub aborted: u64,
    /// How many steps it took.
    pub steps: u64,
    /// How many records its sources gave in the last attempt.
    pub read: u64,
}

/// What the attempts of a job share.
pub(in crate::sim) struct Lives<'a> {
    pub(in crate::sim) setup: &'a Setup,
    pub(in crate::sim) make: &'a dyn Fn() -> Pipeline,
    pub(in crate::sim) keeping: Option<&'a mut dyn Keeping>,
    pub(in crate::sim) witness: &'a mut Witness,
    pub(super) faults: VecDeque<Fault>,
    pub(super) order: Random,
    pub(super) pace: Random,
    pub(super) mail: Random,
    pub(super) settings: Random,
    /// Of what there is little, and when.
    pub(super) scanty: Random,
    /// In which processes workers are, and when what these say arrives.
    pub(super) parts: Random,
    /// Whether key groups are split when the job is restored, if they ever are.
    pub(super) splits: Option<Random>,
    /// The snapshots that workers were told are committed.
    pub(super) acted: Vec<Acted>,
    pub(super) now: Duration,
    pub(super) lived: Lived,
}

/// Has a job run to its end. Without a place for snapshots it takes none, and no fault that ends it can be survived.
///
/// # Errors
/// What ended it, if that was not its end: it failed too often in a row, or in a way that no restart helps; or it does not come to
/// an end.
pub fn live(setup: &Setup, keeping: Option<&mut dyn Keeping>, make: &dyn Fn() -> Pipeline) -> Result<Lived> {
    live_watched(setup, keeping, make, &mut Witness::default())
}
/// The same, with somebody who takes notes.
pub(in crate::sim) fn live_watched(
    setup: &Setup,
    keeping: Option<&mut dyn Keeping>,
    make: &dyn Fn() -> Pipeline,
    witness: &mut Witness,
) -> Result<Lived> {
    let seed = Random::new(setup.seed);
    let mut faults = setup.schedule.faults.clone();
    faults.sort_by_key(|fault| fault.at);
    let mut lives = Lives {
        setup,
        make,
        keeping: match keeping {
            Some(keeping) => Some(keeping),
            None => None,
        },
        witness,
        faults: faults.into(),
        order: seed.branch("order"),
        pace: seed.branch("pace"),
        mail: seed.branch("mail"),
        settings: seed.branch("settings"),
        scanty: seed.branch("scanty"),
        parts: seed.branch("parts"),
        splits: Some(seed.branch("splits")).filter(|_| setup.seed.is_multiple_of(SPLITS)),
        acted: Vec::new(),
        now: Duration::ZERO,
        lived: Lived::default(),
    };
    lives.run()
}

impl Lives<'_> {
    fn run(&mut self) -> Result<Lived> {
        let mut workers = self.setup.schedule.workers.max(1);
        let mut failures = 0;
        loop {
            self.lived.attempts += 1;
            let before = self.lived.snapshots;
            let key_groups = self.key_groups();
            let ended = Attempt::begin(self, workers, key_groups).and_then(|mut attempt| {
                let ended = attempt.run(self);
                self.lived.read = attempt.read();
                ended
            });
            if let Some(keeping) = &self.keeping {
                keeping.audit(&self.acted)?;
            }
            match ended {
                Ok(Ended::Done) => return Ok(self.lived),
                Ok(Ended::Crashed { then }) => {
                    self.lived.crashes += 1;
                    workers = then.unwrap_or(workers);
                }
                Ok(Ended::Rescaled { workers: then }) => {
                    self.lived.rescales += 1;
                    workers = then;
                }
                Err(failure) => {
                    self.lived.failures += 1;
                    let (step, now) = (self.lived.steps, self.now);
                    self.witness.say(step, now, format_args!("the job fails: {failure}"));
                    // The store fails as often as the schedule says. What fails by itself would do so for ever.
                    if !matches!(failure, Error::Storage { .. } | Error::Uncertain { .. }) {
                        failures = if self.lived.snapshots > before { 1 } else { failures + 1 };
                    }
                    if !self.stores()
                        || Violation::of(&failure).is_some()
                        || !is_worth_a_restart(&failure)
                        || failures > RESTARTS
                    {
                        return Err(failure);
                    }
                }
            }
            self.now += Duration::from_micros(self.pace.below(PAUSE.as_micros() as u64));
        }
    }
    /// How many key groups there are in the next attempt, if snapshots are taken.
    pub(super) fn key_groups(&mut self) -> KeyGroups {
        let stores = self.stores();
        let Some(keeping) = self.keeping.as_mut().filter(|_| stores) else { return KeyGroups::DEFAULT };
        let twice = keeping.key_groups().count() * 2;
        let splits = twice <= MOST_GROUPS && self.splits.as_mut().is_some_and(|random| random.one_in(2));
        if let Ok(more) = KeyGroups::new(twice)
            && splits
        {
            keeping.split_into(more);
            self.lived.splits += 1;
        }
        keeping.key_groups()
    }
    /// Whether snapshots are taken: without, an end that is not that of the input is the end of the job.
    pub(super) fn stores(&self) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| keeping.stores())
    }
    pub(super) fn say(&mut self, what: impl std::fmt::Display) {
        self.witness.say(self.lived.steps, self.now, what);
    }
}
