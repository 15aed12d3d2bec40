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
use std::collections::BTreeMap;
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
    me: u32,
    config: Config,
    door: Arc<Door>,
    io: Arc<Io>,
    deliver: Deliver,
    failed: Failed,
    lanes: BTreeMap<u32, Lane>,
}
/// The session with a peer.
struct Lane {
    task: Task,
    /// What is to be sent to it, and whether all that was taken of it is acknowledged.
    outbox: Arc<Outbox>,
    settled: Arc<AtomicBool>,
}
impl fmt::Debug for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mesh({}, {} peers)", self.attempt, self.lanes.len())
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
        let (door, io, lanes) = (door.clone(), io.clone(), BTreeMap::new());
        let mut mesh = Mesh { attempt, me, config, door, io, deliver, failed, lanes };
        let callers = peers.into_iter().filter_map(|peer| mesh.begin(peer)).collect();
        // The last thing, as whoever finds the room wants somebody in it.
        mesh.door.open(Room { attempt, me, callers });
        mesh
    }
    /// Begins a session with one more peer, if there is none with it.
    pub fn add(&mut self, peer: Peer) {
        if self.lanes.contains_key(&peer.process) {
            return;
        }
        if let Some((process, caller)) = self.begin(peer) {
            self.door.expect(self.attempt, process, caller);
        }
    }
    /// Ends the session with a peer. What was not acknowledged by then may be lost.
    pub fn remove(&mut self, peer: u32) {
        self.door.expect_no_more(self.attempt, peer);
        self.lanes.remove(&peer);
    }
    /// Begins a session. Where its connections are to be sent, if the peer makes them.
    fn begin(&mut self, peer: Peer) -> Option<(u32, mpsc::Sender<super::io::Stream>)> {
        let Mesh { attempt, me, config, io, .. } = self;
        let (attempt, me) = (*attempt, *me);
        let (caller, calls) = mpsc::channel(CALLS);
        let (process, outbox, settled) = (peer.process, peer.outbox.clone(), Arc::new(AtomicBool::new(true)));
        let (clock, bell) = (io.clock(), Arc::new(Notify::new()));
        let rung = bell.clone();
        outbox.on_message(move || rung.notify_one());
        let session = Session::new(*config, attempt, [me, process], peer.number, clock());
        let (door, deliver, failed) = (self.door.clone(), self.deliver.clone(), self.failed.clone());
        let noted = settled.clone();
        let driver = move |stopped| Driver {
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
            settled: noted,
            last: None,
            backoff: None,
        };
        let task = start(io, driver, failed);
        self.lanes.insert(process, Lane { task, outbox, settled });
        (process < me).then_some((process, caller))
    }
    /// Whether everything that was put into the outboxes by now has been delivered to the other processes. A process that
    /// ends waits for it, as what is under way is lost with the mesh.
    pub fn is_settled(&self) -> bool {
        // In this order: what a driver takes it has announced before.
        self.lanes.values().all(|lane| lane.outbox.is_empty() && lane.settled.load(Ordering::SeqCst))
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
        self.lanes.values_mut().for_each(|lane| lane.task.stop());
    }
}
