//! What happens in a network: what its nodes get to know, and what is due.
use std::cmp::Ordering;
use std::time::Duration;

/// On what a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// In order and once, while the connection lives.
    Connection,
    /// By itself: later messages may arrive sooner, and some never or twice. For what may be said twice without harm.
    Datagram,
}
/// What a node gets to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival<M> {
    /// A message has come.
    Message {
        /// From whom.
        from: usize,
        /// To whom.
        to: usize,
        /// On which lane.
        lane: Lane,
        /// What was sent.
        message: M,
    },
    /// A node has a new connection to a peer, and can send on it. The peer may not know of it yet.
    Up {
        /// The node.
        node: usize,
        /// At the other end.
        peer: usize,
    },
    /// A node has found out that its connection to a peer is gone.
    Down {
        /// The node.
        node: usize,
        /// What was at the other end.
        peer: usize,
    },
}

/// What is due.
#[derive(Debug)]
pub(super) enum What<M> {
    /// Two nodes try to connect.
    Connect {
        a: usize,
        b: usize,
    },
    Up {
        node: usize,
        peer: usize,
        connection: u64,
    },
    Down {
        node: usize,
        peer: usize,
        connection: u64,
    },
    Break {
        a: usize,
        b: usize,
        connection: u64,
    },
    /// The next message of a connection arrives. `turn` if a slow reader has given it a time already.
    Deliver {
        from: usize,
        to: usize,
        connection: u64,
        turn: bool,
    },
    Datagram {
        from: usize,
        to: usize,
        life: u64,
        turn: bool,
        message: M,
    },
}
#[derive(Debug)]
pub(super) struct Due<M> {
    pub(super) at: Duration,
    /// What is due at the same time happens in the order in which it was said.
    pub(super) order: u64,
    pub(super) what: What<M>,
}
impl<M> PartialEq for Due<M> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl<M> Eq for Due<M> {}
impl<M> PartialOrd for Due<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<M> Ord for Due<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
