//! The processes that the workers of an attempt are in, and what is under way between them.
use super::random::Random;
use crate::error::{Error, Result};
use crate::exchange::fabric::{Fabric, Limits, Wake};
use crate::exchange::lines::Places;
use crate::exchange::message::Outbox;
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
}
impl Processes {
    /// Puts workers into processes, as it happens.
    pub(super) fn new(workers: usize, wake: &Arc<impl Wake + 'static>, limits: Limits, random: &mut Random) -> Self {
        let count = if random.one_in(ALONE) { 1 } else { 1 + random.index(workers) };
        // Some may have more workers than others.
        let mut sizes = vec![1; count];
        (count..workers).for_each(|_| sizes[random.index(count)] += 1);
        let of = sizes.iter().enumerate().flat_map(|(process, size)| std::iter::repeat_n(process, *size)).collect();
        let places = |here| Places::new(here, (0..).zip(sizes.iter().copied()));
        let fabrics: Vec<_> =
            (0u32..).take(count).map(|here| Fabric::among(places(here), wake.clone(), limits)).collect();
        let mut lanes = Vec::new();
        for (from, fabric) in (0u32..).zip(&fabrics) {
            let lane = |to: u32| Some((from, to as usize, fabric.outbox(to)?));
            lanes.extend((0u32..).take(count).filter_map(lane));
        }
        Processes { fabrics, of, lanes }
    }
    pub(super) fn count(&self) -> usize {
        self.fabrics.len()
    }
    pub(super) fn fabric_of(&self, worker: usize) -> Arc<Fabric> {
        self.fabrics[self.of[worker]].clone()
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
