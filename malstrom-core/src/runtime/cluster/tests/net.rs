//! Connections between crews and leaders. What is said on one arrives in order; what is under way when it breaks is lost, and each end
//! sees that at another time.
use super::world::{Event, World};
use crate::net::Holders;
use crate::net::control::{ConnectionId, ControlEvent, LinkEvent};
use crate::runtime::cluster::words::{self, Order, Word};
use crate::runtime::cluster::{crew, leader};
use bytes::Bytes;
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// As [`SILENCE`](crate::net::control::SILENCE).
const SILENCE: Duration = Duration::from_secs(5);
/// So much of each message is shown in a trace.
const BRIEF: usize = 160;

/// One of them. It has the number of its place in the list.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) leader: usize,
    pub(super) crew: usize,
    broken: bool,
    /// Whether the leader, and the crew, know that it is gone.
    known: [bool; 2],
    /// When the last message arrives at the leader, and at the crew.
    last: [Duration; 2],
}
/// What is said, without what nobody could read.
fn brief(said: &impl Debug) -> String {
    format!("{said:?}").chars().take(BRIEF).collect()
}
impl World {
    /// A crew looks for a leader.
    pub(super) fn dial(&mut self, crew: usize) {
        let node = &self.crews[crew];
        if node.is_gone() || node.connection.is_some() {
            return;
        }
        let (frozen, apart) = (node.is_frozen(self.now), node.apart > self.now);
        let listening: Vec<usize> =
            (0..self.leaders.len()).filter(|leader| self.leaders[*leader].listens(self.now)).collect();
        if frozen || apart || listening.is_empty() {
            let again = self.random.ms(50..1000);
            return self.after(again, Event::Dial(crew));
        }
        let leader = listening[self.random.below(listening.len() as u64) as usize];
        let connection = self.connections.len();
        let delays = [self.delay(), self.delay()];
        let last = delays.map(|delay| self.now + delay);
        self.connections.push(Connection { leader, crew, broken: false, known: [false; 2], last });
        self.crews[crew].connection = Some(connection);
        self.note(|| format!("crew {crew} connects to leader {leader}: connection {connection}"));
        let id = ConnectionId::numbered(connection as u64);
        let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let opened = ControlEvent::Opened(id, from, Holders::default());
        self.at(last[0], Event::ToLeader(leader, leader::Input::Control(opened)));
        self.at(last[1], Event::ToCrew(crew, crew::Input::Link(LinkEvent::Up)));
    }
    fn delay(&mut self) -> Duration {
        if self.random.one_in(30) { self.random.ms(30..900) } else { self.random.ms(0..20) }
    }
    /// Something is said, at this time.
    pub(super) fn say(&mut self, connection: usize, up: bool, at: Duration, bytes: Bytes) {
        let delay = self.delay();
        if self.connections[connection].broken {
            return;
        }
        if self.plan.flaky > 0 && self.now < self.calm && self.random.one_in(self.plan.flaky) {
            self.note(|| format!("connection {connection} is reset, and loses what is said"));
            return self.reset(connection);
        }
        let last = &mut self.connections[connection].last[usize::from(!up)];
        *last = (at + delay).max(*last);
        let at = *last;
        self.at(at, Event::Deliver(connection, up, bytes));
    }
    pub(super) fn deliver(&mut self, connection: usize, up: bool, bytes: Bytes) {
        let Connection { leader, crew, broken, .. } = self.connections[connection];
        if broken {
            return;
        }
        self.note(|| match up {
            true => format!("  {connection} up   {:?}", words::read::<Word>(&bytes).map(|word| brief(&word))),
            false => format!("  {connection} down {:?}", words::read::<Order>(&bytes).map(|order| brief(&order))),
        });
        if up {
            let said = ControlEvent::Said(ConnectionId::numbered(connection as u64), bytes);
            self.leader_hears(leader, leader::Input::Control(said));
        } else {
            self.crew_hears(crew, crew::Input::Link(LinkEvent::Said(bytes)));
        }
    }
    /// The leader closes a connection, at this time.
    pub(super) fn close(&mut self, connection: usize, at: Duration) {
        let at = self.connections[connection].last[1].max(at);
        self.at(at, Event::Fin(connection));
    }
    /// A leader has come to its end, and closes whatever is open.
    pub(super) fn close_all(&mut self, leader: usize) {
        for at in 0..self.connections.len() {
            if self.connections[at].leader == leader && !self.connections[at].broken {
                self.close(at, self.now);
            }
        }
    }
    pub(super) fn fin(&mut self, connection: usize) {
        if !self.connections[connection].broken {
            self.connections[connection].broken = true;
            let delay = self.delay();
            self.after(Duration::ZERO, Event::Sees(connection, false));
            self.after(delay, Event::Sees(connection, true));
        }
    }
    /// A connection breaks. Each end sees it at once, or when it has heard nothing for so long.
    fn breaks(&mut self, connection: usize, silence: Duration) {
        if std::mem::replace(&mut self.connections[connection].broken, true) {
            return;
        }
        self.count("connections broken");
        self.note(|| format!("connection {connection} breaks"));
        for up in [true, false] {
            let delay = if self.random.one_in(2) { self.random.ms(0..50) } else { silence };
            self.after(delay, Event::Sees(connection, up));
        }
    }
    pub(super) fn sees(&mut self, connection: usize, up: bool) {
        let Connection { leader, crew, .. } = self.connections[connection];
        if std::mem::replace(&mut self.connections[connection].known[usize::from(!up)], true) {
            return;
        }
        if up {
            let closed = ControlEvent::Closed(ConnectionId::numbered(connection as u64));
            self.leader_hears(leader, leader::Input::Control(closed));
        } else {
            if self.crews[crew].connection == Some(connection) {
                self.crews[crew].connection = None;
            }
            self.crew_hears(crew, crew::Input::Link(LinkEvent::Down("it is gone".to_owned())));
            let delay = self.random.ms(0..300);
            self.after(delay, Event::Dial(crew));
        }
    }
    /// A connection breaks, which both ends see at once.
    pub(super) fn reset(&mut self, connection: usize) {
        if !std::mem::replace(&mut self.connections[connection].broken, true) {
            self.count("connections reset");
            self.after(Duration::ZERO, Event::Sees(connection, true));
            self.after(Duration::ZERO, Event::Sees(connection, false));
        }
    }
    /// All connections of a process break.
    pub(super) fn hang_up(&mut self, leader: Option<usize>, crew: Option<usize>) {
        for at in 0..self.connections.len() {
            let connection = &self.connections[at];
            if Some(connection.leader) == leader || Some(connection.crew) == crew {
                self.breaks(at, SILENCE);
            }
        }
    }
    /// A process does nothing from now on: the other ends of its connections hear nothing.
    pub(super) fn falls_silent(&mut self, leader: Option<usize>, crew: Option<usize>) {
        for at in 0..self.connections.len() {
            let connection = &self.connections[at];
            if !connection.broken && (Some(connection.leader) == leader || Some(connection.crew) == crew) {
                self.after(SILENCE, Event::Silent(at));
            }
        }
    }
    pub(super) fn silent(&mut self, at: usize) {
        let Connection { leader, crew, .. } = self.connections[at];
        if self.leaders[leader].is_frozen(self.now) || self.crews[crew].is_frozen(self.now) {
            self.breaks(at, Duration::ZERO);
        }
    }
}
