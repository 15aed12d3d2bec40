//! Aggregation in two phases: what comes to a worker is combined there before it is sent to the workers that own the keys,
//! so that a key which many records have costs its owner no more than others do.
//!
//! The first phase is a combiner, which stands between `key_by` and the exchange. It keeps a partial result per key, and
//! in windows per pane, until the watermark passes the pane; whatever it sends goes through one exchange, in the order in
//! which it was made. A record of a pane that has been sent goes as it is, to be judged where its windows are. The second
//! phase is the stage that would stand there anyway, and takes both.
pub(crate) mod first;
pub(crate) mod second;

use super::aggregate::Aggregate;
use crate::contract::code::Code;
use crate::contract::window::Window;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// What goes to the owner of a key.
pub(crate) enum Part<T, V> {
    Record(T),
    /// What has come of so many records.
    Gathered {
        kept: V,
        records: u64,
    },
}

/// An aggregate that both phases use, which are segments of one worker and never run at the same time.
pub(crate) struct Shared<A>(Rc<RefCell<A>>);
impl<A> Clone for Shared<A> {
    fn clone(&self) -> Self {
        Shared(self.0.clone())
    }
}
impl<K, T, A: Aggregate<K, T>> Aggregate<K, T> for Shared<A> {
    type Kept = A::Kept;
    type Codec = A::Codec;
    type Out = A::Out;
    type Closed = A::Closed;
    const EACH: bool = A::EACH;
    const MERGES: bool = A::MERGES;
    const COMBINES: bool = A::COMBINES;
    fn codec(&self) -> Option<A::Codec> {
        self.0.borrow().codec()
    }
    fn record_code(&self) -> Option<Code<T>> {
        self.0.borrow().record_code()
    }
    #[inline(always)]
    fn fresh(&self) -> A::Kept {
        self.0.borrow().fresh()
    }
    #[inline(always)]
    fn add(&mut self, kept: &mut A::Kept, record: T) {
        self.0.borrow_mut().add(kept, record);
    }
    #[inline(always)]
    fn shown(&self, kept: &A::Kept, key: &K) -> Option<A::Out> {
        self.0.borrow().shown(kept, key)
    }
    fn merge(&mut self, kept: &mut A::Kept, later: A::Kept) {
        self.0.borrow_mut().merge(kept, later);
    }
    fn close(&mut self, kept: A::Kept, key: &K, window: Window, emit: impl FnMut(A::Closed)) {
        self.0.borrow_mut().close(kept, key, window, emit);
    }
}
/// An aggregate until it is known whether it works in two phases.
pub(crate) struct Seat<A> {
    alone: Cell<Option<A>>,
    shared: OnceCell<Shared<A>>,
}
impl<A> Seat<A> {
    pub(crate) fn new(aggregate: A) -> Rc<Self> {
        Rc::new(Seat { alone: Cell::new(Some(aggregate)), shared: OnceCell::new() })
    }
    /// For one phase.
    pub(crate) fn alone(&self) -> crate::Result<A> {
        self.alone.take().ok_or_else(Self::gone)
    }
    /// For both phases.
    pub(crate) fn shared(&self) -> crate::Result<Shared<A>> {
        if let Some(shared) = self.shared.get() {
            return Ok(shared.clone());
        }
        let shared = Shared(Rc::new(RefCell::new(self.alone()?)));
        Ok(self.shared.get_or_init(|| shared).clone())
    }
    fn gone() -> crate::Error {
        crate::Error::Config(
            "an aggregate was made twice on one worker: the pipeline was built from parts of another".into(),
        )
    }
}
