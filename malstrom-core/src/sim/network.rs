//! A network between the nodes of a simulation, with what networks do to those who use them.
//!
//! There are two lanes between each two nodes. A [connection](Lane::Connection) delivers in order and once while it lives; it
//! breaks now and then, what is on its way is lost then, and its ends are told when each of them finds out. A
//! [datagram](Lane::Datagram) arrives some time, or twice, or not at all. All delays are drawn from one branch of the seed, so
//! that the same calls lead to the same arrivals.
//!
//! Connections come up by themselves, as those of nodes do that try again and again. Faults are told to the network:
//! [`break_link`](Network::break_link), [`cut`](Network::cut), [`slow`](Network::slow), [`crash`](Network::crash).
//!
//! [`links::Links`] puts sessions on top.
mod event;
mod line;
pub mod links;
mod node;
mod settings;

pub use event::{Arrival, Lane};
pub use settings::Settings;

use super::engine::Random;
use event::{Due, What};
use line::Line;
use node::Node;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::time::Duration;

/// The connection of two nodes.
#[derive(Debug, Default)]
struct Pair {
    /// The number of the last one.
    connection: u64,
    /// Whether it lives.
    up: bool,
    /// Whether another one is under way.
    connecting: bool,
}

/// See the [module](self).
///
/// ```
/// use malstrom_core::sim::engine::Random;
/// use malstrom_core::sim::network::{Arrival, Lane, Network, Settings};
/// let mut network = Network::new(2, Settings::default(), Random::new(7).branch("network"));
/// let mut got = Vec::new();
/// while let Some(now) = network.next() {
///     while let Some(arrival) = network.poll(now) {
///         match arrival {
///             Arrival::Up { node: 0, peer: 1 } => network.send(now, 0, 1, Lane::Connection, "hello"),
///             Arrival::Message { to: 1, message, .. } => got.push(message),
///             _ => {}
///         }
///     }
/// }
/// assert_eq!(got, ["hello"]);
/// ```
#[derive(Debug)]
pub struct Network<M> {
    settings: Settings,
    random: Random,
    now: Duration,
    order: u64,
    events: BinaryHeap<Reverse<Due<M>>>,
    nodes: Vec<Node>,
    pairs: Vec<Pair>,
    lines: Vec<Line<M>>,
    arrivals: VecDeque<Arrival<M>>,
}
impl<M: Clone> Network<M> {
    /// A network between nodes `0..nodes`, which all begin to connect at once.
    pub fn new(nodes: usize, settings: Settings, random: Random) -> Self {
        let squared = nodes * nodes;
        let mut network = Network {
            settings,
            random,
            now: Duration::ZERO,
            order: 0,
            events: BinaryHeap::new(),
            nodes: (0..nodes).map(|_| Node::default()).collect(),
            pairs: (0..squared).map(|_| Pair::default()).collect(),
            lines: (0..squared).map(|_| Line::default()).collect(),
            arrivals: VecDeque::new(),
        };
        for a in 0..nodes {
            for b in a + 1..nodes {
                network.connect(Duration::ZERO, a, b);
            }
        }
        network
    }
    /// How many nodes there are, alive or not.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }
    /// Whether a node is not crashed.
    pub fn is_alive(&self, node: usize) -> bool {
        !self.nodes[node].dead
    }
    /// Whether a node believes to have a connection to a peer.
    pub fn is_up(&self, node: usize, peer: usize) -> bool {
        self.line(node, peer).open.is_some()
    }

    /// Sends a message. It is lost without a word if there is no connection, or if that breaks before it has arrived.
    pub fn send(&mut self, now: Duration, from: usize, to: usize, lane: Lane, message: M) {
        self.now = self.now.max(now);
        if self.nodes[from].dead || from == to {
            return;
        }
        match lane {
            Lane::Connection => {
                let pair = &self.pairs[self.pair(from, to)];
                let connection = pair.connection;
                if !pair.up || self.line(from, to).open != Some(connection) {
                    return;
                }
                let delay = self.draw(|settings| &settings.delay);
                let at = self.line_mut(from, to).push(now + delay, message);
                self.schedule(at, What::Deliver { from, to, connection, turn: false });
            }
            Lane::Datagram => {
                let life = self.nodes[to].life;
                if self.nodes[to].dead || self.random.one_in(self.settings.lost) {
                    return;
                }
                let copies = 1 + usize::from(self.random.one_in(self.settings.twice));
                for message in std::iter::repeat_n(message, copies) {
                    let at = now + self.draw(|settings| &settings.delay);
                    self.schedule(at, What::Datagram { from, to, life, turn: false, message });
                }
            }
        }
    }
    /// When something happens next. It may be nothing that anybody gets to know.
    pub fn next(&self) -> Option<Duration> {
        if self.arrivals.is_empty() { self.events.peek().map(|Reverse(due)| due.at) } else { Some(self.now) }
    }
    /// The next of what nodes get to know up to this time. `None` if there is nothing more.
    pub fn poll(&mut self, now: Duration) -> Option<Arrival<M>> {
        self.now = self.now.max(now);
        while self.arrivals.is_empty() {
            if self.events.peek().is_none_or(|Reverse(due)| due.at > now) {
                break;
            }
            let Some(Reverse(due)) = self.events.pop() else { break };
            self.happen(due.at, due.what);
        }
        self.arrivals.pop_front()
    }

    /// The connection of two nodes breaks, if there is one. Both find out, sooner or later, and another one comes up.
    pub fn break_link(&mut self, now: Duration, a: usize, b: usize) {
        self.now = self.now.max(now);
        let at = self.pair(a, b);
        if !std::mem::take(&mut self.pairs[at].up) {
            return;
        }
        let connection = self.pairs[at].connection;
        let late = self.random.below(6);
        for (number, (node, peer)) in [(a, b), (b, a)].into_iter().enumerate() {
            self.line_mut(node, peer).clear();
            let mut notice = self.draw(|settings| &settings.notice);
            if late == number as u64 {
                notice += self.settings.late;
            }
            self.schedule(now + notice, What::Down { node, peer, connection });
        }
        self.connect(now, a, b);
    }
    /// A node closes its connection to a peer. It is not told of that itself.
    pub fn close(&mut self, now: Duration, node: usize, peer: usize) {
        let open = self.line_mut(node, peer).open.take();
        // It may have closed a connection that is gone, when there is another one already.
        if open == Some(self.pairs[self.pair(node, peer)].connection) {
            self.break_link(now, node, peer);
        }
    }
    /// Nothing gets from one node to another before a time, while the other direction works. What is sent meanwhile on a
    /// connection arrives afterwards; but in one of two cases, the connection breaks before that.
    pub fn cut(&mut self, now: Duration, from: usize, to: usize, until: Duration) {
        self.now = self.now.max(now);
        let line = self.line_mut(from, to);
        line.cut = line.cut.max(until);
        let connection = self.pairs[self.pair(from, to)].connection;
        if self.random.one_in(2) {
            let at = now + between(&mut self.random, &(Duration::ZERO..until.saturating_sub(now)));
            self.schedule(at, What::Break { a: from, b: to, connection });
        }
    }
    /// A node takes in only one message each `pace` before a time, of whatever lane.
    pub fn slow(&mut self, now: Duration, node: usize, until: Duration, pace: Duration) {
        self.nodes[node].slow(now, until, pace);
    }
    /// A node stops at once. Its connections break, and what was for it is lost. It is told nothing; its peers are.
    pub fn crash(&mut self, now: Duration, node: usize) {
        if self.nodes[node].dead {
            return;
        }
        self.nodes[node].crash();
        for peer in (0..self.nodes.len()).filter(|peer| *peer != node) {
            self.break_link(now, node, peer);
            self.line_mut(node, peer).open = None;
        }
        // That it has another connection may be what it would have been told next.
        self.arrivals.retain(|arrival| !matches!(arrival, Arrival::Up { node: told, .. } if *told == node));
    }
    /// A node that has crashed starts anew, and connects.
    pub fn restart(&mut self, now: Duration, node: usize) {
        self.now = self.now.max(now);
        if std::mem::take(&mut self.nodes[node].dead) {
            for peer in (0..self.nodes.len()).filter(|peer| *peer != node) {
                self.connect(now, node, peer);
            }
        }
    }

    fn happen(&mut self, at: Duration, what: What<M>) {
        match what {
            What::Connect { a, b } => self.connected(at, a, b),
            What::Up { node, peer, connection } => {
                let pair = &self.pairs[self.pair(node, peer)];
                if pair.up && pair.connection == connection {
                    // Another connection is how it finds out that the last one is gone.
                    if self.line_mut(node, peer).open.replace(connection).is_some() {
                        self.arrivals.push_back(Arrival::Down { node, peer });
                    }
                    self.arrivals.push_back(Arrival::Up { node, peer });
                }
            }
            What::Down { node, peer, connection } => {
                if self.line(node, peer).open == Some(connection) {
                    self.line_mut(node, peer).open = None;
                    self.arrivals.push_back(Arrival::Down { node, peer });
                }
            }
            What::Break { a, b, connection } => {
                if self.pairs[self.pair(a, b)].connection == connection {
                    self.break_link(at, a, b);
                }
            }
            What::Deliver { from, to, connection, turn } => self.deliver(at, from, to, connection, turn),
            What::Datagram { from, to, life, turn, message } => {
                if self.nodes[to].life != life || self.line(from, to).cut > at {
                    return;
                }
                match self.nodes[to].turn(at, turn) {
                    Some(later) => self.schedule(later, What::Datagram { from, to, life, turn: true, message }),
                    None => self.arrivals.push_back(Arrival::Message { from, to, lane: Lane::Datagram, message }),
                }
            }
        }
    }
    /// Two nodes have tried to connect.
    fn connected(&mut self, at: Duration, a: usize, b: usize) {
        let pair = self.pair(a, b);
        let cut = self.line(a, b).cut.max(self.line(b, a).cut);
        self.pairs[pair].connecting = false;
        if self.nodes[a].dead || self.nodes[b].dead || self.pairs[pair].up {
            return;
        }
        if cut > at {
            // It takes both directions.
            self.connect(cut, a, b);
            return;
        }
        let state = &mut self.pairs[pair];
        (state.up, state.connection) = (true, state.connection + 1);
        let connection = state.connection;
        for (node, peer) in [(a, b), (b, a)] {
            let up = at + self.draw(|settings| &settings.delay);
            // What the peer sends is not read before the node knows of the connection.
            self.line_mut(peer, node).begin(up);
            self.schedule(up, What::Up { node, peer, connection });
        }
    }
    fn deliver(&mut self, at: Duration, from: usize, to: usize, connection: u64, turn: bool) {
        let pair = &self.pairs[self.pair(from, to)];
        if !pair.up || pair.connection != connection || self.line(to, from).open != Some(connection) {
            return;
        }
        let cut = self.line(from, to).cut;
        if cut > at {
            let later = cut + self.draw(|settings| &settings.delay);
            self.schedule(later, What::Deliver { from, to, connection, turn: false });
        } else if let Some(later) = self.nodes[to].turn(at, turn) {
            self.schedule(later, What::Deliver { from, to, connection, turn: true });
        } else if let Some(message) = self.line_mut(from, to).pop() {
            self.arrivals.push_back(Arrival::Message { from, to, lane: Lane::Connection, message });
        }
    }
    /// Two nodes connect some time after `at`, unless they are about to.
    fn connect(&mut self, at: Duration, a: usize, b: usize) {
        let (pair, (a, b)) = (self.pair(a, b), (a.min(b), a.max(b)));
        if !std::mem::replace(&mut self.pairs[pair].connecting, true) {
            let at = at + self.draw(|settings| &settings.reconnect);
            self.schedule(at, What::Connect { a, b });
        }
    }
    fn schedule(&mut self, at: Duration, what: What<M>) {
        self.order += 1;
        self.events.push(Reverse(Due { at, order: self.order, what }));
    }
    fn draw(&mut self, range: impl Fn(&Settings) -> &Range<Duration>) -> Duration {
        between(&mut self.random, range(&self.settings))
    }
    fn pair(&self, a: usize, b: usize) -> usize {
        a.min(b) * self.nodes.len() + a.max(b)
    }
    fn line(&self, from: usize, to: usize) -> &Line<M> {
        &self.lines[from * self.nodes.len() + to]
    }
    fn line_mut(&mut self, from: usize, to: usize) -> &mut Line<M> {
        let at = from * self.nodes.len() + to;
        &mut self.lines[at]
    }
}
/// A time of this range, in microseconds.
fn between(random: &mut Random, range: &Range<Duration>) -> Duration {
    let width = u64::try_from(range.end.saturating_sub(range.start).as_micros()).unwrap_or(u64::MAX);
    range.start + Duration::from_micros(random.below(width))
}

#[cfg(test)]
mod tests;
