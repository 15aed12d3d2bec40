//! When a snapshot is taken, when it is complete, and when the job is over, in one attempt.
//!
//! One snapshot is under way at a time. It is written by all workers, stored, and only then committed; until that moment it can be
//! given up without a trace, and what it should have had is part of the next one. One whose barrier changes the layout is never given
//! up: it is stored until it is, or the attempt ends.
use super::member::Command;
use super::{Action, Policy, Purpose, listed};
use crate::contract::snapshot::{Barrier, Outcome, ROUNDS, Scope};
use crate::exchange::layout::Change;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Behind a snapshot that began no longer ago another one has little to write.
const FRESH: Duration = Duration::from_millis(100);

/// One that is under way.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) barrier: Barrier,
    pub(super) purpose: Purpose,
    pub(super) change: Option<Arc<Change>>,
}
#[derive(Debug)]
enum Phase {
    /// No snapshot is under way; the next one is due then.
    Idle(Duration),
    /// Workers write one, of which these have not.
    Writing {
        taken: Taken,
        since: Duration,
        missing: BTreeSet<usize>,
    },
    /// It is being stored.
    Storing(Taken),
    /// It could not be stored, and is tried again then.
    Again(Taken, Duration),
    Over,
}
/// See the [module](self).
#[derive(Debug)]
pub(super) struct Snapshots {
    policy: Policy,
    members: Vec<usize>,
    term: u64,
    /// The number of the interval that is under way, and the round of the last committed snapshot.
    interval: u64,
    round: Option<u16>,
    /// The last committed one that others are relative to.
    base: u64,
    phase: Phase,
    finished: BTreeSet<usize>,
    savepoints: VecDeque<String>,
    /// How often in a row the last snapshot, or one that changes the layout, has failed.
    failures: u32,
    /// The next one is due when the savepoint is taken that is under way.
    hastened: bool,
    /// No barrier may begin: key groups are under way.
    held: bool,
    /// When the last barrier was begun, and when that of the last committed snapshot was.
    begun: Duration,
    since: Option<Duration>,
}
impl Snapshots {
    pub(super) fn new(policy: Policy, members: &[usize], (term, base): (u64, u64), now: Duration) -> Self {
        Snapshots {
            policy,
            members: members.to_vec(),
            term,
            interval: base + 1,
            round: None,
            base,
            phase: Phase::Idle(now + policy.every),
            finished: BTreeSet::new(),
            savepoints: VecDeque::new(),
            failures: 0,
            hastened: false,
            held: false,
            begun: now,
            since: None,
        }
    }
    /// The same, where the round of the last committed snapshot is known.
    pub(super) fn in_round(self, round: Option<u16>) -> Self {
        Snapshots { round, ..self }
    }
    /// The same, with one under way that some have not written yet, or with none and another number for the next.
    pub(super) fn resumed(mut self, interval: u64, open: Option<(Taken, BTreeSet<usize>)>, now: Duration) -> Self {
        self.interval = interval;
        if let Some((taken, missing)) = open {
            self.phase = Phase::Writing { taken, since: now, missing };
        }
        self
    }
    pub(super) fn interval(&self) -> u64 {
        self.interval
    }
    /// The interval of the last committed snapshot; 0 if there is none.
    pub(super) fn base(&self) -> u64 {
        self.base
    }
    /// The name of the savepoint that is being taken, if it is one.
    pub(super) fn savepoint_under_way(&self) -> Option<&str> {
        match &self.phase {
            Phase::Writing { taken, .. } | Phase::Storing(taken) | Phase::Again(taken, _) => match &taken.purpose {
                Purpose::Savepoint(name) => Some(name),
                Purpose::Recovery => None,
            },
            Phase::Idle(_) | Phase::Over => None,
        }
    }
    /// What it waits for, for people.
    pub(super) fn waits_for(&self) -> String {
        match &self.phase {
            Phase::Idle(_) if self.held => "for key groups that are under way".to_owned(),
            Phase::Idle(due) => format!("until snapshot {} is due at {due:?}", self.interval),
            Phase::Writing { taken, missing, .. } => {
                format!("for what {} have to write of snapshot {}", listed(missing), taken.barrier.interval)
            }
            Phase::Storing(taken) | Phase::Again(taken, _) => {
                format!("until snapshot {} is stored", taken.barrier.interval)
            }
            Phase::Over => "for nothing: the last snapshot is committed".to_owned(),
        }
    }
    /// When it wants to be told that time has passed.
    pub(super) fn due(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Idle(_) if self.held => None,
            Phase::Idle(due) | Phase::Again(_, due) => Some(*due),
            Phase::Writing { taken, since, .. } => taken.change.is_none().then(|| *since + self.policy.timeout),
            Phase::Storing(_) | Phase::Over => None,
        }
    }
    pub(super) fn tick(&mut self, now: Duration, actions: &mut Vec<Action>) {
        match &self.phase {
            Phase::Writing { taken, since, .. } if taken.change.is_none() && now >= *since + self.policy.timeout => {
                self.give_up(now, actions);
            }
            Phase::Again(taken, until) if now >= *until => {
                let taken = taken.clone();
                self.store(taken, actions);
            }
            _ => {}
        }
        self.begin(now, actions);
    }
    pub(super) fn finished(&mut self, worker: usize) {
        self.finished.insert(worker);
    }
    pub(super) fn savepoint(&mut self, name: String) {
        self.savepoints.push_back(name);
    }
    /// The savepoints that somebody waits for: the one that is under way, with its interval, and those that are to be taken.
    pub(super) fn take_savepoints(&mut self) -> (Option<(u64, String)>, VecDeque<String>) {
        let under_way = match &self.phase {
            Phase::Writing { taken, .. } | Phase::Storing(taken) | Phase::Again(taken, _) => match &taken.purpose {
                Purpose::Savepoint(name) => Some((taken.barrier.interval, name.clone())),
                Purpose::Recovery => None,
            },
            Phase::Idle(_) | Phase::Over => None,
        };
        (under_way, std::mem::take(&mut self.savepoints))
    }
    /// Whether no more can have changed since the last one than does in so short a time.
    pub(super) fn is_fresh(&self, now: Duration) -> bool {
        self.since.is_some_and(|since| now.saturating_sub(since) <= FRESH)
    }
    /// The next one is due now.
    pub(super) fn hasten(&mut self, now: Duration) {
        match &mut self.phase {
            Phase::Idle(due) => *due = now.min(*due),
            _ => self.hastened = self.savepoint_under_way().is_some(),
        }
    }
    /// Begins one whose barrier changes the layout, unless another is under way. Its interval.
    pub(super) fn cut(&mut self, now: Duration, change: &Arc<Change>, actions: &mut Vec<Action>) -> Option<u64> {
        if self.held || self.is_finishing() || !matches!(self.phase, Phase::Idle(_)) {
            return None;
        }
        let taken = Taken {
            // Records wait until it is written.
            barrier: Barrier {
                interval: self.interval,
                scope: self.round.map_or(Scope::Whole, |_| Scope::Delta),
                last: false,
            },
            purpose: Purpose::Recovery,
            change: Some(change.clone()),
        };
        self.held = true;
        // Who has nothing left to do may get something.
        self.finished.clear();
        self.trigger(taken, now, actions);
        Some(self.interval - 1)
    }
    /// No barrier may begin until [`release`](Self::release).
    pub(super) fn hold(&mut self) {
        self.held = true;
    }
    /// All that moved has arrived: from now on these workers write snapshots.
    pub(super) fn release(&mut self, members: &[usize]) {
        self.held = false;
        self.members = members.to_vec();
    }
    /// Whether nothing follows the last committed snapshot, or the one that could not be.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }
    /// Whether all have nothing left to do.
    pub(super) fn is_finishing(&self) -> bool {
        self.members.iter().all(|member| self.finished.contains(member))
    }

    fn scope(&self) -> Scope {
        self.round.map_or(Scope::Whole, |round| Scope::Changes { round: (round + 1) % ROUNDS })
    }
    /// Begins a snapshot, if there is a reason to.
    fn begin(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let Phase::Idle(due) = self.phase else { return };
        if self.held {
            return;
        }
        let savepoint = self.savepoints.pop_front();
        let last = self.is_finishing() && savepoint.is_none() && (self.failures == 0 || now >= due);
        if savepoint.is_none() && !last && now < due {
            return;
        }
        let scope = if savepoint.is_some() { Scope::Whole } else { self.scope() };
        let barrier = Barrier { interval: self.interval, scope, last };
        let purpose = savepoint.map_or(Purpose::Recovery, Purpose::Savepoint);
        self.trigger(Taken { barrier, purpose, change: None }, now, actions);
    }
    fn trigger(&mut self, taken: Taken, now: Duration, actions: &mut Vec<Action>) {
        self.interval += 1;
        self.begun = now;
        actions.push(Action::Tell(Command::Trigger { barrier: taken.barrier, change: taken.change.clone() }));
        self.phase = Phase::Writing { taken, since: now, missing: self.members.iter().copied().collect() };
    }
    fn store(&mut self, taken: Taken, actions: &mut Vec<Action>) {
        let (barrier, purpose, change) = (taken.barrier, taken.purpose.clone(), taken.change.clone());
        actions.push(Action::Store { barrier, purpose, change });
        self.phase = Phase::Storing(taken);
    }
    pub(super) fn written(&mut self, worker: usize, interval: u64, actions: &mut Vec<Action>) {
        let Phase::Writing { taken, missing, .. } = &mut self.phase else { return };
        if taken.barrier.interval != interval {
            // Of one that was given up.
            return;
        }
        missing.remove(&worker);
        if missing.is_empty() {
            let taken = taken.clone();
            self.store(taken, actions);
        }
    }
    /// Stores what is complete already.
    pub(super) fn settle_written(&mut self, actions: &mut Vec<Action>) {
        if let Phase::Writing { taken, missing, .. } = &self.phase
            && missing.is_empty()
        {
            let taken = taken.clone();
            self.store(taken, actions);
        }
    }
    pub(super) fn committed(&mut self, now: Duration, interval: u64, actions: &mut Vec<Action>) {
        let Phase::Storing(taken) = &self.phase else { return };
        if taken.barrier.interval != interval {
            return;
        }
        let (term, last) = (self.term, taken.barrier.last);
        let every = if std::mem::take(&mut self.hastened) { Duration::ZERO } else { self.policy.every };
        self.failures = 0;
        match taken.purpose {
            Purpose::Recovery => {
                (self.round, self.base) = (taken.barrier.scope.round().or(self.round), interval);
                self.since = Some(self.begun);
                actions.push(Action::Tell(Command::Settle(Outcome::Committed { interval, term })));
            }
            Purpose::Savepoint(_) => actions.push(Action::Tell(Command::Settle(Outcome::Saved { interval, term }))),
        }
        self.phase = if last { Phase::Over } else { Phase::Idle(now + every) };
    }
    pub(super) fn failed(&mut self, now: Duration, interval: u64, actions: &mut Vec<Action>) {
        let ended = match &self.phase {
            Phase::Storing(taken) => taken.barrier.interval == interval,
            // One of those who write it cannot. A change of the layout waits until all have, or one of them is lost.
            Phase::Writing { taken, .. } => taken.barrier.interval == interval && taken.change.is_none(),
            _ => false,
        };
        if ended {
            self.give_up(now, actions);
        }
    }
    fn give_up(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let taken = match std::mem::replace(&mut self.phase, Phase::Idle(now + self.policy.every)) {
            Phase::Writing { taken, .. } | Phase::Storing(taken) => taken,
            other => {
                self.phase = other;
                return;
            }
        };
        self.hastened = false;
        // What there is to wait for is the storage, and not that anything changes.
        let soon = now + self.policy.every.min(Duration::from_secs(1));
        if taken.change.is_some() {
            self.failures += 1;
            if self.failures >= self.policy.tries {
                self.phase = Phase::Over;
                actions.push(Action::Unstorable);
            } else {
                self.phase = Phase::Again(taken, soon);
            }
            return;
        }
        actions.push(Action::Tell(Command::Settle(Outcome::Aborted { interval: taken.barrier.interval })));
        if let Purpose::Savepoint(name) = taken.purpose {
            actions.push(Action::NoSavepoint(name));
        }
        if taken.barrier.last {
            self.failures += 1;
            self.phase = Phase::Idle(soon);
            if self.failures >= self.policy.tries {
                self.phase = Phase::Over;
                actions.push(Action::Unstorable);
            }
        }
    }
}
