//! Sessions over a simulated network: what processes use to talk to each other, with the session of the product in between.
//!
//! Each end of a pair is [opened](Links::open) for an attempt; then messages between the two arrive once and in order, whatever
//! happens to the network, until an end is opened anew, or a process crashes, or there was no connection for the grace time:
//! then the session [fails](Event::Failed), and the ends are to be opened for another attempt. No message gets from one attempt
//! into another.
use super::{Arrival, Lane, Network, Settings};
use crate::exchange::session::{Attempt, Config, Frame, Packet, Session, SessionError, Unsent};
use crate::sim::engine::Random;
use std::collections::BTreeSet;
use std::time::Duration;

/// A message as a session carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed<M> {
    message: M,
    bytes: u64,
    control: bool,
}
impl<M: Clone> Frame for Weighed<M> {
    fn bytes(&self) -> u64 {
        self.bytes
    }
    fn is_control(&self) -> bool {
        self.control
    }
}
/// What goes over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire<M> {
    /// Of a session.
    Packet(Packet<Weighed<M>>),
    /// By itself.
    Datagram(M),
}

/// What a process gets to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<M> {
    /// The next message of a session. Its bytes are to be given back with [`Links::consumed`].
    Message {
        /// From whom.
        from: usize,
        /// To whom.
        to: usize,
        /// What was sent.
        message: M,
        /// What it counts against the window.
        bytes: u64,
    },
    /// A message that was sent by itself.
    Datagram {
        /// From whom.
        from: usize,
        /// To whom.
        to: usize,
        /// What was sent.
        message: M,
    },
    /// Of what was refused for want of credit, something would be taken now. Who then tries all of it again is told again.
    Credit {
        /// The sender.
        from: usize,
        /// To whom it can send.
        to: usize,
    },
    /// The end of a session in `node` is over. The other end may find out later.
    Failed {
        /// Whose end.
        node: usize,
        /// The other process.
        peer: usize,
        /// Why.
        error: SessionError,
    },
}

#[derive(Debug)]
struct End<M> {
    session: Option<Session<Weighed<M>>>,
    /// The size of the smallest data and the smallest control message that were refused.
    refused: [Option<u64>; 2],
}

/// See the [module](self).
///
/// ```
/// use malstrom_core::exchange::session::{Attempt, Config};
/// use malstrom_core::sim::engine::Random;
/// use malstrom_core::sim::network::{Settings, links::{Event, Links}};
/// use std::time::Duration;
/// let mut links = Links::new(2, Settings::default(), Config::default(), &Random::new(7));
/// let attempt = Attempt { term: 1, attempt: 1 };
/// links.open(Duration::ZERO, 0, 1, attempt);
/// links.open(Duration::ZERO, 1, 0, attempt);
/// // There is no credit before the two have connected.
/// assert!(links.send(Duration::ZERO, 0, 1, "hello", 5).is_err());
/// let mut got = None;
/// while got.is_none() {
///     let now = links.next().expect("an open session has always something to do");
///     while let Some(event) = links.poll(now) {
///         match event {
///             Event::Credit { from: 0, to: 1 } => {
///                 links.send(now, 0, 1, "hello", 5).expect("there is credit");
///                 links.network().break_link(now, 0, 1);
///             }
///             Event::Message { from, to, message, bytes } => {
///                 links.consumed(now, to, from, bytes);
///                 got = Some(message);
///             }
///             other => panic!("{other:?}"),
///         }
///     }
/// }
/// assert_eq!(got, Some("hello"));
/// ```
#[derive(Debug)]
pub struct Links<M> {
    network: Network<Wire<M>>,
    config: Config,
    numbers: Random,
    ends: Vec<End<M>>,
    /// When each end wants to be told the time, and the ends in the order of that.
    dues: Vec<Option<Duration>>,
    order: BTreeSet<(Duration, usize)>,
}
impl<M: Clone> Links<M> {
    /// Processes `0..nodes` that are all alive and have no session yet. Takes branches of `random`, and no number.
    pub fn new(nodes: usize, settings: Settings, config: Config, random: &Random) -> Self {
        Links {
            network: Network::new(nodes, settings, random.branch("network")),
            config,
            numbers: random.branch("sessions"),
            ends: (0..nodes * nodes).map(|_| End { session: None, refused: [None; 2] }).collect(),
            dues: vec![None; nodes * nodes],
            order: BTreeSet::new(),
        }
    }
    /// The network, to harm it. Processes are to be crashed by [`Links::crash`].
    pub fn network(&mut self) -> &mut Network<Wire<M>> {
        &mut self.network
    }

    /// Begins a session of `node` with `peer`, in the place of any it has. The peer has to do the same.
    pub fn open(&mut self, now: Duration, node: usize, peer: usize, attempt: Attempt) {
        self.open_with(now, node, peer, attempt, self.config);
    }
    /// The same, for a session that behaves in another way than the others.
    pub fn open_with(&mut self, now: Duration, node: usize, peer: usize, attempt: Attempt, config: Config) {
        if node == peer || !self.network.is_alive(node) {
            return;
        }
        self.close(now, node, peer);
        let number = self.numbers.next();
        let session = Session::new(config, attempt, [name(node), name(peer)], number, now);
        self.end(node, peer).session = Some(session);
        self.remind(node, peer);
    }
    /// Ends the session of `node` with `peer` without a word. A peer that goes on with it is not answered.
    pub fn close(&mut self, now: Duration, node: usize, peer: usize) {
        *self.end(node, peer) = End { session: None, refused: [None; 2] };
        self.remind(node, peer);
        // On a connection of another session, the peer would not greet.
        self.network.close(now, node, peer);
    }
    /// A process stops at once, and its sessions with it.
    pub fn crash(&mut self, now: Duration, node: usize) {
        self.network.crash(now, node);
        for peer in 0..self.network.nodes() {
            *self.end(node, peer) = End { session: None, refused: [None; 2] };
            self.remind(node, peer);
        }
    }
    /// A process starts anew, without sessions.
    pub fn restart(&mut self, now: Duration, node: usize) {
        self.network.restart(now, node);
    }

    /// Sends a data message over the session of the two.
    ///
    /// # Errors
    /// The message comes back if there is no credit, of which an [`Event::Credit`] will tell when there is; or if it is
    /// larger than the window, or there is no session or it has failed.
    pub fn send(&mut self, now: Duration, from: usize, to: usize, message: M, bytes: u64) -> Result<(), Unsent<M>> {
        self.accept(now, from, to, Weighed { message, bytes, control: false })
    }
    /// Sends a control message, which may go beyond the window by the allowance.
    ///
    /// # Errors
    /// As for [`send`](Links::send).
    pub fn send_control(
        &mut self,
        now: Duration,
        from: usize,
        to: usize,
        message: M,
        bytes: u64,
    ) -> Result<(), Unsent<M>> {
        self.accept(now, from, to, Weighed { message, bytes, control: true })
    }
    /// Sends a message by itself: it may arrive twice, or not at all, or in another attempt or life of the receiver's peer.
    pub fn send_datagram(&mut self, now: Duration, from: usize, to: usize, message: M) {
        self.network.send(now, from, to, Lane::Datagram, Wire::Datagram(message));
    }
    /// `node` is done with messages of so many bytes from `peer`.
    pub fn consumed(&mut self, now: Duration, node: usize, peer: usize, bytes: u64) {
        if let Some(session) = &mut self.end(node, peer).session {
            session.consumed(bytes);
        }
        self.transmit(now, node, peer);
    }
    /// The session of `node` with `peer`, if it is open.
    pub fn session(&self, node: usize, peer: usize) -> Option<&Session<Weighed<M>>> {
        self.ends[node * self.network.nodes() + peer].session.as_ref()
    }

    /// When something happens next. It may be nothing that anybody gets to know.
    pub fn next(&self) -> Option<Duration> {
        let due = self.due().map(|(at, ..)| at);
        self.network.next().into_iter().chain(due).min()
    }
    /// The next of what processes get to know up to this time. `None` if there is nothing more.
    pub fn poll(&mut self, now: Duration) -> Option<Event<M>> {
        loop {
            let due = self.due().filter(|(at, ..)| *at <= now);
            let first = self.network.next().filter(|at| *at <= now);
            let event = match (first, due) {
                (Some(at), due) if due.is_none_or(|(due, ..)| at <= due) => self.network.poll(at).and_then(|arrival| {
                    let (node, peer) = ends_of(&arrival);
                    let event = self.arrived(at, arrival);
                    self.remind(node, peer);
                    event
                }),
                (_, Some((at, node, peer))) => {
                    let event = self.tick(at, node, peer);
                    self.remind(node, peer);
                    event
                }
                (_, None) => return None,
            };
            if event.is_some() {
                return event;
            }
        }
    }

    fn end(&mut self, node: usize, peer: usize) -> &mut End<M> {
        let at = node * self.network.nodes() + peer;
        &mut self.ends[at]
    }
    /// Which session wants to be told the time next.
    fn due(&self) -> Option<(Duration, usize, usize)> {
        let nodes = self.network.nodes();
        self.order.first().map(|(due, at)| (*due, at / nodes, at % nodes))
    }
    /// Takes note of when an end wants to be told the time, after anything has happened to it.
    fn remind(&mut self, node: usize, peer: usize) {
        let at = node * self.network.nodes() + peer;
        let due = self.ends[at].session.as_ref().and_then(Session::due);
        let before = std::mem::replace(&mut self.dues[at], due);
        if before != due {
            if let Some(before) = before {
                self.order.remove(&(before, at));
            }
            self.order.extend(due.map(|due| (due, at)));
        }
    }
    fn accept(&mut self, now: Duration, from: usize, to: usize, frame: Weighed<M>) -> Result<(), Unsent<M>> {
        let end = self.end(from, to);
        let Some(session) = &mut end.session else { return Err(Unsent::Failed(frame.message)) };
        let (bytes, kind) = (frame.bytes, usize::from(frame.control));
        match session.send(frame) {
            Ok(()) => {
                self.transmit(now, from, to);
                Ok(())
            }
            Err(Unsent::NoCredit(frame)) => {
                end.refused[kind] = Some(end.refused[kind].map_or(bytes, |least| least.min(bytes)));
                Err(Unsent::NoCredit(frame.message))
            }
            Err(Unsent::TooLarge { frame, bytes, most }) => Err(Unsent::TooLarge { frame: frame.message, bytes, most }),
            Err(Unsent::Failed(frame)) => Err(Unsent::Failed(frame.message)),
        }
    }
    fn arrived(&mut self, now: Duration, arrival: Arrival<Wire<M>>) -> Option<Event<M>> {
        match arrival {
            Arrival::Up { node, peer } => {
                match self.end(node, peer).session.as_mut()?.connected(now) {
                    Ok(hello) => self.network.send(now, node, peer, Lane::Connection, Wire::Packet(hello)),
                    Err(_) => self.network.close(now, node, peer),
                }
                None
            }
            Arrival::Down { node, peer } => {
                self.end(node, peer).session.as_mut()?.disconnected(now);
                None
            }
            Arrival::Message { from, to, message: Wire::Datagram(message), .. } => {
                Some(Event::Datagram { from, to, message })
            }
            Arrival::Message { from, to, message: Wire::Packet(packet), .. } => {
                match self.end(to, from).session.as_mut()?.receive(now, packet) {
                    Ok(frame) => {
                        self.transmit(now, to, from);
                        // A frame brings no credit.
                        match frame {
                            Some(Weighed { message, bytes, .. }) => Some(Event::Message { from, to, message, bytes }),
                            None => self.end(to, from).credit().then_some(Event::Credit { from: to, to: from }),
                        }
                    }
                    Err(error) => self.give_up(now, to, from, error),
                }
            }
        }
    }
    fn tick(&mut self, now: Duration, node: usize, peer: usize) -> Option<Event<M>> {
        match self.end(node, peer).session.as_mut()?.tick(now) {
            Ok(()) => {
                self.transmit(now, node, peer);
                None
            }
            Err(error) => self.give_up(now, node, peer, error),
        }
    }
    /// A connection cannot be used, or the session is over.
    fn give_up(&mut self, now: Duration, node: usize, peer: usize, error: SessionError) -> Option<Event<M>> {
        self.network.close(now, node, peer);
        error.ends_session().then_some(Event::Failed { node, peer, error })
    }
    /// Sends what a session has to send.
    fn transmit(&mut self, now: Duration, node: usize, peer: usize) {
        let at = node * self.network.nodes() + peer;
        let Some(session) = &mut self.ends[at].session else { return };
        while let Some(packet) = session.transmit(now) {
            self.network.send(now, node, peer, Lane::Connection, Wire::Packet(packet));
        }
        self.remind(node, peer);
    }
}
/// At whose end something arrives, and of whom.
fn ends_of<M>(arrival: &Arrival<M>) -> (usize, usize) {
    match arrival {
        Arrival::Up { node, peer } | Arrival::Down { node, peer } => (*node, *peer),
        Arrival::Message { from, to, .. } => (*to, *from),
    }
}
impl<M: Clone> End<M> {
    /// Whether something that was refused would be taken now. Says so once.
    fn credit(&mut self) -> bool {
        let Some(session) = &self.session else { return false };
        let mut credit = false;
        for (refused, control) in self.refused.iter_mut().zip([false, true]) {
            credit |= refused.take_if(|bytes| session.has_credit(*bytes, control)).is_some();
        }
        credit
    }
}

/// A node, as sessions name it.
fn name(node: usize) -> u32 {
    u32::try_from(node).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
