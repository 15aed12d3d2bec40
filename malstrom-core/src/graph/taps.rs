//! Streams that come right out of an exchange: what is sent there can be taken before.
use crate::contract::code::Code;
use crate::contract::form::Meta;
use crate::contract::typed::MetaOf;
use crate::exchange::queue::Queue;
use crate::exchange::wire::Wire;
use crate::stream::Stream;
use crate::stream::env::Env;
use crate::stream::windows::late::OnLate;
use std::cell::RefCell;
use std::rc::Rc;

/// Where the records of an exchange can be taken before they are sent, and how they are written if they are.
pub struct Tap<M: Meta, T> {
    tapped: RefCell<Option<Tapped<M, T>>>,
    wire: fn(u64) -> Wire<M, T>,
    code: Code<T>,
}
struct Tapped<M: Meta, T> {
    queue: Rc<Queue<M, T>>,
    /// Also where there is but one worker.
    always: bool,
}
impl<M: Meta, T> std::fmt::Debug for Tap<M, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap")
    }
}
impl<M: Meta, T> Tap<M, T> {
    /// That of records which these write where they leave the process.
    pub(crate) fn new(wire: fn(u64) -> Wire<M, T>, code: Code<T>) -> Rc<Self> {
        Rc::new(Tap { tapped: RefCell::default(), wire, code })
    }
    /// How batches of them are written, in a job whose key hashes have this seed.
    pub(crate) fn wire(&self, seed: u64) -> Wire<M, T> {
        (self.wire)(seed)
    }
    /// How one of them is.
    pub(crate) fn code(&self) -> Code<T> {
        self.code
    }
    /// Takes the records.
    pub(crate) fn take(&self, always: bool) {
        self.tapped.replace(Some(Tapped { queue: Queue::new(), always }));
    }
    /// Where they go in place of the exchange, if somebody takes them.
    pub(crate) fn queue(&self, env: &Env) -> Option<Rc<Queue<M, T>>> {
        let tapped = self.tapped.borrow();
        tapped.as_ref().filter(|tapped| tapped.always || env.is_parallel()).map(|tapped| tapped.queue.clone())
    }
}

/// What takes the late records of a stream that is cut into windows, and the number of that stage.
pub type LateOf<U> = (usize, Box<dyn OnLate<MetaOf<U>, <U as crate::contract::typed::Typed>::Item>>);
/// A stream that comes right out of an exchange.
pub trait Taps: Stream {
    /// Where its records can be taken before they are sent.
    fn tap(&self) -> Rc<Tap<MetaOf<Self>, Self::Item>>;
    /// What takes its late records, if it is cut into windows.
    fn into_late(self) -> Option<LateOf<Self>>;
    /// Whether each late record is wanted.
    fn wants_late(&self) -> bool;
}
