//! The end of a chain: a sink.
use super::env::Site;
use super::signal::{End, Flow, Signal};
use super::{At, Push};
use crate::contract::form::Meta;
use crate::contract::sink::{SINK_BATCH, Sink};
use std::time::Duration;

/// Collects what a sink does not take record by record, and hands it over in batches.
pub(crate) struct SinkPush<S: Sink> {
    sink: S,
    batch: Vec<S::In>,
    site: Site,
}
impl<S: Sink> SinkPush<S> {
    pub(crate) fn new(mut sink: S, site: Site, (worker, workers): (usize, usize)) -> crate::Result<Self> {
        let guard = site.guard();
        let opened = sink.open(worker, workers);
        guard.disarm();
        opened.map_err(|e| e.in_connector(&site.id))?;
        Ok(SinkPush { sink, batch: Vec::new(), site })
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
        }
        self.batch.clear();
    }
}
impl<M: Meta, S: Sink> Push<M, S::In> for SinkPush<S> {
    #[inline(always)]
    fn push(&mut self, _: At<'_, M>, record: S::In) {
        let guard = self.site.guard();
        self.sink.accept(record, &mut self.batch);
        guard.disarm();
        if !S::RECORD_BY_RECORD && self.batch.len() >= SINK_BATCH {
            self.attempt(|sink, batch| sink.write(batch));
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
    fn signal(&mut self, _: Signal) {}
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
                sink.write(batch)?;
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
    super::hands_on!(@persists_nothing);
}
