//! What a worker gives its segments: where to count, where to report failure, and what it owns.
use crate::contract::extract::time::Watermark;
use crate::contract::extract::{Context, Moment};
use crate::contract::time::Ticks;
use crate::error::Error;
use crate::metrics::{Metric, Registry};
use crate::state::saved::Owner;
use crate::state::table::Ranks;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What one operator has done on one worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that reached it.
    pub records_in: u64,
    /// Records that it emitted.
    pub records_out: u64,
    /// Records that it failed on.
    pub failed: u64,
    /// Records that were late.
    pub late: u64,
    /// Records that were discarded because the pipeline says so (`else drop`).
    pub dropped: u64,
}

/// Where a worker stands that takes snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saving {
    /// The term of the coordinator.
    pub term: u64,
    /// The interval that begins.
    pub interval: u64,
    /// Whether this worker puts right what others have left, and it alone.
    pub cleans: bool,
}

/// The surroundings of all segments of one worker.
#[derive(Clone)]
pub struct Env(Rc<Inner>);
struct Inner {
    worker: usize,
    workers: usize,
    /// Whether their number may change.
    elastic: Cell<bool>,
    /// The barrier behind which it takes no part any more, once it has heard of it; 0 before.
    leaves: Rc<Cell<u64>>,
    seed: u64,
    ranks: Ranks,
    ids: Vec<Arc<str>>,
    ticks: Vec<Ticks>,
    clock: Rc<Clock>,
    /// Whether the pipeline has event time.
    timed: bool,
    /// How snapshots are taken, if they are.
    saving: Option<Saving>,
    counts: Vec<Rc<Cell<Counts>>>,
    metrics: Vec<Rc<Registry>>,
    watermarks: Vec<Rc<Cell<Watermark>>>,
    trouble: Rc<Trouble>,
    /// What connects this worker to the others; its type is the exchange's business.
    links: Rc<dyn Any>,
}

/// The time by the clock of the machine, as it was when the current step began.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// When the job began, in microseconds since 1970.
    started: i64,
    now: Cell<Duration>,
    micros: Cell<i64>,
}
impl Clock {
    fn set(&self, now: Duration) {
        self.now.set(now);
        self.micros.set(self.started.saturating_add(i64::try_from(now.as_micros()).unwrap_or(i64::MAX)));
    }
    /// Microseconds since 1970.
    #[inline(always)]
    pub(crate) fn now(&self) -> i64 {
        self.micros.get()
    }
    /// Since the job began.
    #[inline]
    pub(crate) fn elapsed(&self) -> Duration {
        self.now.get()
    }
    /// When it is this time, since the job began.
    pub(crate) fn until(&self, micros: i64) -> Duration {
        Duration::from_micros(u64::try_from(micros.saturating_sub(self.started)).unwrap_or(0))
    }
}

/// What went wrong on this worker.
#[derive(Default)]
pub(crate) struct Trouble {
    panicked: Cell<Option<usize>>,
    failure: RefCell<Option<Error>>,
}

impl Env {
    pub(crate) fn new(
        (worker, workers): (usize, usize),
        (seed, started): (u64, i64),
        ranks: Ranks,
        (ids, ticks, timed): (Vec<Arc<str>>, Vec<Ticks>, bool),
        saving: Option<Saving>,
        links: Rc<dyn Any>,
    ) -> Self {
        let clock = Rc::new(Clock { started, now: Cell::default(), micros: Cell::new(started) });
        let counts = ids.iter().map(|_| Rc::default()).collect();
        let metrics = ids.iter().map(|_| Rc::default()).collect();
        let watermarks = ids.iter().map(|_| Rc::default()).collect();
        let trouble = Rc::default();
        Env(Rc::new(Inner {
            worker,
            workers,
            elastic: Cell::new(false),
            leaves: Rc::default(),
            seed,
            ranks,
            ids,
            ticks,
            clock,
            timed,
            saving,
            counts,
            metrics,
            watermarks,
            trouble,
            links,
        }))
    }
    /// What operator `node` is called.
    pub(crate) fn id(&self, node: usize) -> &str {
        self.0.ids.get(node).map_or("unknown", |id| id)
    }
    pub(crate) fn worker(&self) -> usize {
        self.0.worker
    }
    /// Whether there is more than one worker, or may be.
    pub(crate) fn is_parallel(&self) -> bool {
        self.0.workers > 1 || self.0.elastic.get()
    }
    /// The number of workers may change.
    pub(crate) fn set_elastic(&self) {
        self.0.elastic.set(true);
    }
    /// The barrier behind which this worker takes no part any more; 0 as long as it has not heard of one.
    pub(crate) fn leaves(&self) -> Rc<Cell<u64>> {
        self.0.leaves.clone()
    }
    pub(crate) fn workers(&self) -> usize {
        self.0.workers
    }
    pub(crate) fn seed(&self) -> u64 {
        self.0.seed
    }
    pub(crate) fn ranks(&self) -> Ranks {
        self.0.ranks.clone()
    }
    /// Whether the pipeline has event time, so that sources tell where records come from.
    pub(crate) fn timed(&self) -> bool {
        self.0.timed
    }
    /// Whether stages keep track of what changes, and can write it: to snapshots, or for another worker.
    pub(crate) fn tracks(&self) -> bool {
        self.0.saving.is_some() || self.0.elastic.get()
    }
    /// How snapshots are taken, if they are.
    pub(crate) fn saving(&self) -> Option<Saving> {
        self.0.saving
    }
    /// Whose state it is that operator `node` keeps.
    pub(crate) fn owner(&self, node: usize) -> Owner {
        Owner { node, operator: self.0.ids[node].clone(), seed: self.0.seed }
    }
    /// What the ticks of the times are that come to operator `node`.
    pub(crate) fn ticks(&self, node: usize) -> Ticks {
        self.0.ticks.get(node).copied().unwrap_or_default()
    }
    pub(crate) fn clock(&self) -> Rc<Clock> {
        self.0.clock.clone()
    }
    pub(crate) fn set_now(&self, now: Duration) {
        self.0.clock.set(now);
    }
    pub(crate) fn links<L: 'static>(&self) -> Option<&L> {
        self.0.links.downcast_ref()
    }
    /// The place of operator `node`.
    pub(crate) fn site(&self, node: usize) -> Site {
        self.site_with_ticks(node, self.ticks(node))
    }
    /// The place of operator `node`, at which times are counted in these ticks.
    pub(crate) fn site_with_ticks(&self, node: usize, ticks: Ticks) -> Site {
        let shown = || self.0.watermarks[node].clone();
        Site {
            node,
            id: self.0.ids[node].clone(),
            counts: self.0.counts[node].clone(),
            metrics: self.0.metrics[node].clone(),
            // How far other times have come says nothing about how far behind the clock they are.
            watermark: if ticks == Ticks::Calendar { shown() } else { Rc::default() },
            trouble: self.0.trouble.clone(),
        }
    }
    /// The place of operator `node`, for a part of it that counts nothing.
    pub(crate) fn quiet_site(&self, node: usize) -> Site {
        Site { counts: Rc::default(), watermark: Rc::default(), ..self.site(node) }
    }
    /// The place of operator `node`, for a part of it that counts as operator `other`.
    pub(crate) fn site_counting_as(&self, node: usize, other: usize) -> Site {
        Site { counts: self.0.counts[other].clone(), ..self.site(node) }
    }
    pub(crate) fn counts(&self) -> impl Iterator<Item = Counts> + '_ {
        self.0.counts.iter().map(|c| c.get())
    }
    pub(crate) fn metrics(&self) -> impl Iterator<Item = Vec<(&'static str, Metric)>> + '_ {
        self.0.metrics.iter().map(|m| m.read())
    }
    pub(crate) fn watermarks(&self) -> impl Iterator<Item = Watermark> + '_ {
        self.0.watermarks.iter().map(|watermark| watermark.get())
    }
    /// The failure that was reported since the last call.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.0.trouble.failure.borrow_mut().take()
    }
    pub(crate) fn has_failed(&self) -> bool {
        self.0.trouble.failure.borrow().is_some()
    }
    /// The operator in whose code the current panic began.
    pub(crate) fn take_panicked(&self) -> Option<Arc<str>> {
        self.0.trouble.panicked.take().map(|node| self.0.ids[node].clone())
    }
}
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Env(worker {} of {})", self.0.worker, self.0.workers)
    }
}

/// The place of one operator on one worker.
#[derive(Clone)]
pub struct Site {
    node: usize,
    pub(crate) id: Arc<str>,
    counts: Rc<Cell<Counts>>,
    metrics: Rc<Registry>,
    /// Where it is shown how far event time has come.
    watermark: Rc<Cell<Watermark>>,
    trouble: Rc<Trouble>,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Site({})", self.id)
    }
}
impl Site {
    /// Its place in the plan.
    pub(crate) fn node(&self) -> usize {
        self.node
    }
    #[inline]
    pub(crate) fn add(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }
    /// Where it is shown how far event time has come here.
    pub(crate) fn shown(&self) -> Rc<Cell<Watermark>> {
        self.watermark.clone()
    }
    /// Shows how far event time has come here.
    pub(crate) fn show(&self, watermark: Watermark) {
        self.watermark.set(watermark);
    }
    #[inline(always)]
    pub(crate) fn context<'a>(&'a self, key: &'a dyn Any, moment: Moment) -> Context<'a> {
        Context::new(Some(key), &self.id, &self.metrics, moment)
    }
    /// Reports what ends the job; the first report counts.
    pub(crate) fn fail(&self, error: Error) {
        self.trouble.failure.borrow_mut().get_or_insert(error);
    }
    /// Whether the job has failed on this worker.
    pub(crate) fn has_failed(&self) -> bool {
        self.trouble.failure.borrow().is_some()
    }
    /// Until it is disarmed, a panic is this operator's. It costs nothing where nothing can panic.
    #[inline(always)]
    pub(crate) fn guard(&self) -> Guard<'_> {
        Guard(self)
    }
}

/// See [`Site::guard`].
///
/// It holds nothing but the place of the operator, so that there is nothing to load until something has panicked.
pub(crate) struct Guard<'a>(&'a Site);
impl Guard<'_> {
    #[inline(always)]
    pub(crate) fn disarm(self) {
        std::mem::forget(self);
    }
}
impl Drop for Guard<'_> {
    #[cold]
    fn drop(&mut self) {
        // Only ever dropped while unwinding. The innermost operator is the first to be unwound.
        let Site { trouble, node, .. } = self.0;
        if trouble.panicked.get().is_none() {
            trouble.panicked.set(Some(*node));
        }
    }
}
