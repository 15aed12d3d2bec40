//! The processes that the workers of an attempt are in, and what is under way between them.
use super::random::Random;
use crate::error::{Error, Result};
use crate::exchange::fabric::{Fabric, Limits, Wake};
use crate::exchange::message::Outbox;
use crate::exchange::places::Places;
use std::ops::Range;
use std::sync::Arc;

/// One attempt in so many has all its workers in one process.
const ALONE: u64 = 2;
/// What one process has for another goes on its way in about one of so many turns, and so many messages at a time.
const CARRIED: u64 = 3;
const AT_ONCE: usize = 4;

pub(super) struct Processes {
    /// Each with its place among the others.
    fabrics: Vec<Arc<Fabric>>,
    /// The process of each worker.
    of: Vec<usize>,
    /// From one process to another.
    lanes: Vec<(u32, usize, Arc<Outbox>)>,
    /// Which workers each has.
    places: Vec<(u32, Range<usize>)>,
    limits: Limits,
}
impl Processes {
    /// Puts workers into processes, as it happens.
    pub(super) fn new(workers: usize, wake: &Arc<impl Wake + 'static>, limits: Limits, random: &mut Random) -> Self {
        let count = if random.one_in(ALONE) { 1 } else { 1 + random.index(workers) };
        // Some may have more workers than others.
        let mut sizes = vec![1; count];
        (count..workers).for_each(|_| sizes[random.index(count)] += 1);
        let of = sizes.iter().enumerate().flat_map(|(process, size)| std::iter::repeat_n(process, *size)).collect();
        let places: Vec<_> = Places::new(0, (0..).zip(sizes)).all().collect();
        let mut processes = Processes { fabrics: Vec::new(), of, lanes: Vec::new(), places, limits };
        for here in (0u32..).take(count) {
            let places = match count {
                1 if random.one_in(2) => Places::alone(workers),
                _ => Places::seated(here, processes.places.clone()),
            };
            processes.start(here, Fabric::among(places, wake.clone(), limits));
        }
        processes
    }
    /// Connects a process with those that are there.
    fn start(&mut self, here: u32, fabric: Arc<Fabric>) {
        let lane = |from: u32, to: u32, outbox: Option<Arc<Outbox>>| Some((from, to as usize, outbox?));
        let there: Vec<u32> = self.places.iter().map(|(process, _)| *process).collect();
        self.lanes.extend(there.iter().filter_map(|to| lane(here, *to, fabric.outbox(*to))));
        self.fabrics.push(fabric);
    }
    /// Whether all workers are in one process, and always will be.
    pub(super) fn is_alone(&self) -> bool {
        self.fabrics.len() == 1 && self.fabrics[0].is_alone()
    }
    /// There are going to be so many more workers, in other processes.
    pub(super) fn more(
        &mut self,
        workers: usize,
        wake: &Arc<impl Wake + 'static>,
        random: &mut Random,
    ) -> Range<usize> {
        let first = self.of.len();
        while self.of.len() < first + workers {
            let (from, left) = (self.of.len(), first + workers - self.of.len());
            let (process, here) = (self.fabrics.len() as u32, from..from + 1 + random.index(left));
            self.of.resize(here.end, process as usize);
            for (other, fabric) in (0u32..).zip(&self.fabrics) {
                fabric.add(process, here.clone());
                self.lanes.extend(fabric.outbox(process).map(|outbox| (other, process as usize, outbox)));
            }
            self.places.push((process, here));
            let fabric = Fabric::among(Places::seated(process, self.places.clone()), wake.clone(), self.limits);
            self.start(process, fabric);
        }
        first..first + workers
    }
    /// A worker has left. With the last of a process, that is gone.
    pub(super) fn left(&self, gone: impl Fn(usize) -> bool, worker: usize) {
        if self.is_alone() {
            return;
        }
        let process = self.of[worker];
        if self.places[process].1.clone().all(gone) {
            self.fabrics.iter().for_each(|fabric| fabric.remove(process as u32));
        }
    }
    pub(super) fn count(&self) -> usize {
        self.fabrics.len()
    }
    pub(super) fn fabric_of(&self, worker: usize) -> Arc<Fabric> {
        let process = if self.is_alone() { 0 } else { self.of[worker] };
        self.fabrics[process].clone()
    }
    pub(super) fn stop(&self) {
        self.fabrics.iter().for_each(|fabric| fabric.stop());
    }
    /// Brings some of what is under way to where it goes.
    pub(super) fn carry(&self, random: &mut Random) -> Result<()> {
        for (from, to, outbox) in &self.lanes {
            if outbox.is_empty() || !random.one_in(CARRIED) {
                continue;
            }
            for _ in 0..1 + random.index(AT_ONCE) {
                let Some(message) = outbox.take() else { break };
                self.fabrics[*to].deliver(*from, message).map_err(Error::custom)?;
            }
        }
        Ok(())
    }
    /// Whether something is under way.
    pub(super) fn carries(&self) -> bool {
        self.lanes.iter().any(|(_, _, outbox)| !outbox.is_empty())
    }
}
