//! The coordinator: brings a job to life, takes its snapshots, moves its key groups, and restores it when something fails.
//!
//! It is a state machine without clock, thread, network or storage: [`Coordinator::on`] takes what has happened and says what is to
//! be done. The threads of one process are run by it, and so is a simulated cluster.
//!
//! * **Start.** It claims the commit log, which begins a [term](Origin::term): whoever coordinated before can commit nothing any more.
//!   Workers join, and report how they stand. When there are enough, an *attempt* begins: all restore the newest snapshot, and go on
//!   once all have. An attempt has the number of the term that it began in.
//! * **Snapshots** are triggered, written by all workers, stored and committed, one at a time.
//! * **Failure.** A worker that is lost, or that fails, ends the attempt: the next term is claimed, and the next attempt begins with
//!   those who are there.
//! * **Takeover.** A coordinator that claims the log of a job that runs finds workers that stand in the same attempt. If all of them
//!   do, nothing is restored: what the one before has begun is brought to its end, since barriers that some have seen must pass all,
//!   and the job goes on.
//! * **Rescale.** A change of the layout is [planned](Event::Target), those who gain from it prepare, and a barrier carries it. It ends
//!   when all that moved has arrived, and the snapshot of that barrier is committed. Whatever fails before that, the job goes on
//!   from the snapshot before; whatever fails after, from this one, with the new layout.
mod gather;
pub mod member;
mod plan;
mod snapshots;

pub use snapshots::round_of;

use crate::contract::snapshot::{Barrier, Outcome};
use crate::exchange::layout::{Change, Layout};
use member::Standing;
use plan::Plan;
use snapshots::Snapshots;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How a job is kept.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How many workers there are to be, unless the log says otherwise.
    pub workers: usize,
    /// How many key groups the job has.
    pub groups: usize,
    /// How many splits are shared out by the layout.
    pub splits: usize,
    /// From the beginning of one snapshot to that of the next.
    pub every: Duration,
    /// After this time a snapshot that is not complete is given up.
    pub timeout: Duration,
    /// How often in a row the last snapshot of a job may fail, or one that changes the layout, before the attempt does.
    pub tries: u32,
    /// How often in a row the job is restarted that fails by itself, if it does not get as far as the next snapshot.
    pub restarts: u32,
    /// After such a failure it is so long until the next attempt, and twice as long each further time, up to the second.
    pub pause: (Duration, Duration),
    /// A worker of which nothing was heard for so long is lost.
    pub silence: Duration,
    /// For so long more workers are waited for, before the job goes on with those that there are.
    pub patience: Duration,
    /// Groups are prepared for a move until no more than so many bytes of them have changed meanwhile, but not for ever.
    pub budget: u64,
}
impl Default for Policy {
    /// One worker, a snapshot each ten seconds.
    fn default() -> Self {
        Policy {
            workers: 1,
            groups: crate::state::key_group::KEY_GROUPS,
            splits: 0,
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(600),
            tries: 5,
            restarts: 3,
            pause: (Duration::from_millis(100), Duration::from_secs(10)),
            silence: Duration::from_secs(10),
            patience: Duration::from_secs(120),
            budget: 32 << 20,
        }
    }
}
/// Where a job goes on: what the commit log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The term of this coordinator.
    pub term: u64,
    /// The greatest interval that has a snapshot; 0 if none has.
    pub interval: u64,
    /// The round of the snapshot that the job is restored from. `None` if the next one is to be whole: there is none, or it
    /// is a savepoint, which is not to be needed for longer than its owner likes.
    pub round: Option<u16>,
    /// The layout that was written down with the newest snapshot, if one was.
    pub layout: Option<Arc<Layout>>,
    /// How many workers there are to be, if it was written down.
    pub target: Option<usize>,
    /// The attempt that the newest snapshot was taken in; 0 if there is none.
    pub attempt: u64,
    /// What became of the newest snapshot or savepoint, for workers that have not heard.
    pub outcome: Option<Outcome>,
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
#[non_exhaustive]
pub enum Event {
    /// Time has passed, maybe.
    Tick,
    /// The log is claimed.
    Claimed(Origin),
    /// It cannot be known whether something was appended to the log: it is to be claimed and read anew.
    Uncertain,
    /// Another coordinator has claimed the log.
    Fenced,
    /// A worker has heard of this term, and says how it stands.
    Joined {
        /// Its number.
        worker: usize,
        /// In which attempt it is, if it is in one.
        standing: Option<Standing>,
    },
    /// A worker is alive.
    Heard {
        /// Its number.
        worker: usize,
    },
    /// A worker is gone.
    Lost {
        /// Its number.
        worker: usize,
    },
    /// An attempt has failed.
    Broken {
        /// Its number.
        attempt: u64,
        /// Whether another one could do better.
        restart: bool,
    },
    /// A worker has done something.
    Report {
        /// Its number.
        worker: usize,
        /// The attempt that it is in.
        attempt: u64,
        /// What it has done.
        report: Report,
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
    /// Somebody wants so many workers.
    Target(usize),
    /// That is in the log.
    Recorded {
        /// How many.
        target: usize,
    },
    /// Somebody wants key groups, and splits, to be at other workers.
    Move {
        /// Groups, and who is to own each.
        groups: Vec<(usize, usize)>,
        /// Splits, and who is to read each.
        splits: Vec<(usize, usize)>,
    },
}
/// What a worker has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// It has taken in what it was restored from.
    Ready,
    /// It has written all that it kept at the barrier that ended this interval.
    Written(u64),
    /// It has nothing left to do, in the layout of this version, but to take the last snapshot.
    Finished(u64),
    /// It has read what it is going to gain.
    Followed {
        /// By which plan.
        plan: u64,
        /// From which snapshot.
        base: u64,
        /// How many bytes that were, since the snapshot it had before.
        bytes: u64,
    },
    /// The barrier of this interval has passed it, and all that it has gained has arrived.
    Installed(u64),
    /// It has nothing any more that the job needs: it is not in the layout, or the last snapshot is committed, and what was to be
    /// published is.
    Left,
}
/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The log is claimed, and read: [`Event::Claimed`]. All workers are told of the term, and join.
    Claim,
    /// These workers take in what the newest snapshot has for them.
    Begin {
        /// The number of the attempt.
        attempt: u64,
        /// The interval that begins.
        interval: u64,
        /// Who takes part.
        layout: Arc<Layout>,
    },
    /// All have: [participants](Coordinator::participants) go on.
    Go {
        /// The number of the attempt.
        attempt: u64,
    },
    /// All participants begin a snapshot.
    Trigger {
        /// The barrier.
        barrier: Barrier,
        /// What it changes.
        change: Option<Arc<Change>>,
    },
    /// What the workers have written is stored and committed.
    Store {
        /// The barrier that it was written at.
        barrier: Barrier,
        /// What it is for.
        purpose: Purpose,
        /// What the barrier has changed: the new layout is written down.
        change: Option<Arc<Change>>,
    },
    /// All participants are told what became of a snapshot.
    Settle(Outcome),
    /// A savepoint was not taken: what was asked for it is not there.
    NoSavepoint(String),
    /// It is written down how many workers there are to be: [`Event::Recorded`].
    Record {
        /// How many.
        target: usize,
    },
    /// These workers join the attempt if they have not, and read what they are going to gain, as the snapshot of this interval has it.
    Prepare {
        /// The number of the plan.
        plan: u64,
        /// The attempt.
        attempt: u64,
        /// Who.
        to: Vec<usize>,
        /// What is going to change.
        change: Arc<Change>,
        /// The interval of the snapshot; 0 if there is none.
        base: u64,
    },
    /// What was prepared by a plan is dropped.
    Unprepare {
        /// Who is told.
        to: Vec<usize>,
    },
    /// This worker publishes what is committed, and leaves.
    Release {
        /// Who.
        worker: usize,
    },
    /// The layout has changed.
    Moved {
        /// What it is now.
        layout: Arc<Layout>,
    },
    /// The layout does not change: there are too few workers, or one of them is gone.
    NotMoved,
    /// The job is over: the last snapshot is committed, and all workers have published what it has.
    End,
    /// The attempt cannot go on, since a snapshot that it needs cannot be stored. It [is broken](Event::Broken).
    Unstorable,
    /// The job has failed: it cannot be restarted, or has been too often.
    GiveUp,
    /// Another coordinator has taken over. This one is to do nothing more.
    StepDown,
}

#[derive(Debug)]
enum Phase {
    /// The log is being claimed.
    Claiming,
    /// Workers are waited for, since then.
    Gathering(Duration),
    /// These have not taken in what the snapshot has.
    Restoring(BTreeSet<usize>),
    Running(Running),
    /// The last snapshot is committed, that of interval `last`. These have not published what it has.
    Ending {
        last: u64,
        missing: BTreeSet<usize>,
    },
    /// The next attempt begins then.
    Resting(Duration),
    Over,
}
#[derive(Debug)]
struct Running {
    snapshots: Snapshots,
    plan: Option<Plan>,
}
/// A worker that has joined.
#[derive(Debug)]
struct Known {
    heard: Duration,
    standing: Option<Standing>,
}

/// See the [module](self).
///
/// ```
/// use malstrom_core::coordinator::{Action, Coordinator, Event, Origin, Policy, Report};
/// use std::time::Duration;
/// let second = Duration::from_secs(1);
/// let policy = Policy { every: second, ..Policy::default() };
/// let (mut coordinator, actions) = Coordinator::new(policy);
/// assert_eq!(actions, [Action::Claim]);
/// coordinator.on(Duration::ZERO, Event::Claimed(Origin { term: 1, ..Origin::default() }));
/// let actions = coordinator.on(Duration::ZERO, Event::Joined { worker: 0, standing: None });
/// assert!(matches!(actions[..], [Action::Begin { attempt: 1, interval: 1, .. }]));
/// let report = |report| Event::Report { worker: 0, attempt: 1, report };
/// assert_eq!(coordinator.on(Duration::ZERO, report(Report::Ready)), [Action::Go { attempt: 1 }]);
/// let actions = coordinator.on(second, Event::Tick);
/// assert!(matches!(actions[..], [Action::Trigger { barrier, .. }] if barrier.interval == 1));
/// let actions = coordinator.on(second, report(Report::Written(1)));
/// assert!(matches!(actions[..], [Action::Store { .. }]));
/// let actions = coordinator.on(second, Event::Committed { interval: 1 });
/// assert!(matches!(actions[..], [Action::Settle(_)]));
/// ```
#[derive(Debug)]
pub struct Coordinator {
    policy: Policy,
    phase: Phase,
    origin: Origin,
    /// Those that have joined this term.
    workers: BTreeMap<usize, Known>,
    /// The attempt, and its layout. It may be restored from the last snapshot only, if so.
    attempt: u64,
    layout: Arc<Layout>,
    restore: bool,
    target: usize,
    /// How often in a row it has failed by itself, without a snapshot in between.
    failures: u32,
    plans: u64,
    /// What was reported since the workers have said how they stand.
    reports: Vec<(usize, u64, Report)>,
    /// The savepoints that are to be taken once the job runs.
    asked: Vec<String>,
}
impl Coordinator {
    /// A coordinator of a job that may or may not be running, and what it does first.
    pub fn new(policy: Policy) -> (Self, Vec<Action>) {
        let coordinator = Coordinator {
            policy,
            phase: Phase::Claiming,
            origin: Origin::default(),
            workers: BTreeMap::new(),
            attempt: 0,
            layout: Arc::new(Layout::even(&[], policy.groups, policy.splits)),
            restore: false,
            target: policy.workers.max(1),
            failures: 0,
            plans: 0,
            reports: Vec::new(),
            asked: Vec::new(),
        };
        (coordinator, vec![Action::Claim])
    }
    /// Its term; 0 before it has one.
    pub fn term(&self) -> u64 {
        self.origin.term
    }
    /// The number of the attempt that is under way, or of the last one; 0 if there was none.
    pub fn attempt(&self) -> u64 {
        self.attempt
    }
    /// The layout that holds, or held last.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }
    /// How many workers there are to be.
    pub fn target(&self) -> usize {
        self.target
    }
    /// Whether it has nothing to do any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }
    /// Whether a change of the layout is being prepared or made.
    pub fn is_moving(&self) -> bool {
        matches!(&self.phase, Phase::Running(Running { plan: Some(_), .. }))
    }
    /// The workers of the attempt: those of the layout, and those who are about to join or to leave.
    pub fn participants(&self) -> Vec<usize> {
        match &self.phase {
            Phase::Running(Running { plan: Some(plan), .. }) => plan.participants(&self.layout),
            _ => self.layout.members().to_vec(),
        }
    }
    /// The number of the interval that is under way.
    pub fn interval(&self) -> u64 {
        match &self.phase {
            Phase::Running(running) => running.snapshots.interval(),
            _ => self.origin.interval + 1,
        }
    }
    /// When it wants to be told that time has passed.
    pub fn due(&self) -> Option<Duration> {
        let silent = self.workers.values().map(|known| known.heard.saturating_add(self.policy.silence));
        let own = match &self.phase {
            Phase::Claiming | Phase::Over => return None,
            Phase::Gathering(since) => (!self.workers.is_empty()).then(|| since.saturating_add(self.policy.patience)),
            Phase::Restoring(_) | Phase::Ending { .. } => None,
            Phase::Running(Running { snapshots, plan }) => {
                let plan = plan.as_ref().and_then(|plan| plan.due(self.policy.patience));
                snapshots.due().into_iter().chain(plan).min()
            }
            Phase::Resting(until) => Some(*until),
        };
        silent.filter(|due| *due < Duration::MAX).chain(own).min()
    }

    /// Takes in what has happened at `now`. What it says is to be done in order.
    pub fn on(&mut self, now: Duration, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.take(now, event, &mut actions);
        self.notice_silence(now, &mut actions);
        match &self.phase {
            Phase::Gathering(since) => {
                let since = *since;
                self.gather(now, since, &mut actions);
            }
            Phase::Resting(until) if now >= *until => self.claim(&mut actions),
            Phase::Running(_) => self.run(now, &mut actions),
            _ => {}
        }
        actions
    }
    fn take(&mut self, now: Duration, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Tick => {}
            Event::Claimed(origin) => self.claimed(now, origin),
            Event::Uncertain => {
                // Whether anything is to be restored is seen when it is known what is in the log.
                if !matches!(self.phase, Phase::Over) {
                    self.claim(actions);
                }
            }
            Event::Fenced => {
                if !matches!(self.phase, Phase::Over) {
                    self.phase = Phase::Over;
                    actions.push(Action::StepDown);
                }
            }
            Event::Joined { worker, standing } => self.joined(now, worker, standing, actions),
            Event::Heard { worker } => self.heard(now, worker),
            Event::Lost { worker } => self.lost(worker, actions),
            Event::Broken { attempt, restart } => self.broken(now, attempt, restart, actions),
            Event::Report { worker, attempt, report } => {
                self.heard(now, worker);
                if matches!(self.phase, Phase::Gathering(_)) {
                    // What a worker does after it has said how it stands.
                    self.reports.push((worker, attempt, report));
                } else if attempt == self.attempt {
                    self.report(now, worker, report, actions);
                }
            }
            Event::Committed { interval } => self.committed(now, interval, actions),
            Event::Failed { interval } => {
                if let Phase::Running(running) = &mut self.phase {
                    running.snapshots.failed(now, interval, actions);
                }
            }
            Event::Savepoint(name) => match &mut self.phase {
                Phase::Running(running) => running.snapshots.savepoint(name),
                Phase::Claiming | Phase::Gathering(_) | Phase::Restoring(_) => self.asked.push(name),
                Phase::Ending { .. } | Phase::Resting(_) | Phase::Over => actions.push(Action::NoSavepoint(name)),
            },
            Event::Target(target) => {
                let (target, over) = (target.clamp(1, usize::from(u16::MAX)), self.is_over());
                if !over && target != self.target {
                    actions.push(Action::Record { target });
                }
            }
            Event::Recorded { target } => self.target = target,
            Event::Move { groups, splits } => self.move_shares(now, &groups, &splits, actions),
        }
    }
    fn heard(&mut self, now: Duration, worker: usize) {
        if let Some(known) = self.workers.get_mut(&worker) {
            known.heard = now;
        }
    }
    fn notice_silence(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if self.is_over() {
            return;
        }
        let silent = |known: &Known| known.heard.saturating_add(self.policy.silence) <= now;
        let silent: Vec<usize> =
            self.workers.iter().filter(|(_, known)| silent(known)).map(|(worker, _)| *worker).collect();
        silent.into_iter().for_each(|worker| self.lost(worker, actions));
    }
    /// Claims the next term.
    fn claim(&mut self, actions: &mut Vec<Action>) {
        self.phase = Phase::Claiming;
        self.workers.clear();
        self.reports.clear();
        actions.push(Action::Claim);
    }
    /// Ends the attempt, and begins another.
    fn recover(&mut self, actions: &mut Vec<Action>) {
        self.restore = true;
        self.claim(actions);
    }
    fn claimed(&mut self, now: Duration, origin: Origin) {
        if !matches!(self.phase, Phase::Claiming) {
            return;
        }
        self.target = origin.target.unwrap_or(self.target);
        self.origin = origin;
        self.phase = Phase::Gathering(now);
    }
    /// A worker is gone.
    fn lost(&mut self, worker: usize, actions: &mut Vec<Action>) {
        self.workers.remove(&worker);
        match &mut self.phase {
            Phase::Restoring(_) if self.layout.has(worker) => self.recover(actions),
            Phase::Ending { missing, .. } if missing.contains(&worker) => self.recover(actions),
            Phase::Running(running) => {
                let needed = running.plan.as_ref().is_some_and(|plan| plan.needs(worker));
                if self.layout.has(worker) || needed {
                    self.recover(actions);
                } else if running.plan.as_ref().is_some_and(|plan| plan.has(worker)) {
                    self.unplan(actions);
                }
            }
            _ => {}
        }
    }
    fn broken(&mut self, now: Duration, attempt: u64, restart: bool, actions: &mut Vec<Action>) {
        let base = match &self.phase {
            _ if attempt != self.attempt => return,
            Phase::Running(running) => running.snapshots.base(),
            Phase::Ending { last, .. } => *last,
            Phase::Restoring(_) => self.origin.interval,
            _ => return,
        };
        self.failures = if base > self.origin.interval { 1 } else { self.failures + 1 };
        if !restart || self.failures > self.policy.restarts {
            self.phase = Phase::Over;
            actions.push(Action::GiveUp);
            return;
        }
        let (first, longest) = self.policy.pause;
        self.restore = true;
        self.workers.clear();
        actions.extend(self.asked.drain(..).map(Action::NoSavepoint));
        self.phase = Phase::Resting(now + first.saturating_mul(1 << (self.failures - 1).min(10)).min(longest));
    }
    /// How often in a row the job has failed by itself.
    pub fn failures(&self) -> u32 {
        self.failures
    }
    fn report(&mut self, now: Duration, worker: usize, report: Report, actions: &mut Vec<Action>) {
        match &mut self.phase {
            Phase::Restoring(missing) => {
                if report == Report::Ready && missing.remove(&worker) && missing.is_empty() {
                    actions.push(Action::Go { attempt: self.attempt });
                    let at = (self.origin.term, self.origin.interval);
                    let snapshots = Snapshots::new(self.policy, self.layout.members(), at, now);
                    let mut snapshots = snapshots.in_round(self.origin.round);
                    self.asked.drain(..).for_each(|name| snapshots.savepoint(name));
                    self.phase = Phase::Running(Running { snapshots, plan: None });
                }
            }
            Phase::Running(running) => match report {
                Report::Written(interval) => running.snapshots.written(worker, interval, actions),
                Report::Finished(version) => {
                    if version == self.layout.version() {
                        running.snapshots.finished(worker);
                    }
                }
                Report::Followed { .. } | Report::Installed(_) | Report::Left => {
                    if let Some(plan) = &mut running.plan {
                        plan.report(worker, &report);
                    }
                }
                Report::Ready => {}
            },
            Phase::Ending { missing, .. } => {
                if report == Report::Left && missing.remove(&worker) && missing.is_empty() {
                    self.phase = Phase::Over;
                    actions.push(Action::End);
                }
            }
            _ => {}
        }
    }
    fn committed(&mut self, now: Duration, interval: u64, actions: &mut Vec<Action>) {
        let Phase::Running(running) = &mut self.phase else { return };
        running.snapshots.committed(now, interval, actions);
        if let Some(plan) = &mut running.plan {
            plan.committed(interval);
        }
        if running.snapshots.is_over() {
            self.phase = Phase::Ending { last: interval, missing: self.layout.members().iter().copied().collect() };
        }
    }
    fn run(&mut self, now: Duration, actions: &mut Vec<Action>) {
        self.plan(now, actions);
        if let Phase::Running(running) = &mut self.phase {
            running.snapshots.tick(now, actions);
        }
    }
}

#[cfg(test)]
mod tests;
