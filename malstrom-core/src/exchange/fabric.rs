//! What connects the workers of one process.
use super::batch::Batch;
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
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Those of this process.
    here: Range<usize>,
    /// What there is between them and others.
    lines: Lines,
    meshes: Mutex<HashMap<usize, Box<dyn Any + Send>>>,
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
/// One worker's ends of an exchange; the entry for itself is `None`.
type Ends<M, T> = Vec<Option<Peer<M, T>>>;

/// What leads from each worker here, in order, to all others here.
type Mesh<M, T> = Vec<Option<Vec<Option<Near<M, T>>>>>;
fn mesh<M: Meta, T>(workers: usize, here: &Range<usize>, channel: usize) -> Mesh<M, T> {
    let mut ends: Vec<Vec<Option<Near<M, T>>>> = here.clone().map(|_| (0..workers).map(|_| None).collect()).collect();
    for (a, b) in here.clone().flat_map(|a| (a + 1..here.end).map(move |b| (a, b))) {
        let [one, other] = Near::pair(channel);
        ends[a - here.start][b] = Some(one);
        ends[b - here.start][a] = Some(other);
    }
    ends.into_iter().map(Some).collect()
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
        let (meshes, pools) = (Mutex::default(), Mutex::default());
        Arc::new(Fabric {
            workers,
            here,
            lines: Lines::new(places, limits.window),
            meshes,
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
    fn wake_all(&self) {
        self.here.clone().for_each(|worker| self.wake.wake(worker));
    }
    #[inline]
    pub(crate) fn wake(&self, worker: usize) {
        self.wake.wake(worker);
    }

    /// The ends of an exchange that a worker has. How batches are written where they leave the process is asked only if they do.
    fn take_ends<M: Meta<Key: Send>, T: Send + 'static>(
        &self,
        exchange: usize,
        worker: usize,
        wire: impl FnOnce() -> Result<Wire<M, T>>,
    ) -> Result<Ends<M, T>> {
        let mut ends = {
            let mut meshes = self.meshes.lock().unwrap_or_else(PoisonError::into_inner);
            let make = || Box::new(mesh::<M, T>(self.workers, &self.here, self.limits.channel)) as _;
            let mesh = meshes.entry(exchange).or_insert_with(make);
            let place = worker.wrapping_sub(self.here.start);
            let near = mesh.downcast_mut::<Mesh<M, T>>().and_then(|ends| ends.get_mut(place)?.take());
            let near = near.ok_or_else(|| {
                Error::Config("the workers built different pipelines: the function given to `run` must return the same graph each time".into())
            })?;
            near.into_iter().map(|near| near.map(Peer::Near)).collect::<Ends<M, T>>()
        };
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
}

/// The splits of one source that nobody reads yet.
struct Pool<W> {
    waiting: VecDeque<W>,
    /// How many splits a worker may read side by side, so that all get some.
    share: usize,
    /// How many workers have taken their first splits.
    arrived: usize,
}

/// One worker's view of the fabric.
pub(crate) struct Links {
    fabric: Arc<Fabric>,
    pub(crate) route: Rc<RouteTable>,
    /// Who looks at what crosses them, if somebody does.
    watch: Option<Rc<dyn Watch>>,
    /// The ends of each exchange, until both its writer and its reader have been made.
    exchanges: RefCell<HashMap<usize, Rc<dyn Any>>>,
    /// What waits to be received at the exchange of an operator.
    waiting: RefCell<Vec<(usize, Box<dyn Fn() -> Waiting>)>>,
}

/// One worker's end of one exchange.
pub(crate) struct Exchange<M: Meta, T> {
    pub(crate) local: Rc<Queue<M, T>>,
    pub(crate) peers: Ends<M, T>,
    pub(crate) fabric: Arc<Fabric>,
    pub(crate) route: Rc<RouteTable>,
    pub(crate) worker: usize,
    /// Where it fails, if what crosses it cannot be written or read.
    pub(crate) site: Site,
}

impl<M: Meta, T> Exchange<M, T> {
    /// What waits to be received.
    pub(super) fn waiting(&self) -> Waiting {
        self.peers.iter().flatten().map(Peer::waiting).fold(self.local.waiting(), Waiting::add)
    }
    /// How many batches that is.
    pub(super) fn len(&self) -> usize {
        self.local.len() + self.peers.iter().flatten().map(Peer::len).sum::<usize>()
    }
}

impl Links {
    pub(crate) fn new(fabric: Arc<Fabric>, route: Rc<RouteTable>, watch: Option<Rc<dyn Watch>>) -> Self {
        Links { fabric, route, watch, exchanges: RefCell::default(), waiting: RefCell::default() }
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
        let exchange = Rc::new(Exchange {
            local: Queue::with_batches(links.fabric.limits.batch),
            peers: links.fabric.take_ends::<M, T>(number, env.worker(), wire)?,
            fabric: links.fabric.clone(),
            route: links.route.clone(),
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
            let waiting: VecDeque<W> = waiting.into_iter().skip(at).step_by(processes.max(1)).collect();
            let share = most.min(waiting.len().div_ceil(fabric.here.len())).max(1);
            place.insert(Box::new(Pool { waiting, share, arrived: 0 }));
        }
        let pool = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        Ok(pool.map_or(Next::Split(None, false), |pool| {
            let split = if reading < pool.share { pool.waiting.pop_front() } else { None };
            Next::Split(split, !pool.waiting.is_empty())
        }))
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
