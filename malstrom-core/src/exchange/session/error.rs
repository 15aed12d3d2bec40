//! What can be wrong with a session.
use super::Attempt;
use std::time::Duration;

/// Why a connection cannot be used for a session, or the session is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Who has connected is not who it should be.
    #[error(
        "process {} says that it talks to process {}, but this connection is from process {} to process {}; check the \
         addresses of the processes", found[0], found[1], expected[0], expected[1]
    )]
    Misrouted {
        /// The peer and this process.
        expected: [u32; 2],
        /// What the peer says it and this process are.
        found: [u32; 2],
    },
    /// The peer has not heard yet that there is a newer attempt.
    #[error(
        "process {peer} takes part in {theirs}, but this is {ours} by now; it is turned away until it does as well"
    )]
    Stale {
        /// The peer.
        peer: u32,
        /// The attempt of this process.
        ours: Attempt,
        /// The attempt of the peer.
        theirs: Attempt,
    },
    /// This process has not heard yet that there is a newer attempt.
    #[error("process {peer} takes part in {theirs}, so {ours} is over")]
    Outdated {
        /// The peer.
        peer: u32,
        /// The attempt of this process.
        ours: Attempt,
        /// The attempt of the peer.
        theirs: Attempt,
    },
    /// The peer has begun anew, and has lost what it had.
    #[error("process {peer} was restarted and has lost its session; the job has to be restored from its last snapshot")]
    Restarted {
        /// The peer.
        peer: u32,
    },
    /// The peer goes on with a session that this process does not have.
    #[error(
        "process {peer} goes on with a session that this process does not have, as it was restarted; the job has to be \
         restored from its last snapshot"
    )]
    Unknown {
        /// The peer.
        peer: u32,
    },
    /// The peer does not begin as it should.
    #[error("there was {what} from process {peer}, so it does not speak the protocol of this one")]
    OutOfTurn {
        /// The peer.
        peer: u32,
        /// What there was.
        what: &'static str,
    },
    /// A frame is missing.
    #[error("frame {found} of process {peer} has come where frame {expected} should be; frames are lost on the way")]
    Gap {
        /// The peer.
        peer: u32,
        /// The frame that comes next.
        expected: u64,
        /// The one that has come.
        found: u64,
    },
    /// The peer acknowledges what it was never sent.
    #[error("process {peer} says that it has frame {received}, but was sent none after frame {sent}")]
    NeverSent {
        /// The peer.
        peer: u32,
        /// The last frame that it says it has.
        received: u64,
        /// The last one that was sent.
        sent: u64,
    },
    /// The peer has less than it had, or takes back credit.
    #[error("process {peer} said that it had {what} {had}, and now says {has}")]
    Regressed {
        /// The peer.
        peer: u32,
        /// Of what it has less.
        what: &'static str,
        /// What it had.
        had: u64,
        /// What it has.
        has: u64,
    },
    /// The peer has sent more than it may.
    #[error("process {peer} has sent up to byte {sent}, but may only send up to byte {limit}")]
    Overrun {
        /// The peer.
        peer: u32,
        /// How far it has gone.
        sent: u64,
        /// How far it may go.
        limit: u64,
    },
    /// Nothing arrives on a connection.
    #[error("nothing was heard from process {peer} for {silence:?}; the connection to it is given up")]
    Silent {
        /// The peer.
        peer: u32,
        /// For how long.
        silence: Duration,
    },
    /// There was no connection for too long.
    #[error(
        "process {peer} could not be reached for {grace:?}; the job has to be restored from its last snapshot, without that \
         process or once it is back"
    )]
    Grace {
        /// The peer.
        peer: u32,
        /// For how long.
        grace: Duration,
    },
}
impl SessionError {
    /// Whether the session is over. If not, only the connection is, and the session goes on with the next one.
    pub fn ends_session(&self) -> bool {
        !matches!(
            self,
            // Somebody else has called, which the peer of this session cannot help; or the peer is too late or gone.
            SessionError::Misrouted { .. }
                | SessionError::Stale { .. }
                | SessionError::OutOfTurn { .. }
                | SessionError::Silent { .. }
        )
    }
}

/// A frame that was not taken, and why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsent<F> {
    /// The peer has to consume something first.
    #[error("the peer has to consume what it was sent before it takes more")]
    NoCredit(F),
    /// It is larger than the window.
    #[error(
        "a frame of {bytes} bytes is more than the window of {most} bytes; make the window larger or the record smaller"
    )]
    TooLarge {
        /// The frame.
        frame: F,
        /// Its size.
        bytes: u64,
        /// The greatest size.
        most: u64,
    },
    /// The session is over.
    #[error("the session is over")]
    Failed(F),
}
impl<F> Unsent<F> {
    /// The frame.
    pub fn into_frame(self) -> F {
        match self {
            Unsent::NoCredit(frame) | Unsent::TooLarge { frame, .. } | Unsent::Failed(frame) => frame,
        }
    }
}
