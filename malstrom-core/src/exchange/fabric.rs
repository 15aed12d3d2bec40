//! What connects the workers of one process.
use super::batch::Batch;
use super::changes::{Changes, Parcel};
use super::lines::{DeliveryError, Far, Lines, Places};
use super::message::{Kind, Message, Outbox};
use super::near::{Near, Waiting};
use super::queue::Queue;
use super::route::RouteTable;
use super::watch::{Look, Watch, content};
use super::wire::Wire;
use crate::contract::form::Meta;
use crate::contract::record::Record;
use crate::error::{Error, Result};
use crate::stream::env::{Env, Site};
use bytes::Bytes;
use std::any::Any;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ops::{Add, Range};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many batches a channel between two workers holds.
const CHANNEL: usize = 8;
/// How many bytes a line between workers of two processes does.
const WINDOW: u64 = 512 << 10;

/// How much of something the workers of a process do or keep at a time, at most. A job takes as much as is good for its speed; less
/// than that makes rare what is common, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many records a source reads of a split in one step. With few of them, a barrier can come between any two of a handful of
    /// records.
    pub pace: usize,
    /// How many records are in a batch that crosses an exchange.
    pub batch: usize,
    /// How many batches a channel between two workers holds.
    pub channel: usize,
    /// How many bytes may be on their way from a worker of one process to one of another, through one exchange, before the last batch
    /// that is sent. The same in all processes.
    pub window: u64,
    /// How much of a snapshot a worker writes before it does other work again: about so many bytes.
    pub slice: usize,
}
impl Default for Limits {
    fn default() -> Self {
        Limits { pace: usize::MAX, batch: usize::MAX, channel: CHANNEL, window: WINDOW, slice: usize::MAX }
    }
}

/// Wakes a sleeping worker. Called after anything that it may be waiting for.
pub trait Wake: Send + Sync {
    /// Wakes worker `worker` if it sleeps.
    fn wake(&self, worker: usize);
}

/// What the workers of one process share.
pub struct Fabric {
    /// How many workers there are in all processes.
    workers: usize,
    /// Those of this process, as they were at first.
    here: Range<usize>,
    /// Behind the highest number of those that are, or were, in this process.
    top: AtomicUsize,
    /// What there is between them and others.
    lines: Lines,
    /// The ends of channels that nobody has taken yet, by exchange.
    ends: Mutex<HashMap<usize, Box<dyn Any + Send>>>,
    /// What key groups that move have, by the worker that gets them.
    parcels: Mutex<HashMap<usize, Vec<Parcel>>>,
    pools: Mutex<HashMap<usize, Box<dyn Any + Send>>>,
    stopping: AtomicBool,
    paused: AtomicBool,
    limits: Limits,
    wake: Arc<dyn Wake>,
}
impl std::fmt::Debug for Fabric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fabric({} workers)", self.workers)
    }
}

/// What leads to another worker.
pub(crate) enum Peer<M: Meta, T> {
    /// To one of this process.
    Near(Near<M, T>),
    /// To one of another.
    Far(Far<M, T>),
}
impl<M: Meta, T> Peer<M, T> {
    /// What waits to be received.
    fn waiting(&self) -> Waiting {
        match self {
            Peer::Near(near) => near.waiting(),
            Peer::Far(far) => far.waiting(),
        }
    }
    /// How many batches that is.
    fn len(&self) -> usize {
        match self {
            Peer::Near(near) => near.len(),
            Peer::Far(far) => far.len(),
        }
    }
    /// An empty batch.
    pub(super) fn empty(&self, room: usize) -> Batch<M, T> {
        match self {
            Peer::Near(near) => near.empty(room),
            Peer::Far(far) => far.empty(room),
        }
    }
}
/// One worker's ends of an exchange by the numbers of others; the entry for itself, and for those who take no part, is `None`.
type Ends<M, T> = Vec<Option<Peer<M, T>>>;

/// Ends of the channels of an exchange that wait for their worker: by that, and by the one at the other end.
type Loose<M, T> = HashMap<(usize, usize), Near<M, T>>;
/// The end of a new pair of channels, or the one that is left of a pair of which the other worker has its end already.
fn end<M: Meta, T>(loose: &mut Loose<M, T>, worker: usize, other: usize, channel: usize) -> Near<M, T> {
    if let Some(mine) = loose.remove(&(worker, other)) {
        return mine;
    }
    let [mine, others] = Near::pair(channel);
    loose.insert((other, worker), others);
    mine
}

impl Fabric {
    /// Connects `workers` workers of one process.
    pub fn new(workers: usize, wake: Arc<dyn Wake>) -> Arc<Self> {
        Self::limited(workers, wake, Limits::default())
    }
    /// The same, within limits of one's own. One of something there is in any case.
    pub fn limited(workers: usize, wake: Arc<dyn Wake>, limits: Limits) -> Arc<Self> {
        Self::among(Places::alone(workers), wake, limits)
    }
    /// Connects the workers of this process with each other, and with those of other processes: what they send those is in an
    /// [outbox](Fabric::outbox) for each process, and what comes from there is to be [delivered](Fabric::deliver).
    pub fn among(places: Places, wake: Arc<dyn Wake>, limits: Limits) -> Arc<Self> {
        let Limits { pace, batch, channel, window, slice } = limits;
        let limits = Limits {
            pace: pace.max(1),
            batch: batch.max(1),
            channel: channel.max(1),
            window: window.max(1),
            slice: slice.max(1),
        };
        let (workers, here) = (places.workers(), places.here());
        let (ends, pools) = (Mutex::default(), Mutex::default());
        Arc::new(Fabric {
            workers,
            top: AtomicUsize::new(here.end),
            here,
            lines: Lines::new(places, limits.window),
            ends,
            parcels: Mutex::default(),
            pools,
            stopping: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            limits,
            wake,
        })
    }
    /// What waits for another process; `None` if there is no such process.
    pub fn outbox(&self, process: u32) -> Option<Arc<Outbox>> {
        self.lines.outbox(process)
    }
    /// Takes in what another process has sent.
    ///
    /// # Errors
    /// If it must not have sent that.
    pub fn deliver(&self, from: u32, message: Message) -> Result<(), DeliveryError> {
        self.lines.deliver(from, message)?.for_each(|worker| self.wake(worker));
        Ok(())
    }
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }
    /// Ends all sources; what is under way is drained.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.wake_all();
    }
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
    /// Has the sources of this process wait, or go on. What is under way is not held up.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
        self.wake_all();
    }
    pub(crate) fn paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }
    /// Wakes all workers of this process.
    pub(crate) fn wake_all(&self) {
        (self.here.start..self.top()).for_each(|worker| self.wake.wake(worker));
    }
    /// One more worker is in this process, which must have no other then.
    pub(crate) fn joined_by(&self, worker: usize) {
        self.top.fetch_max(worker + 1, Ordering::SeqCst);
    }
    /// Behind the highest number of those that are, or were, in this process.
    pub(crate) fn top(&self) -> usize {
        self.top.load(Ordering::SeqCst)
    }
    /// Whether this worker is in this process.
    fn has(&self, worker: usize) -> bool {
        self.here.contains(&worker) || self.here.len() == self.workers
    }
    #[inline]
    pub(crate) fn wake(&self, worker: usize) {
        self.wake.wake(worker);
    }

    /// The end of an exchange at worker `worker` that leads to another worker of this process.
    fn take_near<M: Meta<Key: Send>, T: Send + 'static>(
        &self,
        exchange: usize,
        worker: usize,
        other: usize,
    ) -> Result<Near<M, T>> {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let loose = ends.entry(exchange).or_insert_with(|| Box::new(Loose::<M, T>::new()));
        let loose = loose.downcast_mut::<Loose<M, T>>().ok_or_else(|| {
            Error::Config("the workers built different pipelines: the function given to `run` must return the same graph each time".into())
        })?;
        Ok(end(loose, worker, other, self.limits.channel))
    }
    /// The ends of an exchange that lead from a worker to `others`. How batches are written where they leave the process is asked
    /// only if they do.
    fn take_ends<M: Meta<Key: Send>, T: Send + 'static>(
        &self,
        exchange: usize,
        worker: usize,
        others: &[usize],
        wire: impl FnOnce() -> Result<Wire<M, T>>,
    ) -> Result<Ends<M, T>> {
        let slots = others.iter().max().map_or(0, |most| most + 1).max(worker + 1);
        let mut ends: Ends<M, T> = (0..slots).map(|_| None).collect();
        for other in others.iter().copied().filter(|other| *other != worker && self.has(*other)) {
            ends[other] = Some(Peer::Near(self.take_near(exchange, worker, other)?));
        }
        if self.here.len() < self.workers {
            let wire = Rc::new(wire()?);
            let number = |number: usize| {
                u16::try_from(number)
                    .map_err(|_| Error::Config("a pipeline has at most 65,536 exchanges and workers".into()))
            };
            for there in (0..self.workers).filter(|there| !self.here.contains(there)) {
                let line = [number(exchange)?, number(worker)?, number(there)?];
                ends[there] = self.lines.far(line, &wire).map(Peer::Far);
            }
        }
        Ok(ends)
    }
    /// Hands over what a worker of this process gains.
    pub(crate) fn hand_over(&self, to: usize, parcel: Parcel) {
        self.parcels.lock().unwrap_or_else(PoisonError::into_inner).entry(to).or_default().push(parcel);
        self.wake(to);
    }
    /// What has come for a worker.
    pub(crate) fn take_parcels(&self, worker: usize) -> Vec<Parcel> {
        self.parcels.lock().unwrap_or_else(PoisonError::into_inner).remove(&worker).unwrap_or_default()
    }
}

/// The splits of one source that nobody reads yet.
struct Pool<W> {
    /// Each with whether another worker has given it back.
    waiting: VecDeque<(W, bool)>,
    /// How many splits a worker may read side by side, so that all get some.
    share: usize,
    /// How many workers have taken their first splits.
    arrived: usize,
    /// How many splits have not ended, of these and of those that are being read.
    left: usize,
    /// How many splits of the source are to be read side by side at most.
    most: usize,
    /// Of which change the share is, and how many workers have given back what others are to read then.
    version: u64,
    gave: usize,
}

impl<W> Pool<W> {
    /// So many workers read it from the change of this version on.
    fn turn_to(&mut self, version: u64, workers: usize) {
        if self.version < version {
            (self.version, self.gave) = (version, 0);
            self.share = self.most.min(self.left.div_ceil(workers.max(1))).max(1);
        }
    }
}

/// One worker's view of the fabric.
pub(crate) struct Links {
    fabric: Arc<Fabric>,
    route: Rc<RouteTable>,
    /// Who takes part.
    members: Vec<usize>,
    changes: Rc<Changes>,
    /// Who looks at what crosses them, if somebody does.
    watch: Option<Rc<dyn Watch>>,
    /// The ends of each exchange, until both its writer and its reader have been made.
    exchanges: RefCell<HashMap<usize, Rc<dyn Any>>>,
    /// What waits to be received at the exchange of an operator.
    waiting: RefCell<Vec<(usize, Box<dyn Fn() -> Waiting>)>>,
}

type Connect<M, T> = Box<dyn Fn(usize) -> Result<Near<M, T>>>;
/// One worker's end of one exchange.
pub(crate) struct Exchange<M: Meta, T> {
    pub(super) local: Rc<Queue<M, T>>,
    pub(super) peers: RefCell<Ends<M, T>>,
    pub(super) fabric: Arc<Fabric>,
    /// Gives the end that leads to a worker that joins.
    connect: Connect<M, T>,
    /// Who owns which key group at first, and who takes part.
    pub(super) route: Rc<RouteTable>,
    pub(super) members: Vec<usize>,
    pub(super) changes: Rc<Changes>,
    pub(super) worker: usize,
    /// Where it fails, if what crosses it cannot be written or read.
    pub(crate) site: Site,
}

impl<M: Meta, T> Exchange<M, T> {
    /// What waits to be received.
    pub(super) fn waiting(&self) -> Waiting {
        self.peers.borrow().iter().flatten().map(Peer::waiting).fold(self.local.waiting(), Waiting::add)
    }
    /// How many batches that is.
    pub(super) fn len(&self) -> usize {
        self.local.len() + self.peers.borrow().iter().flatten().map(Peer::len).sum::<usize>()
    }
    /// What becomes of one of its peers, if it has it.
    pub(super) fn with_peer<R>(&self, other: usize, with: impl FnOnce(&Peer<M, T>) -> R) -> Option<R> {
        self.peers.borrow().get(other).and_then(Option::as_ref).map(with)
    }
}
impl<M: Meta, T> Exchange<M, T> {
    /// Workers join it.
    pub(super) fn open(&self, joiners: impl Iterator<Item = usize>) {
        for joiner in joiners.filter(|joiner| *joiner != self.worker) {
            match (self.connect)(joiner) {
                Ok(near) => {
                    let mut peers = self.peers.borrow_mut();
                    if peers.len() <= joiner {
                        peers.resize_with(joiner + 1, || None);
                    }
                    // One of the same number that was there before has left, and has received all.
                    peers[joiner] = Some(Peer::Near(near));
                }
                Err(error) => self.site.fail(error.in_connector(&self.site.id)),
            }
        }
    }
}

impl Links {
    /// What connects a worker with those `members` that are at work.
    pub(crate) fn new(
        fabric: Arc<Fabric>,
        route: Rc<RouteTable>,
        members: Vec<usize>,
        changes: Rc<Changes>,
        watch: Option<Rc<dyn Watch>>,
    ) -> Self {
        Links { fabric, route, members, changes, watch, exchanges: RefCell::default(), waiting: RefCell::default() }
    }
    /// What may change while a worker is at work; `None` if nothing may.
    pub(crate) fn changes_of(env: &Env) -> Option<Rc<Changes>> {
        env.links::<Links>().map(|links| links.changes.clone()).filter(|changes| changes.is_elastic())
    }
    /// Adds what waits to be received here, by the operators whose exchanges it crosses.
    pub(crate) fn waiting(&self, into: &mut Vec<(usize, Waiting)>) {
        into.extend(self.waiting.borrow().iter().map(|(node, waiting)| (*node, waiting())));
    }
    /// What looks at what crosses the exchange of operator `node`, if somebody wants to.
    pub(crate) fn look<T: Record>(env: &Env, node: usize) -> Option<Look<T>> {
        let look = Self::look_at_times(env, node)?;
        let content = content::<T>();
        let content = look.watch.wants_content().then(|| Box::new(move |record: &T| content(record).ok()) as _);
        Some(Look { content, ..look })
    }
    /// The same where nobody can say how records are written.
    pub(crate) fn look_at_times<T>(env: &Env, node: usize) -> Option<Look<T>> {
        let watch = env.links::<Links>()?.watch.clone()?;
        Some(Look { watch, node, worker: env.worker(), content: None })
    }
    /// The receiving end of exchange `number`, which is that of operator `node`.
    pub(crate) fn receive<M: Meta<Key: Send>, T: Send + 'static>(
        env: &Env,
        number: usize,
        node: usize,
        wire: impl FnOnce() -> Result<Wire<M, T>>,
    ) -> Result<Rc<Exchange<M, T>>> {
        let exchange = Links::exchange::<M, T>(env, number, node, wire)?;
        let links = Links::of(env)?;
        let seen = exchange.clone();
        links.waiting.borrow_mut().push((node, Box::new(move || seen.waiting())));
        if let Some(watch) = &links.watch {
            let seen = exchange.clone();
            watch.receives(node, env.worker(), Box::new(move || seen.len()));
        }
        Ok(exchange)
    }
    fn of(env: &Env) -> Result<&Links> {
        env.links().ok_or_else(|| Error::Config("this worker is not connected".into()))
    }
    pub(crate) fn fabric_of(env: &Env) -> Result<Arc<Fabric>> {
        Ok(Links::of(env)?.fabric.clone())
    }

    /// This worker's end of exchange `number`, which is that of operator `node`.
    pub(crate) fn exchange<M: Meta<Key: Send>, T: Send + 'static>(
        env: &Env,
        number: usize,
        node: usize,
        wire: impl FnOnce() -> Result<Wire<M, T>>,
    ) -> Result<Rc<Exchange<M, T>>> {
        let links = Links::of(env)?;
        if let Some(known) = links.exchanges.borrow().get(&number).and_then(|e| e.clone().downcast().ok()) {
            return Ok(known);
        }
        // Who joins others has to do also with those who join together with it.
        let others = links.changes.joins().map_or_else(|| links.members.clone(), |change| change.members());
        let exchange = Rc::new(Exchange {
            local: Queue::with_batches(links.fabric.limits.batch),
            peers: RefCell::new(links.fabric.take_ends::<M, T>(number, env.worker(), &others, wire)?),
            fabric: links.fabric.clone(),
            connect: {
                let (fabric, worker) = (links.fabric.clone(), env.worker());
                Box::new(move |joiner| fabric.take_near(number, worker, joiner))
            },
            route: links.route.clone(),
            members: links.members.clone(),
            changes: links.changes.clone(),
            worker: env.worker(),
            site: env.quiet_site(node),
        });
        links.exchanges.borrow_mut().insert(number, exchange.clone());
        Ok(exchange)
    }

    /// Says that this worker has taken its first splits of source `number`, and told those downstream.
    pub(crate) fn arrive<W: 'static>(fabric: &Fabric, number: usize) -> Result<()> {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        let all = pool.is_some_and(|pool| {
            pool.arrived += 1;
            pool.arrived == fabric.here.len()
        });
        drop(pools);
        if all {
            fabric.lines.tell(Kind::Arrived, source_number(number)?, &Bytes::new());
            fabric.wake_all();
        }
        Ok(())
    }
    /// Whether all workers have done so.
    pub(crate) fn all_arrived<W: 'static>(fabric: &Fabric, number: usize) -> Result<bool> {
        let number = (number, source_number(number)?);
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools.get_mut(&number.0).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        Ok(pool.is_some_and(|pool| pool.arrived >= fabric.here.len()) && fabric.lines.all_arrived(number.1))
    }

    /// The next split of source `number` to read, if this worker reads fewer than its share, and whether others wait.
    /// The first to ask in the first process lists them, for all processes. Each has its part of them, of which that many at most
    /// are read side by side.
    pub(crate) fn next_split<W: Send + 'static>(
        fabric: &Fabric,
        number: usize,
        reading: usize,
        list: impl FnOnce(Option<Bytes>) -> Result<Listed<W>>,
    ) -> Result<Next<W>> {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let std::collections::hash_map::Entry::Vacant(place) = pools.entry(number) {
            let ((at, processes), source) = (fabric.lines.places.share(), source_number(number)?);
            let known = if at == 0 { None } else { fabric.lines.splits(source) };
            if at > 0 && known.is_none() {
                return Ok(Next::Unlisted);
            }
            let Listed { waiting, most, all } = list(known)?;
            if at == 0 && processes > 1 {
                fabric.lines.tell(Kind::Splits, source, &all);
            }
            let waiting = waiting.into_iter().skip(at).step_by(processes.max(1));
            let waiting: VecDeque<(W, bool)> = waiting.map(|split| (split, false)).collect();
            let share = most.min(waiting.len().div_ceil(fabric.here.len())).max(1);
            let left = waiting.len();
            place.insert(Box::new(Pool { waiting, share, arrived: 0, left, most, version: 0, gave: 0 }));
        }
        let pool = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        Ok(pool.map_or(Next::Split(None, false), |pool| {
            let split = if reading < pool.share { pool.waiting.pop_front() } else { None };
            Next::Split(split.map(|(split, _)| split), !pool.waiting.is_empty())
        }))
    }
    /// A split of source `number` has ended. When it was the last of them, all workers are woken.
    pub(crate) fn split_ends<W: 'static>(fabric: &Fabric, number: usize) {
        let left = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.left = pool.left.saturating_sub(1);
            pool.left
        });
        if left == Some(0) {
            fabric.wake_all();
        }
    }
    /// Whether no split of source `number` is left in this process that has not ended.
    pub(crate) fn all_ended<W: 'static>(fabric: &Fabric, number: usize) -> bool {
        Self::in_pool::<W, _>(fabric, number, |pool| pool.left) == Some(0)
    }
    /// With the change of this version, so many workers read source `number`: how many splits each is to read.
    pub(crate) fn new_share<W: 'static>(fabric: &Fabric, number: usize, version: u64, workers: usize) -> usize {
        let share = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.turn_to(version, workers);
            pool.share
        });
        share.unwrap_or(1)
    }
    /// With the change of this version a worker does not read these splits of source `number` any more: others are to.
    pub(crate) fn give_back<W: 'static>(fabric: &Fabric, number: usize, splits: Vec<W>) {
        Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.gave += 1;
            pool.waiting.extend(splits.into_iter().map(|split| (split, true)));
        });
        fabric.wake_all();
    }
    /// Whether, with the change of this version, all of so many workers have given back what others are to read, and others read it.
    pub(crate) fn have_moved<W: 'static>(fabric: &Fabric, number: usize, version: u64, givers: usize) -> bool {
        let moved = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.version > version
                || pool.version == version && pool.gave >= givers && !pool.waiting.iter().any(|(_, given)| *given)
        });
        moved.unwrap_or(true)
    }
    fn in_pool<W: 'static, R>(fabric: &Fabric, number: usize, with: impl FnOnce(&mut Pool<W>) -> R) -> Option<R> {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>()).map(with)
    }
}
fn source_number(number: usize) -> Result<u16> {
    u16::try_from(number).map_err(|_| Error::Config("a pipeline has at most 65,536 stages".into()))
}
/// The splits of a source: what there is to read, and how many of them at most are read side by side.
pub(crate) struct Listed<W> {
    pub(crate) waiting: VecDeque<W>,
    pub(crate) most: usize,
    /// All that were listed, in bytes, for other processes.
    pub(crate) all: Bytes,
}
/// What there is to read for a worker.
pub(crate) enum Next<W> {
    /// It is not known yet. The worker is woken when it is.
    Unlisted,
    /// A split, if there is one for it now, and whether others wait.
    Split(Option<W>, bool),
}
