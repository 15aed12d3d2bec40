//! What answers are made of. Their fields are what programs read: none is renamed, and none goes away.
use crate::coordinator::MoveStage;
use crate::graph::picture::{NodeKind, Plan};
use crate::metrics::Metric;
use crate::runtime::report::OperatorReport;
use serde::Serialize;

/// What is answered to who asks for the status.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum StatusView {
    /// That of a job.
    Job(Box<Status>),
    /// That of the workers of one process among several.
    Workers(WorkersStatus),
}
/// What the workers of one process are doing, of a job that has several.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkersStatus {
    pub(crate) job: String,
    pub(crate) phase: Phase,
    /// The number of the process; absent as long as the coordinator has given it none.
    pub(crate) process: Option<u32>,
    /// Where the coordinator is, for other processes.
    pub(crate) coordinator: String,
    /// Whether it is within reach.
    pub(crate) connected: bool,
    pub(crate) term: Option<u64>,
    pub(crate) attempt: u64,
    pub(crate) uptime_seconds: f64,
    pub(crate) waits_for: Option<String>,
    pub(crate) workers: Vec<WorkerView>,
    pub(crate) operators: Vec<OperatorView>,
}
/// What share of its time a worker is at work, and what share it is held back.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkerView {
    pub(crate) worker: usize,
    pub(crate) busy: f64,
    pub(crate) backpressured: f64,
}
impl From<WorkerGauges> for WorkerView {
    fn from(WorkerGauges { worker, busy, backpressured }: WorkerGauges) -> Self {
        WorkerView { worker, busy, backpressured }
    }
}
/// What an operator has done in one process since the job was last restored, and how far it is behind there.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OperatorView {
    #[serde(flatten)]
    pub(crate) counts: OperatorStatus,
    pub(crate) watermark_lag_seconds: Option<f64>,
    pub(crate) queue_batches: Option<u64>,
    pub(crate) queue_bytes: Option<u64>,
}
impl From<OperatorGauges> for OperatorView {
    fn from(op: OperatorGauges) -> Self {
        let OperatorGauges { id, records_in, records_out, failed, late, dropped, .. } = op;
        let counts = OperatorStatus { id, records_in, records_out, failed, late, dropped };
        OperatorView {
            counts,
            watermark_lag_seconds: op.watermark_lag_seconds,
            queue_batches: op.queue_batches,
            queue_bytes: op.queue_bytes,
        }
    }
}
/// What a job is doing.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Status {
    /// The pipeline's name; empty as long as it is not built.
    pub(crate) job: String,
    pub(crate) phase: Phase,
    pub(crate) workers: usize,
    /// How many workers there are to be.
    pub(crate) target: usize,
    /// How many key groups there are; absent as long as it is not known, because another process coordinates the job.
    pub(crate) key_groups: Option<usize>,
    pub(crate) processes: Vec<ProcessStatus>,
    /// The term of the coordinator; absent where no snapshots are taken.
    pub(crate) term: Option<u64>,
    /// The number of the attempt, from 1.
    pub(crate) attempt: u64,
    /// The interval that is under way.
    pub(crate) interval: Option<u64>,
    pub(crate) snapshots: u64,
    pub(crate) last_snapshot: Option<SnapshotStatus>,
    /// The change of the workers that is under way.
    pub(crate) rescale: Option<RescaleStatus>,
    pub(crate) last_rescale: Option<LastRescale>,
    pub(crate) restarts: u64,
    pub(crate) restored_from: Option<u64>,
    pub(crate) uptime_seconds: f64,
    /// What the job waits for, in words.
    pub(crate) waits_for: Option<String>,
    pub(crate) operators: Vec<OperatorStatus>,
}
/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// Another process coordinates the job, and this one takes over if need be.
    Standby,
    /// Workers are being started.
    Starting,
    /// They take in a snapshot, or wait until they may.
    Restoring,
    Running,
    /// The sources have been ended, and what is under way is drained.
    Stopping,
    Ended,
    Failed,
}
/// One process of the job.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ProcessStatus {
    pub(crate) process: usize,
    /// Where others reach it; absent if there are no others.
    pub(crate) address: Option<String>,
    pub(crate) workers: usize,
    /// Whether it is within reach.
    pub(crate) connected: bool,
    /// For how long it has been out of reach, if it is.
    pub(crate) heard_seconds_ago: f64,
}
/// A snapshot that is committed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SnapshotStatus {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    pub(crate) duration_seconds: f64,
    pub(crate) age_seconds: f64,
}
/// Key groups and splits are about to move to other workers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RescaleStatus {
    /// What it waits for.
    pub(crate) stage: MoveStage,
    pub(crate) workers_before: usize,
    pub(crate) workers: usize,
    pub(crate) groups: usize,
    pub(crate) groups_moved: usize,
    pub(crate) splits: usize,
    /// About how many bytes the groups hold, as far as that is known, and how many have moved.
    pub(crate) bytes: u64,
    pub(crate) bytes_moved: u64,
    pub(crate) duration_seconds: f64,
}
/// What has moved last.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LastRescale {
    pub(crate) workers: usize,
    pub(crate) groups: usize,
    pub(crate) bytes: u64,
    pub(crate) duration_seconds: f64,
    pub(crate) pause_seconds: f64,
    pub(crate) age_seconds: f64,
}
/// What an operator has done since the job was last restored: the figures of the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OperatorStatus {
    pub(crate) id: String,
    pub(crate) records_in: u64,
    pub(crate) records_out: u64,
    pub(crate) failed: u64,
    pub(crate) late: u64,
    pub(crate) dropped: u64,
}
impl From<&OperatorReport> for OperatorStatus {
    fn from(op: &OperatorReport) -> Self {
        let OperatorReport { records_in, records_out, failed, late, dropped, .. } = *op;
        OperatorStatus { id: op.id.clone(), records_in, records_out, failed, late, dropped }
    }
}

/// The stages of a pipeline.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct PlanView {
    pub(crate) job: String,
    pub(crate) nodes: Vec<NodeView>,
    pub(crate) edges: Vec<EdgeView>,
    #[serde(skip)]
    pub(crate) mermaid: String,
}
/// A stage.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NodeView {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    /// What the output of a sink is like after a failure, where snapshots are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) guarantee: Option<String>,
}
/// From which stage to which what flows, by their places in the list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EdgeView {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) record: &'static str,
}
impl PlanView {
    /// Those of this plan, of a job that takes snapshots or not.
    pub(crate) fn new(plan: &Plan, kept: bool) -> Self {
        let kind = |kind| match kind {
            NodeKind::Source => "source",
            NodeKind::Stage => "stage",
            NodeKind::Stateful => "stateful",
            NodeKind::Exchange => "exchange",
            NodeKind::Sink => "sink",
        };
        let nodes = plan.nodes.iter().map(|node| NodeView {
            id: node.id.clone(),
            kind: kind(node.kind),
            guarantee: node.guarantee.filter(|_| kept).map(|guarantee| guarantee.to_string()),
        });
        let edges = plan.edges.iter().map(|edge| EdgeView { from: edge.from, to: edge.to, record: edge.record });
        let mermaid = if kept { plan.with_guarantees().to_string() } else { plan.to_string() };
        PlanView { job: plan.name.clone(), nodes: nodes.collect(), edges: edges.collect(), mermaid }
    }
}

/// The figures of a job, for those who draw curves of them. What is counted is counted over all attempts, so that it never
/// goes down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) job: String,
    pub(crate) operators: Vec<OperatorGauges>,
    pub(crate) loads: Vec<WorkerGauges>,
    pub(crate) workers: usize,
    /// Absent where nobody knows.
    pub(crate) key_groups: Option<usize>,
    /// Those of a job that has several, where its coordinator runs.
    pub(crate) processes: Option<ProcessGauges>,
    /// Whether a coordinator stands by, if it is one.
    pub(crate) standby: Option<bool>,
    /// Whether the coordinator is within reach, where it is another process.
    pub(crate) connected: Option<bool>,
    /// Whether it has not been for so long that the sources are not read.
    pub(crate) fenced: Option<bool>,
    pub(crate) restarts: u64,
    pub(crate) uptime_seconds: f64,
    /// Absent where no snapshots are taken.
    pub(crate) snapshots: Option<SnapshotGauges>,
    /// Absent where the number of workers cannot change.
    pub(crate) rescales: Option<RescaleGauges>,
}
/// Those of an operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperatorGauges {
    pub(crate) id: String,
    pub(crate) records_in: u64,
    pub(crate) records_out: u64,
    pub(crate) failed: u64,
    pub(crate) late: u64,
    pub(crate) dropped: u64,
    /// How far event time is behind the clock of the machine, where it is of the calendar and has been promised.
    pub(crate) watermark_lag_seconds: Option<f64>,
    /// How many batches wait to be received, if it is an exchange, and how many bytes they take.
    pub(crate) queue_batches: Option<u64>,
    pub(crate) queue_bytes: Option<u64>,
    pub(crate) metrics: Vec<(&'static str, Metric)>,
}
/// How many processes are there, and how many are not that should be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessGauges {
    pub(crate) there: usize,
    pub(crate) missing: usize,
}
/// Those of a worker, as shares of its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkerGauges {
    pub(crate) worker: usize,
    pub(crate) busy: f64,
    pub(crate) backpressured: f64,
}
/// Those of the snapshots.
#[derive(Clone, Debug, Default)]
pub(crate) struct SnapshotGauges {
    pub(crate) taken: u64,
    pub(crate) failed: u64,
    pub(crate) last: Option<SnapshotStatus>,
}
/// Those of the changes of the workers.
#[derive(Clone, Debug, Default)]
pub(crate) struct RescaleGauges {
    pub(crate) made: u64,
    pub(crate) failed: u64,
    pub(crate) groups: u64,
    pub(crate) bytes: u64,
    pub(crate) last: Option<LastRescale>,
}
