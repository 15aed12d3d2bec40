//! Lines between workers of different processes: one per exchange and pair of workers, in both directions.
//!
//! What a worker sends is written to bytes on its own thread, waits in the [outbox](Outbox) for the connection, and is read on the thread
//! of the worker that it is for. The receiver says how far the sender may go: as far as it has read, and a window further. So nobody
//! keeps more for a slow worker than a window and one batch, and what is for others passes it by.
use super::batch::Batch;
use super::message::{Kind, Message, Outbox};
use super::near::Waiting;
use super::parcels::Parcels;
use super::places::Places;
use super::sources::Sources;
use super::wire::Wire;
use crate::contract::form::Meta;
use crate::contract::record::CodecError;
use bytes::Bytes;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

/// How many bytes the payload of a message may have.
pub const MAX_PAYLOAD: usize = 16 << 20;
/// How many emptied batches a line keeps.
const SPARE: usize = 8;

/// What a peer has sent that it must not have. The attempt cannot go on with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("process {from} has sent what it must not: {what}. Do all processes run the same program?")]
pub struct DeliveryError {
    /// Who has sent it.
    pub from: u32,
    /// What is wrong with it.
    pub what: String,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes here guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both directions between a worker here and one elsewhere.
#[derive(Debug)]
struct Line {
    arrived: Mutex<VecDeque<Bytes>>,
    /// How far the worker here may go, and how far the other one may, in bytes from the beginning.
    limit: AtomicU64,
    granted: AtomicU64,
    received: AtomicU64,
}
impl Line {
    fn new(window: u64) -> Self {
        let [limit, granted] = [window; 2].map(AtomicU64::new);
        Line { arrived: Mutex::default(), limit, granted, received: AtomicU64::new(0) }
    }
}

/// What the workers of this process have to do with other processes.
#[derive(Debug)]
pub(super) struct Lines {
    peers: RwLock<Peers>,
    /// How many bytes may be on their way to a worker through one line, beside the batch that fills it. The same in all processes.
    window: u64,
    /// By exchange, worker here and worker elsewhere.
    lines: Mutex<HashMap<[u16; 3], Arc<Line>>>,
    /// What other processes have said of sources.
    pub(super) sources: Sources,
    pub(super) parcels: Parcels,
}
/// The processes that there are, and what waits for each.
#[derive(Debug)]
struct Peers {
    places: Places,
    outboxes: BTreeMap<u32, Arc<Outbox>>,
    /// Those that were there when the attempt began.
    first: Vec<u32>,
}
impl Lines {
    pub(super) fn new(places: Places, window: u64) -> Self {
        let first: Vec<u32> = places.others().collect();
        let outboxes = first.iter().map(|process| (*process, Arc::default())).collect();
        let (lines, sources, parcels) = (Mutex::default(), Sources::default(), Parcels::default());
        Lines { peers: RwLock::new(Peers { places, outboxes, first }), window, lines, sources, parcels }
    }
    fn peers(&self) -> RwLockReadGuard<'_, Peers> {
        // Each change of it is one statement.
        self.peers.read().unwrap_or_else(PoisonError::into_inner)
    }
    /// Another process is going to take part.
    pub(super) fn add(&self, process: u32, workers: Range<usize>) {
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        if process != peers.places.here_number() {
            peers.outboxes.entry(process).or_default();
        }
        peers.places.add(process, workers);
    }
    /// A process takes part no more: nothing is sent to it. What it has sent may still arrive.
    pub(super) fn remove(&self, process: u32) {
        self.peers.write().unwrap_or_else(PoisonError::into_inner).outboxes.remove(&process);
    }
    /// What waits for another process.
    pub(super) fn outbox(&self, process: u32) -> Option<Arc<Outbox>> {
        self.peers().outboxes.get(&process).cloned()
    }
    /// The process of a worker.
    pub(super) fn process_of(&self, worker: usize) -> Option<u32> {
        self.peers().places.process_of(worker)
    }
    fn line(&self, exchange: u16, here: u16, there: u16) -> Arc<Line> {
        lock(&self.lines).entry([exchange, here, there]).or_insert_with(|| Arc::new(Line::new(self.window))).clone()
    }
    /// The ends of a line, for the worker here.
    pub(super) fn far<M: Meta, T>(
        &self,
        [exchange, here, there]: [u16; 3],
        wire: &Rc<Wire<M, T>>,
    ) -> Option<Far<M, T>> {
        let outbox = self.outbox(self.process_of(usize::from(there))?)?;
        Some(Far {
            line: self.line(exchange, here, there),
            outbox,
            ends: [exchange, here, there],
            wire: wire.clone(),
            sent: Cell::new(0),
            read: Cell::new(0),
            window: self.window,
            granted: Cell::new(self.window),
            size: Cell::new(0),
            spare: RefCell::default(),
        })
    }
    /// Takes in what another process has sent. The workers to wake.
    pub(super) fn deliver(&self, from: u32, message: Message) -> Result<Range<usize>, DeliveryError> {
        let wrong = |what: &str| DeliveryError { from, what: what.to_owned() };
        let to = usize::from(message.to);
        let (here, foreign) = {
            let Peers { places, .. } = &*self.peers();
            let here = places.here();
            let between = here.contains(&to) && places.process_of(usize::from(message.from)) == Some(from);
            (here, !between && message.kind.is_between_workers())
        };
        if foreign {
            return Err(wrong(&format!("{message:?} is not between a worker of its own and one of this process")));
        }
        match message.kind {
            Kind::Data => {
                let line = self.line(message.exchange, message.to, message.from);
                let len = message.payload.len() as u64;
                if line.received.fetch_add(len, Ordering::Relaxed) >= line.granted.load(Ordering::Acquire) {
                    return Err(wrong(&format!("{message:?} is more than it was allowed to send")));
                }
                lock(&line.arrived).push_back(message.payload);
            }
            Kind::Credit => {
                let limit = message.payload.as_ref().try_into().map(u64::from_le_bytes);
                let limit = limit.map_err(|_| wrong("a credit that is no number"))?;
                let line = self.line(message.exchange, message.to, message.from);
                line.limit.fetch_max(limit, Ordering::AcqRel);
            }
            Kind::State => self.parcels.arrives(message).map_err(|what| wrong(&what))?,
            Kind::Splits | Kind::Arrived | Kind::Given | Kind::Ended => {
                self.sources.hears(from, message);
                return Ok(here);
            }
        }
        Ok(to..to + 1)
    }
    /// Tells all other processes something of a source, as of the change of this version.
    pub(super) fn tell(&self, kind: Kind, source: u16, version: u64, payload: &Bytes) {
        for outbox in self.peers().outboxes.values() {
            outbox.put(Message { kind, exchange: source, from: 0, to: 0, interval: version, payload: payload.clone() });
        }
    }
    /// Tells one of them.
    pub(super) fn tell_one(&self, process: u32, kind: Kind, source: u16, version: u64, payload: Bytes) {
        if let Some(outbox) = self.outbox(process) {
            outbox.put(Message { kind, exchange: source, from: 0, to: 0, interval: version, payload });
        }
    }
    /// Whether all other processes have said of which splits of a source they read first.
    pub(super) fn all_arrived(&self, source: u16) -> bool {
        self.peers().first.iter().all(|process| self.sources.has_arrived(source, *process))
    }
    /// The other processes that were there when the attempt began.
    pub(super) fn first(&self) -> Vec<u32> {
        self.peers().first.clone()
    }
    /// The process of each of these workers, once.
    pub(super) fn processes_of(&self, workers: &[usize]) -> BTreeSet<u32> {
        let peers = self.peers();
        workers.iter().filter_map(|worker| peers.places.process_of(*worker)).collect()
    }
    /// The number of this process.
    pub(super) fn here(&self) -> u32 {
        self.peers().places.here_number()
    }
}

/// What became of a batch that was to be sent.
pub(super) enum Sent<M: Meta, T> {
    All,
    /// The other end cannot take more now.
    NoRoom,
    /// It is too large for one message. Nothing of it was sent, and this is to be sent behind what is left in it.
    Halved(Batch<M, T>),
}
/// Takes the second half of a batch out of it.
fn halve<M: Meta, T>(batch: &mut Batch<M, T>) -> Result<Batch<M, T>, CodecError> {
    if batch.records.len() < 2 {
        return Err(CodecError::new(format!(
            "a record takes more than {} MiB in bytes, which is the most that goes to another process: take it apart before \
             `key_by`, or send where it lies in its place",
            MAX_PAYLOAD >> 20
        )));
    }
    let middle = batch.records.len() / 2;
    let behind = batch.signals.partition_point(|(at, _)| *at <= middle);
    let signals = batch.signals.split_off(behind).into_iter().map(|(at, signal)| (at - middle, signal)).collect();
    Ok(Batch { records: batch.records.split_off(middle), signals })
}

/// The ends of a line that a worker has.
pub(crate) struct Far<M: Meta, T> {
    line: Arc<Line>,
    outbox: Arc<Outbox>,
    /// The exchange, this worker and the other one.
    ends: [u16; 3],
    wire: Rc<Wire<M, T>>,
    window: u64,
    /// In bytes from the beginning: what was sent, what was read, and how far the other one was told that it may go.
    sent: Cell<u64>,
    read: Cell<u64>,
    granted: Cell<u64>,
    /// How long the last batch was, in bytes.
    size: Cell<usize>,
    spare: RefCell<Vec<Batch<M, T>>>,
}
impl<M: Meta, T> Far<M, T> {
    fn put(&self, kind: Kind, interval: u64, payload: Bytes) {
        let [exchange, from, to] = self.ends;
        self.outbox.put(Message { kind, exchange, from, to, interval, payload });
    }
    /// Sends a batch, which is empty then.
    pub(super) fn send(&self, batch: &mut Batch<M, T>, interval: u64) -> Result<Sent<M, T>, CodecError> {
        if self.sent.get() >= self.line.limit.load(Ordering::Acquire) {
            return Ok(Sent::NoRoom);
        }
        let mut bytes = Vec::with_capacity(self.size.get());
        self.wire.write(batch, &mut bytes)?;
        if bytes.len() > MAX_PAYLOAD {
            return halve(batch).map(Sent::Halved);
        }
        self.size.set(bytes.len());
        self.sent.set(self.sent.get() + bytes.len() as u64);
        self.put(Kind::Data, interval, bytes.into());
        batch.records.clear();
        batch.signals.clear();
        Ok(Sent::All)
    }
    /// The next batch that has arrived.
    pub(super) fn take(&self) -> Result<Option<Batch<M, T>>, CodecError> {
        let Some(bytes) = lock(&self.line.arrived).pop_front() else { return Ok(None) };
        let mut batch = self.spare.borrow_mut().pop().unwrap_or_else(Batch::new);
        self.wire.read(&bytes, &mut batch)?;
        let read = self.read.get() + bytes.len() as u64;
        self.read.set(read);
        let limit = read + self.window;
        if limit - self.granted.get() >= self.window / 4 {
            self.granted.set(limit);
            self.line.granted.store(limit, Ordering::Release);
            self.put(Kind::Credit, 0, Bytes::copy_from_slice(&limit.to_le_bytes()));
        }
        Ok(Some(batch))
    }
    /// What waits to be taken.
    pub(super) fn waiting(&self) -> Waiting {
        let bytes = self.line.received.load(Ordering::Relaxed).saturating_sub(self.read.get());
        Waiting { batches: self.len(), bytes: bytes as usize }
    }
    /// How many batches that is.
    pub(super) fn len(&self) -> usize {
        lock(&self.line.arrived).len()
    }
    /// An empty batch.
    pub(super) fn empty(&self, room: usize) -> Batch<M, T> {
        self.spare.borrow_mut().pop().unwrap_or_else(|| Batch::with_room(room))
    }
    /// Keeps an emptied one.
    pub(super) fn recycle(&self, batch: Batch<M, T>) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() < SPARE {
            spare.push(batch);
        }
    }
}

#[cfg(test)]
mod tests;
