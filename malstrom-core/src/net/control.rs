//! The control lane: messages between processes and the coordinator.
//!
//! The end that listens has a [`Control`], which tells of connections by their [id](ConnectionId). The other end has a [`Link`],
//! which connects again for ever, and asks each time where to. Messages of one connection arrive in order. What is on its way
//! when a connection breaks is lost, and both ends are told; whoever needs an answer has to ask again.
//!
//! Both ends send something every half second and give a connection up on which nothing arrives, so that a process that is
//! cut off or stopped is noticed. A reader that is too slow for what it is sent loses its connection instead of filling memory.
mod hub;
mod lane;
mod link;

pub(super) use hub::Hub;
pub use hub::{Control, ControlEvent};
pub use link::{Link, LinkEvent, LinkSettings};

use std::time::Duration;

/// How much may wait for one connection, in bytes.
pub const MOST_WAITING: usize = 64 << 20;
/// After how long without a byte a connection is given up, unless something else is wanted.
pub const SILENCE: Duration = Duration::from_secs(5);

/// One connection of a [`Control`]. No other one of that process ever has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);
#[cfg(test)]
impl ConnectionId {
    /// For tests of those who keep them.
    pub(crate) fn numbered(number: u64) -> Self {
        ConnectionId(number)
    }
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no connection.
    #[error("there is no connection to send on; wait for the next one")]
    Down,
    /// The other end does not read what it is sent.
    #[error("the other end has not read {MOST_WAITING} bytes that were sent to it; its connection is closed")]
    Slow,
    /// The message is too large.
    #[error("a message has {bytes} bytes, and at most {} are allowed; send it in parts", super::frame::MOST)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}
