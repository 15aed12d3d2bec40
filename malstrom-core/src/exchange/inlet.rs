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
    /// The next batch of one input.
    fn take(&mut self, from: usize) -> Option<Batch<M, T>>;
    /// Whether a batch waits at one of them.
    fn has_any(&self) -> bool;
    /// Gives an emptied batch back to where it came from.
    fn recycle(&mut self, from: usize, batch: Batch<M, T>);
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
}
impl<M: Meta, T> Remote<M, T> {
    pub(crate) fn new(exchange: Rc<Exchange<M, T>>) -> Self {
        Remote { exchange }
    }
}
impl<M: Meta, T: 'static> Inlet<M, T> for Remote<M, T> {
    fn inputs(&self) -> usize {
        self.exchange.peers.len()
    }
    fn take(&mut self, from: usize) -> Option<Batch<M, T>> {
        let Exchange { local, peers, fabric, worker, site, .. } = &*self.exchange;
        match &peers[from] {
            Some(Peer::Near(near)) => {
                let batch = near.take()?;
                // There is room again: its sender may be waiting for that.
                fabric.wake(from);
                Some(batch)
            }
            Some(Peer::Far(far)) => far.take().unwrap_or_else(|error| {
                site.fail(Error::custom(error).in_connector(&site.id));
                None
            }),
            None => {
                debug_assert_eq!(from, *worker);
                local.pop()
            }
        }
    }
    fn has_any(&self) -> bool {
        self.exchange.len() > 0
    }
    fn recycle(&mut self, from: usize, batch: Batch<M, T>) {
        match &self.exchange.peers[from] {
            Some(Peer::Near(near)) => near.recycle(batch),
            Some(Peer::Far(far)) => far.recycle(batch),
            None => self.exchange.local.recycle(batch),
        }
    }
}
