//! A queue between two segments of one worker.
use super::batch::{Batch, Envelope, capacity};
use crate::stream::{At, Push};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// How many batches may wait before the writer is not fed any more.
const LIMIT: usize = 4;

/// Batches that wait for the next segment.
pub(crate) struct Queue<K, T> {
    ready: RefCell<VecDeque<Batch<K, T>>>,
    spare: RefCell<Vec<Batch<K, T>>>,
    closed: Cell<bool>,
}
impl<K, T> Queue<K, T> {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Queue { ready: RefCell::default(), spare: RefCell::default(), closed: Cell::new(false) })
    }
    /// Takes a batch and gives an empty one for it.
    pub(crate) fn swap(&self, batch: &mut Batch<K, T>) {
        let empty = self.spare.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(capacity::<K, T>()));
        self.ready.borrow_mut().push_back(std::mem::replace(batch, empty));
    }
    pub(crate) fn pop(&self) -> Option<Batch<K, T>> {
        self.ready.borrow_mut().pop_front()
    }
    pub(crate) fn recycle(&self, batch: Batch<K, T>) {
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
        self.ready.borrow().len() < LIMIT
    }
    pub(crate) fn close(&self) {
        self.closed.set(true);
    }
    pub(crate) fn ended(&self) -> bool {
        self.closed.get() && self.is_empty()
    }
}

/// The end of a chain that feeds a queue.
pub(crate) struct QueueEnd<K, T> {
    queue: Rc<Queue<K, T>>,
    batch: Batch<K, T>,
}
impl<K, T> QueueEnd<K, T> {
    pub(crate) fn new(queue: Rc<Queue<K, T>>) -> Self {
        QueueEnd { queue, batch: Vec::new() }
    }
}
impl<K: Clone + 'static, T: 'static> Push<K, T> for QueueEnd<K, T> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, K>, record: T) {
        self.batch.push(Envelope { hash: at.hash, key: at.key.clone(), record });
        if self.batch.len() >= capacity::<K, T>() {
            self.queue.swap(&mut self.batch);
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
    fn pump(&mut self) -> bool {
        self.queue.has_room()
    }
    fn settle(&mut self, _: u64) {}
    fn flush(&mut self) -> bool {
        let waiting = !self.batch.is_empty();
        if waiting {
            self.queue.swap(&mut self.batch);
        }
        waiting
    }
    fn finish(&mut self) {
        self.queue.close();
    }
}

/// The end of a chain whose records have several consumers: all but the last get copies.
pub(crate) struct Tee<K, T> {
    pub(crate) ends: Vec<QueueEnd<K, T>>,
    pub(crate) site: crate::stream::env::Site,
}
impl<K: Clone + 'static, T: Clone + 'static> Push<K, T> for Tee<K, T> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, K>, record: T) {
        if let Some((last, others)) = self.ends.split_last_mut() {
            let guard = self.site.guard();
            for end in others {
                end.push(at, record.clone());
            }
            guard.disarm();
            last.push(at, record);
        }
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
    fn pump(&mut self) -> bool {
        self.ends.iter_mut().fold(true, |free, end| end.pump() & free)
    }
    fn settle(&mut self, _: u64) {}
    fn flush(&mut self) -> bool {
        self.ends.iter_mut().fold(false, |any, end| end.flush() | any)
    }
    fn finish(&mut self) {
        self.ends.iter_mut().for_each(Push::finish);
    }
}

/// The end of a chain that is split in two by a condition.
pub(crate) struct SplitEnd<K, T, F> {
    pub(crate) f: F,
    pub(crate) yes: QueueEnd<K, T>,
    pub(crate) no: QueueEnd<K, T>,
    pub(crate) site: crate::stream::env::Site,
}
impl<K: Clone + 'static, T: 'static, F: FnMut(&T) -> bool + 'static> Push<K, T> for SplitEnd<K, T, F> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, K>, record: T) {
        let guard = self.site.guard();
        let yes = (self.f)(&record);
        guard.disarm();
        if yes { self.yes.push(at, record) } else { self.no.push(at, record) }
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
    fn pump(&mut self) -> bool {
        self.yes.pump() & self.no.pump()
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
    fn finish(&mut self) {
        self.yes.finish();
        self.no.finish();
    }
}
