//! One worker's ends of an exchange.
use super::Fabric;
use crate::contract::form::Meta;
use crate::error::Result;
use crate::exchange::batch::Batch;
use crate::exchange::changes::Changes;
use crate::exchange::lines::Far;
use crate::exchange::near::{Near, Waiting};
use crate::exchange::queue::Queue;
use crate::exchange::route::RouteTable;
use crate::stream::env::Site;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Add;
use std::rc::Rc;
use std::sync::Arc;

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
    pub(in crate::exchange) fn empty(&self, room: usize) -> Batch<M, T> {
        match self {
            Peer::Near(near) => near.empty(room),
            Peer::Far(far) => far.empty(room),
        }
    }
}
/// One worker's ends of an exchange by the numbers of others; the entry for itself, and for those who take no part, is `None`.
pub(super) type Ends<M, T> = Vec<Option<Peer<M, T>>>;

/// Ends of the channels of an exchange that wait for their worker: by that, and by the one at the other end.
pub(super) type Loose<M, T> = HashMap<(usize, usize), Near<M, T>>;
/// The end of a new pair of channels, or the one that is left of a pair of which the other worker has its end already.
pub(super) fn end<M: Meta, T>(loose: &mut Loose<M, T>, worker: usize, other: usize, channel: usize) -> Near<M, T> {
    if let Some(mine) = loose.remove(&(worker, other)) {
        return mine;
    }
    let [mine, others] = Near::pair(channel);
    loose.insert((other, worker), others);
    mine
}
pub(super) type Connect<M, T> = Box<dyn Fn(usize) -> Result<Peer<M, T>>>;
/// One worker's end of one exchange.
pub(crate) struct Exchange<M: Meta, T> {
    pub(in crate::exchange) local: Rc<Queue<M, T>>,
    pub(in crate::exchange) peers: RefCell<Ends<M, T>>,
    pub(in crate::exchange) fabric: Arc<Fabric>,
    /// Gives the end that leads to a worker that joins.
    pub(super) connect: Connect<M, T>,
    /// Who owns which key group at first, and who takes part.
    pub(in crate::exchange) route: Rc<RouteTable>,
    pub(in crate::exchange) members: Vec<usize>,
    pub(in crate::exchange) changes: Rc<Changes>,
    pub(in crate::exchange) worker: usize,
    /// Nobody takes what comes here any more.
    pub(in crate::exchange) closed: Cell<bool>,
    /// Where it fails, if what crosses it cannot be written or read.
    pub(crate) site: Site,
}

impl<M: Meta, T> Exchange<M, T> {
    /// What waits to be received.
    pub(in crate::exchange) fn waiting(&self) -> Waiting {
        if self.closed.get() {
            return Waiting::default();
        }
        self.peers.borrow().iter().flatten().map(Peer::waiting).fold(self.local.waiting(), Waiting::add)
    }
    /// How many batches that is.
    pub(in crate::exchange) fn len(&self) -> usize {
        if self.closed.get() {
            return 0;
        }
        self.local.len() + self.peers.borrow().iter().flatten().map(Peer::len).sum::<usize>()
    }
    /// What becomes of one of its peers, if it has it.
    pub(in crate::exchange) fn with_peer<R>(&self, other: usize, with: impl FnOnce(&Peer<M, T>) -> R) -> Option<R> {
        self.peers.borrow().get(other).and_then(Option::as_ref).map(with)
    }
}
impl<M: Meta, T> Exchange<M, T> {
    /// Workers join it.
    pub(in crate::exchange) fn open(&self, joiners: impl Iterator<Item = usize>) {
        for joiner in joiners.filter(|joiner| *joiner != self.worker) {
            match (self.connect)(joiner) {
                Ok(peer) => {
                    let mut peers = self.peers.borrow_mut();
                    if peers.len() <= joiner {
                        peers.resize_with(joiner + 1, || None);
                    }
                    // One of the same number that was there before has left, and has received all.
                    peers[joiner] = Some(peer);
                }
                Err(error) => self.site.fail(error.in_connector(&self.site.id)),
            }
        }
    }
}
