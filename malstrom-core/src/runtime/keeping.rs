//! Keeps a job alive: takes its snapshots, and restores it from the last of them when it fails.
mod asked;
mod balancing;
mod names;
mod nowhere;
mod open;
mod point;
mod scaling;
mod stored;
mod vault;

pub(crate) use asked::{Asker, Askers, turn_down};
pub(crate) use names::Operators;
pub(crate) use nowhere::{Nowhere, no_place};
#[cfg(feature = "sim")]
pub(crate) use open::check_names;
pub(crate) use open::{Kept, claim, open};
pub use point::Restore;
pub(crate) use point::check_name;
pub(crate) use stored::{Restoring, Stored, kind_of};
pub(crate) use vault::{Found, Shelves, Vault};

use super::attempt::{Attempt, Beginning, News, Plan};
use super::job::Job;
use super::report::Taken;
use super::{LAST_TRIES, PAUSES};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Barrier, Outcome};
use crate::coordinator::member::Command;
use crate::coordinator::{Action, Coordinator, Event, Origin, Policy, Purpose, Report};
use crate::error::{Error, Result};
use crate::runtime::balancing::Balancing;
use crate::runtime::scalers::Scalers;
use crate::worker::{self, Written};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// How a job is kept.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// From the beginning of one snapshot to that of the next.
    pub(crate) every: Duration,
    /// After this time a snapshot that is not complete is given up.
    pub(crate) timeout: Duration,
    /// How often in a row the job is restarted, if it does not get as far as the next snapshot.
    pub(crate) restarts: u32,
    /// Whether key groups move by themselves when some workers have more to do than others.
    pub(crate) rebalance: bool,
    /// How many key groups there are to be, if somebody has said so.
    pub(crate) key_groups: Option<KeyGroups>,
}

/// A job that is kept, before it begins.
pub(crate) struct Keeping {
    pub(crate) settings: Settings,
    pub(crate) vault: Box<dyn Vault>,
    /// What the first attempt is restored from, and by what it was found: until there is a newer snapshot, all others are too.
    pub(crate) found: Option<Found>,
    pub(crate) restore: Restore,
}

/// Has a job run to its end, whatever attempts that takes.
pub(super) fn keep(job: &Job, keeping: Keeping, sender: &Sender<News>, news: &Receiver<News>) -> Result<()> {
    let Keeping { settings, vault, found, restore } = keeping;
    let policy = Policy {
        workers: job.plan().workers,
        groups: job.plan().key_groups.count(),
        every: settings.every,
        timeout: settings.timeout,
        tries: LAST_TRIES,
        restarts: settings.restarts,
        pause: PAUSES,
        stores: vault.stores(),
        // The threads of this process cannot be lost, and say nothing that they need not.
        silence: Duration::MAX,
        ..Policy::default()
    };
    let (coordinator, first) = Coordinator::new(policy);
    let askers = Askers::new(vault.looks_every(settings.every), job.plan().clock.now());
    let mut run = Run {
        job,
        vault,
        coordinator,
        sender,
        attempt: None,
        number: 0,
        found,
        restore,
        claimed: true,
        written: Vec::new(),
        since: Duration::ZERO,
        askers,
        failure: None,
        over: None,
        next: VecDeque::new(),
        scalers: Scalers::default(),
        balancing: Balancing::new(job.plan().clock.now(), settings.rebalance),
    };
    run.act(first);
    run.run(news)
}
/// Whether another attempt could do better.
pub(crate) fn is_worth_a_restart(failure: &Error) -> bool {
    !matches!(
        failure,
        Error::Config(_)
            | Error::Unwritable { .. }
            | Error::Restore { .. }
            | Error::Snapshot { .. }
            | Error::Damaged { .. }
            | Error::Fenced { .. }
    )
}

/// A job and its coordinator.
struct Run<'a> {
    job: &'a Job,
    vault: Box<dyn Vault>,
    coordinator: Coordinator,
    sender: &'a Sender<News>,
    /// The attempt that is under way, and its number.
    attempt: Option<Arc<Attempt>>,
    number: u64,
    /// What the next attempt is restored from, and whether the term in which it begins is claimed already.
    found: Option<Found>,
    restore: Restore,
    claimed: bool,
    /// What workers have written of the snapshot that is under way, and since when it is.
    written: Vec<Written>,
    since: Duration,
    askers: Askers,
    /// Why the attempt is given up, if not by one of its workers.
    failure: Option<Error>,
    /// What came of the job.
    over: Option<Result<()>>,
    /// What has happened while something else was being done.
    next: VecDeque<Event>,
    /// Those who want another number of workers.
    scalers: Scalers,
    balancing: Balancing,
}
impl Run<'_> {
    fn now(&self) -> Duration {
        self.job.plan().clock.now()
    }
    /// Runs the job to its end.
    fn run(mut self, news: &Receiver<News>) -> Result<()> {
        loop {
            if let Some(over) = self.over.take() {
                let why = match &over {
                    Ok(()) => "the job has ended".to_owned(),
                    Err(_) if self.attempt.is_none() && self.job.is_stopping() => "the job has been stopped".to_owned(),
                    Err(failure) => format!("the job has failed: {failure}"),
                };
                turn_down(&*self.vault, &why);
                self.scalers.turn_down(&why);
                return over;
            }
            if self.attempt.is_some() {
                let fresh = self.askers.look(self.now(), &*self.vault);
                fresh.into_iter().for_each(|name| self.on(Event::Savepoint(name)));
                self.look_at_loads();
            }
            let own = self.askers.due().min(self.balancing.due());
            let due = match (self.coordinator.due(), self.attempt.is_some()) {
                (Some(due), true) => due.min(own),
                (None, true) => own,
                (due, false) => due.unwrap_or(Duration::MAX),
            };
            match news.recv_timeout(due.saturating_sub(self.now())) {
                Ok(News::Written(worker, written)) => {
                    let interval = written.interval;
                    self.written.push(written);
                    self.report(worker, Report::Written(interval));
                }
                Ok(News::Loaded(worker)) => match self.scalers.prepared(worker) {
                    Some(followed) => self.report(worker, followed),
                    None => self.report(worker, Report::Ready),
                },
                Ok(News::Installed(worker, handed)) => {
                    self.scalers.arrived(handed);
                    self.report(worker, Report::Installed { interval: handed.interval, bytes: handed.taken });
                }
                Ok(News::Left(worker)) => self.report(worker, Report::Left),
                Ok(News::Rescale(workers, reply)) => self.rescale(workers, reply),
                Ok(News::Rebalance(reply)) => self.rebalance(reply),
                Ok(News::Finished(worker)) => {
                    let version = self.coordinator.layout().version();
                    self.report(worker, Report::Finished(version));
                }
                Ok(News::Savepoint(name, reply)) if self.attempt.is_none() => {
                    let why = format!("`{name}` was not taken: the job is being restarted");
                    // Whoever has asked may be gone.
                    let _ = reply.send(Err(Error::custom(why)));
                }
                Ok(News::Savepoint(name, reply)) => {
                    if self.askers.ask(&*self.vault, &name, Asker::Here(reply)) {
                        self.on(Event::Savepoint(name));
                    }
                }
                Ok(News::Stop) => self.stop_resting(),
                Err(RecvTimeoutError::Timeout) => self.on(Event::Tick),
                Ok(News::Ended) | Err(RecvTimeoutError::Disconnected) => self.ended(),
            }
        }
    }
    /// The job is told to stop. An attempt that is under way is told by others.
    fn stop_resting(&mut self) {
        if self.attempt.is_none() && self.over.is_none() {
            let failure =
                self.failure.take().unwrap_or_else(|| Error::custom("the job has been stopped before it began"));
            self.over = Some(Err(failure));
        }
    }
    /// All workers of the attempt have ended.
    fn ended(&mut self) {
        let Some(attempt) = self.attempt.take() else { return };
        self.askers.turn_down_here(&*self.vault, "the job has ended");
        let Some(failure) = attempt.failure().or(self.failure.take()) else {
            self.over = Some(Ok(()));
            return;
        };
        let restart = self.vault.stores() && is_worth_a_restart(&failure);
        let cause = failure.to_string();
        self.failure = Some(failure);
        self.on(Event::Broken { attempt: self.number, restart });
        if self.over.is_some() {
            return;
        }
        let pause = self.coordinator.due().map(|due| due.saturating_sub(self.now())).unwrap_or_default();
        tracing::warn!(cause, ?pause, restart = self.coordinator.failures(), "job is restarted");
        if self.job.is_stopping() {
            self.stop_resting();
        }
    }
    /// Ends the attempt.
    fn fail(&mut self, failure: Error) {
        self.failure.get_or_insert(failure);
        if let Some(attempt) = &self.attempt {
            attempt.cancel();
        }
    }
    fn report(&mut self, worker: usize, report: Report) {
        self.on(Event::Report { worker, attempt: self.number, report });
    }
    fn on(&mut self, event: Event) {
        self.next.push_back(event);
        // What happens while actions are being carried out is next when all have been.
        if self.next.len() > 1 {
            return;
        }
        while let Some(event) = self.next.front().cloned() {
            let actions = self.coordinator.on(self.now(), event);
            let moving = self.coordinator.moving();
            self.job.note(|survived| survived.moves.under_way = moving);
            self.act(actions);
            self.next.pop_front();
        }
    }
    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Claim => {
                    if let Err(error) = self.claim() {
                        self.over = Some(Err(error));
                        return;
                    }
                }
                Action::Tell(Command::Begin { attempt, interval, layout }) => {
                    if let Err(error) = self.begin(attempt, interval, layout.members().len()) {
                        self.over = Some(Err(error));
                        return;
                    }
                }
                Action::Tell(Command::Go { .. }) => {
                    if let Err(error) = self.vault.check_taken_in() {
                        self.fail(error);
                    }
                }
                Action::Tell(Command::Trigger { barrier, change }) => {
                    tracing::debug!(interval = barrier.interval, "snapshot begins");
                    self.since = self.now();
                    self.job.note(|survived| survived.interval = barrier.interval + 1);
                    self.written.retain(|written| written.interval >= barrier.interval);
                    self.command(match change {
                        Some(change) => worker::Command::Change(barrier, change),
                        None => worker::Command::Snapshot(barrier),
                    });
                }
                Action::Store { barrier, purpose, .. } => self.store(barrier, &purpose),
                Action::Tell(Command::Settle(outcome)) => {
                    if matches!(outcome, Outcome::Aborted { .. }) {
                        self.job.note(|survived| survived.given_up += 1);
                    }
                    self.command(worker::Command::Settle(outcome));
                }
                Action::NoSavepoint(name) => {
                    let why = || Err(Error::custom(format!("`{name}` was not taken: it could not be stored")));
                    self.askers.answer(&*self.vault, &name, why);
                }
                Action::Unstorable => {
                    let why = "the last snapshot of the job cannot be stored, so what it wrote since the one before is not published";
                    self.fail(Error::custom(why));
                }
                Action::GiveUp => {
                    let failure = self.failure.take();
                    self.over = Some(Err(failure.unwrap_or_else(|| Error::custom("the job has failed"))));
                }
                // Workers end when they have settled the last snapshot.
                Action::End => {}
                Action::Record { target } => self.enlist(target),
                Action::TellThese { to, command } => self.tell(&to, &command),
                Action::Moved { layout } => self.moved(layout.members().len()),
                Action::NotMoved => self.not_moved(),
                // Nobody else coordinates these workers: whoever takes over elsewhere is met at the log.
                Action::Tell(_) | Action::StepDown => {}
            }
        }
    }
    fn command(&self, command: worker::Command) {
        let Some(attempt) = &self.attempt else { return };
        // Whoever prepares to join has no part yet.
        self.coordinator.participants().into_iter().for_each(|worker| attempt.command_one(worker, command.clone()));
    }
    /// Begins a term, and has all workers of this process join it.
    fn claim(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.claimed) {
            self.job.note(|survived| survived.restarts += 1);
            self.vault.claim()?;
            self.found = self.vault.find(&self.restore)?;
        }
        let origin = Origin {
            term: self.vault.term(),
            interval: self.vault.interval(),
            round: self.found.as_ref().and_then(|found| found.round),
            ..Origin::default()
        };
        self.on(Event::Claimed(origin));
        (0..self.coordinator.target()).for_each(|worker| self.on(Event::Joined { worker, standing: None }));
        Ok(())
    }
    /// Begins an attempt.
    fn begin(&mut self, attempt: u64, interval: u64, workers: usize) -> Result<()> {
        let found = self.found.take();
        let restored_from = found.as_ref().map(|found| found.interval);
        let term = self.vault.term();
        self.job.note(|survived| {
            survived.restored_from = restored_from;
            (survived.attempt, survived.term, survived.interval) = (attempt, term, interval);
        });
        self.failure = None;
        self.written.clear();
        let shelves = found.map(|found| found.shelves);
        let sender = self.sender.clone();
        // Nobody listens once the job has ended.
        let tell = Arc::new(move |news| drop(sender.send(news)));
        self.vault.in_attempt(attempt);
        let beginning = Beginning { term, interval, stores: self.vault.stores(), shelves, tell };
        let plan = Plan { workers, ..self.job.plan().clone() };
        let begun = Attempt::start(&plan, Some(beginning))?;
        self.job.begin(begun.clone());
        self.scalers.begun(workers, self.now());
        (self.number, self.attempt) = (attempt, Some(begun));
        Ok(())
    }
    /// Stores what all workers have written.
    fn store(&mut self, barrier: Barrier, purpose: &Purpose) {
        let interval = barrier.interval;
        let written = std::mem::take(&mut self.written);
        let written = written.into_iter().filter(|written| written.interval == interval).collect();
        match self.vault.store(barrier, purpose, written) {
            Ok(bytes) => {
                let at = self.now();
                self.restore = Restore::Latest;
                if self.vault.stores() {
                    let taken = Taken { interval, bytes, took: at.saturating_sub(self.since), at };
                    self.job.note(|survived| {
                        survived.snapshots += 1;
                        survived.last = Some(taken);
                    });
                }
                if let Purpose::Savepoint(name) = purpose {
                    self.askers.answer(&*self.vault, name, || Ok(()));
                }
                if let Err(error) = self.vault.tidy() {
                    tracing::warn!(cause = ?error, "what is not needed any more cannot be deleted, or something is damaged");
                }
                self.vault.held().into_iter().for_each(|bytes| self.coordinator.holds(bytes));
                self.on(Event::Committed { interval });
            }
            Err(error) if is_worth_a_restart(&error) && self.vault.is_open() => {
                tracing::warn!(interval, cause = ?error, "snapshot could not be stored");
                self.on(Event::Failed { interval });
            }
            Err(error) => {
                self.job.note(|survived| survived.given_up += 1);
                self.fail(error);
            }
        }
    }
}
