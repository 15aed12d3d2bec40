//! The coordinator: decides when a snapshot is taken, when it is complete, and when the job is over.
//!
//! It is a state machine without clock, thread or storage: [`Coordinator::on`] takes what has happened and says what is to be
//! done. One snapshot is under way at a time. It is written by all workers, stored, and only then committed; until that
//! moment it can be given up without a trace, and what it should have had is part of the next one.
use crate::contract::snapshot::{Barrier, Outcome, ROUNDS, Scope};
use std::collections::VecDeque;
use std::time::Duration;

/// How a job is kept.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How many workers there are.
    pub workers: usize,
    /// From the beginning of one snapshot to that of the next.
    pub every: Duration,
    /// After this time a snapshot that is not complete is given up.
    pub timeout: Duration,
    /// How often in a row the last snapshot of a job may fail before the job does.
    pub attempts: u32,
}
/// Where a job goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The term of this coordinator.
    pub term: u64,
    /// The greatest interval that has a snapshot; 0 if none has.
    pub interval: u64,
    /// The round of the snapshot that the job is restored from. `None` if the next one is to be whole: there is none, or it
    /// is a savepoint, which is not to be needed for longer than its owner likes.
    pub round: Option<u16>,
}

/// What a snapshot is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To recover from.
    Recovery,
    /// To be kept, under this name.
    Savepoint(String),
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time has passed, maybe.
    Tick,
    /// A worker has written all that it kept at a barrier.
    Written {
        /// Its number.
        worker: usize,
        /// The interval that the barrier ended.
        interval: u64,
    },
    /// A worker has nothing left to do but to take the last snapshot.
    Finished {
        /// Its number.
        worker: usize,
    },
    /// A snapshot is in the commit log.
    Committed {
        /// Its interval.
        interval: u64,
    },
    /// A snapshot could not be stored.
    Failed {
        /// Its interval.
        interval: u64,
    },
    /// Somebody wants a savepoint of this name.
    Savepoint(String),
}
/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// All workers begin a snapshot.
    Trigger(Barrier),
    /// What the workers have written is stored and committed.
    Store {
        /// The barrier that it was written at.
        barrier: Barrier,
        /// What it is for.
        purpose: Purpose,
    },
    /// All workers are told what became of a snapshot.
    Settle(Outcome),
    /// A savepoint was not taken: what was asked for it is not there.
    NoSavepoint(String),
    /// The job is over: the last snapshot is committed.
    End,
    /// The job cannot end, since its last snapshot cannot be stored.
    GiveUp,
}

#[derive(Debug)]
enum Phase {
    /// No snapshot is under way; the next one is due then.
    Idle(Duration),
    /// Workers write one, of which these have not.
    Writing {
        barrier: Barrier,
        purpose: Purpose,
        since: Duration,
        missing: Vec<bool>,
    },
    /// It is being stored.
    Storing {
        barrier: Barrier,
        purpose: Purpose,
    },
    Over,
}
/// See the [module](self).
///
/// ```
/// use malstrom_core::coordinator::{Action, Coordinator, Event, Origin, Policy};
/// use std::time::Duration;
/// let second = Duration::from_secs(1);
/// let policy = Policy { workers: 1, every: second, timeout: 60 * second, attempts: 3 };
/// let mut coordinator = Coordinator::new(policy, Origin::default(), Duration::ZERO);
/// assert_eq!(coordinator.on(second / 2, Event::Tick), []);
/// let actions = coordinator.on(second, Event::Tick);
/// assert!(matches!(actions[..], [Action::Trigger(barrier)] if barrier.interval == 1));
/// let actions = coordinator.on(second, Event::Written { worker: 0, interval: 1 });
/// assert!(matches!(actions[..], [Action::Store { .. }]));
/// let actions = coordinator.on(second, Event::Committed { interval: 1 });
/// assert!(matches!(actions[..], [Action::Settle(_)]));
/// ```
#[derive(Debug)]
pub struct Coordinator {
    policy: Policy,
    term: u64,
    /// The number of the interval that is under way, and the round of the last committed snapshot.
    interval: u64,
    round: Option<u16>,
    phase: Phase,
    finished: Vec<bool>,
    savepoints: VecDeque<String>,
    /// How often the last snapshot has failed.
    failures: u32,
}
impl Coordinator {
    /// The coordinator of a job that goes on at `origin`.
    pub fn new(policy: Policy, origin: Origin, now: Duration) -> Self {
        Coordinator {
            policy,
            term: origin.term,
            interval: origin.interval + 1,
            round: origin.round,
            phase: Phase::Idle(now + policy.every),
            finished: vec![false; policy.workers],
            savepoints: VecDeque::new(),
            failures: 0,
        }
    }
    /// The interval that is under way.
    pub fn interval(&self) -> u64 {
        self.interval
    }
    /// What it waits for, for people.
    pub fn waits_for(&self) -> String {
        match &self.phase {
            Phase::Idle(due) => format!("until snapshot {} is due at {due:?}", self.interval),
            Phase::Writing { barrier, missing, .. } => {
                let missing = missing.iter().enumerate().filter(|(_, missing)| **missing);
                let missing: Vec<_> = missing.map(|(worker, _)| worker.to_string()).collect();
                format!("for what worker {} has to write of snapshot {}", missing.join(", "), barrier.interval)
            }
            Phase::Storing { barrier, .. } => format!("until snapshot {} is stored", barrier.interval),
            Phase::Over => "for nothing: the last snapshot is committed".to_owned(),
        }
    }
    /// When it wants to be told that time has passed.
    pub fn due(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Idle(due) => Some(*due),
            Phase::Writing { since, .. } => Some(*since + self.policy.timeout),
            Phase::Storing { .. } | Phase::Over => None,
        }
    }
    /// Takes in what has happened at `now`. What it says is to be done in order.
    pub fn on(&mut self, now: Duration, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Tick => {}
            Event::Finished { worker } => {
                if let Some(finished) = self.finished.get_mut(worker) {
                    *finished = true;
                }
            }
            Event::Savepoint(name) => self.savepoints.push_back(name),
            Event::Written { worker, interval } => self.written(worker, interval, &mut actions),
            Event::Committed { interval } => self.committed(now, interval, &mut actions),
            Event::Failed { interval } => {
                if matches!(&self.phase, Phase::Storing { barrier, .. } if barrier.interval == interval) {
                    self.give_up(now, &mut actions);
                }
            }
        }
        if matches!(&self.phase, Phase::Writing { since, .. } if now >= *since + self.policy.timeout) {
            self.give_up(now, &mut actions);
        }
        self.begin(now, &mut actions);
        actions
    }

    /// Begins a snapshot, if there is a reason to.
    fn begin(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let Phase::Idle(due) = self.phase else { return };
        let savepoint = self.savepoints.pop_front();
        let over = self.finished.iter().all(|finished| *finished);
        let last = over && savepoint.is_none() && (self.failures == 0 || now >= due);
        if savepoint.is_none() && !last && now < due {
            return;
        }
        let scope = match self.round {
            Some(round) if savepoint.is_none() => Scope::Changes { round: (round + 1) % ROUNDS },
            _ => Scope::Whole,
        };
        let barrier = Barrier { interval: self.interval, scope, last };
        self.interval += 1;
        let purpose = savepoint.map_or(Purpose::Recovery, Purpose::Savepoint);
        let missing = vec![true; self.policy.workers];
        self.phase = Phase::Writing { barrier, purpose, since: now, missing };
        actions.push(Action::Trigger(barrier));
    }
    fn written(&mut self, worker: usize, interval: u64, actions: &mut Vec<Action>) {
        let Phase::Writing { barrier, purpose, missing, .. } = &mut self.phase else { return };
        if barrier.interval != interval {
            // Of one that was given up.
            return;
        }
        if let Some(missing) = missing.get_mut(worker) {
            *missing = false;
        }
        if !missing.contains(&true) {
            let (barrier, purpose) = (*barrier, purpose.clone());
            actions.push(Action::Store { barrier, purpose: purpose.clone() });
            self.phase = Phase::Storing { barrier, purpose };
        }
    }
    fn committed(&mut self, now: Duration, interval: u64, actions: &mut Vec<Action>) {
        let Phase::Storing { barrier, purpose } = &self.phase else { return };
        if barrier.interval != interval {
            return;
        }
        let (term, last) = (self.term, barrier.last);
        self.failures = 0;
        match purpose {
            Purpose::Recovery => {
                self.round = Some(round_of(barrier.scope));
                actions.push(Action::Settle(Outcome::Committed { interval, term }));
            }
            Purpose::Savepoint(_) => actions.push(Action::Settle(Outcome::Saved { interval, term })),
        }
        if last {
            self.phase = Phase::Over;
            actions.push(Action::End);
        } else {
            self.phase = Phase::Idle(now + self.policy.every);
        }
    }
    fn give_up(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let (barrier, purpose) = match std::mem::replace(&mut self.phase, Phase::Idle(now + self.policy.every)) {
            Phase::Writing { barrier, purpose, .. } | Phase::Storing { barrier, purpose } => (barrier, purpose),
            other => {
                self.phase = other;
                return;
            }
        };
        actions.push(Action::Settle(Outcome::Aborted { interval: barrier.interval }));
        if let Purpose::Savepoint(name) = purpose {
            actions.push(Action::NoSavepoint(name));
        }
        if barrier.last {
            self.failures += 1;
            // What there is to wait for is the storage, and not that anything changes.
            self.phase = Phase::Idle(now + self.policy.every.min(Duration::from_secs(1)));
            if self.failures >= self.policy.attempts {
                self.phase = Phase::Over;
                actions.push(Action::GiveUp);
            }
        }
    }
}

/// The round of a snapshot. A whole one is like all rounds at once, so that the first of them comes next.
pub fn round_of(scope: Scope) -> u16 {
    match scope {
        Scope::Changes { round } => round,
        Scope::Whole => ROUNDS - 1,
    }
}

#[cfg(test)]
mod tests;
