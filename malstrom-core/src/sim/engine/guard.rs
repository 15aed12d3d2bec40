//! Looks at what crosses exchanges: whether what must hold there does, and what two runs of one seed must have in common.
use super::violation::{Invariant, Violation};
use crate::error::Result;
use crate::exchange::watch::{Channel, Watch};
use crate::stream::signal::{Mark, Signal};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// What has passed a channel.
#[derive(Debug, Default)]
struct Passed {
    watermark: Option<i64>,
    barrier: u64,
    ended: bool,
}
/// A receiving end: of which operator, on which worker, and how many batches wait there.
type Receiver = (usize, usize, Box<dyn Fn() -> usize>);

/// Guards the exchanges of one attempt.
#[derive(Default)]
pub(super) struct Guard {
    /// Whether the contents of records are noted.
    notes: bool,
    /// Whether records may be late: some are in the input, or a split has fallen silent that others do not wait for.
    late: Cell<bool>,
    /// Whether one was.
    was_late: Cell<bool>,
    /// What has crossed exchanges since it was last asked: of which operators, and their hashes.
    sent: RefCell<Vec<(usize, u64)>>,
    /// The ids of operators.
    ids: RefCell<Vec<String>>,
    channels: RefCell<BTreeMap<Channel, Passed>>,
    /// The barriers that change who takes part: behind them, all is promised anew.
    cuts: RefCell<BTreeSet<u64>>,
    /// The sending ends that were over their limit, and how many records waited there.
    over: RefCell<BTreeMap<(usize, usize), usize>>,
    receivers: RefCell<Vec<Receiver>>,
    violation: RefCell<Option<Violation>>,
}
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("violation", &self.violation).finish_non_exhaustive()
    }
}
impl Guard {
    pub(super) fn new(notes: bool) -> Self {
        Guard { notes, ..Guard::default() }
    }
    /// An attempt begins: all channels are new.
    pub(super) fn begin(&self, ids: Vec<String>, late: bool) {
        self.late.set(late);
        self.ids.replace(ids);
        self.sent.take();
        self.channels.take();
        self.cuts.take();
        self.over.take();
        self.receivers.take();
    }
    /// The barrier of this interval changes who takes part.
    pub(super) fn cut(&self, interval: u64) {
        self.cuts.borrow_mut().insert(interval);
    }
    /// A worker has left, or joins: its channels are new.
    pub(super) fn forget(&self, worker: usize) {
        self.channels.borrow_mut().retain(|channel, _| channel.from != worker && channel.to != worker);
        self.receivers.borrow_mut().retain(|(_, at, _)| *at != worker);
        self.over.borrow_mut().retain(|(_, at), _| *at != worker);
    }
    /// Whether a record has followed the watermark that it is at or before.
    pub(super) fn was_late(&self) -> bool {
        self.was_late.get()
    }
    pub(super) fn take_sent(&self) -> Vec<(usize, u64)> {
        self.sent.take()
    }
    /// Whether all has held so far.
    pub(super) fn check(&self) -> Result<()> {
        self.violation.take().map_or(Ok(()), |violation| Err(violation.into()))
    }
    /// How much waits for whom, for people; empty if nothing does.
    pub(super) fn waiting(&self) -> Vec<String> {
        let receivers = self.receivers.borrow();
        let waiting = receivers.iter().map(|(node, worker, waiting)| (*node, *worker, waiting()));
        let shown = |(node, worker, waiting)| format!("{waiting} batches for worker {worker} at {}", self.id(node));
        waiting.filter(|(.., waiting)| *waiting > 0).map(shown).collect()
    }
    fn id(&self, node: usize) -> String {
        self.ids.borrow().get(node).map_or_else(|| format!("operator {node}"), |id| format!("`{id}`"))
    }
    fn found(&self, invariant: Invariant, what: String) {
        // The first is the cause of the others.
        self.violation.borrow_mut().get_or_insert(Violation { invariant, what });
    }
    fn of_time(&self, Channel { node, from, to }: Channel, what: fmt::Arguments<'_>) {
        let what = format!("on the way from worker {from} to worker {to} at {}, {what}", self.id(node));
        self.found(Invariant::Time, what);
    }
}
impl Watch for Guard {
    fn wants_content(&self) -> bool {
        self.notes
    }
    fn record(&self, channel: Channel, time: Option<i64>, content: Option<&[u8]>) {
        if let Some(content) = content {
            self.sent.borrow_mut().push((channel.node, xxh3_64(content)));
        }
        let mut channels = self.channels.borrow_mut();
        let passed = channels.entry(channel).or_default();
        if passed.ended {
            self.of_time(channel, format_args!("a record follows the end"));
        }
        if let (Some(time), Some(watermark)) = (time, passed.watermark)
            && time <= watermark
            && !self.was_late.replace(true)
            && !self.late.get()
        {
            self.of_time(channel, format_args!("a record of {time} follows watermark {watermark}"));
        }
    }
    fn signal(&self, channel: Channel, signal: Signal) {
        let mut channels = self.channels.borrow_mut();
        let passed = channels.entry(channel).or_default();
        match signal {
            Signal::Time(mark @ (Mark::At(time) | Mark::Idle(time))) => {
                if matches!(mark, Mark::Idle(_)) {
                    self.late.set(true);
                }
                if let Some(last) = passed.watermark.filter(|last| *last > time) {
                    self.of_time(channel, format_args!("watermark {time} follows watermark {last}"));
                }
                passed.watermark = passed.watermark.max(Some(time));
            }
            Signal::Barrier(barrier) => {
                if barrier.interval <= passed.barrier {
                    let last = passed.barrier;
                    self.of_time(channel, format_args!("barrier {} follows barrier {last}", barrier.interval));
                }
                passed.barrier = barrier.interval;
                if self.cuts.borrow().contains(&barrier.interval) {
                    passed.watermark = None;
                }
            }
            Signal::End(_) => passed.ended = true,
            Signal::Split(..) => {}
        }
    }
    fn asked(&self, node: usize, worker: usize, records: usize, over: bool) {
        let mut all = self.over.borrow_mut();
        match all.remove(&(node, worker)) {
            // It may have sent some of them, and nothing may have come.
            Some(before) if over && records > before => self.found(
                Invariant::Bound,
                format!(
                    "{before} records waited on worker {worker} to cross {}, for which there was no room, and now it is {records}",
                    self.id(node)
                ),
            ),
            _ => {}
        }
        if over {
            all.insert((node, worker), records);
        }
    }
    fn receives(&self, node: usize, worker: usize, waiting: Box<dyn Fn() -> usize>) {
        self.receivers.borrow_mut().push((node, worker, waiting));
    }
}
