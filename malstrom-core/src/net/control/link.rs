//! The end of the control lane that connects.
use super::super::dial::dial;
use super::super::identity::{Identity, Lane};
use super::super::io::{Clock, Connection, Io, Task};
use super::super::tls::Tls;
use super::SendError;
use super::lane::{self, Queue};
use bytes::Bytes;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long to wait between two attempts to connect: at first, and at most.
const BACKOFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// What happens at the end that connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// There is a connection. Nothing that was said on the one before holds.
    Up,
    /// The other end has sent a message.
    Said(Bytes),
    /// There is no connection (any more), and why. It is told once for each reason, and tried again.
    Down(String),
    /// The other end does not want this process, or the other way round, and why. It is tried again.
    Refused(String),
}

/// To whom a link connects, and as whom.
pub struct LinkSettings {
    /// Says where to connect to (`host:port`). Asked anew for each attempt; each is tried in turn. Must not block.
    pub addresses: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// Who this process is.
    pub identity: Identity,
    /// With what to prove it.
    pub tls: Option<Tls>,
    /// After how long without a byte a connection is given up. See [`SILENCE`](super::SILENCE).
    pub silence: Duration,
    /// A number drawn at random, so that not all processes connect at the same moment.
    pub seed: u64,
}
impl fmt::Debug for LinkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkSettings({:?}, silence {:?})", self.identity, self.silence)
    }
}

/// What the task shares with its link.
#[derive(Default)]
struct Shared {
    queue: Mutex<Option<Arc<Queue>>>,
}
impl Shared {
    fn set(&self, queue: Option<Arc<Queue>>) {
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = queue;
    }
    fn get(&self) -> Option<Arc<Queue>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The end of the control lane that connects, until it is dropped. What waits to be sent is sent then, if that goes soon.
pub struct Link {
    shared: Arc<Shared>,
    _task: Task,
}
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", if self.shared.get().is_some() { "up" } else { "down" })
    }
}
impl Link {
    /// Connects, and again whenever the connection is lost. `events` runs on the thread of the network, so it must not block.
    pub fn start(io: &Arc<Io>, settings: LinkSettings, events: Box<dyn Fn(LinkEvent) + Send + Sync>) -> Link {
        let shared = Arc::new(Shared::default());
        let mut dialer =
            Dialer { settings, events, shared: shared.clone(), clock: io.clock(), told: None, backoff: BACKOFF[0] };
        let task = io.task(|mut stopped| async move {
            loop {
                tokio::select! {
                    biased;
                    _ = &mut stopped => return,
                    connection = dialer.obtain() => {
                        let queue = Arc::new(Queue::default());
                        let served = dialer.serve(connection, queue.clone());
                        let mut served = std::pin::pin!(served);
                        tokio::select! {
                            biased;
                            _ = &mut stopped => {
                                queue.close();
                                served.await;
                                return;
                            }
                            () = &mut served => {}
                        }
                    }
                }
            }
        });
        Link { shared, _task: task }
    }
    /// Sends a message, behind all others of this connection.
    ///
    /// # Errors
    /// If there is no connection, the message is too large, or too much waits already. With the last one, the connection is
    /// closed.
    pub fn send(&self, message: Bytes) -> Result<(), SendError> {
        self.shared.get().ok_or(SendError::Down)?.put(message)
    }
}

struct Dialer {
    settings: LinkSettings,
    events: Box<dyn Fn(LinkEvent) + Send + Sync>,
    shared: Arc<Shared>,
    clock: Clock,
    /// What was told last, if nothing has changed since.
    told: Option<LinkEvent>,
    backoff: Duration,
}
impl Dialer {
    fn tell(&mut self, event: LinkEvent) {
        if self.told.as_ref() != Some(&event) {
            self.told = Some(event.clone());
            (self.events)(event);
        }
    }
    /// Between half of the back-off and all of it.
    fn pause(&mut self) -> Duration {
        // A step of splitmix64.
        self.settings.seed = self.settings.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.settings.seed;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let part = (drawn >> 56) as u32;
        let pause = self.backoff / 2 + self.backoff * part / 512;
        self.backoff = (self.backoff * 2).min(BACKOFF[1]);
        pause
    }
    /// Tries until there is a connection.
    async fn obtain(&mut self) -> Connection {
        loop {
            let addresses = (self.settings.addresses)();
            if addresses.is_empty() {
                self.tell(LinkEvent::Down("no address of a coordinator is known yet".to_owned()));
            }
            for address in addresses {
                let LinkSettings { identity, tls, .. } = &self.settings;
                match dial(&address, identity, Lane::Control, tls.as_ref()).await {
                    Ok(stream) => return Connection::new(stream),
                    Err(error) if error.is_refusal() => self.tell(LinkEvent::Refused(error.to_string())),
                    Err(error) => self.tell(LinkEvent::Down(error.to_string())),
                }
            }
            let pause = self.pause();
            tokio::time::sleep(pause).await;
        }
    }
    async fn serve(&mut self, connection: Connection, queue: Arc<Queue>) {
        self.backoff = BACKOFF[0];
        self.shared.set(Some(queue.clone()));
        self.tell(LinkEvent::Up);
        let Dialer { settings, events, clock, .. } = &*self;
        let why =
            lane::run(connection, &queue, clock, settings.silence, |message| events(LinkEvent::Said(message))).await;
        self.shared.set(None);
        self.tell(LinkEvent::Down(why));
        let pause = self.pause();
        tokio::time::sleep(pause).await;
    }
}
