//! The console of a job of several processes, where its coordinator runs: what all of them do together.
use super::Console;
use super::figures::{last, last_rescale, operators, rescale};
use super::views::{
    Gauges, Phase, PlanView, ProcessGauges, ProcessStatus, RescaleGauges, SnapshotGauges, Status, StatusView,
};
use crate::error::Result;
use crate::runtime::attempt::{Moved, Moves};
use crate::runtime::cluster::{Lead, LeadState};
use crate::runtime::report::Survived;
use crate::runtime::signals::Stop;
use std::sync::mpsc::channel;
use std::time::Duration;

/// What a coordinator has to say to a wish at once, it says within this time.
const AT_ONCE: Duration = Duration::from_millis(500);

fn phase(state: &LeadState) -> Phase {
    match () {
        () if state.is_over() && state.failed => Phase::Failed,
        () if state.is_over() => Phase::Ended,
        () if state.standby => Phase::Standby,
        () if state.stopping || state.ending => Phase::Stopping,
        () if state.running => Phase::Running,
        () if state.has_run || state.survived.restored_from.is_some() => Phase::Restoring,
        () => Phase::Starting,
    }
}
fn waits_for(state: &LeadState) -> Option<String> {
    match (phase(state), state.waits_for.strip_prefix("for ")) {
        (Phase::Ended | Phase::Failed, _) => None,
        (Phase::Standby, _) => Some("the coordinator to show no sign of life any more".to_owned()),
        // What is due some time is not waited for.
        (Phase::Running, named) => named.map(str::to_owned),
        (Phase::Stopping, None) => Some("what is under way to be drained".to_owned()),
        (_, named) => Some(named.unwrap_or(&state.waits_for).to_owned()),
    }
}
fn processes(state: &LeadState) -> Vec<ProcessStatus> {
    let processes = state.processes.iter().map(|known| ProcessStatus {
        process: known.process as usize,
        address: Some(known.address.clone()),
        workers: known.workers,
        connected: known.gone.is_none(),
        heard_seconds_ago: known.gone.unwrap_or_default().as_secs_f64(),
    });
    processes.collect()
}

impl Console for Lead {
    fn status(&self) -> StatusView {
        let now = self.now();
        self.look(|state| {
            let Survived { snapshots, restarts, restored_from, attempt, term, interval, .. } = state.survived;
            let begun = |number: u64| (term > 0).then_some(number);
            StatusView::Job(Box::new(Status {
                job: self.stages().job.clone(),
                phase: phase(state),
                workers: state.workers,
                target: state.target,
                key_groups: Some(state.key_groups).filter(|known| *known > 0),
                processes: processes(state),
                term: begun(term),
                attempt,
                interval: begun(interval),
                snapshots,
                last_snapshot: last(&state.survived, now),
                rescale: rescale(&state.survived.moves, now).filter(|_| state.running),
                last_rescale: last_rescale(&state.survived.moves, now),
                restarts,
                restored_from,
                uptime_seconds: now.as_secs_f64(),
                waits_for: waits_for(state),
                operators: state.figures.operators().iter().map(Into::into).collect(),
            }))
        })
    }
    fn plan(&self) -> PlanView {
        self.stages().clone()
    }
    fn savepoint(&self, name: &str) -> Result<()> {
        self.savepoint(name)
    }
    fn target(&self, workers: usize) -> Result<()> {
        let (reply, answer) = channel();
        self.rescale(workers, reply)?;
        // What cannot be is said at once; what takes a while is in the status.
        match answer.recv_timeout(AT_ONCE) {
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }
    fn rebalance(&self) -> Result<Moved> {
        self.rebalance()
    }
    fn only_elsewhere(&self) -> Option<String> {
        let why =
            "this coordinator stands by, and another one coordinates the job: ask that one, where its `--http` says";
        self.look(|state| state.standby && !state.is_over()).then(|| why.to_owned())
    }
    fn stop(&self) -> Result<()> {
        Stop::stop(self);
        Ok(())
    }
    fn healthy(&self) -> bool {
        !self.look(|state| state.failed)
    }
    fn ready(&self) -> bool {
        self.look(phase) == Phase::Running
    }
    fn is_over(&self) -> bool {
        self.look(LeadState::is_over)
    }
    fn gather(&self) -> Gauges {
        let now = self.now();
        self.look(|state| {
            let mut all = state.past.clone();
            all.merge(&state.figures);
            let there = state.processes.iter().filter(|known| known.gone.is_none()).count();
            let Survived { snapshots: taken, given_up: failed, restarts, moves, .. } = state.survived;
            let Moves { made, given_up, groups, bytes, .. } = moves;
            let rescales = RescaleGauges { made, failed: given_up, groups, bytes, last: last_rescale(&moves, now) };
            Gauges {
                job: self.stages().job.clone(),
                // How they do beside that is for each process to say.
                operators: operators(&all, &[]),
                workers: state.workers,
                key_groups: Some(state.key_groups).filter(|known| *known > 0),
                // Who is there is for the one to say that coordinates the job.
                processes: (!state.standby)
                    .then(|| ProcessGauges { there, missing: self.wanted().saturating_sub(there) }),
                standby: Some(state.standby),
                restarts,
                rescales: Some(rescales),
                uptime_seconds: now.as_secs_f64(),
                snapshots: Some(SnapshotGauges { taken, failed, last: last(&state.survived, now) }),
                ..Gauges::default()
            }
        })
    }
}
