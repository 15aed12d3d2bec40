//! An attempt that is under way in a process.
use super::outside::{Begin, Outside, Work};
use crate::contract::snapshot::{Barrier, Outcome};
use crate::error::{Error, Result};
use crate::exchange::layout::Layout;
use crate::exchange::places::Places;
use crate::runtime::cluster::words::{Setup, process_of};
use crate::snapshot::Kind;
use crate::worker::{self, Written};
use std::collections::BTreeMap;

/// See the [module](self).
pub(super) struct Running {
    pub(super) number: u64,
    pub(super) seed: u64,
    pub(super) work: Box<dyn Work>,
    /// The numbers of its workers, in order, and where they begin among all.
    pub(super) workers: Vec<usize>,
    first: usize,
    /// How many have taken in what there was for them.
    pub(super) loaded: usize,
    /// What they have written at barriers, as far as not all of them have.
    pub(super) written: BTreeMap<u64, Vec<Written>>,
    /// What snapshots are for of which it is not known what became.
    pub(super) kinds: BTreeMap<u64, (Barrier, Kind)>,
    /// Their parts that are stored, and why others could not be.
    pub(super) parts: BTreeMap<u64, Vec<u8>>,
    pub(super) unwritten: BTreeMap<u64, String>,
}
impl Running {
    /// Begins an attempt in process `me`, in a term.
    ///
    /// # Errors
    /// If the coordinator has said what cannot be, or the attempt cannot begin.
    pub(super) fn begin(
        outside: &dyn Outside,
        (term, me): (u64, u32),
        (number, interval): (u64, u64),
        layout: &Layout,
        setup: Setup,
    ) -> Result<Self> {
        let workers: Vec<usize> = layout.members().iter().copied().filter(|worker| process_of(*worker) == me).collect();
        let places = Places::new(me, setup.processes.iter().map(|(process, workers, _)| (*process, *workers)));
        let first = places.here().start;
        if places.here().len() != workers.len() {
            return Err(Error::custom("the coordinator does not know which workers this process has"));
        }
        let seed = setup.seed;
        let work = outside.begin(Begin { term, number, interval, places, me, setup })?;
        Ok(Running {
            number,
            seed,
            work,
            workers,
            first,
            loaded: 0,
            written: BTreeMap::new(),
            kinds: BTreeMap::new(),
            parts: BTreeMap::new(),
            unwritten: BTreeMap::new(),
        })
    }
    /// The number of the worker at this place among all.
    pub(super) fn number_of(&self, at: usize) -> Option<usize> {
        self.workers.get(at.checked_sub(self.first)?).copied()
    }
    /// Something has become of a snapshot.
    pub(super) fn settled(&mut self, outcome: Outcome) {
        let interval = outcome.interval();
        self.kinds.remove(&interval);
        self.parts.remove(&interval);
        self.unwritten.remove(&interval);
        self.written.remove(&interval);
        self.work.command(worker::Command::Settle(outcome));
    }
}
