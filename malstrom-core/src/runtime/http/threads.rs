//! The console of a job whose workers are threads of this process.
use super::Console;
use super::views::{
    Gauges, OperatorGauges, Phase, PlanView, ProcessStatus, SnapshotGauges, SnapshotStatus, Status, WorkerGauges,
};
use crate::contract::extract::time::Watermark;
use crate::error::{Error, Result};
use crate::runtime::attempt::Sight;
use crate::runtime::clock;
use crate::runtime::job::{Glance, Job};
use crate::runtime::report::{Figures, OperatorReport, Survived, Taken};
use std::time::Duration;

/// Microseconds as seconds.
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
fn last(survived: &Survived, now: Duration) -> Option<SnapshotStatus> {
    survived.last.map(|Taken { interval, bytes, took, at }| SnapshotStatus {
        number: interval,
        bytes,
        duration_seconds: took.as_secs_f64(),
        age_seconds: now.saturating_sub(at).as_secs_f64(),
    })
}

impl Glance {
    fn figures(&self) -> Figures {
        self.attempt.as_ref().map(|attempt| attempt.figures()).unwrap_or_default()
    }
    fn loaded(&self) -> usize {
        self.attempt.as_ref().map_or(0, |attempt| attempt.loaded())
    }
    /// All workers of the attempt have ended, and another one is to follow.
    fn rests(&self) -> bool {
        !self.over && self.attempt.as_ref().is_some_and(|attempt| attempt.ended().is_some())
    }
    fn phase(&self, workers: usize, stopping: bool) -> Phase {
        let attempt = self.attempt.as_ref();
        match () {
            () if self.over && self.failed => Phase::Failed,
            () if self.over => Phase::Ended,
            () if stopping => Phase::Stopping,
            // An attempt without a failure is followed by the end of the job.
            () if self.rests() && attempt.is_some_and(|attempt| attempt.is_cancelled()) => Phase::Restoring,
            () if self.loaded() == workers => Phase::Running,
            () if attempt.is_some_and(|attempt| attempt.is_restored()) => Phase::Restoring,
            () => Phase::Starting,
        }
    }
    fn waits_for(&self, phase: Phase, workers: usize) -> Option<String> {
        let loaded = self.loaded();
        match phase {
            Phase::Starting => Some(format!("{} of {workers} workers to start", workers - loaded.min(workers))),
            Phase::Restoring if self.rests() => Some("the next attempt, after a failure".to_owned()),
            Phase::Restoring => {
                Some(format!("{} of {workers} workers to take in what was kept", workers - loaded.min(workers)))
            }
            Phase::Stopping => Some("what is under way to be drained".to_owned()),
            Phase::Running | Phase::Ended | Phase::Failed => None,
        }
    }
}

impl Console for Job {
    fn status(&self) -> Status {
        let (glance, workers, now) = (self.glance(), self.plan().workers, self.plan().clock.now());
        let phase = glance.phase(workers, self.is_stopping());
        let Survived { snapshots, restarts, restored_from, attempt, term, interval, .. } = glance.survived;
        let begun = |number: u64| (self.is_kept() && attempt > 0).then_some(number);
        Status {
            job: self.plan_view().job,
            phase,
            workers,
            processes: vec![ProcessStatus { process: 0, address: None, workers, heard_seconds_ago: 0.0 }],
            term: begun(term),
            attempt,
            interval: begun(interval),
            snapshots,
            last_snapshot: last(&glance.survived, now),
            restarts,
            restored_from,
            uptime_seconds: now.as_secs_f64(),
            waits_for: glance.waits_for(phase, workers),
            operators: glance.figures().operators().iter().map(Into::into).collect(),
        }
    }
    fn plan(&self) -> PlanView {
        self.plan_view()
    }
    fn savepoint(&self, name: &str) -> Result<()> {
        self.savepoint(name)
    }
    fn target(&self, _: usize) -> Result<()> {
        Err(Error::custom(
            "the number of workers of a running job cannot be changed yet: stop the job, and start it with `--workers`",
        ))
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
        let operators = all.operators().iter().enumerate();
        let loads = sights.iter().enumerate().map(|(worker, sight)| {
            let shares = sight.load.shares(now);
            WorkerGauges { worker, busy: shares.busy, backpressured: shares.held_back }
        });
        let Survived { snapshots: taken, given_up: failed, .. } = glance.survived;
        let snapshots = SnapshotGauges { taken, failed, last: last(&glance.survived, now) };
        Gauges {
            job: self.plan_view().job,
            operators: operators.map(|(node, op)| operator(node, op, &sights)).collect(),
            loads: loads.collect(),
            workers: self.plan().workers,
            restarts: glance.survived.restarts,
            uptime_seconds: now.as_secs_f64(),
            snapshots: self.is_kept().then_some(snapshots),
        }
    }
}

/// The figures of the operator at this place in the plan.
fn operator(node: usize, op: &OperatorReport, sights: &[Sight]) -> OperatorGauges {
    let OperatorReport { records_in, records_out, failed, late, dropped, .. } = *op;
    let promised = sights.iter().filter_map(|sight| match sight.watermarks.get(node) {
        Some(Watermark::At(time)) => Some(time.as_micros()),
        _ => None,
    });
    // The slowest worker is the one that is waited for.
    let lag = promised.min().map(|slowest| seconds(clock::unix_micros().saturating_sub(slowest)));
    let waiting = sights.iter().flat_map(|sight| &sight.waiting).filter(|(at, _)| *at == node);
    let queue = waiting.fold(None, |all: Option<u64>, (_, batches)| Some(all.unwrap_or(0) + *batches as u64));
    OperatorGauges {
        id: op.id.clone(),
        records_in,
        records_out,
        failed,
        late,
        dropped,
        watermark_lag_seconds: lag,
        queue_batches: queue,
        metrics: op.metrics.clone(),
    }
}
