//! The sending side of an exchange: computes the key, hashes it once, and scatters records by the owner of their group.
use super::batch::{Batch, Envelope};
use super::fabric::{Exchange, Peer};
use super::lines::{Far, Sent};
use super::queue::{LIMIT, Queue};
use super::watch::Look;
use crate::contract::form::{Meta, Under};
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::snapshot::Task;
use crate::error::Error;
use crate::state::key_group::KeyHasher;
use crate::stream::env::Site;
use crate::stream::signal::{End, Flow, Signal};
use crate::stream::{At, Push};
use crossbeam_channel::TrySendError;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// Sends records to the workers that own their keys, or to the next segment of this one.
pub(crate) struct Scatter<M: Meta, T> {
    local: Rc<Queue<M, T>>,
    /// `None` if all records go to the local queue.
    exchange: Option<Rc<Exchange<M, T>>>,
    /// The batch of the only receiver; never any room in it if there are more.
    alone: Batch<M, T>,
    /// One batch per worker; empty if there is only one receiver.
    outs: Vec<Batch<M, T>>,
    /// What did not fit into the channel yet.
    held: Vec<VecDeque<Batch<M, T>>>,
    /// How many records fill a batch.
    room: usize,
    passed: u64,
    ended: bool,
    look: Option<Look<T>>,
}
impl<M: Meta, T> Scatter<M, T> {
    /// Sends everything to a queue of this worker.
    pub(crate) fn to_queue(local: Rc<Queue<M, T>>) -> Self {
        let room = local.room();
        Scatter {
            local,
            exchange: None,
            alone: Batch::new(),
            outs: Vec::new(),
            held: Vec::new(),
            room,
            passed: 0,
            ended: false,
            look: None,
        }
    }
    /// The same, where somebody may look at what is handed over.
    pub(crate) fn seen_by(self, look: Option<Look<T>>) -> Self {
        Scatter { look, ..self }
    }
    /// Shows the batch of the only receiver, which is about to be handed over.
    fn show_alone(&self) {
        if let Some(look) = &self.look {
            look.at(look.worker, &self.alone);
        }
    }
    pub(crate) fn new(exchange: Rc<Exchange<M, T>>) -> Self {
        let workers = exchange.peers.len();
        let local = exchange.local.clone();
        if workers == 1 {
            return Scatter::to_queue(local);
        }
        let outs = (0..workers).map(|_| Batch::new()).collect();
        let held = (0..workers).map(|_| VecDeque::new()).collect();
        let room = local.room();
        Scatter {
            local,
            exchange: Some(exchange),
            alone: Batch::new(),
            outs,
            held,
            room,
            passed: 0,
            ended: false,
            look: None,
        }
    }
    #[inline(always)]
    pub(crate) fn put(&mut self, envelope: Envelope<M, T>) {
        // Asked in the way in which `push` will ask again, so that it need not.
        if self.alone.records.len() == self.alone.records.capacity() {
            if !self.outs.is_empty() {
                return self.scatter(envelope);
            }
            self.make_room();
        }
        self.alone.records.push(envelope);
    }
    /// Makes room in the batch of the only receiver.
    #[cold]
    fn make_room(&mut self) {
        if self.alone.records.is_empty() {
            self.alone.records.reserve_exact(self.room);
        } else {
            self.show_alone();
            self.local.swap(&mut self.alone);
        }
    }
    /// Puts a record into the batch of the worker that owns its key.
    #[inline(always)]
    fn scatter(&mut self, envelope: Envelope<M, T>) {
        let to = self.exchange.as_ref().map_or(0, |exchange| exchange.route.owner(envelope.hash));
        let out = &mut self.outs[to];
        out.records.push(envelope);
        if out.records.len() >= self.room {
            self.send(to);
        }
    }
    /// Hands over the batch for worker `to`.
    #[cold]
    fn send(&mut self, to: usize) {
        if let Some(look) = &self.look {
            look.at(to, &self.outs[to]);
        }
        match self.exchange.as_ref().and_then(|exchange| exchange.peers[to].as_ref()) {
            None => self.local.swap(&mut self.outs[to]),
            Some(peer) => {
                let empty = peer.empty(self.room);
                self.held[to].push_back(std::mem::replace(&mut self.outs[to], empty));
                self.push_held(to);
            }
        }
    }
    /// Sends what is held back for worker `to`, as far as there is room.
    fn push_held(&mut self, to: usize) {
        let Some(exchange) = &self.exchange else { return };
        let Some(peer) = &exchange.peers[to] else { return };
        match peer {
            Peer::Near(near) => {
                let mut sent = false;
                while let Some(batch) = self.held[to].pop_front() {
                    match near.send(batch) {
                        Ok(()) => sent = true,
                        Err(TrySendError::Full(batch)) => {
                            self.held[to].push_front(batch);
                            break;
                        }
                        // A worker that is gone has failed, and with it the job: there is nobody to keep the batch for.
                        Err(TrySendError::Disconnected(_)) => {}
                    }
                }
                if sent {
                    exchange.fabric.wake(to);
                }
            }
            Peer::Far(far) => {
                if let Err(error) = post(far, &mut self.held[to], self.passed) {
                    exchange.site.fail(Error::custom(error).in_connector(&exchange.site.id));
                }
            }
        }
    }
    /// The batches that are being filled.
    fn batches(&mut self) -> &mut [Batch<M, T>] {
        if self.outs.is_empty() { std::slice::from_mut(&mut self.alone) } else { &mut self.outs }
    }
    fn signal(&mut self, signal: Signal) {
        // Behind the end nobody listens.
        if !self.ended {
            self.batches().iter_mut().for_each(|batch| batch.note(signal));
        }
        if let Signal::Barrier(barrier) = signal {
            self.passed = barrier.interval;
            self.flush();
        }
    }
    #[inline]
    fn full(&self) -> bool {
        !self.local.is_empty() || self.held.iter().any(|held| !held.is_empty())
    }
    fn pump(&mut self) -> Flow {
        let mut free = self.local.has_room();
        for to in 0..self.held.len() {
            if !self.held[to].is_empty() {
                self.push_held(to);
                free &= self.held[to].is_empty();
            }
        }
        if let Some(look) = &self.look {
            let held = || self.held.iter().flatten();
            let waiting = held().chain(&self.outs).chain([&self.alone]).map(|batch| batch.records.len());
            look.asked(
                waiting.sum::<usize>() + self.local.records(),
                held().next().is_some() || self.local.len() >= LIMIT,
            );
        }
        Flow::room(free)
    }
    fn flush(&mut self) -> bool {
        if !self.alone.is_empty() {
            self.show_alone();
            self.local.swap(&mut self.alone);
            return true;
        }
        let mut any = false;
        for to in 0..self.outs.len() {
            if !self.outs[to].is_empty() {
                self.send(to);
                any = true;
            }
        }
        any
    }
    fn finish(&mut self, end: End) {
        self.batches().iter_mut().for_each(|batch| batch.note(Signal::End(end)));
        self.ended = true;
        self.flush();
    }
}

/// Sends what is held back, as far as there is room.
fn post<M: Meta, T>(far: &Far<M, T>, held: &mut VecDeque<Batch<M, T>>, passed: u64) -> Result<(), CodecError> {
    while let Some(mut batch) = held.pop_front() {
        match far.send(&mut batch, passed)? {
            Sent::All => far.recycle(batch),
            Sent::NoRoom => {
                held.push_front(batch);
                break;
            }
            Sent::Halved(rest) => {
                held.push_front(rest);
                held.push_front(batch);
            }
        }
    }
    Ok(())
}

/// The per-batch methods of [`Push`] for a chain that ends in `self.out`.
macro_rules! ends_in_scatter {
    () => {
        fn signal(&mut self, signal: Signal) {
            self.out.signal(signal);
        }
        #[inline(always)]
        fn touch(&self, _: u64) {}
        #[inline(always)]
        fn worth_touching(&self) -> bool {
            false
        }
        #[inline]
        fn full(&self) -> bool {
            self.out.full()
        }
        fn tick(&mut self, _: Duration) -> Option<Duration> {
            None
        }
        fn pump(&mut self) -> Flow {
            self.out.pump()
        }
        fn flush(&mut self) -> bool {
            self.out.flush()
        }
        fn finish(&mut self, end: End) {
            self.out.finish(end);
        }
        fn persist(&mut self, _: Task<'_, '_>) {}
        fn passed(&self) -> u64 {
            self.out.passed
        }
    };
}

/// The end of a chain that gives each record a key, and sends it to the worker that owns that.
pub(crate) struct KeyByEnd<M: Meta, T, F> {
    pub(crate) f: F,
    pub(crate) hasher: KeyHasher,
    pub(crate) out: Scatter<M, T>,
    pub(crate) site: Site,
}
impl<M, K, T, F> Push<M, T> for KeyByEnd<Under<K, M::Stamp>, T, F>
where
    M: Meta,
    K: PartitionKey,
    T: 'static,
    F: FnMut(&T) -> K + 'static,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        let guard = self.site.guard();
        let key = (self.f)(&record);
        let hash = self.hasher.hash(&key);
        guard.disarm();
        self.out.put(Envelope { hash, stamp: at.stamp, key, record });
    }
    fn settle(&mut self, arrived: u64) {
        self.site.add(|c| {
            c.records_in += arrived;
            c.records_out += arrived;
        });
    }
    ends_in_scatter!();
}

/// The end of a chain whose records have their keys already.
pub(crate) struct KeyedEnd<M: Meta, T> {
    pub(crate) out: Scatter<M, T>,
}
impl<M: Meta, T: 'static> Push<M, T> for KeyedEnd<M, T> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        self.out.put(Envelope::new(at, record));
    }
    fn settle(&mut self, _: u64) {}
    ends_in_scatter!();
}
