//! The sending side of an exchange: computes the key, hashes it once, and scatters records by the owner of their group.
use super::batch::{Batch, Envelope, capacity};
use super::fabric::{Exchange, Message};
use crate::contract::key::PartitionKey;
use crate::state::key_group::KeyHasher;
use crate::stream::env::Site;
use crate::stream::{At, Push};
use crossbeam_channel::TrySendError;
use std::collections::VecDeque;
use std::rc::Rc;

/// The end of a chain that sends each record to the worker that owns its key.
pub(crate) struct KeyByEnd<K, T, F> {
    f: F,
    hasher: KeyHasher,
    exchange: Rc<Exchange<K, T>>,
    /// This worker is the only one, and this is its batch.
    alone: Option<Batch<K, T>>,
    /// One batch per worker; empty if there is only one.
    outs: Vec<Batch<K, T>>,
    /// What did not fit into the channel yet.
    held: Vec<VecDeque<Message<K, T>>>,
    site: Site,
}

impl<K, T, F> KeyByEnd<K, T, F> {
    pub(crate) fn new(f: F, hasher: KeyHasher, exchange: Rc<Exchange<K, T>>, site: Site) -> Self {
        let workers = exchange.peers.len();
        let alone = (workers == 1).then(Vec::new);
        let outs = if workers == 1 { Vec::new() } else { (0..workers).map(|_| Vec::new()).collect() };
        let held = (0..workers).map(|_| VecDeque::new()).collect();
        KeyByEnd { f, hasher, exchange, alone, outs, held, site }
    }
    /// Hands over the batch for worker `to`.
    #[cold]
    fn send(&mut self, to: usize) {
        match &self.exchange.peers[to] {
            None => self.exchange.local.swap(&mut self.outs[to]),
            Some(peer) => {
                let empty = peer.spare_rx.try_recv().unwrap_or_else(|_| Vec::with_capacity(capacity::<K, T>()));
                self.held[to].push_back(Message::Data(std::mem::replace(&mut self.outs[to], empty)));
                self.push_held(to);
            }
        }
    }
    /// Sends what is held back for worker `to`, as far as there is room.
    fn push_held(&mut self, to: usize) {
        let Some(peer) = &self.exchange.peers[to] else { return };
        let mut sent = false;
        while let Some(message) = self.held[to].pop_front() {
            match peer.tx.try_send(message) {
                Ok(()) => sent = true,
                Err(TrySendError::Full(message)) => {
                    self.held[to].push_front(message);
                    break;
                }
                // A worker that is gone has failed, and with it the job: there is nobody to keep the batch for.
                Err(TrySendError::Disconnected(_)) => {}
            }
        }
        if sent {
            self.exchange.fabric.wake(to);
        }
    }
}

impl<J, K, T, F> Push<J, T> for KeyByEnd<K, T, F>
where
    K: PartitionKey,
    T: 'static,
    F: FnMut(&T) -> K + 'static,
{
    #[inline(always)]
    fn push(&mut self, _: At<'_, J>, record: T) {
        let guard = self.site.guard();
        let key = (self.f)(&record);
        let hash = self.hasher.hash(&key);
        guard.disarm();
        if let Some(out) = &mut self.alone {
            out.push(Envelope { hash, key, record });
            if out.len() >= capacity::<K, T>() {
                self.exchange.local.swap(out);
            }
            return;
        }
        let to = self.exchange.route.owner(hash);
        let out = &mut self.outs[to];
        out.push(Envelope { hash, key, record });
        if out.len() >= capacity::<K, T>() {
            self.send(to);
        }
    }
    #[inline(always)]
    fn touch(&self, _: u64) {}
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        false
    }
    #[inline]
    fn full(&self) -> bool {
        !self.exchange.local.is_empty() || self.held.iter().any(|held| !held.is_empty())
    }
    fn pump(&mut self) -> bool {
        let mut free = self.exchange.local.has_room();
        for to in 0..self.held.len() {
            if !self.held[to].is_empty() {
                self.push_held(to);
                free &= self.held[to].is_empty();
            }
        }
        free
    }
    fn settle(&mut self, arrived: u64) {
        self.site.add(|c| {
            c.records_in += arrived;
            c.records_out += arrived;
        });
    }
    fn flush(&mut self) -> bool {
        if let Some(out) = self.alone.as_mut().filter(|out| !out.is_empty()) {
            self.exchange.local.swap(out);
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
    fn finish(&mut self) {
        self.exchange.local.close();
        for to in 0..self.held.len() {
            if self.exchange.peers[to].is_some() {
                self.held[to].push_back(Message::End);
                self.push_held(to);
            }
        }
    }
}
