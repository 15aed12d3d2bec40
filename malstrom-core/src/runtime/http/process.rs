//! The console of a process with workers of a job that has several: what its own workers do. What is for the whole job to do, its
//! coordinator is to be asked for.
use super::Console;
use super::figures::{loads, operators};
use super::views::{Gauges, OperatorView, Phase, PlanView, StatusView, WorkerView, WorkersStatus};
use crate::error::{Error, Result};
use crate::runtime::attempt::{Attempt, Moved};
use crate::runtime::cluster::{Roster, RosterState};
use crate::runtime::report::Figures;

impl RosterState {
    /// The attempt whose workers are at work, or begin to be.
    fn live(&self) -> Option<&Attempt> {
        self.attempt.as_deref().filter(|attempt| !attempt.is_cancelled() && attempt.ended().is_none())
    }
    fn phase(&self) -> Phase {
        match self.live() {
            _ if self.over => Phase::Ended,
            _ if self.stopping => Phase::Stopping,
            Some(attempt) if attempt.loaded() == attempt.workers() => Phase::Running,
            Some(attempt) if attempt.is_restored() => Phase::Restoring,
            None if self.begun > 0 => Phase::Restoring,
            Some(_) | None => Phase::Starting,
        }
    }
    fn waits_for(&self, phase: Phase, coordinator: &str) -> Option<String> {
        match phase {
            Phase::Ended | Phase::Failed | Phase::Standby => None,
            _ if self.fenced => Some(format!(
                "the coordinator at {coordinator}, which has been out of reach for so long that the sources are not read"
            )),
            _ if !self.connected => Some(format!("the coordinator at {coordinator}, which is out of reach")),
            Phase::Running => None,
            Phase::Stopping => Some("what is under way to be drained".to_owned()),
            Phase::Starting | Phase::Restoring => Some(match self.live() {
                Some(attempt) => {
                    let workers = attempt.workers();
                    format!("{} of {workers} workers to begin", workers.saturating_sub(attempt.loaded()))
                }
                None => "the coordinator to begin an attempt".to_owned(),
            }),
        }
    }
    fn figures(&self) -> Figures {
        self.attempt.as_ref().map(|attempt| attempt.figures()).unwrap_or_default()
    }
}
impl Roster {
    fn elsewhere(&self) -> String {
        format!(
            "this process has workers, and only the coordinator of the job can do this: ask it, where its `--http` says. Other processes \
             reach it at {}",
            self.coordinator()
        )
    }
}

impl Console for Roster {
    fn status(&self) -> StatusView {
        let (state, now) = (self.glance(), self.now());
        let phase = state.phase();
        let sights = state.attempt.as_ref().map(|attempt| attempt.sights()).unwrap_or_default();
        StatusView::Workers(WorkersStatus {
            job: self.stages().job.clone(),
            phase,
            process: state.process,
            coordinator: self.coordinator(),
            connected: state.connected,
            term: (state.term > 0).then_some(state.term),
            attempt: state.number,
            uptime_seconds: now.as_secs_f64(),
            waits_for: state.waits_for(phase, &self.coordinator()),
            workers: loads(&sights, now).into_iter().map(WorkerView::from).collect(),
            operators: operators(&state.figures(), &sights).into_iter().map(OperatorView::from).collect(),
        })
    }
    fn plan(&self) -> PlanView {
        self.stages().clone()
    }
    fn savepoint(&self, _: &str) -> Result<()> {
        Err(Error::custom(self.elsewhere()))
    }
    fn target(&self, _: usize) -> Result<()> {
        Err(Error::custom(self.elsewhere()))
    }
    fn rebalance(&self) -> Result<Moved> {
        Err(Error::custom(self.elsewhere()))
    }
    fn stop(&self) -> Result<()> {
        Err(Error::custom(self.elsewhere()))
    }
    fn only_elsewhere(&self) -> Option<String> {
        Some(self.elsewhere())
    }
    fn healthy(&self) -> bool {
        true
    }
    fn ready(&self) -> bool {
        self.glance().phase() == Phase::Running
    }
    fn is_over(&self) -> bool {
        self.glance().over
    }
    fn gather(&self) -> Gauges {
        let (state, now) = (self.glance(), self.now());
        let sights = state.attempt.as_ref().map(|attempt| attempt.sights()).unwrap_or_default();
        let mut all = state.past.clone();
        all.merge(&state.figures());
        Gauges {
            job: self.stages().job.clone(),
            operators: operators(&all, &sights),
            loads: loads(&sights, now),
            workers: self.workers(),
            connected: Some(state.connected),
            fenced: Some(state.fenced),
            restarts: state.begun.saturating_sub(1),
            uptime_seconds: now.as_secs_f64(),
            ..Gauges::default()
        }
    }
}
