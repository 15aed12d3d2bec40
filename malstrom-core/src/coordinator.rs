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
//!   from the snapshot before; whatever fails after, from this one, with the new layout. Where much moves, several such barriers
//!   follow each other, so that nothing waits for long at any of them.
mod balance;
mod course;
mod gather;
pub mod member;
mod moving;
mod plan;
mod snapshots;
mod stands;
mod words;

pub use balance::Balance;
pub use moving::{MoveStage, Moving};
pub use words::{Action, Event, Origin, Policy, Purpose, Report};

use crate::exchange::layout::Layout;
use course::Course;
use member::{Command, Standing};
use plan::Plan;
use snapshots::Snapshots;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
enum Phase {
    /// The log is being claimed.
    Claiming,
    /// Workers are waited for, since then. Once that has been for too long, those that there are do.
    Gathering {
        since: Duration,
        late: bool,
    },
    /// These have not taken in what the snapshot has.
    Restoring(BTreeSet<usize>),
    Running(Box<Running>),
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
    /// The step of a change that is being prepared or made.
    plan: Option<Plan>,
    /// And the change that it is a step of.
    course: Option<Course>,
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
/// use malstrom_core::coordinator::member::Command;
/// use malstrom_core::coordinator::{Action, Coordinator, Event, Origin, Policy, Report};
/// use std::time::Duration;
/// let second = Duration::from_secs(1);
/// let policy = Policy { every: second, ..Policy::default() };
/// let (mut coordinator, actions) = Coordinator::new(policy);
/// assert_eq!(actions, [Action::Claim]);
/// coordinator.on(Duration::ZERO, Event::Claimed(Origin { term: 1, ..Origin::default() }));
/// let actions = coordinator.on(Duration::ZERO, Event::Joined { worker: 0, standing: None });
/// assert!(matches!(actions[..], [Action::Tell(Command::Begin { attempt: 1, interval: 1, .. })]));
/// let report = |report| Event::Report { worker: 0, attempt: 1, report };
/// assert_eq!(coordinator.on(Duration::ZERO, report(Report::Ready)), [Action::Tell(Command::Go { attempt: 1 })]);
/// let actions = coordinator.on(second, Event::Tick);
/// assert!(matches!(actions[..], [Action::Tell(Command::Trigger { barrier, .. })] if barrier.interval == 1));
/// let actions = coordinator.on(second, report(Report::Written(1)));
/// assert!(matches!(actions[..], [Action::Store { .. }]));
/// let actions = coordinator.on(second, Event::Committed { interval: 1 });
/// assert!(matches!(actions[..], [Action::Tell(Command::Settle(_))]));
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
    /// Those who are to leave.
    unwanted: BTreeSet<usize>,
    /// How often in a row it has failed by itself, without a snapshot in between.
    failures: u32,
    plans: u64,
    /// What was reported since the workers have said how they stand.
    reports: Vec<(usize, u64, Report)>,
    /// And the snapshots that could not be stored since.
    unstored: Vec<u64>,
    /// The savepoints that are to be taken once the job runs, and one that may be in the log already, with its interval.
    asked: Vec<String>,
    saving: Option<(u64, String)>,
    /// What key groups have to do, if that is known.
    loads: Vec<u64>,
    /// About how many bytes they hold in all, if that is known.
    held: Option<u64>,
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
            unwanted: BTreeSet::new(),
            failures: 0,
            plans: 0,
            reports: Vec::new(),
            unstored: Vec::new(),
            asked: Vec::new(),
            saving: None,
            loads: Vec::new(),
            held: None,
        };
        (coordinator, vec![Action::Claim])
    }
    /// There are to be so many workers from the next attempt on, and no attempt begins with fewer than `least`: for who learns only from
    /// those who come how many there will be.
    pub fn expect(&mut self, target: usize, least: usize) {
        (self.target, self.policy.least) = (target.max(1), least);
    }
    /// These workers are to take part no more, as soon as others can do without them; all others may.
    pub fn let_go(&mut self, workers: BTreeSet<usize>) {
        self.unwanted = workers;
    }
    /// The layout is to change no more. A change that is being prepared is dropped; one that is being made goes on.
    pub fn stay(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.policy.moves = false;
        self.unplan(&mut actions);
        actions
    }
    /// This is what the key groups have to do, in any unit. When the number of workers changes, they are
    /// [shared out](Layout::spread_by_load) by that.
    pub fn weigh(&mut self, loads: Vec<u64>) {
        self.loads = loads;
    }
    /// All key groups hold about so many bytes, as the newest snapshot has it. When they move, it goes by that
    /// [how many do so at once](Policy::wave) at first.
    ///
    /// ```
    /// use malstrom_core::coordinator::{Coordinator, Policy};
    /// let (mut coordinator, _) = Coordinator::new(Policy::default());
    /// coordinator.holds(64 << 20);
    /// ```
    pub fn holds(&mut self, bytes: u64) {
        self.held = Some(bytes);
    }
    /// When it wants to be told that time has passed.
    pub fn due(&self) -> Option<Duration> {
        let silent = self.workers.values().map(|known| known.heard.saturating_add(self.policy.silence));
        let own = match &self.phase {
            Phase::Claiming | Phase::Over => return None,
            Phase::Gathering { since, late } => {
                (!self.workers.is_empty() && !late).then(|| since.saturating_add(self.policy.patience))
            }
            Phase::Restoring(_) | Phase::Ending { .. } => None,
            Phase::Running(running) => {
                let plan = running.plan.as_ref().and_then(|plan| plan.due(self.policy.patience));
                running.snapshots.due().into_iter().chain(plan).min()
            }
            Phase::Resting(until) => Some(*until),
        };
        silent.filter(|due| *due < Duration::MAX).chain(own).min()
    }

    /// Takes in what has happened at `now`. What it says is to be done in order.
    pub fn on(&mut self, now: Duration, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.forgive(now);
        self.take(now, event, &mut actions);
        self.notice_silence(now, &mut actions);
        match &self.phase {
            Phase::Gathering { since, late } => {
                let (since, late) = (*since, *late || now >= since.saturating_add(self.policy.patience));
                self.phase = Phase::Gathering { since, late };
                self.gather(now, late, &mut actions);
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
                if matches!(self.phase, Phase::Gathering { .. }) {
                    // What a worker does after it has said how it stands.
                    self.reports.push((worker, attempt, report));
                } else if attempt == self.attempt {
                    self.report(now, worker, report, actions);
                }
            }
            Event::Committed { interval } => self.committed(now, interval, actions),
            Event::Failed { interval } => match &mut self.phase {
                Phase::Running(running) => running.snapshots.failed(now, interval, actions),
                Phase::Gathering { .. } => self.unstored.push(interval),
                _ => {}
            },
            Event::Hasten => {
                if let Phase::Running(running) = &mut self.phase {
                    running.snapshots.hasten(now);
                }
            }
            Event::Savepoint(name) => match &mut self.phase {
                Phase::Running(running) => running.snapshots.savepoint(name),
                Phase::Claiming | Phase::Gathering { .. } | Phase::Restoring(_) => self.asked.push(name),
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
    /// For as long as the coordinator itself was late, asleep for one, it has heard nothing and blames nobody for that.
    fn forgive(&mut self, now: Duration) {
        let late = self.due().map_or(Duration::ZERO, |due| now.saturating_sub(due));
        if late > Duration::ZERO {
            self.workers.values_mut().for_each(|known| known.heard = known.heard.saturating_add(late).min(now));
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
        if let Phase::Running(running) = &mut self.phase {
            let (saving, asked) = running.snapshots.take_savepoints();
            self.saving = saving;
            self.asked.extend(asked);
        }
        self.phase = Phase::Claiming;
        self.workers.clear();
        self.reports.clear();
        self.unstored.clear();
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
        if let Some((_, name)) = self.saving.take().filter(|(interval, _)| *interval > origin.interval) {
            self.asked.insert(0, name);
        }
        self.origin = origin;
        self.phase = Phase::Gathering { since: now, late: false };
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
        if let Phase::Running(running) = &mut self.phase {
            let (saving, asked) = running.snapshots.take_savepoints();
            self.asked.extend(saving.map(|(_, name)| name).into_iter().chain(asked));
        }
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
    fn report(&mut self, now: Duration, worker: usize, report: Report, actions: &mut Vec<Action>) {
        match &mut self.phase {
            Phase::Restoring(missing) => {
                if report != Report::Ready {
                    // It need not wait for the others: it may have nothing to do.
                    self.reports.push((worker, self.attempt, report));
                    return;
                }
                missing.remove(&worker);
                if missing.is_empty() {
                    actions.push(Action::Tell(Command::Go { attempt: self.attempt }));
                    let at = (self.origin.term, self.origin.interval);
                    let snapshots = Snapshots::new(self.policy, self.layout.members(), at, now);
                    let mut snapshots = snapshots.in_round(self.origin.round);
                    self.asked.drain(..).for_each(|name| snapshots.savepoint(name));
                    self.phase = Phase::Running(Box::new(Running { snapshots, plan: None, course: None }));
                    self.catch_up(now, actions);
                }
            }
            Phase::Running(running) => match report {
                Report::Written(interval) => running.snapshots.written(worker, interval, actions),
                Report::Finished(version) => {
                    if version == self.layout.version() {
                        running.snapshots.finished(worker);
                    }
                }
                Report::Followed { .. } | Report::Installed { .. } | Report::Left => {
                    if let Some(plan) = &mut running.plan {
                        plan.report(worker, &report);
                    }
                }
                Report::Ready => {}
            },
            Phase::Ending { missing, .. } => {
                if report != Report::Left {
                    return;
                }
                missing.remove(&worker);
                if missing.is_empty() {
                    self.phase = Phase::Over;
                    actions.push(Action::End);
                }
            }
            _ => {}
        }
    }
    /// Takes in what was reported before it could be.
    fn catch_up(&mut self, now: Duration, actions: &mut Vec<Action>) {
        for (worker, attempt, report) in std::mem::take(&mut self.reports) {
            if attempt == self.attempt {
                self.report(now, worker, report, actions);
            }
        }
        for interval in std::mem::take(&mut self.unstored) {
            self.take(now, Event::Failed { interval }, actions);
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

/// Some workers, for people.
fn listed(workers: &BTreeSet<usize>) -> String {
    let numbers: Vec<String> = workers.iter().map(usize::to_string).collect();
    format!("workers {}", numbers.join(", "))
}

#[cfg(test)]
mod tests;
