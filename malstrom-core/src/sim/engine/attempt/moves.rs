//! Workers join and leave while the job goes on.
use super::super::SEED;
use super::{Attempt, EVER, Lives, MOST};
use crate::coordinator::member;
use crate::coordinator::{Event, Report};
use crate::error::{Error, Result};
use crate::exchange::layout::Change;
use crate::worker::{Command, EmptyShelf, Scaling, Settings, Step, Worker};
use std::collections::VecDeque;
use std::sync::Arc;

impl Attempt {
    pub(super) fn machine(&mut self, worker: usize) -> Result<&mut Worker> {
        self.workers[worker].as_mut().ok_or_else(|| Error::custom(format!("worker {worker} is not there")))
    }
    /// There are to be so many workers: those that it takes are there to be had.
    pub(super) fn enlist(&mut self, lives: &mut Lives<'_>, target: usize, events: &mut VecDeque<Event>) {
        let Some((_, coordinator)) = &self.coordinator else { return };
        events.push_back(Event::Recorded { target });
        let known = (0..EVER).filter(|worker| coordinator.knows(*worker)).count();
        let wanted = target.saturating_sub(known);
        let more: Vec<usize> = if self.processes.is_alone() {
            (0..MOST).filter(|worker| !coordinator.knows(*worker)).take(wanted).collect()
        } else {
            self.processes.more(wanted, &self.bells, &mut lives.parts).collect()
        };
        events.extend(more.into_iter().map(|worker| Event::Joined { worker, standing: None }));
    }
    /// Tells some of the workers.
    pub(super) fn tell_these(
        &mut self,
        lives: &mut Lives<'_>,
        to: &[usize],
        command: &member::Command,
        events: &mut VecDeque<Event>,
    ) -> Result<()> {
        let Some((attempt, coordinator)) = &self.coordinator else { return Ok(()) };
        let (attempt, layout) = (*attempt, coordinator.layout().clone());
        for worker in to.iter().copied() {
            match command {
                member::Command::Prepare { plan, change, base, .. } => {
                    if self.workers.get(worker).is_none_or(Option::is_none) {
                        self.join(lives, worker, change)?;
                    }
                    let report = Report::Followed { plan: *plan, base: *base, bytes: 0 };
                    events.push_back(Event::Report { worker, attempt, report });
                }
                member::Command::Unprepare if layout.has(worker) => {}
                member::Command::Unprepare | member::Command::Release => {
                    if let Some(mail) = self.mail.get_mut(worker) {
                        mail.push_back(Command::Leave);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
    fn join(&mut self, lives: &mut Lives<'_>, worker: usize, change: &Arc<Change>) -> Result<()> {
        lives.say(format_args!("worker {worker} prepares to join"));
        lives.witness.join(worker);
        let scaling = Scaling::Joins(change.clone());
        let saving = self.saving.map(|saving| crate::stream::env::Saving { cleans: false, ..saving });
        let workers = change.old.members().len();
        let settings = Settings {
            worker,
            workers,
            seed: SEED,
            key_groups: self.key_groups,
            started: 0,
            linger: self.linger,
            saving,
            scaling,
        };
        let (fabric, watch) = (self.processes.fabric_of(worker), lives.witness.watch());
        let pipeline = (lives.make)();
        let pipeline = if saving.is_some() { pipeline } else { pipeline.unpromised() };
        let made = Worker::watched(pipeline, &settings, fabric, &EmptyShelf, Some(watch))?;
        if self.workers.len() <= worker {
            self.workers.resize_with(worker + 1, || None);
            self.states.resize(worker + 1, Step::Done);
            self.finished.resize(worker + 1, false);
            self.mail.resize(worker + 1, VecDeque::new());
            self.paused.resize(worker + 1, 0);
        }
        self.workers[worker] = Some(made);
        self.states[worker] = Step::Busy;
        self.finished[worker] = false;
        self.mail[worker].clear();
        Ok(())
    }
}
