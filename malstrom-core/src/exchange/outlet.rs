//! The sending side of an exchange: computes the key, hashes it once, and scatters records by the owner of their group.
use super::batch::{Batch, Envelope};
use super::changes::Cut;
use super::fabric::{Exchange, Peer};
use super::lines::{Far, Sent};
use super::loads::Sampler;
use super::queue::{LIMIT, Queue};
use super::route::RouteTable;
use super::said::Said;
use super::watch::Look;
use crate::contract::form::{Meta, Under};
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::snapshot::{Barrier, Task};
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
    /// `None` if all records go to the local queue, and always will.
    exchange: Option<Rc<Exchange<M, T>>>,
    /// Who owns which key group, on this side of the last barrier.
    route: Option<Rc<RouteTable>>,
    /// Who receives.
    to: Vec<usize>,
    /// The batch of the only receiver, which is this worker; never any room in it if there are more.
    alone: Batch<M, T>,
    /// One batch per worker; empty if there is only one receiver.
    outs: Vec<Batch<M, T>>,
    /// What did not fit into the channel yet.
    held: Vec<VecDeque<Batch<M, T>>>,
    /// How many records fill a batch.
    room: usize,
    passed: u64,
    ended: Option<End>,
    /// This worker takes no part before the next barrier with a change.
    joins: bool,
    said: Said,
    look: Option<Look<T>>,
    /// What counts records by their key groups, where these may move.
    sampler: Option<Sampler>,
}
impl<M: Meta, T> Scatter<M, T> {
    /// Sends everything to a queue of this worker.
    pub(crate) fn to_queue(local: Rc<Queue<M, T>>) -> Self {
        let room = local.room();
        Scatter {
            local,
            exchange: None,
            route: None,
            to: Vec::new(),
            alone: Batch::new(),
            outs: Vec::new(),
            held: Vec::new(),
            room,
            passed: 0,
            ended: None,
            joins: false,
            said: Said::default(),
            look: None,
            sampler: None,
        }
    }
    /// The same, where somebody may look at what is handed over.
    pub(crate) fn seen_by(self, look: Option<Look<T>>) -> Self {
        Scatter { look, ..self }
    }
    /// Shows the batch of the only receiver, which is about to be handed over.
    fn show_alone(&mut self) {
        if let Some(look) = &self.look {
            look.at(look.worker, &self.alone);
        }
        if let Some(sampler) = &mut self.sampler {
            sampler.look(&self.alone.records);
        }
    }
    pub(crate) fn new(exchange: Rc<Exchange<M, T>>) -> Self {
        let mut scatter = Scatter::to_queue(exchange.local.clone());
        scatter.joins = exchange.changes.joins().is_some();
        let members = if scatter.joins { Vec::new() } else { exchange.members.clone() };
        if exchange.changes.is_elastic() {
            scatter.sampler = Some(Sampler::new(exchange.fabric.loads().clone(), exchange.route.shift()));
        }
        if exchange.members.len() > 1 || exchange.changes.is_elastic() {
            scatter.route = Some(exchange.route.clone());
            scatter.exchange = Some(exchange);
            scatter.send_to(members);
        }
        scatter
    }
    /// From now on these receive.
    fn send_to(&mut self, members: Vec<usize>) {
        let worker = self.exchange.as_ref().map_or(0, |exchange| exchange.worker);
        let slots = members.iter().max().map_or(0, |most| most + 1).max(self.held.len());
        self.held.resize_with(slots, VecDeque::new);
        self.alone = Batch::new();
        // Whoever sends to nobody has nothing to send either.
        if members.iter().all(|member| *member == worker) {
            self.outs.clear();
        } else {
            self.outs.resize_with(slots, Batch::new);
        }
        self.to = members;
    }
    /// A barrier passes that changes who receives what: those who have received get it, and those who are going to, to whom it says
    /// that nothing has come before. Behind it records go by the new table.
    fn cut(&mut self, barrier: Barrier, cut: &Cut) {
        let Some(exchange) = self.exchange.clone() else { return };
        // Who joins has sent nothing that the barrier could come behind.
        if !std::mem::take(&mut self.joins) {
            let joiners: Vec<usize> = cut.change.joiners().collect();
            exchange.open(joiners.iter().copied());
            if self.ended.is_none() {
                self.note(Signal::Barrier(barrier));
                self.flush();
            }
            for joiner in &joiners {
                let mut first = Batch::new();
                first.note(Signal::Barrier(barrier));
                if let Some(end) = self.ended {
                    first.note(Signal::End(end));
                }
                self.hand(*joiner, first);
            }
        }
        let stays = cut.change.new.has(exchange.worker);
        self.send_to(if stays { cut.change.new.members().to_vec() } else { Vec::new() });
        self.route = Some(cut.route.clone());
        if self.ended.is_none() && stays {
            let (said, outs) = (&self.said, &mut self.outs);
            for joiner in cut.change.joiners() {
                let out = outs.get_mut(joiner).into_iter();
                out.for_each(|out| said.again().for_each(|signal| out.note(signal)));
            }
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
        let to = self.route.as_ref().map_or(0, |route| route.owner(envelope.hash));
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
        if let Some(sampler) = &mut self.sampler {
            sampler.look(&self.outs[to].records);
        }
        let empty = self.exchange.as_ref().and_then(|exchange| exchange.with_peer(to, |peer| peer.empty(self.room)));
        match empty {
            None => {
                if let Some(exchange) = self.exchange.as_ref().filter(|exchange| exchange.worker != to) {
                    let why = format!("there are records for worker {to}, which takes no part");
                    exchange.site.fail(Error::custom(why).in_connector(&exchange.site.id));
                }
                self.local.swap(&mut self.outs[to]);
            }
            Some(empty) => {
                let batch = std::mem::replace(&mut self.outs[to], empty);
                self.held[to].push_back(batch);
                self.push_held(to);
            }
        }
    }
    /// Hands a batch of its own over to another worker.
    fn hand(&mut self, to: usize, batch: Batch<M, T>) {
        if self.held.len() <= to {
            self.held.resize_with(to + 1, VecDeque::new);
        }
        if let Some(look) = &self.look {
            look.at(to, &batch);
        }
        self.held[to].push_back(batch);
        self.push_held(to);
    }
    /// Sends what is held back for worker `to`, as far as there is room.
    fn push_held(&mut self, to: usize) {
        let Some(exchange) = &self.exchange else { return };
        let (held, passed) = (&mut self.held[to], self.passed);
        exchange.with_peer(to, |peer| match peer {
            Peer::Near(near) => {
                let mut sent = false;
                while let Some(batch) = held.pop_front() {
                    match near.send(batch) {
                        Ok(()) => sent = true,
                        Err(TrySendError::Full(batch)) => {
                            held.push_front(batch);
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
                if let Err(error) = post(far, held, passed) {
                    exchange.site.fail(Error::custom(error).in_connector(&exchange.site.id));
                }
            }
        });
    }
    /// Adds a signal to what all receive.
    fn note(&mut self, signal: Signal) {
        if self.outs.is_empty() {
            self.alone.note(signal);
        } else {
            self.to.iter().for_each(|to| self.outs[*to].note(signal));
        }
    }
    fn signal(&mut self, signal: Signal) {
        if self.exchange.is_some() && !self.said.note(signal) {
            return;
        }
        if let Signal::Barrier(barrier) = signal {
            let cut = self.exchange.as_ref().and_then(|exchange| exchange.changes.at(barrier.interval));
            match cut {
                Some(cut) => self.cut(barrier, &cut),
                // Behind the end nobody listens.
                None if self.ended.is_none() => self.note(signal),
                None => {}
            }
            self.passed = barrier.interval;
            self.flush();
        } else if self.ended.is_none() {
            self.note(signal);
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
        // A worker that has left has nobody to tell.
        if self.exchange.is_none() || !self.to.is_empty() {
            self.note(Signal::End(end));
        }
        self.ended = Some(end);
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
