//! Keeps a job alive: takes its snapshots, and restores it from the last of them when it fails.
mod asked;
mod names;
mod open;
mod point;
mod stored;
mod vault;

pub(crate) use names::Operators;
#[cfg(feature = "sim")]
pub(crate) use open::check_names;
pub(crate) use open::open;
pub use point::Restore;
pub(crate) use point::check_name;
#[cfg(feature = "sim")]
pub(crate) use stored::Stored;
pub(crate) use vault::{Found, Shelves, Vault};

use super::attempt::{Attempt, Beginning, News};
use super::job::Job;
use crate::coordinator::{Action, Coordinator, Event, Origin, Policy, Purpose};
use crate::error::{Error, Result};
use crate::worker::{Command, Written};
use asked::{Asker, Lookout, turn_down};
use std::collections::HashMap;
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
}
/// After a failure it is so long until the next attempt, and twice as long each further time.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often the last snapshot of a job is tried.
const LAST_TRIES: u32 = 5;

/// A job that is kept, before it begins.
pub(crate) struct Keeping {
    pub(crate) settings: Settings,
    pub(crate) vault: Box<dyn Vault>,
    /// What the first attempt is restored from.
    pub(crate) found: Option<Found>,
}

/// Has a job run to its end, whatever attempts that takes.
pub(super) fn keep(job: &Job, keeping: Keeping, sender: &Sender<News>, news: &Receiver<News>) -> Result<()> {
    let Keeping { settings, mut vault, mut found } = keeping;
    let mut failures = 0;
    loop {
        let before = vault.interval();
        let failure = match Run::begin(job, &settings, &mut *vault, found, sender)?.run(news) {
            Ok(()) => {
                turn_down(&*vault, "the job has ended");
                return Ok(());
            }
            Err(failure) => failure,
        };
        failures = if vault.interval() > before { 1 } else { failures + 1 };
        if !is_worth_a_restart(&failure) || failures > settings.restarts {
            turn_down(&*vault, &format!("the job has failed: {failure}"));
            return Err(failure);
        }
        let pause = PAUSE.saturating_mul(1 << (failures - 1).min(10)).min(LONGEST_PAUSE);
        tracing::warn!(cause = %failure, ?pause, attempt = failures, of = settings.restarts, "job is restarted");
        if !rest(job, pause, news) {
            turn_down(&*vault, "the job has been stopped");
            return Err(failure);
        }
        job.note(|survived| survived.restarts += 1);
        vault.claim()?;
        found = vault.find(&Restore::Latest)?;
    }
}
/// Waits for so long; `false` if the job is told to stop meanwhile.
fn rest(job: &Job, pause: Duration, news: &Receiver<News>) -> bool {
    let until = job.plan().clock.now() + pause;
    loop {
        let now = job.plan().clock.now();
        if job.is_stopping() {
            return false;
        }
        if now >= until {
            return true;
        }
        match news.recv_timeout(until - now) {
            Ok(News::Savepoint(name, reply)) => {
                let _ = reply.send(Err(Error::custom(format!("`{name}` was not taken: the job is being restarted"))));
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
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

/// One attempt, and the coordinator that keeps it.
struct Run<'a> {
    job: &'a Job,
    vault: &'a mut dyn Vault,
    attempt: Arc<Attempt>,
    coordinator: Coordinator,
    /// What workers have written of the snapshot that is under way.
    written: Vec<Written>,
    /// Who waits for which savepoint.
    waiting: HashMap<String, Vec<Asker>>,
    lookout: Lookout,
    failure: Option<Error>,
    /// How many workers have taken in what they were restored from.
    loaded: usize,
}
impl<'a> Run<'a> {
    fn begin(
        job: &'a Job,
        settings: &Settings,
        vault: &'a mut dyn Vault,
        found: Option<Found>,
        news: &Sender<News>,
    ) -> Result<Self> {
        let plan = job.plan();
        let origin = Origin {
            term: vault.term(),
            interval: vault.interval(),
            round: found.as_ref().and_then(|found| found.round),
        };
        let restored_from = found.as_ref().map(|found| found.interval);
        job.note(|survived| survived.restored_from = restored_from);
        let policy =
            Policy { workers: plan.workers, every: settings.every, timeout: settings.timeout, attempts: LAST_TRIES };
        let now = plan.clock.now();
        let coordinator = Coordinator::new(policy, origin, now);
        let lookout = Lookout::new(vault.looks_every(settings.every), now);
        let shelves = found.map(|found| found.shelves);
        let beginning = Beginning { term: origin.term, interval: origin.interval + 1, shelves, news: news.clone() };
        let attempt = Attempt::start(plan, Some(beginning))?;
        job.begin(attempt.clone());
        Ok(Run {
            job,
            vault,
            attempt,
            coordinator,
            written: Vec::new(),
            waiting: HashMap::new(),
            lookout,
            failure: None,
            loaded: 0,
        })
    }
    /// Runs the attempt to its end.
    fn run(mut self, news: &Receiver<News>) -> Result<()> {
        loop {
            self.look();
            let now = self.job.plan().clock.now();
            let due = self.coordinator.due().map_or(self.lookout.due(), |due| due.min(self.lookout.due()));
            let next = news.recv_timeout(due.saturating_sub(now));
            match next {
                Ok(News::Written(worker, written)) => {
                    let interval = written.interval;
                    self.written.push(written);
                    self.on(Event::Written { worker, interval });
                }
                Ok(News::Loaded) => self.loaded(),
                Ok(News::Finished(worker)) => self.on(Event::Finished { worker }),
                Ok(News::Savepoint(name, reply)) => self.savepoint(name, Asker::Here(reply)),
                Ok(News::Stop) => {}
                Err(RecvTimeoutError::Timeout) => self.on(Event::Tick),
                Ok(News::Ended) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let unsaved = |name: &str| Error::custom(format!("`{name}` was not taken: the job has ended"));
        for (name, askers) in self.waiting {
            // Requests from outside stay where they are: another attempt may do what they ask for.
            for asker in askers.into_iter().filter(|asker| matches!(asker, Asker::Here(_))) {
                asker.answer(&*self.vault, &name, Err(unsaved(&name)));
            }
        }
        match self.attempt.failure().or(self.failure) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
    /// One more worker has taken in what it was restored from.
    fn loaded(&mut self) {
        self.loaded += 1;
        if self.loaded == self.job.plan().workers
            && let Err(error) = self.vault.check_taken_in()
        {
            self.fail(error);
        }
    }
    /// Ends the attempt.
    fn fail(&mut self, failure: Error) {
        self.failure.get_or_insert(failure);
        self.attempt.cancel();
    }
    fn on(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let now = self.job.plan().clock.now();
            for action in self.coordinator.on(now, event) {
                match action {
                    Action::Trigger(barrier) => {
                        tracing::debug!(interval = barrier.interval, "snapshot begins");
                        self.written.retain(|written| written.interval >= barrier.interval);
                        self.attempt.command(Command::Snapshot(barrier));
                    }
                    Action::Store { barrier, purpose } => {
                        let interval = barrier.interval;
                        let written = std::mem::take(&mut self.written);
                        let written = written.into_iter().filter(|written| written.interval == interval).collect();
                        match self.vault.store(barrier, &purpose, written) {
                            Ok(()) => {
                                self.job.note(|survived| survived.snapshots += 1);
                                if let Purpose::Savepoint(name) = &purpose {
                                    self.answer(name, || Ok(()));
                                }
                                if let Err(error) = self.vault.tidy() {
                                    tracing::warn!(cause = ?error, "what is not needed any more cannot be deleted, or something is damaged");
                                }
                                events.push(Event::Committed { interval });
                            }
                            Err(error) if is_worth_a_restart(&error) && self.vault.is_open() => {
                                tracing::warn!(interval, cause = ?error, "snapshot could not be stored");
                                events.push(Event::Failed { interval });
                            }
                            Err(error) => return self.fail(error),
                        }
                    }
                    Action::Settle(outcome) => self.attempt.command(Command::Settle(outcome)),
                    Action::NoSavepoint(name) => {
                        let why = || Err(Error::custom(format!("`{name}` was not taken: it could not be stored")));
                        self.answer(&name, why);
                    }
                    // Workers end when they have settled it.
                    Action::End => {}
                    Action::GiveUp => {
                        let why = "the last snapshot of the job cannot be stored, so what it wrote since the one before is not published";
                        self.fail(Error::custom(why));
                    }
                }
            }
        }
    }
}
