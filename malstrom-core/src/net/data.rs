//! The data lanes of a process: what its workers send to those of the others, and what these send.
//!
//! A [`Mesh`] has a [session](crate::exchange::session) with each other process of an attempt. Of two processes, the one with the
//! lower number connects, again and again until the session has been without a connection for its grace; the other one waits.
//! What waits in an [outbox](Outbox) goes out as far as the session has credit; what comes in is delivered at once, and counts as
//! consumed then. All of a session's work is one task that reads and writes by turns and waits for neither, so a peer that takes
//! nothing holds up nobody, and gives nobody more to keep than its window.
mod driver;

use super::dial::DialError;
use super::frame::FrameError;
use super::io::{Io, Task};
use super::listen::{Door, Listener, Room};
use crate::exchange::message::{Message, Outbox};
use crate::exchange::session::{Attempt, Config, Session, SessionError};
use driver::Driver;
use futures_util::FutureExt;
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Notify, mpsc};

/// Takes what a process has sent; why it cannot, if so. Runs on the thread of the network, so it must not block.
pub type Deliver = Arc<dyn Fn(u32, Message) -> Result<(), String> + Send + Sync>;
/// Is told, once for each process, that the session with it is over.
pub type Failed = Arc<dyn Fn(u32, PeerError) + Send + Sync>;

/// The greatest number of connections of a process that wait to be looked at.
const CALLS: usize = 4;

/// Another process of the attempt.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its number.
    pub process: u32,
    /// Where it listens: `host:port`. Of use if its number is the greater one.
    pub address: String,
    /// What is to be sent to it.
    pub outbox: Arc<Outbox>,
    /// A number drawn at random, for this session only.
    pub number: u64,
}
/// The data lanes of an attempt.
#[derive(Clone, Debug)]
pub struct MeshSettings {
    /// The attempt.
    pub attempt: Attempt,
    /// The number of this process.
    pub me: u32,
    /// The others.
    pub peers: Vec<Peer>,
    /// How sessions behave.
    pub config: Config,
}
impl MeshSettings {
    /// How sessions between processes behave unless something else is wanted: a window of 4 MiB.
    pub fn config() -> Config {
        Config { window: 4 << 20, allowance: 256 << 10, ..Config::default() }
    }
}

/// Why the session with a process is over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The session has failed.
    #[error("{cause}{}", last.as_ref().map_or(String::new(), |last| format!(" (at last: {last})")))]
    Session {
        /// How.
        cause: SessionError,
        /// What was wrong with the last connection, or kept it from coming about.
        last: Option<String>,
    },
    /// The process does not want a session.
    #[error("no session with process {peer}: {reason}")]
    Refused {
        /// The process.
        peer: u32,
        /// Why not.
        reason: String,
    },
    /// What has arrived is no frame.
    #[error("cannot read what process {peer} sends")]
    Frame {
        /// The process.
        peer: u32,
        /// What is wrong with it.
        #[source]
        cause: FrameError,
    },
    /// What was to be sent is larger than anything that can be.
    #[error(
        "a message of {bytes} bytes to process {peer} is too large, as at most {most} can be sent; make the records or the \
         batches smaller"
    )]
    TooLarge {
        /// The process.
        peer: u32,
        /// Its size.
        bytes: u64,
        /// The greatest size.
        most: u64,
    },
    /// What has arrived was not taken.
    #[error("a message of process {peer} cannot be taken: {reason}")]
    Undeliverable {
        /// The process.
        peer: u32,
        /// What was said by who should take it.
        reason: String,
    },
    /// Whoever should take what has arrived has panicked.
    #[error("taking a message of process {peer} panicked: {message}")]
    Panic {
        /// The process.
        peer: u32,
        /// The panic's message.
        message: String,
    },
}
impl PeerError {
    fn refused(peer: u32, error: &DialError) -> PeerError {
        PeerError::Refused { peer, reason: error.to_string() }
    }
}

/// The data lanes of an attempt, until it is dropped. The others notice that at once.
pub struct Mesh {
    attempt: Attempt,
    door: Arc<Door>,
    tasks: Vec<Task>,
    /// What is to be sent to each peer, and whether all that was taken of it is acknowledged.
    sent: Vec<(Arc<Outbox>, Arc<AtomicBool>)>,
}
impl fmt::Debug for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mesh({}, {} peers)", self.attempt, self.tasks.len())
    }
}
impl Mesh {
    /// Begins a session with each peer. Connections to a listener that are of an older attempt are refused from now on.
    ///
    /// When the mesh has been dropped, by any other thread than that of the network, nothing more is delivered. What was not
    /// acknowledged by then may be lost. Whoever drops it must not hold a lock that `deliver` or `failed` want.
    pub fn start(listener: &Listener, settings: MeshSettings, deliver: Deliver, failed: Failed) -> Mesh {
        let Listener { door, io, .. } = listener;
        let MeshSettings { attempt, me, peers, config } = settings;
        let mut callers = HashMap::new();
        let mut calls = Vec::new();
        for peer in &peers {
            let (caller, call) = mpsc::channel(CALLS);
            if peer.process < me {
                callers.insert(peer.process, caller);
            }
            calls.push(call);
        }
        let sent: Vec<_> = peers.iter().map(|peer| (peer.outbox.clone(), Arc::new(AtomicBool::new(true)))).collect();
        let settled = sent.iter().map(|(_, settled)| settled.clone());
        let tasks = peers.into_iter().zip(calls).zip(settled).map(|((peer, calls), settled)| {
            let clock = io.clock();
            let bell = Arc::new(Notify::new());
            let rung = bell.clone();
            peer.outbox.on_message(move || rung.notify_one());
            let session = Session::new(config, attempt, [me, peer.process], peer.number, clock());
            let (door, deliver, failed) = (door.clone(), deliver.clone(), failed.clone());
            start(
                io,
                move |stopped| Driver {
                    me,
                    attempt,
                    peer,
                    session,
                    calls,
                    door,
                    bell,
                    clock,
                    deliver,
                    stopped,
                    settled,
                    last: None,
                    backoff: None,
                },
                failed,
            )
        });
        let tasks = tasks.collect();
        // The last thing, as whoever finds the room wants somebody in it.
        door.open(Room { attempt, me, callers });
        Mesh { attempt, door: door.clone(), tasks, sent }
    }
    /// Whether everything that was put into the outboxes by now has been delivered to the other processes. A process that
    /// ends waits for it, as what is under way is lost with the mesh.
    pub fn is_settled(&self) -> bool {
        // In this order: what a driver takes it has announced before.
        self.sent.iter().all(|(outbox, settled)| outbox.is_empty() && settled.load(Ordering::SeqCst))
    }
}
fn start(io: &Arc<Io>, driver: impl FnOnce(tokio::sync::oneshot::Receiver<()>) -> Driver, failed: Failed) -> Task {
    io.task(|stopped| {
        let driver = driver(stopped);
        let process = driver.peer.process;
        async move {
            let ended = AssertUnwindSafe(driver.run()).catch_unwind().await;
            let error =
                ended.unwrap_or_else(|panic| Some(PeerError::Panic { peer: process, message: text_of(&*panic) }));
            if let Some(error) = error {
                failed(process, error);
            }
        }
    })
}
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}
impl Drop for Mesh {
    fn drop(&mut self) {
        self.door.leave(self.attempt);
        // All at once, not one after the other.
        for task in &mut self.tasks {
            task.stop();
        }
    }
}
