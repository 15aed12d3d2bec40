//! One session, and the connections that it has one after the other.
use super::super::dial::dial;
use super::super::frame::{Frame, FrameError, encode_packet};
use super::super::identity::Lane;
use super::super::io::{BATCH, Broken, Clock, Connection, Stream, until};
use super::super::listen::Door;
use super::{Deliver, Peer, PeerError};
use crate::exchange::message::Message;
use crate::exchange::session::{Attempt, Frame as _, Session, SessionError, Unsent};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};

/// How long to wait between two attempts to connect: at first, and at most.
const BACKOFF: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];
/// After how many bytes others may have the thread.
const TURN: usize = 1 << 20;

pub(super) struct Driver {
    pub(super) me: u32,
    pub(super) attempt: Attempt,
    pub(super) peer: Peer,
    pub(super) session: Session<Message>,
    /// Connections that the peer has made.
    pub(super) calls: mpsc::Receiver<Stream>,
    pub(super) door: Arc<Door>,
    /// Rings when there is something to send.
    pub(super) bell: Arc<Notify>,
    pub(super) clock: Clock,
    pub(super) deliver: Deliver,
    pub(super) stopped: oneshot::Receiver<()>,
    /// Whether all that was taken from the outbox is acknowledged.
    pub(super) settled: Arc<AtomicBool>,
    /// What was wrong with the last connection.
    pub(super) last: Option<String>,
    /// How long to wait before the next attempt to connect.
    pub(super) backoff: Option<Duration>,
}

/// Why the session is over.
enum End {
    Stopped,
    Failed(PeerError),
}
/// What comes after a connection.
enum Next {
    /// None, or the one that the peer has made in its place.
    Connection(Option<Stream>),
    End(End),
}
/// What has happened.
enum Event {
    Moved(usize),
    Rung,
    Time,
    Broken(Broken),
    Called(Stream),
    Stopped,
}

impl Driver {
    /// Why the session has failed; nothing if it was told to stop.
    pub(super) async fn run(mut self) -> Option<PeerError> {
        let mut stream = None;
        loop {
            let connection = match stream.take() {
                Some(stream) => Ok(stream),
                None => self.obtain().await,
            };
            let next = match connection {
                Ok(stream) => self.serve(Connection::new(stream)).await,
                Err(end) => Next::End(end),
            };
            match next {
                Next::Connection(next) => stream = next,
                Next::End(End::Stopped) => return None,
                Next::End(End::Failed(error)) => return Some(error),
            }
        }
    }
    fn failure(&mut self, cause: SessionError) -> End {
        End::Failed(PeerError::Session { cause, last: self.last.take() })
    }
    /// Waits for a connection.
    async fn obtain(&mut self) -> Result<Stream, End> {
        let Driver { me, attempt, peer, session, calls, door, clock, stopped, last, backoff, .. } = self;
        let lane = Lane::data(*me, peer.process, *attempt);
        let connected = async {
            if *me > peer.process {
                return match calls.recv().await {
                    Some(stream) => Ok(stream),
                    // Its sender is dropped when the attempt is over.
                    None => std::future::pending().await,
                };
            }
            loop {
                if let Some(backoff) = *backoff {
                    tokio::time::sleep(backoff).await;
                }
                *backoff = Some(backoff.map_or(BACKOFF[0], |last| (last * 2).min(BACKOFF[1])));
                match dial(&peer.address, &door.identity, lane, door.tls.as_ref()).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) if error.is_final() => return Err(PeerError::refused(peer.process, &error)),
                    Err(error) => *last = Some(error.to_string()),
                }
            }
        };
        let timeout = async {
            loop {
                until(session.due(), clock()).await;
                if let Err(cause) = session.tick(clock()) {
                    return cause;
                }
            }
        };
        tokio::select! {
            biased;
            _ = stopped => Err(End::Stopped),
            cause = timeout => Err(self.failure(cause)),
            connected = connected => connected.map_err(End::Failed),
        }
    }

    /// Sends and receives over a connection until it breaks.
    async fn serve(&mut self, mut connection: Connection) -> Next {
        let served = self.exchange(&mut connection).await;
        if self.session.is_up() {
            self.backoff = Some(BACKOFF[0]);
        }
        self.session.disconnected((self.clock)());
        match served {
            Ok(Some(stream)) => Next::Connection(Some(stream)),
            Ok(None) => Next::Connection(None),
            Err(end) => {
                connection.close().await;
                Next::End(end)
            }
        }
    }
    async fn exchange(&mut self, connection: &mut Connection) -> Result<Option<Stream>, End> {
        let hello = self.session.connected((self.clock)()).map_err(|error| self.failure(error))?;
        self.encode(&hello, connection)?;
        let bell = self.bell.clone();
        let mut rung = pin!(bell.notified());
        let mut due = self.session.due();
        let mut timer = pin!(until(due, (self.clock)()));
        let mut turn = 0;
        loop {
            self.fill(connection)?;
            let event = poll_fn(|cx| {
                // What has arrived comes first: it may be a sign of life that has waited while this process was asleep.
                if let Poll::Ready(moved) = connection.poll(cx) {
                    return Poll::Ready(moved.map_or_else(Event::Broken, Event::Moved));
                }
                if Pin::new(&mut self.stopped).poll(cx).is_ready() {
                    return Poll::Ready(Event::Stopped);
                }
                if let Poll::Ready(Some(stream)) = self.calls.poll_recv(cx) {
                    return Poll::Ready(Event::Called(stream));
                }
                if rung.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Event::Rung);
                }
                timer.as_mut().poll(cx).map(|()| Event::Time)
            })
            .await;
            match event {
                Event::Moved(read) => {
                    turn += read.max(1 << 10);
                    if read > 0 && !self.take_in(connection)? {
                        return Ok(None);
                    }
                    if turn >= TURN {
                        turn = 0;
                        if self.stopped.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
                            return Err(End::Stopped);
                        }
                        tokio::task::yield_now().await;
                    }
                }
                Event::Rung => rung.set(bell.notified()),
                Event::Time => {
                    if let Err(error) = self.session.tick((self.clock)()) {
                        return self.broken(error).map(|()| None);
                    }
                }
                Event::Broken(Broken::Frame(cause)) => {
                    return Err(End::Failed(PeerError::Frame { peer: self.peer.process, cause }));
                }
                Event::Broken(error) => {
                    self.last = Some(error.to_string());
                    return Ok(None);
                }
                Event::Called(stream) => return Ok(Some(stream)),
                Event::Stopped => return Err(End::Stopped),
            }
            // A deadline moves with everything that is said and heard. It is looked at when the old one has come, or if
            // it is earlier now.
            let fired = matches!(event, Event::Time);
            if fired || self.session.due() < due {
                due = self.session.due();
                timer.set(until(due, (self.clock)()));
            }
        }
    }
    /// Something is wrong with the connection, and perhaps with the session.
    fn broken(&mut self, error: SessionError) -> Result<(), End> {
        if self.session.failure().is_some() {
            return Err(self.failure(error));
        }
        self.last = Some(error.to_string());
        Ok(())
    }
    /// Hands out what has arrived. Whether the connection can go on.
    fn take_in(&mut self, connection: &mut Connection) -> Result<bool, End> {
        let peer = self.peer.process;
        let now = (self.clock)();
        loop {
            let cause = match connection.arrived.decode() {
                Ok(None) => return Ok(true),
                Ok(Some(Frame::Packet(packet))) => match self.session.receive(now, packet) {
                    Ok(None) => continue,
                    Ok(Some(message)) => {
                        let bytes = message.bytes();
                        (self.deliver)(peer, message)
                            .map_err(|reason| End::Failed(PeerError::Undeliverable { peer, reason }))?;
                        self.session.consumed(bytes);
                        continue;
                    }
                    Err(error) => return self.broken(error).map(|()| false),
                },
                Ok(Some(Frame::Control(_) | Frame::Ping)) => FrameError::Lane { what: "the control lane" },
                Err(cause) => cause,
            };
            return Err(End::Failed(PeerError::Frame { peer, cause }));
        }
    }
    /// Encodes what can be sent, if what was encoded before is written.
    fn fill(&mut self, connection: &mut Connection) -> Result<(), End> {
        if !connection.has_written() {
            return Ok(());
        }
        let now = (self.clock)();
        while connection.out.len() < BATCH {
            if let Some(packet) = self.session.transmit(now) {
                self.encode(&packet, connection)?;
                continue;
            }
            if !self.session.is_up() {
                return Ok(());
            }
            self.settled.store(false, Ordering::SeqCst);
            let Some(message) = self.peer.outbox.take() else {
                self.settled.store(self.session.kept() == 0, Ordering::SeqCst);
                return Ok(());
            };
            let peer = self.peer.process;
            match self.session.send(message) {
                Ok(()) => {}
                Err(Unsent::TooLarge { bytes, most, .. }) => {
                    return Err(End::Failed(PeerError::TooLarge { peer, bytes, most }));
                }
                Err(unsent) => {
                    self.peer.outbox.give_back(unsent.into_frame());
                    return Ok(());
                }
            }
        }
        Ok(())
    }
    fn encode(
        &self,
        packet: &crate::exchange::session::Packet<Message>,
        connection: &mut Connection,
    ) -> Result<(), End> {
        encode_packet(packet, &mut connection.out)
            .map_err(|cause| End::Failed(PeerError::Frame { peer: self.peer.process, cause }))
    }
}
