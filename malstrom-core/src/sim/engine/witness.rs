//! What two runs of one seed must have in common, and the trace that people read.
use super::guard::Guard;
use crate::contract::snapshot::{Part, Schema};
use crate::error::Result;
use crate::exchange::watch::{Watch, is_ordered};
use crate::stream::env::Counts;
use crate::worker::{Step, Written};
use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;
use xxhash_rust::xxh3::Xxh3;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) enum Aspect {
    /// How many records reached it.
    In,
    /// How many it has emitted, or has not, and why.
    Out,
    /// What it has sent to other workers.
    Sent,
    /// What it has kept.
    Kept(Part),
}
/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Note {
    /// Of an operator, by its place in the plan.
    Of(usize, Aspect, u64),
    /// Of a worker: what its step came to. What was noted since the last one belongs to this step.
    Step(usize, u64),
}
/// Takes notes of a run.
#[derive(Debug, Default)]
pub(in crate::sim) struct Witness {
    /// Whether it does; it costs a little for each step.
    pub(in crate::sim) notes: Option<Vec<Note>>,
    /// The trace, if there is to be one.
    pub(in crate::sim) lines: Option<Vec<String>>,
    /// How many steps workers have done.
    pub(in crate::sim) steps: u64,
    /// What each operator had counted on each worker.
    counted: Vec<Vec<Counts>>,
    guard: Rc<Guard>,
}
impl Witness {
    /// One that takes notes.
    pub(in crate::sim) fn noting() -> Self {
        Witness { notes: Some(Vec::new()), guard: Rc::new(Guard::new(true)), ..Witness::default() }
    }
    /// One that writes a trace.
    pub(in crate::sim) fn tracing() -> Self {
        Witness { lines: Some(Vec::new()), ..Witness::default() }
    }
    pub(super) fn say(&mut self, step: u64, now: Duration, what: impl Display) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("step {step:>6} {:>10.3} ms  {what}", now.as_secs_f64() * 1000.0));
        }
    }
    /// Who is to look at what crosses exchanges.
    pub(super) fn watch(&self) -> Rc<dyn Watch> {
        self.guard.clone()
    }
    /// An attempt begins, of operators with these ids.
    pub(super) fn begin(&mut self, workers: usize, ids: Vec<String>, late: bool) {
        self.counted = vec![Vec::new(); workers];
        self.guard.begin(ids, late);
    }
    /// The barrier of this interval changes who takes part.
    pub(super) fn cut(&self, interval: u64) {
        self.guard.cut(interval);
    }
    /// A worker joins, and knows nothing of one of the same number that was there before.
    pub(super) fn join(&mut self, worker: usize) {
        self.guard.forget(worker);
        if let Some(counted) = self.counted.get_mut(worker) {
            counted.clear();
        }
    }
    /// Whether a record was late.
    pub(in crate::sim) fn was_late(&self) -> bool {
        self.guard.was_late()
    }
    /// Whether what must hold has held so far.
    pub(super) fn check(&self) -> Result<()> {
        self.guard.check()
    }
    /// How much waits for whom at exchanges, for people; empty if nothing does.
    pub(super) fn waiting(&self) -> Vec<String> {
        self.guard.waiting()
    }
    pub(super) fn step(&mut self, worker: usize, step: Step, counts: impl Iterator<Item = Counts>) {
        self.steps += 1;
        let Some(notes) = &mut self.notes else { return };
        if self.counted.len() <= worker {
            self.counted.resize_with(worker + 1, Vec::new);
        }
        let known = &mut self.counted[worker];
        for (node, now) in counts.enumerate() {
            if node == known.len() {
                known.push(Counts::default());
            }
            let before = std::mem::replace(&mut known[node], now);
            if before.records_in != now.records_in {
                notes.push(Note::Of(node, Aspect::In, now.records_in));
            }
            let out = |c: Counts| [c.records_out, c.failed, c.late, c.dropped];
            if out(before) != out(now) {
                notes.push(Note::Of(node, Aspect::Out, hashed(out(now).map(u64::to_le_bytes).iter())));
            }
        }
        notes.extend(self.guard.take_sent().into_iter().map(|(node, hash)| Note::Of(node, Aspect::Sent, hash)));
        let came = match step {
            Step::Busy => 0,
            Step::Done => 1,
            Step::Idle(due) => due.map_or(2, |due| 3 + due.as_micros() as u64),
        };
        notes.push(Note::Step(worker, came));
    }
    pub(super) fn written(&mut self, written: &Written) {
        let Some(notes) = &mut self.notes else { return };
        // Of a map or a set nobody can say in which order it is written.
        let unordered = |schema: &Schema| !is_ordered(&schema.description);
        let unordered: Vec<(usize, Part)> = written
            .schemas
            .iter()
            .filter(|(.., schema)| unordered(schema))
            .map(|(node, part, _)| (*node, *part))
            .collect();
        for chunk in &written.chunks {
            let place = (chunk.head.node, chunk.head.part);
            // What sinks have staged is looked at where it comes out, and what was counted above.
            if !matches!(place.1, Part::Staged | Part::Counts) && !unordered.contains(&place) {
                let group = chunk.head.group.to_le_bytes();
                let hash = hashed([&group[..], &chunk.bytes[..]].iter());
                notes.push(Note::Of(chunk.head.node, Aspect::Kept(chunk.head.part), hash));
            }
        }
    }
}
fn hashed(pieces: impl Iterator<Item: AsRef<[u8]>>) -> u64 {
    let mut hasher = Xxh3::new();
    pieces.for_each(|piece| hasher.update(piece.as_ref()));
    hasher.digest()
}
