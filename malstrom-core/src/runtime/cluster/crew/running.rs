//! An attempt that is under way in a process.
use super::outside::{Begin, Outside, Work};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Barrier, Outcome};
use crate::error::{Error, Result};
use crate::exchange::layout::{Change, Layout};
use crate::exchange::places::Places;
use crate::runtime::cluster::words::{Seat, Setup, number_in, process_of};
use crate::snapshot::Kind;
use crate::worker::{self, Written};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A change, with the numbers that workers have in an attempt of these processes.
fn numbered(seats: &[Seat], change: &Change) -> Result<Arc<Change>> {
    let change = change.renumbered(|worker| number_in(seats, worker));
    let change =
        change.ok_or_else(|| Error::custom("the coordinator has not said where all workers are that take part"))?;
    Ok(Arc::new(change))
}
/// See the [module](self).
pub(super) struct Running {
    pub(super) number: u64,
    pub(super) seed: u64,
    pub(super) work: Box<dyn Work>,
    /// The processes that take part or are about to.
    pub(super) seats: Vec<Seat>,
    /// The numbers of its workers, in order, and where they begin among all.
    pub(super) workers: Vec<usize>,
    first: usize,
    /// By which plan it is about to join, and the snapshot that it is to have read, until it says that it is prepared.
    pub(super) prepares: Option<(u64, u64)>,
    /// By what it is about to join, until that is done.
    pub(super) joins: Option<Arc<Change>>,
    /// What the barriers change that have not passed all workers.
    pub(super) changes: BTreeMap<u64, Arc<Change>>,
    /// The processes that take part, and those that do not any more.
    takes_part: BTreeSet<u32>,
    gone: BTreeSet<u32>,
    /// The workers here that have not made the last change.
    behind: BTreeSet<usize>,
    /// It is told to leave.
    pub(super) released: bool,
    /// Numbers of workers up to here have been given.
    pub(super) top: usize,
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
    /// Begins an attempt in process `me`, in a term; or joins one, if `joins` says by what and by which plan.
    ///
    /// # Errors
    /// If the coordinator has said what cannot be, or the attempt cannot begin.
    pub(super) fn begin(
        outside: &dyn Outside,
        (term, me): (u64, u32),
        (number, interval): (u64, u64),
        layout: &Layout,
        setup: Setup,
        joins: Option<(Arc<Change>, (u64, u64))>,
    ) -> Result<Self> {
        let workers: Vec<usize> = layout.members().iter().copied().filter(|worker| process_of(*worker) == me).collect();
        let places = Places::seated(me, setup.seats.iter().map(|seat| (seat.process, seat.range())));
        let first = places.here().start;
        if places.here().len() != workers.len() {
            return Err(Error::custom("the coordinator does not know which workers this process has"));
        }
        let (seed, seats) = (setup.seed, setup.seats.clone());
        let top = seats.iter().map(|seat| seat.range().end).max().unwrap_or_default();
        let takes_part = match joins {
            None => seats.iter().map(|seat| seat.process).collect(),
            Some(_) => BTreeSet::new(),
        };
        let (joins, prepares) = joins.unzip();
        let dense = joins.as_ref().map(|change| numbered(&seats, change)).transpose()?;
        let key_groups = KeyGroups::new(layout.groups()).map_err(Error::custom)?;
        let work = outside.begin(Begin { term, number, interval, places, me, key_groups, setup, joins: dense })?;
        Ok(Running {
            number,
            seed,
            work,
            seats,
            workers,
            first,
            prepares,
            joins,
            changes: BTreeMap::new(),
            takes_part,
            gone: BTreeSet::new(),
            behind: BTreeSet::new(),
            released: false,
            top,
            loaded: 0,
            written: BTreeMap::new(),
            kinds: BTreeMap::new(),
            parts: BTreeMap::new(),
            unwritten: BTreeMap::new(),
        })
    }
    /// These are the processes that take part, or are about to.
    pub(super) fn sit(&mut self, seats: Vec<Seat>) {
        if seats != self.seats {
            self.work.seats(&seats);
            self.top = seats.iter().map(|seat| seat.range().end).fold(self.top, usize::max);
            self.seats = seats;
        }
    }
    /// Whether what it does has to do with another process, which is not only about to join.
    pub(super) fn depends_on(&self, process: u32) -> bool {
        self.takes_part.contains(&process)
    }
    /// Whether it has nothing to do with another process any more, which did take part.
    pub(super) fn is_done_with(&self, process: u32) -> bool {
        self.gone.contains(&process)
    }
    /// A worker has made a change. When all here have, nothing more is to come from those that take no part behind it.
    pub(super) fn installed(&mut self, worker: usize, interval: u64) {
        self.behind.remove(&worker);
        if let Some(change) = self.changes.get(&interval).filter(|_| self.behind.is_empty()) {
            let stay: BTreeSet<u32> = change.new.members().iter().map(|worker| process_of(*worker)).collect();
            self.gone = self.takes_part.difference(&stay).copied().collect();
            self.takes_part = stay;
        }
    }
    /// Whether its workers have the same numbers among these.
    pub(super) fn sits_in(&self, seats: &[Seat]) -> bool {
        self.workers.first().is_none_or(|worker| number_in(seats, *worker) == Some(self.first))
    }
    /// A barrier begins, which may change something.
    ///
    /// # Errors
    /// If the coordinator has not said which workers take part in that.
    pub(super) fn trigger(&mut self, barrier: Barrier, change: Option<&Arc<Change>>, kind: Kind) -> Result<()> {
        self.kinds.insert(barrier.interval, (barrier, kind));
        match change {
            None => self.work.command(worker::Command::Snapshot(barrier)),
            Some(change) => {
                self.work.command(worker::Command::Change(barrier, numbered(&self.seats, change)?));
                self.takes_part.extend(change.members().iter().map(|worker| process_of(*worker)));
                self.gone.clear();
                self.behind = self.workers.iter().copied().collect();
                self.changes.clear();
                self.changes.insert(barrier.interval, change.clone());
                self.joins = None;
            }
        }
        Ok(())
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
