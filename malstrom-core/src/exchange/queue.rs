//! A queue between two segments of one worker.
use super::batch::{Batch, Envelope, capacity};
use super::near::{Waiting, bytes};
use crate::contract::form::Meta;
use crate::contract::snapshot::Task;
use crate::stream::signal::{End, Flow, Signal, sooner};
use crate::stream::{At, Push};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// How many batches may wait before the writer is not fed any more.
pub(super) const LIMIT: usize = 4;

/// Batches that wait for the next segment.
pub(crate) struct Queue<M: Meta, T> {
    ready: RefCell<VecDeque<Batch<M, T>>>,
    spare: RefCell<Vec<Batch<M, T>>>,
    /// How many records fill a batch.
    room: usize,
}
impl<M: Meta, T> Queue<M, T> {
    pub(crate) fn new() -> Rc<Self> {
        Self::with_batches(usize::MAX)
    }
    /// A queue whose batches have so many records at most.
    pub(crate) fn with_batches(most: usize) -> Rc<Self> {
        let room = capacity::<M, T>().min(most).max(1);
        Rc::new(Queue { ready: RefCell::default(), spare: RefCell::default(), room })
    }
    pub(crate) fn room(&self) -> usize {
        self.room
    }
    /// Takes a batch and gives an empty one for it.
    pub(crate) fn swap(&self, batch: &mut Batch<M, T>) {
        let empty = self.spare.borrow_mut().pop().unwrap_or_else(|| Batch::with_room(self.room));
        self.ready.borrow_mut().push_back(std::mem::replace(batch, empty));
    }
    pub(crate) fn pop(&self) -> Option<Batch<M, T>> {
        self.ready.borrow_mut().pop_front()
    }
    pub(crate) fn recycle(&self, batch: Batch<M, T>) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() <= LIMIT {
            spare.push(batch);
        }
    }
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.borrow().is_empty()
    }
    pub(crate) fn has_room(&self) -> bool {
        self.len() < LIMIT
    }
    /// How many batches wait.
    pub(crate) fn len(&self) -> usize {
        self.ready.borrow().len()
    }
    /// What waits.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting { batches: self.len(), bytes: bytes::<M, T>(self.records()) }
    }
    /// How many records are in them.
    pub(crate) fn records(&self) -> usize {
        self.ready.borrow().iter().map(|batch| batch.records.len()).sum()
    }
}

/// The end of a chain that feeds a queue.
pub(crate) struct QueueEnd<M: Meta, T> {
    queue: Rc<Queue<M, T>>,
    batch: Batch<M, T>,
    passed: u64,
    ended: bool,
}
impl<M: Meta, T> QueueEnd<M, T> {
    pub(crate) fn new(queue: Rc<Queue<M, T>>) -> Self {
        QueueEnd { queue, batch: Batch::new(), passed: 0, ended: false }
    }
}
impl<M: Meta, T: 'static> Push<M, T> for QueueEnd<M, T> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        self.batch.records.push(Envelope::new(at, record));
        if self.batch.records.len() >= capacity::<M, T>() {
            self.queue.swap(&mut self.batch);
        }
    }
    fn signal(&mut self, signal: Signal) {
        // Behind the end nobody listens.
        if !self.ended {
            self.batch.note(signal);
        }
        if let Signal::Barrier(barrier) = signal {
            self.passed = barrier.interval;
            if !self.batch.is_empty() {
                self.queue.swap(&mut self.batch);
            }
        }
    }
    #[inline(always)]
    fn touch(&self, _: u64) {}
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        false
    }
    #[inline]
    fn full(&self) -> bool {
        !self.queue.is_empty()
    }
    fn pump(&mut self) -> Flow {
        Flow::room(self.queue.has_room())
    }
    fn tick(&mut self, _: Duration) -> Option<Duration> {
        None
    }
    fn settle(&mut self, _: u64) {}
    fn flush(&mut self) -> bool {
        let waiting = !self.batch.is_empty();
        if waiting {
            self.queue.swap(&mut self.batch);
        }
        waiting
    }
    fn finish(&mut self, end: End) {
        self.batch.note(Signal::End(end));
        self.ended = true;
        self.queue.swap(&mut self.batch);
    }
    fn persist(&mut self, _: Task<'_, '_>) {}
    fn passed(&self) -> u64 {
        self.passed
    }
}

/// The end of a chain whose records have several consumers: all but the last get copies.
pub(crate) struct Tee<M: Meta, T> {
    pub(crate) ends: Vec<QueueEnd<M, T>>,
    pub(crate) site: crate::stream::env::Site,
}
impl<M: Meta, T: Clone + 'static> Push<M, T> for Tee<M, T> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        if let Some((last, others)) = self.ends.split_last_mut() {
            let guard = self.site.guard();
            for end in others {
                end.push(at, record.clone());
            }
            guard.disarm();
            last.push(at, record);
        }
    }
    fn signal(&mut self, signal: Signal) {
        self.ends.iter_mut().for_each(|end| end.signal(signal));
    }
    #[inline(always)]
    fn touch(&self, _: u64) {}
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        false
    }
    fn full(&self) -> bool {
        self.ends.iter().any(Push::full)
    }
    fn pump(&mut self) -> Flow {
        self.ends.iter_mut().fold(Flow::Free, |flow, end| end.pump().and(flow))
    }
    fn tick(&mut self, now: Duration) -> Option<Duration> {
        self.ends.iter_mut().fold(None, |due, end| sooner(due, end.tick(now)))
    }
    fn settle(&mut self, _: u64) {}
    fn flush(&mut self) -> bool {
        self.ends.iter_mut().fold(false, |any, end| end.flush() | any)
    }
    fn finish(&mut self, how: End) {
        self.ends.iter_mut().for_each(|end| end.finish(how));
    }
    fn persist(&mut self, _: Task<'_, '_>) {}
    fn passed(&self) -> u64 {
        self.ends.first().map_or(0, Push::passed)
    }
}

/// The end of a chain that is split in two by a condition.
pub(crate) struct SplitEnd<M: Meta, T, F> {
    pub(crate) f: F,
    pub(crate) yes: QueueEnd<M, T>,
    pub(crate) no: QueueEnd<M, T>,
    pub(crate) site: crate::stream::env::Site,
}
impl<M: Meta, T: 'static, F: FnMut(&T) -> bool + 'static> Push<M, T> for SplitEnd<M, T, F> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        let guard = self.site.guard();
        let yes = (self.f)(&record);
        guard.disarm();
        if yes { self.yes.push(at, record) } else { self.no.push(at, record) }
    }
    fn signal(&mut self, signal: Signal) {
        self.yes.signal(signal);
        self.no.signal(signal);
    }
    #[inline(always)]
    fn touch(&self, _: u64) {}
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        false
    }
    fn full(&self) -> bool {
        self.yes.full() || self.no.full()
    }
    fn pump(&mut self) -> Flow {
        self.yes.pump().and(self.no.pump())
    }
    fn tick(&mut self, _: Duration) -> Option<Duration> {
        None
    }
    fn settle(&mut self, arrived: u64) {
        self.site.add(|c| {
            c.records_in += arrived;
            c.records_out += arrived;
        });
    }
    fn flush(&mut self) -> bool {
        self.yes.flush() | self.no.flush()
    }
    fn finish(&mut self, end: End) {
        self.yes.finish(end);
        self.no.finish(end);
    }
    fn persist(&mut self, _: Task<'_, '_>) {}
    fn passed(&self) -> u64 {
        self.yes.passed()
    }
}
