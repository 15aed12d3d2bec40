//! The number of workers of a job changes while it runs.
use super::Run;
use crate::coordinator::member::Command;
use crate::coordinator::{Event, Moving, Report};
use crate::error::{Error, Result};
use crate::runtime::attempt::{MOST, Moved};
use crate::runtime::scalers::Wish;
use crate::worker;
use std::sync::mpsc::Sender;

impl Run<'_> {
    /// Somebody wants so many workers.
    pub(super) fn rescale(&mut self, workers: usize, reply: Sender<Result<Moved>>) {
        if !(1..=MOST).contains(&workers) {
            let why = format!("a job has 1 to {MOST} workers in one process, and cannot have {workers}");
            let _ = reply.send(Err(Error::Config(why)));
            return;
        }
        let since = self.now();
        self.scalers.ask(Wish::Workers(workers), since, reply);
        if self.coordinator.target() == workers && !self.coordinator.is_moving() {
            self.scalers.answer(workers, None, since);
        } else {
            self.count();
            self.balancing.weigh(&mut self.coordinator);
            self.balancing.rest(since);
            self.on(Event::Target(workers));
        }
    }
    /// A change of the layout is done.
    pub(super) fn moved(&mut self, workers: usize) {
        let now = self.now();
        let moved = self.scalers.done(workers, now);
        if let Some(moved @ Moved { groups, bytes, took, pause, .. }) = moved {
            tracing::info!(workers, groups, bytes, ?took, ?pause, "key groups have moved");
            self.job.note(|survived| survived.moves.add(moved, now));
        }
        self.scalers.answer(workers, moved, now);
    }
    /// It is not made.
    pub(super) fn not_moved(&mut self) {
        self.job.note(|survived| survived.moves.given_up += 1);
        self.scalers.turn_down("the job has not enough workers, or is about to end");
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
        if let (Command::Prepare { .. }, Some(Moving { since, before, workers, groups, splits, .. })) =
            (command, self.coordinator.moving())
        {
            if self.scalers.under_way.is_none() {
                tracing::info!(before, workers, groups, splits, "key groups are to move");
            }
            self.scalers.begin(since, groups);
        }
        for worker in to.iter().copied() {
            match command {
                Command::Prepare { plan, change, base, .. } => {
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
