//! Lines between workers of different processes: one per exchange and pair of workers, in both directions.
//!
//! What a worker sends is written to bytes on its own thread, waits in the [outbox](Outbox) for the connection, and is read on the thread
//! of the worker that it is for. The receiver says how far the sender may go: as far as it has read, and a window further. So nobody
//! keeps more for a slow worker than a window and one batch, and what is for others passes it by.
use super::batch::Batch;
use super::message::{Kind, Message, Outbox};
use super::near::Waiting;
use super::wire::Wire;
use crate::contract::form::Meta;
use crate::contract::record::CodecError;
use bytes::Bytes;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// Where the workers of a job are: which process has how many of them. Workers are numbered through, process by process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    here: u32,
    processes: BTreeMap<u32, usize>,
    of: Vec<u32>,
}
impl Places {
    /// Processes in ascending order, each with the number of its workers, and which of them this is.
    ///
    /// ```
    /// use malstrom_core::exchange::lines::Places;
    /// let places = Places::new(7, [(3, 2), (7, 1)]);
    /// assert_eq!((places.workers(), places.here()), (3, 2..3));
    /// ```
    pub fn new(here: u32, processes: impl IntoIterator<Item = (u32, usize)>) -> Self {
        let processes: BTreeMap<u32, usize> = processes.into_iter().collect();
        let of = processes.iter().flat_map(|(process, workers)| std::iter::repeat_n(*process, *workers)).collect();
        Places { here, processes, of }
    }
    /// All workers in one process.
    pub fn alone(workers: usize) -> Self {
        Self::new(0, [(0, workers)])
    }
    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.of.len()
    }
    /// The workers of this process.
    pub fn here(&self) -> std::ops::Range<usize> {
        let before = self.processes.range(..self.here).map(|(_, workers)| *workers).sum();
        before..before + self.processes.get(&self.here).copied().unwrap_or_default()
    }
    /// The other processes.
    pub fn others(&self) -> impl Iterator<Item = u32> + '_ {
        self.processes.keys().copied().filter(|process| *process != self.here)
    }
    /// The place of this process among all, and how many there are.
    pub(super) fn share(&self) -> (usize, usize) {
        (self.processes.range(..self.here).count(), self.processes.len())
    }
    /// The process of a worker.
    pub fn process_of(&self, worker: usize) -> Option<u32> {
        self.of.get(worker).copied()
    }
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
    pub(super) places: Places,
    /// How many bytes may be on their way to a worker through one line, beside the batch that fills it. The same in all processes.
    window: u64,
    outboxes: BTreeMap<u32, Arc<Outbox>>,
    /// By exchange, worker here and worker elsewhere.
    lines: Mutex<HashMap<[u16; 3], Arc<Line>>>,
    /// What other processes have said of sources: their splits, and who has said of which splits it reads first.
    splits: Mutex<HashMap<u16, Bytes>>,
    arrived: Mutex<BTreeSet<(u16, u32)>>,
}
impl Lines {
    pub(super) fn new(places: Places, window: u64) -> Self {
        let outboxes = places.others().map(|process| (process, Arc::default())).collect();
        let (lines, splits, arrived) = (Mutex::default(), Mutex::default(), Mutex::default());
        Lines { places, window, outboxes, lines, splits, arrived }
    }
    /// What waits for another process.
    pub(super) fn outbox(&self, process: u32) -> Option<Arc<Outbox>> {
        self.outboxes.get(&process).cloned()
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
        let outbox = self.outbox(self.places.process_of(usize::from(there))?)?;
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
    pub(super) fn deliver(&self, from: u32, message: Message) -> Result<std::ops::Range<usize>, DeliveryError> {
        let wrong = |what: &str| DeliveryError { from, what: what.to_owned() };
        let here = self.places.here();
        let to = usize::from(message.to);
        let all = match message.kind {
            Kind::Data | Kind::Credit => false,
            Kind::Splits | Kind::Arrived => true,
        };
        if !all && (!here.contains(&to) || self.places.process_of(usize::from(message.from)) != Some(from)) {
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
            Kind::Splits => drop(lock(&self.splits).insert(message.exchange, message.payload)),
            Kind::Arrived => drop(lock(&self.arrived).insert((message.exchange, from))),
        }
        Ok(if all { here } else { to..to + 1 })
    }
    /// Tells all other processes something of a source.
    pub(super) fn tell(&self, kind: Kind, source: u16, payload: &Bytes) {
        for outbox in self.outboxes.values() {
            outbox.put(Message { kind, exchange: source, from: 0, to: 0, interval: 0, payload: payload.clone() });
        }
    }
    /// What the first process has said of the splits of a source.
    pub(super) fn splits(&self, source: u16) -> Option<Bytes> {
        lock(&self.splits).get(&source).cloned()
    }
    /// Whether all other processes have said of which splits of a source they read first.
    pub(super) fn all_arrived(&self, source: u16) -> bool {
        let arrived = lock(&self.arrived);
        self.outboxes.keys().all(|process| arrived.contains(&(source, *process)))
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
