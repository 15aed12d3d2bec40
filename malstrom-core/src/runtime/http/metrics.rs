//! Which metrics there are, and what they mean.
use super::text::{Kind, Text, sanitised};
use super::views::{Gauges, OperatorGauges, RescaleGauges, SnapshotGauges};
use crate::metrics::Metric;
use std::collections::BTreeMap;

/// The figures of a job, in the text format of Prometheus.
pub(super) fn render(gauges: &Gauges) -> String {
    let mut text = Text::default();
    text.family("malstrom_build_info", Kind::Gauge, "Which version of Malstrom runs which job; always 1.");
    let version = [("version", env!("CARGO_PKG_VERSION")), ("job", &gauges.job)];
    text.sample("malstrom_build_info", &version, 1.0);
    let help = "How long the job has been running in this process.";
    text.single("malstrom_uptime_seconds", Kind::Gauge, help, gauges.uptime_seconds);
    text.single("malstrom_workers", Kind::Gauge, "How many workers run the job.", gauges.workers as f64);
    if let Some(processes) = gauges.processes {
        let help = "How many processes with workers the coordinator reaches.";
        text.single("malstrom_processes", Kind::Gauge, help, processes.there as f64);
        let help = "How many more processes with workers there should be.";
        text.single("malstrom_processes_missing", Kind::Gauge, help, processes.missing as f64);
    }
    if let Some(standby) = gauges.standby {
        let help = "Whether this coordinator stands by, and another one coordinates the job.";
        text.single("malstrom_standby", Kind::Gauge, help, f64::from(u8::from(standby)));
    }
    if let Some(connected) = gauges.connected {
        let help = "Whether this process reaches the coordinator of the job.";
        text.single("malstrom_coordinator_connected", Kind::Gauge, help, f64::from(u8::from(connected)));
    }
    if let Some(fenced) = gauges.fenced {
        let help = "Whether this process reads its sources no more, as it has had no coordinator for too long.";
        text.single("malstrom_fenced", Kind::Gauge, help, f64::from(u8::from(fenced)));
    }
    if let Some(key_groups) = gauges.key_groups {
        let help = "How many key groups there are, which is the most workers that the job can have.";
        text.single("malstrom_key_groups", Kind::Gauge, help, key_groups as f64);
    }
    let help = "How often the job was restarted after a failure.";
    text.single("malstrom_restarts_total", Kind::Counter, help, gauges.restarts as f64);
    counts(&mut text, &gauges.operators);
    operators(
        &mut text,
        ("malstrom_watermark_lag_seconds", Kind::Gauge),
        "How far event time is behind the clock of the machine, on the slowest worker.",
        &gauges.operators,
        |op| op.watermark_lag_seconds,
    );
    operators(
        &mut text,
        ("malstrom_queue_batches", Kind::Gauge),
        "How many batches wait at an exchange to be received.",
        &gauges.operators,
        |op| op.queue_batches.map(|batches| batches as f64),
    );
    operators(
        &mut text,
        ("malstrom_queue_bytes", Kind::Gauge),
        "How many bytes those batches take.",
        &gauges.operators,
        |op| op.queue_bytes.map(|bytes| bytes as f64),
    );
    workers(&mut text, gauges);
    if let Some(snapshots) = &gauges.snapshots {
        self::snapshots(&mut text, snapshots);
    }
    if let Some(rescales) = &gauges.rescales {
        self::rescales(&mut text, rescales);
    }
    user(&mut text, &gauges.operators);
    text.finish()
}

fn counts(text: &mut Text, all: &[OperatorGauges]) {
    let counts: [(&str, &str, fn(&OperatorGauges) -> u64); 5] = [
        ("malstrom_records_in_total", "Records that reached an operator.", |op| op.records_in),
        ("malstrom_records_out_total", "Records that an operator emitted on its main output.", |op| op.records_out),
        ("malstrom_records_failed_total", "Records that an operator failed on.", |op| op.failed),
        ("malstrom_records_late_total", "Records that were late.", |op| op.late),
        ("malstrom_records_dropped_total", "Records that were discarded because the pipeline says so.", |op| {
            op.dropped
        }),
    ];
    for (name, help, count) in counts {
        operators(text, (name, Kind::Counter), help, all, |op| Some(count(op) as f64));
    }
}
/// A family with a sample for each operator that has a value.
fn operators(
    text: &mut Text,
    (name, kind): (&str, Kind),
    help: &str,
    all: &[OperatorGauges],
    value: impl Fn(&OperatorGauges) -> Option<f64>,
) {
    let mut samples = all.iter().filter_map(|op| Some((op, value(op)?))).peekable();
    if samples.peek().is_some() {
        text.family(name, kind, help);
    }
    for (op, value) in samples {
        text.sample(name, &[("operator", &op.id)], value);
    }
}
fn workers(text: &mut Text, gauges: &Gauges) {
    let shares = [
        ("malstrom_worker_busy_ratio", "The share of the last 5 to 10 seconds in which a worker was at work."),
        (
            "malstrom_worker_backpressured_ratio",
            "The share of the last 5 to 10 seconds in which a worker had input for which those downstream had no room.",
        ),
    ];
    for (at, (name, help)) in shares.into_iter().enumerate().filter(|_| !gauges.loads.is_empty()) {
        text.family(name, Kind::Gauge, help);
        for load in &gauges.loads {
            let share = if at == 0 { load.busy } else { load.backpressured };
            text.sample(name, &[("worker", &load.worker.to_string())], share);
        }
    }
}
fn snapshots(text: &mut Text, snapshots: &SnapshotGauges) {
    let help = "Snapshots and savepoints that were committed.";
    text.single("malstrom_snapshots_total", Kind::Counter, help, snapshots.taken as f64);
    let help = "Snapshots and savepoints that were given up, or could not be stored.";
    text.single("malstrom_snapshots_failed_total", Kind::Counter, help, snapshots.failed as f64);
    let Some(last) = &snapshots.last else { return };
    let help = "How long the last snapshot took, from its beginning to its commit.";
    text.single("malstrom_snapshot_duration_seconds", Kind::Gauge, help, last.duration_seconds);
    let help = "How much was written for the last snapshot.";
    text.single("malstrom_snapshot_size_bytes", Kind::Gauge, help, last.bytes as f64);
    let help = "How long ago the last snapshot was committed.";
    text.single("malstrom_snapshot_age_seconds", Kind::Gauge, help, last.age_seconds);
}

fn rescales(text: &mut Text, rescales: &RescaleGauges) {
    let help = "How often key groups were moved to other workers while the job was running.";
    text.single("malstrom_rescales_total", Kind::Counter, help, rescales.made as f64);
    let help = "How often that was given up.";
    text.single("malstrom_rescales_failed_total", Kind::Counter, help, rescales.failed as f64);
    let help = "Key groups that were moved to other workers.";
    text.single("malstrom_rescale_groups_total", Kind::Counter, help, rescales.groups as f64);
    let help = "How many bytes were moved with them.";
    text.single("malstrom_rescale_bytes_total", Kind::Counter, help, rescales.bytes as f64);
    let Some(last) = &rescales.last else { return };
    let help = "How long the last move took, until nothing was left to be moved.";
    text.single("malstrom_rescale_duration_seconds", Kind::Gauge, help, last.duration_seconds);
    let help = "For how long a stage of a worker stood still in the last move, at the longest.";
    text.single("malstrom_rescale_pause_seconds", Kind::Gauge, help, last.pause_seconds);
}

/// The metrics that operators keep by themselves. What two operators call the same is one family, if it is of one kind.
fn user(text: &mut Text, all: &[OperatorGauges]) {
    let mut families: BTreeMap<(&str, Kind), Vec<(&str, Metric)>> = BTreeMap::new();
    for op in all {
        for (name, metric) in &op.metrics {
            let kind = match metric {
                Metric::Counter(_) => Kind::Counter,
                Metric::Gauge(_) => Kind::Gauge,
                Metric::Histogram { .. } => Kind::Summary,
            };
            families.entry((name, kind)).or_default().push((&op.id, *metric));
        }
    }
    for ((name, kind), samples) in families {
        let base = format!("malstrom_user_{}", sanitised(name));
        let help = format!("The metric `{name}` of operators of this pipeline.");
        match kind {
            Kind::Summary => summary(text, base, &help, &samples),
            Kind::Counter => {
                let base = base.strip_suffix("_total").unwrap_or(&base).to_owned();
                let family = format!("{}_total", text.free(base, &["", "_total"]));
                simple(text, &family, kind, &help, &samples);
            }
            Kind::Gauge => {
                let family = text.free(base, &["", "_total"]);
                simple(text, &family, kind, &help, &samples);
            }
        }
    }
}
fn simple(text: &mut Text, family: &str, kind: Kind, help: &str, samples: &[(&str, Metric)]) {
    text.family(family, kind, help);
    for (operator, metric) in samples {
        let value = match *metric {
            Metric::Counter(n) => n as f64,
            Metric::Gauge(x) => x,
            Metric::Histogram { sum, .. } => sum,
        };
        text.sample(family, &[("operator", operator)], value);
    }
}
/// How many values there were and their sum, and as families of their own the least and the greatest of them.
fn summary(text: &mut Text, base: String, help: &str, samples: &[(&str, Metric)]) {
    let family = text.free(base, &["", "_total", "_sum", "_count", "_min", "_max"]);
    text.family(&family, Kind::Summary, help);
    let mut bounds = [("_min", Vec::new()), ("_max", Vec::new())];
    for (operator, metric) in samples {
        let Metric::Histogram { count, sum, min, max } = *metric else { continue };
        let labels = [("operator", *operator)];
        text.sample(&format!("{family}_sum"), &labels, sum);
        text.sample(&format!("{family}_count"), &labels, count as f64);
        bounds[0].1.push((*operator, Metric::Gauge(min)));
        bounds[1].1.push((*operator, Metric::Gauge(max)));
    }
    ["_sum", "_count", "_total"].into_iter().for_each(|ending| text.reserve(format!("{family}{ending}")));
    for (ending, samples) in bounds {
        simple(text, &format!("{family}{ending}"), Kind::Gauge, help, &samples);
    }
}

#[cfg(test)]
mod tests;
