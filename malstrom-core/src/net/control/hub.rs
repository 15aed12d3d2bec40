//! The end of the control lane that listens.
use super::super::holder::Holders;
use super::super::io::{Clock, Connection, END, Io, Stream};
use super::super::listen::{Door, Listener};
use super::lane::{self, Queue};
use super::{ConnectionId, SendError};
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happens at the end that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlEvent {
    /// A process has connected, from this address. By its certificate it may be any of these.
    Opened(ConnectionId, SocketAddr, Holders),
    /// It has sent a message.
    Said(ConnectionId, Bytes),
    /// It is gone. Nothing else follows of this connection.
    Closed(ConnectionId),
}

/// The connections of a [`Control`].
pub(in super::super) struct Hub {
    events: Box<dyn Fn(ControlEvent) + Send + Sync>,
    clock: Clock,
    silence: Duration,
    lanes: Mutex<Lanes>,
    /// Tells that there is one lane less.
    ended: Condvar,
}
#[derive(Default)]
struct Lanes {
    open: HashMap<ConnectionId, Arc<Queue>>,
    next: u64,
    closed: bool,
}
impl Hub {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Takes a connection whose handshake is done. To be called on the thread of the network.
    pub(in super::super) fn open(self: Arc<Self>, stream: Stream, address: SocketAddr, holders: Holders) {
        let queue = Arc::new(Queue::default());
        let mut lanes = self.lanes();
        if lanes.closed {
            return;
        }
        let id = ConnectionId(lanes.next);
        lanes.next += 1;
        lanes.open.insert(id, queue.clone());
        drop(lanes);
        tokio::spawn(async move {
            (self.events)(ControlEvent::Opened(id, address, holders));
            let said = |message| (self.events)(ControlEvent::Said(id, message));
            let why = lane::run(Connection::new(stream), &queue, &self.clock, self.silence, said).await;
            tracing::debug!("the control connection from {address} is over: {why}");
            (self.events)(ControlEvent::Closed(id));
            self.lanes().open.remove(&id);
            self.ended.notify_all();
        });
    }
}

/// The end of the control lane that listens, until it is dropped. What waits to be sent is sent then, if that goes soon.
pub struct Control {
    hub: Arc<Hub>,
    door: Arc<Door>,
    io: Arc<Io>,
}
impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Control({} connections)", self.hub.lanes().open.len())
    }
}
impl Listener {
    /// Takes control connections from now on. `events` runs on the thread of the network, so it must not block. A connection on
    /// which nothing arrives for `silence` is given up (see [`SILENCE`](super::SILENCE)).
    pub fn control(&self, silence: Duration, events: Box<dyn Fn(ControlEvent) + Send + Sync>) -> Control {
        let hub =
            Arc::new(Hub { events, clock: self.io.clock(), silence, lanes: Mutex::default(), ended: Condvar::new() });
        self.door.set_control(hub.clone());
        Control { hub, door: self.door.clone(), io: self.io.clone() }
    }
}
impl Control {
    /// Sends a message, behind all others of the connection.
    ///
    /// # Errors
    /// If the connection is gone, the message is too large, or too much waits already. With the last one, the connection is closed.
    pub fn send(&self, to: ConnectionId, message: Bytes) -> Result<(), SendError> {
        let queue = self.hub.lanes().open.get(&to).cloned();
        queue.ok_or(SendError::Down)?.put(message)
    }
    /// Closes a connection when everything is sent that waits for it. [`Closed`](ControlEvent::Closed) follows.
    pub fn close(&self, connection: ConnectionId) {
        if let Some(queue) = self.hub.lanes().open.get(&connection) {
            queue.close();
        }
    }
}
impl Drop for Control {
    fn drop(&mut self) {
        self.door.end_control(&self.hub);
        let mut lanes = self.hub.lanes();
        lanes.closed = true;
        for queue in lanes.open.values() {
            queue.close();
        }
        if !self.io.is_here() {
            let _ = self.hub.ended.wait_timeout_while(lanes, END, |lanes| !lanes.open.is_empty());
        }
    }
}
