//! The console of a job whose workers are threads of this process.
use super::Console;
use super::figures::{last, last_rescale, loads, operators, rescale};
use super::views::{Gauges, Phase, PlanView, ProcessStatus, RescaleGauges, SnapshotGauges, Status, StatusView};
use crate::error::Result;
use crate::runtime::attempt::{Moved, Moves};
use crate::runtime::job::{Glance, Job};
use crate::runtime::report::{Figures, Survived};

impl Glance {
    fn figures(&self) -> Figures {
        self.attempt.as_ref().map(|attempt| attempt.figures()).unwrap_or_default()
    }
    /// How many workers the attempt has begun with, or is going to.
    fn first(&self, workers: usize) -> usize {
        self.attempt.as_ref().map_or(workers, |attempt| attempt.began_with())
    }
    /// How many workers there are: while they begin and end, as many as there are to be.
    fn workers(&self, phase: Phase, workers: usize) -> usize {
        let target = self.survived.target.unwrap_or(workers);
        let running = self.attempt.as_ref().filter(|_| phase == Phase::Running);
        running.map_or(target, |attempt| attempt.workers())
    }
    fn loaded(&self) -> usize {
        self.attempt.as_ref().map_or(0, |attempt| attempt.loaded())
    }
    /// All workers of the attempt have ended, and another one is to follow.
    fn rests(&self) -> bool {
        !self.over && self.attempt.as_ref().is_some_and(|attempt| attempt.ended().is_some())
    }
    fn phase(&self, workers: usize, stopping: bool) -> Phase {
        let workers = self.first(workers);
        let attempt = self.attempt.as_ref();
        match () {
            () if self.over && self.failed => Phase::Failed,
            () if self.over => Phase::Ended,
            () if stopping => Phase::Stopping,
            // An attempt without a failure is followed by the end of the job.
            () if self.rests() && attempt.is_some_and(|attempt| attempt.is_cancelled()) => Phase::Restoring,
            () if self.loaded() >= workers => Phase::Running,
            () if attempt.is_some_and(|attempt| attempt.is_restored()) => Phase::Restoring,
            () => Phase::Starting,
        }
    }
    fn waits_for(&self, phase: Phase, workers: usize) -> Option<String> {
        let (loaded, workers) = (self.loaded(), self.first(workers));
        match phase {
            Phase::Starting => Some(format!("{} of {workers} workers to start", workers - loaded.min(workers))),
            Phase::Restoring if self.rests() => Some("the next attempt, after a failure".to_owned()),
            Phase::Restoring => {
                Some(format!("{} of {workers} workers to take in what was kept", workers - loaded.min(workers)))
            }
            Phase::Stopping => Some("what is under way to be drained".to_owned()),
            Phase::Running | Phase::Ended | Phase::Failed | Phase::Standby => None,
        }
    }
}

impl Console for Job {
    fn status(&self) -> StatusView {
        let (glance, workers, now) = (self.glance(), self.plan().workers, self.plan().clock.now());
        let phase = glance.phase(workers, self.is_stopping());
        let waits_for = glance.waits_for(phase, workers);
        let target = glance.survived.target.unwrap_or(workers);
        let workers = glance.workers(phase, workers);
        let Survived { snapshots, restarts, restored_from, attempt, term, interval, moves, .. } = glance.survived;
        let begun = |number: u64| (self.stores() && attempt > 0).then_some(number);
        let processes =
            vec![ProcessStatus { process: 0, address: None, workers, connected: true, heard_seconds_ago: 0.0 }];
        StatusView::Job(Box::new(Status {
            job: self.plan_view().job,
            phase,
            workers,
            target,
            key_groups: Some(self.plan().key_groups.count()),
            processes,
            term: begun(term),
            attempt,
            interval: begun(interval),
            snapshots,
            last_snapshot: last(&glance.survived, now),
            rescale: rescale(&moves, now).filter(|_| phase == Phase::Running),
            last_rescale: last_rescale(&moves, now),
            restarts,
            restored_from,
            uptime_seconds: now.as_secs_f64(),
            waits_for,
            operators: glance.figures().operators().iter().map(Into::into).collect(),
        }))
    }
    fn plan(&self) -> PlanView {
        self.plan_view()
    }
    fn savepoint(&self, name: &str) -> Result<()> {
        self.savepoint(name)
    }
    fn target(&self, workers: usize) -> Result<()> {
        self.aim_at(workers)
    }
    fn rebalance(&self) -> Result<Moved> {
        self.rebalance()
    }
    fn stop(&self) -> Result<()> {
        self.stop();
        Ok(())
    }
    fn healthy(&self) -> bool {
        !self.glance().failed
    }
    fn ready(&self) -> bool {
        self.glance().phase(self.plan().workers, self.is_stopping()) == Phase::Running
    }
    fn is_over(&self) -> bool {
        self.glance().over
    }
    fn gather(&self) -> Gauges {
        let (glance, now) = (self.glance(), self.plan().clock.now());
        let sights = glance.attempt.as_ref().map(|attempt| attempt.sights()).unwrap_or_default();
        let mut all = glance.past.clone();
        all.merge(&glance.figures());
        let Survived { snapshots: taken, given_up: failed, moves, .. } = glance.survived;
        let workers = glance.workers(glance.phase(self.plan().workers, self.is_stopping()), self.plan().workers);
        let snapshots = SnapshotGauges { taken, failed, last: last(&glance.survived, now) };
        let Moves { made, given_up, groups, bytes, .. } = moves;
        let rescales = RescaleGauges { made, failed: given_up, groups, bytes, last: last_rescale(&moves, now) };
        Gauges {
            job: self.plan_view().job,
            operators: operators(&all, &sights),
            loads: loads(&sights, now),
            workers,
            key_groups: Some(self.plan().key_groups.count()),
            restarts: glance.survived.restarts,
            uptime_seconds: now.as_secs_f64(),
            snapshots: self.stores().then_some(snapshots),
            rescales: self.is_kept().then_some(rescales),
            ..Gauges::default()
        }
    }
}
