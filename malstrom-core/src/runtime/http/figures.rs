//! Figures of workers of this process, as they are told.
use super::views::{LastRescale, OperatorGauges, RescaleStatus, SnapshotStatus, WorkerGauges};
use crate::contract::extract::time::Watermark;
use crate::exchange::near::Waiting;
use crate::runtime::attempt::{Moves, Rescaled, Sight};
use crate::runtime::clock;
use crate::runtime::report::{Figures, OperatorReport, Survived, Taken};
use std::ops::Add;
use std::time::Duration;

/// Microseconds as seconds.
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
/// The last snapshot, if there is one.
pub(super) fn last(survived: &Survived, now: Duration) -> Option<SnapshotStatus> {
    survived.last.map(|Taken { interval, bytes, took, at }| SnapshotStatus {
        number: interval,
        bytes,
        duration_seconds: took.as_secs_f64(),
        age_seconds: now.saturating_sub(at).as_secs_f64(),
    })
}
/// The change of the workers that is under way, if one is.
pub(super) fn rescale(moves: &Moves, now: Duration) -> Option<RescaleStatus> {
    let moving = moves.under_way?;
    Some(RescaleStatus {
        stage: moving.stage,
        workers_before: moving.before,
        workers: moving.workers,
        groups: moving.groups,
        groups_moved: moving.arrived,
        splits: moving.splits,
        bytes: moving.bytes,
        bytes_moved: moving.bytes_arrived,
        duration_seconds: now.saturating_sub(moving.since).as_secs_f64(),
    })
}
/// The last one that was made.
pub(super) fn last_rescale(moves: &Moves, now: Duration) -> Option<LastRescale> {
    moves.last.map(|Rescaled { moved, at }| LastRescale {
        workers: moved.workers,
        groups: moved.groups,
        bytes: moved.bytes,
        duration_seconds: moved.took.as_secs_f64(),
        pause_seconds: moved.pause.as_secs_f64(),
        age_seconds: now.saturating_sub(at).as_secs_f64(),
    })
}
/// What these workers do with their time; they are numbered from 0.
pub(super) fn loads(sights: &[Sight], now: Duration) -> Vec<WorkerGauges> {
    let loads = sights.iter().enumerate().map(|(worker, sight)| {
        let shares = sight.load.shares(now);
        WorkerGauges { worker, busy: shares.busy, backpressured: shares.held_back }
    });
    loads.collect()
}
/// The figures of all operators.
pub(super) fn operators(figures: &Figures, sights: &[Sight]) -> Vec<OperatorGauges> {
    figures.operators().iter().enumerate().map(|(node, op)| operator(node, op, sights)).collect()
}
/// Those of the operator at this place in the plan.
fn operator(node: usize, op: &OperatorReport, sights: &[Sight]) -> OperatorGauges {
    let OperatorReport { records_in, records_out, failed, late, dropped, .. } = *op;
    let promised = sights.iter().filter_map(|sight| match sight.watermarks.get(node) {
        Some(Watermark::At(time)) => Some(time.as_micros()),
        _ => None,
    });
    // The slowest worker is the one that is waited for.
    let lag = promised.min().map(|slowest| seconds(clock::unix_micros().saturating_sub(slowest)));
    let waiting = sights.iter().flat_map(|sight| &sight.waiting).filter(|(at, _)| *at == node);
    let queue = waiting.map(|(_, waiting)| *waiting).reduce(Waiting::add);
    OperatorGauges {
        id: op.id.clone(),
        records_in,
        records_out,
        failed,
        late,
        dropped,
        watermark_lag_seconds: lag,
        queue_batches: queue.map(|queue| queue.batches as u64),
        queue_bytes: queue.map(|queue| queue.bytes as u64),
        metrics: op.metrics.clone(),
    }
}
