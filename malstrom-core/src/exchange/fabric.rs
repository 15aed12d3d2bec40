//! What connects the workers of one process.
mod ends;
mod limits;
mod splits;

use ends::{Ends, Loose, end};
pub(crate) use ends::{Exchange, Peer};
pub use limits::Limits;
pub(crate) use splits::{Listed, Next, Parked};

use super::changes::{Changes, Parcel};
use super::lines::{DeliveryError, Far, Lines};
use super::loads::Loads;
use super::message::{Message, Outbox};
use super::near::{Near, Waiting};
use super::parcels;
use super::places::Places;
use super::queue::Queue;
use super::route::RouteTable;
use super::watch::{Look, Watch, content};
use super::wire::Wire;
use crate::contract::form::Meta;
use crate::contract::record::Record;
use crate::error::{Error, Result};
use crate::stream::env::Env;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Wakes a sleeping worker. Called after anything that it may be waiting for.
pub trait Wake: Send + Sync {
    /// Wakes worker `worker` if it sleeps.
    fn wake(&self, worker: usize);
}

/// What the workers of one process share.
pub struct Fabric {
    /// The workers of this process, as they were at first.
    here: Range<usize>,
    /// Whether there never is another process.
    alone: bool,
    /// The place of this process among those that began together, and how many these are.
    share: (usize, usize),
    /// Behind the highest number of those that are, or were, in this process.
    top: AtomicUsize,
    /// What there is between them and others.
    lines: Lines,
    /// The ends of channels that nobody has taken yet, by exchange.
    ends: Mutex<HashMap<usize, Box<dyn Any + Send>>>,
    pools: Mutex<HashMap<usize, Box<dyn Any + Send>>>,
    stopping: AtomicBool,
    paused: AtomicBool,
    limits: Limits,
    /// How many records there are of which key group.
    loads: Arc<Loads>,
    wake: Arc<dyn Wake>,
}
impl std::fmt::Debug for Fabric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fabric(workers {:?})", self.here)
    }
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
        let (here, alone, share) = (places.here(), places.is_alone(), places.share());
        let (ends, pools) = (Mutex::default(), Mutex::default());
        Arc::new(Fabric {
            alone,
            share,
            top: AtomicUsize::new(here.end),
            here,
            lines: Lines::new(places, limits.window),
            ends,
            pools,
            stopping: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            limits,
            loads: Arc::default(),
            wake,
        })
    }
    /// How many records its workers send of which key group.
    pub(crate) fn loads(&self) -> &Arc<Loads> {
        &self.loads
    }
    /// Whether there never is another process.
    pub fn is_alone(&self) -> bool {
        self.alone
    }
    /// Another process is going to take part, with these workers. What is for it waits from now on.
    pub fn add(&self, process: u32, workers: Range<usize>) {
        self.lines.add(process, workers);
    }
    /// A process takes part no more: nothing is to be sent to it.
    pub fn remove(&self, process: u32) {
        self.lines.remove(process);
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
        self.here.contains(&worker) || self.alone
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
    /// The same for one of another process.
    fn take_far<M: Meta<Key: Send>, T: Send + 'static>(
        &self,
        exchange: usize,
        worker: usize,
        there: usize,
        wire: Option<&Rc<Wire<M, T>>>,
    ) -> Result<Far<M, T>> {
        let number = |number: usize| {
            u16::try_from(number)
                .map_err(|_| Error::Config("a pipeline has at most 65,536 exchanges and workers".into()))
        };
        let line = [number(exchange)?, number(worker)?, number(there)?];
        let far = wire.and_then(|wire| self.lines.far(line, wire));
        far.ok_or_else(|| Error::custom(format!("it is not known which process has worker {there}")))
    }
    /// An end that leads from a worker to another one.
    fn take_end<M: Meta<Key: Send>, T: Send + 'static>(
        &self,
        exchange: usize,
        worker: usize,
        other: usize,
        wire: Option<&Rc<Wire<M, T>>>,
    ) -> Result<Peer<M, T>> {
        match self.has(other) {
            true => self.take_near(exchange, worker, other).map(Peer::Near),
            false => self.take_far(exchange, worker, other, wire).map(Peer::Far),
        }
    }
    /// The ends of an exchange that lead from a worker to `others`.
    fn take_ends<M: Meta<Key: Send>, T: Send + 'static>(
        &self,
        exchange: usize,
        worker: usize,
        others: &[usize],
        wire: Option<&Rc<Wire<M, T>>>,
    ) -> Result<Ends<M, T>> {
        let slots = others.iter().max().map_or(0, |most| most + 1).max(worker + 1);
        let mut ends: Ends<M, T> = (0..slots).map(|_| None).collect();
        for other in others.iter().copied().filter(|other| *other != worker) {
            ends[other] = Some(self.take_end(exchange, worker, other, wire)?);
        }
        Ok(ends)
    }
    /// Hands over what another worker gains from this one.
    ///
    /// # Errors
    /// If there is too much of it to be sent to another process.
    pub(crate) fn hand_over(&self, from: usize, to: usize, parcel: Parcel) -> Result<()> {
        if self.has(to) {
            self.lines.parcels.put(to, parcel);
            self.wake(to);
            return Ok(());
        }
        let outbox = self.lines.process_of(to).and_then(|process| self.lines.outbox(process));
        let outbox = outbox.ok_or_else(|| Error::custom(format!("it is not known which process has worker {to}")))?;
        // Both are numbers of workers.
        parcels::send([from as u16, to as u16], parcel, &outbox)
    }
    /// What has come for a worker.
    pub(crate) fn take_parcels(&self, worker: usize) -> Vec<Parcel> {
        self.lines.parcels.take(worker)
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
        // Where there are other processes, or may be, it is said at once how batches are written that go there.
        let wire = (!links.fabric.alone).then(wire).transpose()?.map(Rc::new);
        let exchange = Rc::new(Exchange {
            local: Queue::with_batches(links.fabric.limits.batch),
            peers: RefCell::new(links.fabric.take_ends::<M, T>(number, env.worker(), &others, wire.as_ref())?),
            fabric: links.fabric.clone(),
            connect: {
                let (fabric, worker) = (links.fabric.clone(), env.worker());
                Box::new(move |joiner| fabric.take_end(number, worker, joiner, wire.as_ref()))
            },
            route: links.route.clone(),
            members: links.members.clone(),
            changes: links.changes.clone(),
            worker: env.worker(),
            closed: Cell::new(false),
            site: env.quiet_site(node),
        });
        links.exchanges.borrow_mut().insert(number, exchange.clone());
        Ok(exchange)
    }
}
