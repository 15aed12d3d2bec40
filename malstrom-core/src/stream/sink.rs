//! The end of a chain: a sink.
use super::env::{Clock, Env, Saving, Site};
use super::signal::{End, Flow, Signal};
use super::{At, Push};
use crate::contract::form::Meta;
use crate::contract::sink::{Begin, CommitPermit, Interval, SINK_BATCH, Sink};
use crate::contract::snapshot::{Barrier, Head, NO_GROUP, Outcome, Part, Task};
use crate::failpoint::{Failpoint, reach};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Collects what a sink does not take record by record, and hands it over in batches.
pub(crate) struct SinkPush<S: Sink> {
    sink: S,
    batch: Vec<S::In>,
    site: Site,
    node: usize,
    clock: Rc<Clock>,
    saving: Option<Saving>,
    /// The barrier behind which this worker takes no part any more.
    leaves: Rc<Cell<u64>>,
    /// What was staged at the last barrier.
    staged: Option<Vec<u8>>,
    passed: u64,
}
/// Whatever a sink leaves in its batch is gone.
fn hand_over<S: Sink>(sink: &mut S, batch: &mut Vec<S::In>) -> crate::Result<()> {
    sink.write(batch)?;
    batch.clear();
    Ok(())
}
impl<S: Sink> SinkPush<S> {
    pub(crate) fn new(mut sink: S, env: &Env, node: usize) -> crate::Result<Self> {
        let site = env.site(node);
        let guard = site.guard();
        let opened = sink.open(env.worker(), env.workers());
        guard.disarm();
        opened.map_err(|e| e.in_connector(&site.id))?;
        let (clock, saving, leaves) = (env.clock(), env.saving(), env.leaves());
        Ok(SinkPush { sink, batch: Vec::new(), site, node, clock, saving, leaves, staged: None, passed: 0 })
    }
    fn attempt(&mut self, what: impl FnOnce(&mut S, &mut Vec<S::In>) -> crate::Result<()>) {
        // When the job fails, here or elsewhere on this worker, a sink is left as it is: closing says that all went well.
        if self.site.has_failed() {
            self.batch.clear();
            return;
        }
        let guard = self.site.guard();
        let result = what(&mut self.sink, &mut self.batch);
        guard.disarm();
        if let Err(error) = result {
            self.site.fail(error.in_connector(&self.site.id));
            self.batch.clear();
        }
    }
}
impl<S: Sink> SinkPush<S> {
    /// An interval ends: what was written in it is to be part of the snapshot.
    fn stage(&mut self, barrier: Barrier) {
        self.passed = barrier.interval;
        if self.saving.is_none() {
            // The barrier only moves key groups, and what was written is out already.
            return;
        }
        // No later snapshot has anything of a worker that leaves.
        let last = barrier.last || self.leaves.get() == barrier.interval;
        let interval = Interval { number: barrier.interval, now: self.clock.elapsed(), last };
        let mut staged = None;
        self.attempt(|sink, batch| {
            if !batch.is_empty() {
                hand_over(sink, batch)?;
            }
            staged = Some(sink.pre_commit(interval)?);
            Ok(())
        });
        self.staged = staged;
    }
}
impl<M: Meta, S: Sink> Push<M, S::In> for SinkPush<S> {
    #[inline(always)]
    fn push(&mut self, _: At<'_, M>, record: S::In) {
        let guard = self.site.guard();
        self.sink.accept(record, &mut self.batch);
        guard.disarm();
        if !S::RECORD_BY_RECORD && self.batch.len() >= SINK_BATCH {
            self.attempt(hand_over);
        }
    }
    #[inline(always)]
    fn touch(&self, _: u64) {}
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        false
    }
    #[inline(always)]
    fn full(&self) -> bool {
        false
    }
    fn signal(&mut self, signal: Signal) {
        if let Signal::Barrier(barrier) = signal {
            self.stage(barrier);
        }
    }
    fn pump(&mut self) -> Flow {
        Flow::Free
    }
    fn tick(&mut self, _: Duration) -> Option<Duration> {
        None
    }
    fn settle(&mut self, arrived: u64) {
        self.site.add(|c| c.records_in += arrived);
    }
    fn flush(&mut self) -> bool {
        let waiting = !self.batch.is_empty();
        self.attempt(|sink, batch| {
            if !batch.is_empty() {
                hand_over(sink, batch)?;
            }
            sink.flush()
        });
        waiting
    }
    fn finish(&mut self, _: End) {
        // What comes before it may have handed on more after the last flush.
        Push::<M, S::In>::flush(self);
        self.attempt(|sink, _| sink.close());
    }
    fn persist(&mut self, task: Task<'_, '_>) {
        match task {
            Task::Save(pen) => {
                if let Some(staged) = self.staged.take().filter(|staged| !staged.is_empty()) {
                    let head = Head { node: self.node, part: Part::Staged, group: NO_GROUP, full: true, entries: 1 };
                    pen.chunk(head, staged);
                }
            }
            Task::Settle(_) if self.saving.is_none() => {}
            Task::Settle(Outcome::Committed { interval, term } | Outcome::Saved { interval, term }) => {
                reach(Failpoint::Publishing);
                self.attempt(|sink, _| sink.commit(CommitPermit::new(interval, term)));
            }
            Task::Settle(Outcome::Aborted { interval }) => {
                self.staged = None;
                let guard = self.site.guard();
                self.sink.abort(interval);
                guard.disarm();
            }
            Task::Load(book) => {
                let Some(Saving { term, interval, cleans }) = self.saving else { return };
                let staged = cleans.then(|| book.chunks(self.node, Part::Staged));
                let staged = staged.map(|chunks| chunks.into_iter().map(|chunk| chunk.bytes.to_vec()).collect());
                self.attempt(|sink, _| sink.begin(Begin { term, interval, staged }));
            }
            // What is staged goes with the snapshot of who staged it, whoever has the groups then.
            Task::Give(..) | Task::Take(..) => {}
        }
    }
    fn passed(&self) -> u64 {
        self.passed
    }
}
