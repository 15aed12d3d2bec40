//! What the two ends of a session say to each other.
use std::fmt;

/// What a session carries. It is cloned when it is sent, as it may have to be sent again, so a clone should be cheap.
pub trait Frame: Clone {
    /// What it counts against the window. Always the same for one frame; 0 counts as 1.
    fn bytes(&self) -> u64;
    /// Whether it may go beyond the window, by the [allowance](super::Config::allowance): a barrier, or an end.
    fn is_control(&self) -> bool {
        false
    }
}

/// One run of a job's processes between two recoveries. A later one is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    /// The term of the coordinator that has begun it.
    pub term: u64,
    /// Its number within that term.
    pub attempt: u64,
}
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt {} of term {}", self.attempt, self.term)
    }
}

/// With what each end begins a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// In which attempt the sender takes part.
    pub attempt: Attempt,
    /// The sender, and whom it believes to talk to.
    pub ends: [u32; 2],
    /// The number that the sender has drawn for this session.
    pub session: u64,
    /// The number of the receiver, if the sender has heard it.
    pub peer: Option<u64>,
    /// The number of the last frame that the sender has received; 0 if it has none.
    pub received: u64,
    /// Up to which position in bytes the receiver may send.
    pub limit: u64,
    /// The window of the sender.
    pub window: u64,
    /// How much further control frames may go.
    pub allowance: u64,
}

/// What goes over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<F> {
    /// The first one.
    Hello(Hello),
    /// A frame.
    Frame {
        /// Its number, from 1.
        seq: u64,
        /// What the user of the session has sent.
        frame: F,
    },
    /// What the sender has, and what it can take.
    Ack {
        /// The number of the last frame that it has received.
        received: u64,
        /// Up to which position in bytes it may be sent more.
        limit: u64,
    },
}
