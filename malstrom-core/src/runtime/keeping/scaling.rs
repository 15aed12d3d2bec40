//! The number of workers of a job changes while it runs.
use super::Run;
use crate::coordinator::member::Command;
use crate::coordinator::{Event, Report};
use crate::error::{Error, Result};
use crate::runtime::attempt::{MOST, Moved};
use crate::worker;
use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Who wants another number of workers.
#[derive(Default)]
pub(super) struct Scalers {
    asked: Vec<Asked>,
    /// What those are to say who have been started to join the others, when they have been made.
    joining: BTreeMap<usize, Report>,
    /// How many key groups move by the plan that is under way.
    groups: usize,
}
struct Asked {
    workers: usize,
    since: Duration,
    reply: Sender<Result<Moved>>,
}
impl Scalers {
    /// What a worker says that has been made; `None` if it has not joined others.
    pub(super) fn prepared(&mut self, worker: usize) -> Option<Report> {
        self.joining.remove(&worker)
    }
    /// There are so many workers now.
    pub(super) fn moved(&mut self, workers: usize, now: Duration) {
        let groups = std::mem::take(&mut self.groups);
        if groups > 0 {
            tracing::info!(workers, groups, "the number of workers has changed");
        }
        for asked in self.asked.extract_if(.., |asked| asked.workers == workers) {
            let took = now.saturating_sub(asked.since);
            // Whoever has asked may be gone.
            let _ = asked.reply.send(Ok(Moved { workers, groups, took }));
        }
    }
    /// There will not be as many as anybody wants.
    pub(super) fn turn_down(&mut self, why: &str) {
        for asked in self.asked.drain(..) {
            let why = format!("there are not {} workers: {why}", asked.workers);
            let _ = asked.reply.send(Err(Error::custom(why)));
        }
    }
}
impl Run<'_> {
    /// Somebody wants so many workers.
    pub(super) fn rescale(&mut self, workers: usize, reply: Sender<Result<Moved>>) {
        if !(1..=MOST).contains(&workers) {
            let why = format!("a job has 1 to {MOST} workers in one process, and cannot have {workers}");
            let _ = reply.send(Err(Error::Config(why)));
            return;
        }
        tracing::info!(workers, "the number of workers is to change");
        let since = self.now();
        self.scalers.asked.push(Asked { workers, since, reply });
        if self.coordinator.target() == workers && !self.coordinator.is_moving() {
            self.scalers.moved(workers, since);
        } else {
            self.on(Event::Target(workers));
        }
    }
    /// There are to be so many workers: those that it takes are there to be had.
    pub(super) fn enlist(&mut self, target: usize) {
        self.job.note(|survived| survived.target = Some(target));
        self.on(Event::Recorded { target });
        let known = (0..MOST).filter(|worker| self.coordinator.knows(*worker)).count();
        let more = (0..MOST).filter(|worker| !self.coordinator.knows(*worker)).take(target.saturating_sub(known));
        more.collect::<Vec<_>>().into_iter().for_each(|worker| self.on(Event::Joined { worker, standing: None }));
    }
    /// Tells some of the workers.
    pub(super) fn tell(&mut self, to: &[usize], command: &Command) {
        let Some(attempt) = self.attempt.clone() else { return };
        for worker in to.iter().copied() {
            match command {
                Command::Prepare { plan, change, base, .. } => {
                    self.scalers.groups = change.groups().count();
                    let followed = Report::Followed { plan: *plan, base: *base, bytes: 0 };
                    if attempt.has(worker) {
                        // All that it gains is in memory nearby.
                        self.on(Event::Report { worker, attempt: self.number, report: followed });
                        continue;
                    }
                    self.scalers.joining.insert(worker, followed);
                    if let Err(error) = attempt.clone().join(worker, change.clone()) {
                        self.scalers.joining.remove(&worker);
                        self.fail(error);
                    }
                }
                Command::Unprepare if !self.coordinator.layout().has(worker) => {
                    attempt.command_one(worker, worker::Command::Leave);
                }
                Command::Release => attempt.command_one(worker, worker::Command::Leave),
                _ => {}
            }
        }
    }
}
