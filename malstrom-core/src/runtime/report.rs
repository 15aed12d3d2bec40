//! What a job has done.
use super::attempt::Moves;
use crate::contract::snapshot::Guarantee;
use crate::graph::Pipeline;
use crate::metrics::Metric;
use crate::stream::env::Counts;
use comfy_table::{CellAlignment, Table, presets};
use std::fmt;
use std::time::Duration;

/// What a job has done: per operator the records in, out, failed, late and dropped. It prints as a table.
#[derive(Clone, Debug)]
pub struct Report {
    pipeline: String,
    workers: usize,
    elapsed: Duration,
    stopped: bool,
    survived: Survived,
    operators: Vec<OperatorReport>,
}

/// What a job that takes snapshots has been through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survived {
    pub(crate) snapshots: u64,
    pub(crate) restarts: u64,
    pub(crate) restored_from: Option<u64>,
    /// Snapshots that were given up, or could not be stored.
    pub(crate) given_up: u64,
    /// The attempt that is under way, or was last; 0 before the first.
    pub(crate) attempt: u64,
    /// The term of its coordinator, and the interval that is under way.
    pub(crate) term: u64,
    pub(crate) interval: u64,
    pub(crate) last: Option<Taken>,
    /// How many workers there are to be, if somebody has asked for another number.
    pub(crate) target: Option<usize>,
    /// How their number has changed meanwhile.
    pub(crate) moves: Moves,
}
/// A snapshot that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) interval: u64,
    /// What was written for it.
    pub(crate) bytes: u64,
    /// How long that took, from the barrier to the commit, and when that was.
    pub(crate) took: Duration,
    pub(crate) at: Duration,
}

/// What one operator has done, on all workers together.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct OperatorReport {
    /// Its id.
    pub id: String,
    /// Records that reached it; 0 for a source.
    pub records_in: u64,
    /// Records that it emitted on its main output; 0 for a sink.
    pub records_out: u64,
    /// Records that it failed on, whatever the pipeline did with them.
    pub failed: u64,
    /// Records that were late.
    pub late: u64,
    /// Records that were discarded because the pipeline says so (`else drop`).
    pub dropped: u64,
    /// What its output is like after a failure, where snapshots are on; `None` for what is no sink.
    pub guarantee: Option<Guarantee>,
    /// The metrics that it keeps by itself.
    pub metrics: Vec<(&'static str, Metric)>,
}

/// The figures of some workers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pipeline: String,
    operators: Vec<OperatorReport>,
}
impl Figures {
    pub(crate) fn new(pipeline: &Pipeline) -> Self {
        let plan = pipeline.plan();
        let operators = plan.ids().zip(plan.guarantees());
        let operators = operators
            .map(|(id, guarantee)| OperatorReport { id: id.to_owned(), guarantee, ..OperatorReport::default() })
            .collect();
        Figures { pipeline: pipeline.name().to_owned(), operators }
    }
    /// What a process that is told of only by numbers has done.
    pub(crate) fn note(&mut self, operators: impl Iterator<Item = (Counts, Vec<(&'static str, Metric)>)>) {
        let (counts, metrics): (Vec<_>, Vec<_>) = operators.unzip();
        self.update(counts.into_iter(), metrics.into_iter());
    }
    pub(crate) fn update(
        &mut self,
        counts: impl Iterator<Item = Counts>,
        metrics: impl Iterator<Item = Vec<(&'static str, Metric)>>,
    ) {
        for ((op, counts), metrics) in self.operators.iter_mut().zip(counts).zip(metrics) {
            let Counts { records_in, records_out, failed, late, dropped } = counts;
            *op = OperatorReport {
                id: std::mem::take(&mut op.id),
                guarantee: op.guarantee,
                records_in,
                records_out,
                failed,
                late,
                dropped,
                metrics,
            };
        }
    }
    /// Adds what those of an attempt that is over have counted: what goes up and down is gone with it.
    pub(crate) fn absorb(&mut self, mut other: Figures) {
        for op in &mut other.operators {
            op.metrics.retain(|(_, metric)| !matches!(metric, Metric::Gauge(_)));
        }
        self.merge(&other);
    }
    pub(crate) fn operators(&self) -> &[OperatorReport] {
        &self.operators
    }
    pub(crate) fn merge(&mut self, other: &Figures) {
        if self.operators.is_empty() {
            *self = other.clone();
            return;
        }
        for (mine, theirs) in self.operators.iter_mut().zip(&other.operators) {
            mine.records_in += theirs.records_in;
            mine.records_out += theirs.records_out;
            mine.failed += theirs.failed;
            mine.late += theirs.late;
            mine.dropped += theirs.dropped;
            for (name, metric) in &theirs.metrics {
                match mine.metrics.iter_mut().find(|(known, _)| known == name) {
                    Some((_, mine)) => mine.merge(metric),
                    None => mine.metrics.push((name, *metric)),
                }
            }
        }
    }
}

impl Report {
    pub(crate) fn new(figures: Figures, workers: usize, elapsed: Duration, stopped: bool, survived: Survived) -> Self {
        Report { pipeline: figures.pipeline, workers, elapsed, stopped, survived, operators: figures.operators }
    }
    /// The pipeline's name.
    pub fn pipeline(&self) -> &str {
        &self.pipeline
    }
    /// For how long the job has run.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
    /// How many workers ran it.
    pub fn workers(&self) -> usize {
        self.workers
    }
    /// Whether it was told to stop before its input ended.
    pub fn stopped(&self) -> bool {
        self.stopped
    }
    /// How many snapshots and savepoints were committed; 0 if none are taken.
    pub fn snapshots(&self) -> u64 {
        self.survived.snapshots
    }
    /// How often the job was restarted after a failure. The figures of operators are those since the last time.
    pub fn restarts(&self) -> u64 {
        self.survived.restarts
    }
    /// The interval of the snapshot that the job was last restored from.
    pub fn restored_from(&self) -> Option<u64> {
        self.survived.restored_from
    }
    /// All operators, in the order in which the pipeline names them.
    pub fn operators(&self) -> &[OperatorReport] {
        &self.operators
    }
    /// The operator with this id (`fraud/score`).
    pub fn operator(&self, id: &str) -> Option<&OperatorReport> {
        self.operators.iter().find(|op| op.id == id)
    }
    /// How many records the sources have produced.
    pub fn records_read(&self) -> u64 {
        self.operators.iter().filter(|op| op.records_in == 0).map(|op| op.records_out).sum()
    }
    /// How many records were discarded because the pipeline says so.
    pub fn dropped(&self) -> u64 {
        self.operators.iter().map(|op| op.dropped).sum()
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["operator", "in", "out", "failed", "late", "dropped"]);
        for op in &self.operators {
            let figures = [op.records_in, op.records_out, op.failed, op.late, op.dropped].map(|n| match n {
                0 => "-".to_owned(),
                n => thousands(n),
            });
            table.add_row(std::iter::once(op.id.clone()).chain(figures));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for line in table.lines() {
            writeln!(f, "{}", line.trim_end())?;
        }
        for op in &self.operators {
            for (name, metric) in &op.metrics {
                writeln!(f, " {} {name}: {metric}", op.id)?;
            }
        }
        let secs = self.elapsed.as_secs_f64();
        let read = self.records_read();
        write!(f, " {} records in {secs:.2} s", thousands(read))?;
        if secs > 0.0 {
            write!(f, " ({} per second)", thousands((read as f64 / secs) as u64))?;
        }
        write!(f, " with {} worker{}", self.workers, if self.workers == 1 { "" } else { "s" })?;
        let Survived { snapshots, restarts, restored_from, .. } = self.survived;
        if let Some(interval) = restored_from {
            write!(f, ", restored from snapshot {interval}")?;
        }
        if snapshots > 0 {
            write!(f, ", {} snapshot{} committed", thousands(snapshots), if snapshots == 1 { "" } else { "s" })?;
        }
        if restarts > 0 {
            write!(f, ", {restarts} restart{}", if restarts == 1 { "" } else { "s" })?;
        }
        if self.stopped {
            write!(f, "; stopped before the end of the input")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(
            [0, 12, 999, 1000, 336_776, 1_234_567].map(thousands),
            ["0", "12", "999", "1,000", "336,776", "1,234,567"]
        );
    }
}
