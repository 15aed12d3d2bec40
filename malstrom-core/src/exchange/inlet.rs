//! The receiving side of an edge.
use super::batch::Batch;
use super::fabric::{Exchange, Peer};
use super::queue::Queue;
use crate::contract::form::Meta;
use crate::error::Error;
use std::rc::Rc;

/// Where a segment takes its batches from.
pub(crate) trait Inlet<M: Meta, T>: 'static {
    /// How many inputs it has.
    fn inputs(&self) -> usize;
    /// Whether this one is one of them, at first.
    fn is_input(&self, _: usize) -> bool {
        true
    }
    /// The barrier of this interval has come from all. Whether others are inputs from now on: then [`inputs`](Self::inputs) and
    /// [`is_input`](Self::is_input) say which.
    fn passes(&mut self, _: u64) -> bool {
        false
    }
    /// The next batch of one input.
    fn take(&mut self, from: usize) -> Option<Batch<M, T>>;
    /// Whether a batch waits at one of them.
    fn has_any(&self) -> bool;
    /// Gives an emptied batch back to where it came from.
    fn recycle(&mut self, from: usize, batch: Batch<M, T>);
    /// All inputs have ended: nothing is taken any more. Those who join later have nothing to bring but their ends.
    fn close(&mut self) {}
}

/// The queues of this worker: one, or several for a union.
pub(crate) struct Local<M: Meta, T> {
    queues: Vec<Rc<Queue<M, T>>>,
}
impl<M: Meta, T> Local<M, T> {
    pub(crate) fn new(queues: Vec<Rc<Queue<M, T>>>) -> Self {
        Local { queues }
    }
}
impl<M: Meta, T: 'static> Inlet<M, T> for Local<M, T> {
    fn inputs(&self) -> usize {
        self.queues.len()
    }
    fn take(&mut self, from: usize) -> Option<Batch<M, T>> {
        self.queues[from].pop()
    }
    fn has_any(&self) -> bool {
        self.queues.iter().any(|queue| !queue.is_empty())
    }
    fn recycle(&mut self, from: usize, batch: Batch<M, T>) {
        self.queues[from].recycle(batch);
    }
}

/// The receiving side of an exchange: this worker's own records, and those of all others.
pub(crate) struct Remote<M: Meta, T> {
    exchange: Rc<Exchange<M, T>>,
    /// Who sends.
    members: Vec<usize>,
}
impl<M: Meta, T> Remote<M, T> {
    pub(crate) fn new(exchange: Rc<Exchange<M, T>>) -> Self {
        let members = exchange.members.clone();
        Remote { exchange, members }
    }
}
impl<M: Meta, T: 'static> Inlet<M, T> for Remote<M, T> {
    fn inputs(&self) -> usize {
        self.members.last().map_or(0, |most| most + 1)
    }
    fn is_input(&self, from: usize) -> bool {
        self.members.binary_search(&from).is_ok()
    }
    fn passes(&mut self, interval: u64) -> bool {
        let cut = self.exchange.changes.at(interval);
        if let Some(cut) = &cut {
            self.members = cut.change.new.members().to_vec();
        }
        cut.is_some()
    }
    fn take(&mut self, from: usize) -> Option<Batch<M, T>> {
        let Exchange { local, fabric, worker, site, .. } = &*self.exchange;
        if from == *worker {
            return local.pop();
        }
        let batch = self.exchange.with_peer(from, |peer| match peer {
            Peer::Near(near) => {
                let batch = near.take()?;
                // There is room again: its sender may be waiting for that.
                fabric.wake(from);
                Some(batch)
            }
            Peer::Far(far) => far.take().unwrap_or_else(|error| {
                site.fail(Error::custom(error).in_connector(&site.id));
                None
            }),
        });
        batch.flatten()
    }
    fn has_any(&self) -> bool {
        self.exchange.len() > 0
    }
    fn recycle(&mut self, from: usize, batch: Batch<M, T>) {
        if from == self.exchange.worker {
            return self.exchange.local.recycle(batch);
        }
        self.exchange.with_peer(from, |peer| match peer {
            Peer::Near(near) => near.recycle(batch),
            Peer::Far(far) => far.recycle(batch),
        });
    }
    fn close(&mut self) {
        self.exchange.closed.set(true);
    }
}
