//! The end of a chain in tests, which takes note of what comes.
use super::signal::{End, Flow, Mark, Signal};
use super::{At, Push};
use crate::contract::form::Meta;
use crate::contract::snapshot::Task;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// What has come to the end of a chain. Its copies have the same.
pub(crate) struct Seen<M: Meta, T> {
    /// The records, each with its key.
    pub(crate) records: Rc<RefCell<Vec<(M::Key, T)>>>,
    /// The watermarks.
    pub(crate) marks: Rc<RefCell<Vec<Mark>>>,
}
impl<M: Meta, T> Default for Seen<M, T> {
    fn default() -> Self {
        Seen { records: Rc::default(), marks: Rc::default() }
    }
}
impl<M: Meta, T> Clone for Seen<M, T> {
    fn clone(&self) -> Self {
        Seen { records: self.records.clone(), marks: self.marks.clone() }
    }
}
impl<M: Meta<Key: Clone>, T: 'static> Push<M, T> for Seen<M, T> {
    fn push(&mut self, at: At<'_, M>, record: T) {
        self.records.borrow_mut().push((at.key.clone(), record));
    }
    fn signal(&mut self, signal: Signal) {
        if let Signal::Time(mark) = signal {
            self.marks.borrow_mut().push(mark);
        }
    }
    fn touch(&self, _: u64) {}
    fn worth_touching(&self) -> bool {
        false
    }
    fn full(&self) -> bool {
        false
    }
    fn pump(&mut self) -> Flow {
        Flow::Free
    }
    fn tick(&mut self, _: Duration) -> Option<Duration> {
        None
    }
    fn settle(&mut self, _: u64) {}
    fn flush(&mut self) -> bool {
        false
    }
    fn finish(&mut self, _: End) {}
    fn persist(&mut self, _: Task<'_, '_>) {}
    fn passed(&self) -> u64 {
        0
    }
}
