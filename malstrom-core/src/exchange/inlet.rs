//! The receiving side of an edge.
use super::batch::Batch;
use super::fabric::{Exchange, Message};
use super::queue::Queue;
use std::rc::Rc;

/// Where a segment takes its batches from.
pub(crate) trait Inlet<K, T>: 'static {
    /// The next batch, and a number that tells where it came from. Inputs take turns.
    fn poll(&mut self) -> Option<(usize, Batch<K, T>)>;
    /// Gives an emptied batch back to where it came from.
    fn recycle(&mut self, from: usize, batch: Batch<K, T>);
    /// Whether nothing will come any more.
    fn ended(&self) -> bool;
}

/// The queues of this worker: one, or several for a union.
pub(crate) struct Local<K, T> {
    queues: Vec<Rc<Queue<K, T>>>,
    next: usize,
}
impl<K, T> Local<K, T> {
    pub(crate) fn new(queues: Vec<Rc<Queue<K, T>>>) -> Self {
        Local { queues, next: 0 }
    }
}
impl<K: 'static, T: 'static> Inlet<K, T> for Local<K, T> {
    fn poll(&mut self) -> Option<(usize, Batch<K, T>)> {
        for _ in 0..self.queues.len() {
            let from = self.next;
            self.next = (self.next + 1) % self.queues.len();
            if let Some(batch) = self.queues[from].pop() {
                return Some((from, batch));
            }
        }
        None
    }
    fn recycle(&mut self, from: usize, batch: Batch<K, T>) {
        self.queues[from].recycle(batch);
    }
    fn ended(&self) -> bool {
        self.queues.iter().all(|queue| queue.ended())
    }
}

/// The receiving side of an exchange: this worker's own records, and those of all others.
pub(crate) struct Remote<K, T> {
    exchange: Rc<Exchange<K, T>>,
    ended: Vec<bool>,
    next: usize,
}
impl<K, T> Remote<K, T> {
    pub(crate) fn new(exchange: Rc<Exchange<K, T>>) -> Self {
        let ended = exchange.peers.iter().map(|_| false).collect();
        Remote { exchange, ended, next: 0 }
    }
}
impl<K: 'static, T: 'static> Inlet<K, T> for Remote<K, T> {
    fn poll(&mut self) -> Option<(usize, Batch<K, T>)> {
        let Exchange { local, peers, fabric, worker, .. } = &*self.exchange;
        for _ in 0..peers.len() {
            let from = self.next;
            self.next = (self.next + 1) % peers.len();
            let Some(peer) = &peers[from] else {
                debug_assert_eq!(from, *worker);
                match local.pop() {
                    Some(batch) => return Some((from, batch)),
                    None => continue,
                }
            };
            if self.ended[from] {
                continue;
            }
            match peer.rx.try_recv() {
                Ok(Message::Data(batch)) => {
                    // There is room again: its sender may be waiting for that.
                    fabric.wake(from);
                    return Some((from, batch));
                }
                Ok(Message::End) => self.ended[from] = true,
                Err(_) => {}
            }
        }
        None
    }
    fn recycle(&mut self, from: usize, batch: Batch<K, T>) {
        match &self.exchange.peers[from] {
            // A full return channel means that there are batches enough.
            Some(peer) => drop(peer.spare_tx.try_send(batch)),
            None => self.exchange.local.recycle(batch),
        }
    }
    fn ended(&self) -> bool {
        let Exchange { local, worker, .. } = &*self.exchange;
        local.ended() && self.ended.iter().enumerate().all(|(from, ended)| *ended || from == *worker)
    }
}
