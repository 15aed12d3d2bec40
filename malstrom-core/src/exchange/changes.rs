//! What barriers change, on one worker: who takes part behind them, and who owns which key group then.
//!
//! A worker hears of a change before any of its segments lets the barrier pass that carries it: what comes before the word of it
//! [waits](Halt::is_ahead). Each end of an exchange changes when the barrier passes it, and
//! each segment stands still behind it until what it gains [has come](Parcel).
use super::layout::Change;
use super::route::RouteTable;
use crate::contract::snapshot::{Chunk, GroupSet, Part, Schema};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// What one barrier changes.
pub(crate) struct Cut {
    pub(crate) change: Arc<Change>,
    /// Who owns which key group behind it.
    pub(crate) route: Rc<RouteTable>,
    /// What it is for a worker, once that has asked: each of its segments does, again and again.
    part: OnceCell<CutPart>,
}
/// What a worker has to do with it.
struct CutPart {
    worker: usize,
    gives: BTreeMap<usize, GroupSet>,
    givers: usize,
}
impl Cut {
    pub(crate) fn new(change: Arc<Change>) -> Self {
        let route = Rc::new(RouteTable::of(&change.new));
        Cut { change, route, part: OnceCell::new() }
    }
    fn part<T>(&self, worker: usize, of: impl FnOnce(&CutPart) -> T) -> T {
        let make = || CutPart { worker, gives: self.find_gives(worker), givers: self.count_givers(worker) };
        match self.part.get_or_init(make) {
            part if part.worker == worker => of(part),
            _ => of(&make()),
        }
    }
    /// What a worker gives to others, by who gets it. Whoever leaves has one of those who stay get what belongs to no group.
    pub(crate) fn gives(&self, worker: usize) -> BTreeMap<usize, GroupSet> {
        self.part(worker, |part| part.gives.clone())
    }
    fn find_gives(&self, worker: usize) -> BTreeMap<usize, GroupSet> {
        let mut gives: BTreeMap<usize, Vec<u16>> = BTreeMap::new();
        for moved in self.change.groups().filter(|moved| moved.from == worker) {
            gives.entry(moved.to).or_default().push(moved.what as u16);
        }
        let mut gives: BTreeMap<usize, GroupSet> =
            gives.into_iter().map(|(to, groups)| (to, groups.into_iter().collect())).collect();
        if let Some(heir) = self.heir(worker) {
            let given = gives.remove(&heir).unwrap_or_default();
            gives.insert(heir, given.leaving());
        }
        gives
    }
    /// The same at a source: splits may go to anybody, and with them what is known of their times.
    pub(crate) fn gives_at_source(&self, worker: usize) -> BTreeMap<usize, GroupSet> {
        let mut gives = self.gives(worker);
        let old = self.change.old.has(worker);
        let others = self.change.new.members().iter().filter(|other| old && **other != worker);
        for other in others {
            gives.entry(*other).or_default();
        }
        gives
    }
    /// From how many workers this one gets something, at a source or elsewhere.
    pub(crate) fn givers(&self, worker: usize, at_source: bool) -> usize {
        if at_source {
            let others = self.change.old.members().iter().filter(|other| **other != worker);
            return others.filter(|_| self.change.new.has(worker)).count();
        }
        self.part(worker, |part| part.givers)
    }
    fn count_givers(&self, worker: usize) -> usize {
        let mut givers: Vec<usize> =
            self.change.groups().filter(|moved| moved.to == worker).map(|moved| moved.from).collect();
        givers.extend(self.change.leavers().filter(|leaver| self.heir(*leaver) == Some(worker)));
        givers.sort_unstable();
        givers.dedup();
        givers.len()
    }
    /// Who gets what belongs to no group from a worker that leaves.
    fn heir(&self, worker: usize) -> Option<usize> {
        // It could be anybody.
        let leaves = self.change.old.has(worker) && !self.change.new.has(worker);
        self.change.new.members().first().copied().filter(|_| leaves)
    }
    /// All groups that a worker owns behind the barrier, and with them those that it gets by the changes that follow.
    pub(crate) fn owned(&self, worker: usize) -> GroupSet {
        let owned: GroupSet = self.route.groups_of(worker).collect();
        match self.change.new.comes_to(worker) {
            Some(all) => owned.growing_to(all.map(|group| group as u16).collect()),
            None => owned,
        }
    }
}

/// The changes that a worker has been told of.
#[derive(Default)]
pub(crate) struct Changes {
    /// Whether the number of workers may change at all.
    elastic: bool,
    /// Whom it joins, if it joins others that are at work.
    joins: Option<Arc<Change>>,
    cuts: RefCell<BTreeMap<u64, Rc<Cut>>>,
    /// The interval of the last of them; 0 if there was none.
    last: Cell<u64>,
    /// The interval of the last barrier that this worker was told of, with a change or without.
    told: Cell<u64>,
}
impl Changes {
    pub(crate) fn new(elastic: bool, joins: Option<Arc<Change>>) -> Rc<Self> {
        Rc::new(Changes { elastic, joins, ..Changes::default() })
    }
    pub(crate) fn is_elastic(&self) -> bool {
        self.elastic
    }
    /// What it joins by, if it joins others.
    pub(crate) fn joins(&self) -> Option<&Arc<Change>> {
        self.joins.as_ref()
    }
    /// This worker is told of a barrier.
    pub(crate) fn tell(&self, interval: u64) {
        self.told.set(interval);
    }
    /// The barrier of this interval changes something.
    pub(crate) fn add(&self, interval: u64, change: Arc<Change>) -> Rc<Cut> {
        let cut = Rc::new(Cut::new(change));
        let mut cuts = self.cuts.borrow_mut();
        // No other change begins before all have settled the one before.
        cuts.retain(|before, _| *before + 1 >= interval);
        cuts.insert(interval, cut.clone());
        self.last.set(interval);
        cut
    }
    /// What the barrier of this interval changes, if it does.
    pub(crate) fn at(&self, interval: u64) -> Option<Rc<Cut>> {
        if interval > self.last.get() { None } else { self.cuts.borrow().get(&interval).cloned() }
    }
    /// The interval of the last change.
    #[inline]
    pub(crate) fn last(&self) -> u64 {
        self.last.get()
    }
}

/// Whether a segment stands still: a barrier with a change has passed it, and not all has come that it gains.
#[derive(Clone, Default)]
pub(crate) struct Halt {
    changes: Option<Rc<Changes>>,
    /// The last change that is made here.
    made: u64,
}
impl Halt {
    pub(crate) fn new(changes: Option<Rc<Changes>>) -> Self {
        Halt { changes, made: 0 }
    }
    /// Whether it stands still, where this is the last barrier that has passed.
    #[inline]
    pub(crate) fn holds(&self, passed: u64) -> bool {
        self.changes.as_ref().is_some_and(|changes| passed > self.made && changes.last() == passed)
    }
    /// Whether the barrier of this interval is here before this worker was told of it, and of what it changes. Where the worker's own
    /// sources have ended, or it is about to join others, nothing else keeps the barrier from passing.
    #[inline]
    pub(crate) fn is_ahead(&self, interval: u64) -> bool {
        self.changes.as_ref().is_some_and(|changes| interval > changes.told.get())
    }
    /// It goes on behind the change at this barrier.
    pub(crate) fn go_on(&mut self, interval: u64) {
        self.made = interval;
    }
}

/// What one segment of a worker gives to that of another: a snapshot of the groups that move, as they are at the barrier.
#[derive(Debug)]
pub(crate) struct Parcel {
    /// The barrier.
    pub(crate) interval: u64,
    /// The segment, by its place on every worker.
    pub(crate) segment: usize,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) schemas: Vec<(usize, Part, Schema)>,
}
impl Parcel {
    /// How many bytes it has of what moves.
    pub(crate) fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::layout::Layout;

    /// Whoever asks, and however often: what one gives is what the others get.
    #[test]
    fn what_is_given_is_what_moves() {
        let old = Arc::new(Layout::even(&[0, 1, 2], 4096, 0));
        let new = Arc::new(old.spread(&[1, 2, 3]));
        let cut = Cut::new(Arc::new(Change::between(old, new)));
        for worker in [1, 0, 1, 2, 3, 0] {
            let mut given: Vec<(usize, usize)> = Vec::new();
            for (to, groups) in cut.gives(worker) {
                given.extend((0..4096).filter(|group| groups.contains(*group as u16)).map(|group| (group, to)));
            }
            given.sort_unstable();
            let moves = cut.change.groups().filter(|moved| moved.from == worker);
            assert_eq!(given, moves.map(|moved| (moved.what, moved.to)).collect::<Vec<_>>(), "worker {worker}");
            let gets = |from: &usize| cut.gives(*from).contains_key(&worker);
            assert_eq!(
                cut.givers(worker, false),
                [0, 1, 2].iter().filter(|from| gets(from)).count(),
                "worker {worker}"
            );
        }
        assert!(cut.gives(0).values().any(GroupSet::leaves), "who leaves gives also what is of no group");
        assert_eq!((cut.gives(3).len(), cut.givers(0, false), cut.givers(3, true)), (0, 0, 3));
    }
}
