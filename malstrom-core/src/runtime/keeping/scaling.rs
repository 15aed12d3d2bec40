//! The number of workers of a job changes while it runs.
use super::Run;
use crate::coordinator::member::Command;
use crate::coordinator::{Event, Moving, Report};
use crate::error::{Error, Result};
use crate::runtime::attempt::{MOST, Moved};
use crate::worker::{self, Handed};
use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// What somebody wants of the workers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// To be so many.
    Workers(usize),
    /// To have as much to do as each other.
    Balance,
}
/// Who wants another number of workers, or other shares.
#[derive(Default)]
pub(super) struct Scalers {
    asked: Vec<Asked>,
    /// What those are to say who have been started to join the others, when they have been made.
    joining: BTreeMap<usize, Report>,
    /// The change that is under way: since when, and how many key groups move by it.
    under_way: Option<(Duration, usize)>,
    /// What moved by it, in bytes, and for how long a segment stood still.
    bytes: u64,
    pause: Duration,
}
struct Asked {
    wish: Wish,
    since: Duration,
    reply: Sender<Result<Moved>>,
}
impl Scalers {
    /// Somebody wants this.
    pub(super) fn ask(&mut self, wish: Wish, since: Duration, reply: Sender<Result<Moved>>) {
        self.asked.push(Asked { wish, since, reply });
    }
    /// What a worker says that has been made; `None` if it has not joined others.
    pub(super) fn prepared(&mut self, worker: usize) -> Option<Report> {
        self.joining.remove(&worker)
    }
    /// A change is being prepared.
    fn begin(&mut self, since: Duration, groups: usize) {
        (self.under_way, self.bytes, self.pause) = (Some((since, groups)), 0, Duration::ZERO);
    }
    /// All is at a worker that it gains.
    pub(super) fn arrived(&mut self, handed: Handed) {
        self.bytes += handed.taken;
        self.pause = self.pause.max(handed.stood);
    }
    /// All that was to move has: what that was, if anything was.
    fn done(&mut self, workers: usize, now: Duration) -> Option<Moved> {
        let (bytes, pause) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.pause));
        let (since, groups) = self.under_way.take()?;
        Some(Moved { workers, groups, bytes, took: now.saturating_sub(since), pause })
    }
    /// There are so many workers now: whoever wants that is told what moved, if anything did.
    pub(super) fn answer(&mut self, workers: usize, moved: Option<Moved>, now: Duration) {
        let moved =
            moved.unwrap_or(Moved { workers, groups: 0, bytes: 0, took: Duration::ZERO, pause: Duration::ZERO });
        let granted = |wish| wish == Wish::Balance || wish == Wish::Workers(workers);
        for asked in self.asked.extract_if(.., |asked| granted(asked.wish)) {
            // Whoever has asked may be gone.
            let _ = asked.reply.send(Ok(Moved { took: now.saturating_sub(asked.since), ..moved }));
        }
    }
    /// The job has begun anew, with so many workers.
    pub(super) fn begun(&mut self, workers: usize, now: Duration) {
        let moved = self.done(workers, now);
        self.answer(workers, moved, now);
    }
    /// There will not be as many as anybody wants.
    pub(super) fn turn_down(&mut self, why: &str) {
        self.under_way = None;
        for asked in self.asked.drain(..) {
            let why = match asked.wish {
                Wish::Workers(workers) => format!("there are not {workers} workers: {why}"),
                Wish::Balance => format!("key groups have not moved: {why}"),
            };
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
        let since = self.now();
        self.scalers.ask(Wish::Workers(workers), since, reply);
        if self.coordinator.target() == workers && !self.coordinator.is_moving() {
            self.scalers.answer(workers, None, since);
        } else {
            self.weigh();
            self.balance.rest(since);
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
