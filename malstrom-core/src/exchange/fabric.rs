//! What connects the workers of one process.
use super::batch::Batch;
use super::queue::Queue;
use super::route::RouteTable;
use super::watch::{Look, Watch, content};
use crate::contract::form::Meta;
use crate::contract::record::Record;
use crate::error::{Error, Result};
use crate::stream::env::Env;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::any::Any;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many batches a channel between two workers holds.
const CHANNEL: usize = 8;

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
    /// How much of a snapshot a worker writes before it does other work again: about so many bytes.
    pub slice: usize,
}
impl Default for Limits {
    fn default() -> Self {
        Limits { pace: usize::MAX, batch: usize::MAX, channel: CHANNEL, slice: usize::MAX }
    }
}

/// Wakes a sleeping worker. Called after anything that it may be waiting for.
pub trait Wake: Send + Sync {
    /// Wakes worker `worker` if it sleeps.
    fn wake(&self, worker: usize);
}

/// What the workers of one process share.
pub struct Fabric {
    workers: usize,
    meshes: Mutex<HashMap<usize, Box<dyn Any + Send>>>,
    pools: Mutex<HashMap<usize, Box<dyn Any + Send>>>,
    stopping: AtomicBool,
    limits: Limits,
    wake: Arc<dyn Wake>,
}
impl std::fmt::Debug for Fabric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fabric({} workers)", self.workers)
    }
}

/// The two channels to and from one other worker, and those on which emptied batches go back.
pub(crate) struct Peer<M: Meta, T> {
    pub(crate) tx: Sender<Batch<M, T>>,
    pub(crate) rx: Receiver<Batch<M, T>>,
    pub(crate) spare_rx: Receiver<Batch<M, T>>,
    pub(crate) spare_tx: Sender<Batch<M, T>>,
}
/// One worker's ends of an exchange; the entry for itself is `None`.
type Ends<M, T> = Vec<Option<Peer<M, T>>>;

fn mesh<M: Meta, T>(workers: usize, channel: usize) -> Vec<Option<Ends<M, T>>> {
    let mut ends: Vec<Ends<M, T>> = (0..workers).map(|_| (0..workers).map(|_| None).collect()).collect();
    for (a, b) in (0..workers).flat_map(|a| (a + 1..workers).map(move |b| (a, b))) {
        let (there, back) = (bounded(channel), bounded(channel));
        // Room for all that may be under way, so that none is dropped.
        let (there_spare, back_spare) = (bounded(2 * channel), bounded(2 * channel));
        ends[a][b] = Some(Peer { tx: there.0, rx: back.1, spare_rx: there_spare.1, spare_tx: back_spare.0 });
        ends[b][a] = Some(Peer { tx: back.0, rx: there.1, spare_rx: back_spare.1, spare_tx: there_spare.0 });
    }
    ends.into_iter().map(Some).collect()
}

impl Fabric {
    /// Connects `workers` workers.
    pub fn new(workers: usize, wake: Arc<dyn Wake>) -> Arc<Self> {
        Self::limited(workers, wake, Limits::default())
    }
    /// The same, within limits of one's own. One of something there is in any case.
    pub fn limited(workers: usize, wake: Arc<dyn Wake>, limits: Limits) -> Arc<Self> {
        let Limits { pace, batch, channel, slice } = limits;
        let limits = Limits { pace: pace.max(1), batch: batch.max(1), channel: channel.max(1), slice: slice.max(1) };
        let (meshes, pools) = (Mutex::default(), Mutex::default());
        Arc::new(Fabric { workers, meshes, pools, stopping: AtomicBool::new(false), limits, wake })
    }
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }
    /// Ends all sources; what is under way is drained.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        (0..self.workers).for_each(|worker| self.wake.wake(worker));
    }
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
    #[inline]
    pub(crate) fn wake(&self, worker: usize) {
        self.wake.wake(worker);
    }

    fn take_ends<M: Meta<Key: Send>, T: Send + 'static>(&self, exchange: usize, worker: usize) -> Result<Ends<M, T>> {
        let mut meshes = self.meshes.lock().unwrap_or_else(PoisonError::into_inner);
        let mesh = meshes.entry(exchange).or_insert_with(|| Box::new(mesh::<M, T>(self.workers, self.limits.channel)));
        let ends = mesh.downcast_mut::<Vec<Option<Ends<M, T>>>>().and_then(|ends| ends.get_mut(worker)?.take());
        ends.ok_or_else(|| {
            Error::Config("the workers built different pipelines: the function given to `run` must return the same graph each time".into())
        })
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
    /// How many batches wait to be received at the exchange of an operator.
    waiting: RefCell<Vec<(usize, Box<dyn Fn() -> usize>)>>,
}

/// One worker's end of one exchange.
pub(crate) struct Exchange<M: Meta, T> {
    pub(crate) local: Rc<Queue<M, T>>,
    pub(crate) peers: Ends<M, T>,
    pub(crate) fabric: Arc<Fabric>,
    pub(crate) route: Rc<RouteTable>,
    pub(crate) worker: usize,
}

impl<M: Meta, T> Exchange<M, T> {
    /// How many batches wait to be received.
    pub(super) fn waiting(&self) -> usize {
        self.local.len() + self.peers.iter().flatten().map(|peer| peer.rx.len()).sum::<usize>()
    }
}

impl Links {
    pub(crate) fn new(fabric: Arc<Fabric>, route: Rc<RouteTable>, watch: Option<Rc<dyn Watch>>) -> Self {
        Links { fabric, route, watch, exchanges: RefCell::default(), waiting: RefCell::default() }
    }
    /// Adds how many batches wait to be received here, by the operators whose exchanges they cross.
    pub(crate) fn waiting(&self, into: &mut Vec<(usize, usize)>) {
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
    ) -> Result<Rc<Exchange<M, T>>> {
        let exchange = Links::exchange::<M, T>(env, number)?;
        let links = Links::of(env)?;
        let seen = exchange.clone();
        links.waiting.borrow_mut().push((node, Box::new(move || seen.waiting())));
        if let Some(watch) = &links.watch {
            let seen = exchange.clone();
            watch.receives(node, env.worker(), Box::new(move || seen.waiting()));
        }
        Ok(exchange)
    }
    fn of(env: &Env) -> Result<&Links> {
        env.links().ok_or_else(|| Error::Config("this worker is not connected".into()))
    }
    pub(crate) fn fabric_of(env: &Env) -> Result<Arc<Fabric>> {
        Ok(Links::of(env)?.fabric.clone())
    }

    /// This worker's end of exchange `number`.
    pub(crate) fn exchange<M: Meta<Key: Send>, T: Send + 'static>(
        env: &Env,
        number: usize,
    ) -> Result<Rc<Exchange<M, T>>> {
        let links = Links::of(env)?;
        if let Some(known) = links.exchanges.borrow().get(&number).and_then(|e| e.clone().downcast().ok()) {
            return Ok(known);
        }
        let exchange = Rc::new(Exchange {
            local: Queue::with_batches(links.fabric.limits.batch),
            peers: links.fabric.take_ends::<M, T>(number, env.worker())?,
            fabric: links.fabric.clone(),
            route: links.route.clone(),
            worker: env.worker(),
        });
        links.exchanges.borrow_mut().insert(number, exchange.clone());
        Ok(exchange)
    }

    /// Says that this worker has taken its first splits of source `number`, and told those downstream.
    pub(crate) fn arrive<W: 'static>(fabric: &Fabric, number: usize) {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        let all = pool.is_some_and(|pool| {
            pool.arrived += 1;
            pool.arrived == fabric.workers
        });
        drop(pools);
        if all {
            (0..fabric.workers).for_each(|worker| fabric.wake(worker));
        }
    }
    /// Whether all workers have done so.
    pub(crate) fn all_arrived<W: 'static>(fabric: &Fabric, number: usize) -> bool {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        pool.is_some_and(|pool| pool.arrived >= fabric.workers)
    }

    /// The next split of source `number` to read, if this worker reads fewer than its share, and whether others wait.
    /// The first to ask lists them; that many at most are read side by side.
    pub(crate) fn next_split<W: Send + 'static>(
        fabric: &Fabric,
        number: usize,
        reading: usize,
        list: impl FnOnce() -> Result<(VecDeque<W>, usize)>,
    ) -> Result<(Option<W>, bool)> {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let std::collections::hash_map::Entry::Vacant(place) = pools.entry(number) {
            let (waiting, most) = list()?;
            let share = most.min(waiting.len().div_ceil(fabric.workers)).max(1);
            place.insert(Box::new(Pool { waiting, share, arrived: 0 }));
        }
        let pool = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        Ok(pool.map_or((None, false), |pool| {
            let split = if reading < pool.share { pool.waiting.pop_front() } else { None };
            (split, !pool.waiting.is_empty())
        }))
    }
}
