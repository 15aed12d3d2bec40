//! A session: frames in both directions between two processes, each once and in order, over connections that break.
//!
//! Each process has a [`Session`] per peer. Frames are numbered as they are accepted; the receiver says up to which number it
//! has them, and what it has not is kept and sent again over the next connection. So a connection that flaps is no reason to
//! take a job back to its last snapshot; one that stays away for longer than the [grace](Config::grace) is.
//!
//! **Identity.** A connection begins with a [`Hello`] from both ends. It says in which attempt of the job a process takes
//! part, and which session it means: both ends draw a number, and know that of the other from their first connection on. A
//! peer of an older attempt is turned away. One that was restarted has another number, and has lost what was on its way:
//! the session ends, so that the job is restored, instead of going on with a hole in it.
//!
//! **Credit.** Bytes are counted from the beginning of the session. The receiver says how far the sender may go: as far as
//! what was [consumed](Session::consumed), and a [window](Config::window) further. As that is a position and no difference,
//! it can be said twice or get lost without harm, and the sender knows after a reconnect where it stands. What is refused by
//! [`Session::send`] stays with the caller. Control frames (barriers, ends) count as well, but may go a fixed
//! [allowance](Config::allowance) further, as what waits for them may be what keeps the receiver from consuming. Data never
//! uses the allowance, and what control frames have used of it is missing from the window until it is consumed. So what a
//! process keeps for a peer never exceeds window and allowance, whatever happens.
//!
//! **Silence.** An end that has nothing to say repeats its last acknowledgement now and then. A connection on which nothing
//! arrives is given up, since a network that drops packets tells nobody.
//!
//! This is a state machine: what has arrived and what time it is are given in, and what is to be sent is taken out with
//! [`Session::transmit`].
mod error;
mod incoming;
mod outgoing;
mod packet;

pub use error::{SessionError, Unsent};
pub use packet::{Attempt, Frame, Hello, Packet};

use incoming::Incoming;
use outgoing::Outgoing;
use std::time::Duration;

/// How a session behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many bytes may be on their way to this end, or be kept by it for the other one. Of both ends' windows, the
    /// smaller one holds. No data frame can be larger.
    pub window: u64,
    /// How many bytes further control frames may go.
    pub allowance: u64,
    /// How long a session may be without a connection before it fails.
    pub grace: Duration,
    /// How long nothing may arrive on a connection before it is given up.
    pub silence: Duration,
    /// How long an end may send nothing before it repeats its last acknowledgement. A fraction of the other end's `silence`.
    pub beat: Duration,
}
impl Default for Config {
    /// 1 MiB of data and 64 KiB of control frames; a grace of 5 s; a connection is given up after 2 s of silence.
    fn default() -> Self {
        Config {
            window: 1 << 20,
            allowance: 64 << 10,
            grace: Duration::from_secs(5),
            silence: Duration::from_secs(2),
            beat: Duration::from_millis(500),
        }
    }
}

#[derive(Debug)]
enum Link {
    /// There is no connection.
    Down,
    /// There is one, on which the other end has not said who it is.
    Greeting {
        at: Duration,
    },
    Up {
        heard: Duration,
        said: Duration,
    },
    Failed(SessionError),
}

/// One end of a session. See the [module](self).
///
/// ```
/// use malstrom_core::exchange::session::{Attempt, Config, Frame, Packet, Session};
/// use std::time::Duration;
/// #[derive(Clone, Debug, PartialEq)]
/// struct Text(&'static str);
/// impl Frame for Text {
///     fn bytes(&self) -> u64 {
///         self.0.len() as u64
///     }
/// }
/// let (attempt, now) = (Attempt { term: 1, attempt: 1 }, Duration::ZERO);
/// let mut a = Session::new(Config::default(), attempt, [0, 1], 77, now);
/// let mut b = Session::<Text>::new(Config::default(), attempt, [1, 0], 78, now);
/// // A connection is there: both ends say who they are.
/// let (from_a, from_b) = (a.connected(now)?, b.connected(now)?);
/// a.receive(now, from_b)?;
/// b.receive(now, from_a)?;
///
/// a.send(Text("one")).expect("there is credit");
/// let lost = a.transmit(now).expect("there is a frame");
/// assert!(matches!(lost, Packet::Frame { seq: 1, .. }));
/// // The connection breaks, and another one comes.
/// a.disconnected(now);
/// b.disconnected(now);
/// let (from_a, from_b) = (a.connected(now)?, b.connected(now)?);
/// a.receive(now, from_b)?;
/// b.receive(now, from_a)?;
/// let again = a.transmit(now).expect("it is sent again");
/// assert_eq!(b.receive(now, again)?, Some(Text("one")));
/// # Ok::<(), malstrom_core::exchange::session::SessionError>(())
/// ```
#[derive(Debug)]
pub struct Session<F> {
    config: Config,
    attempt: Attempt,
    /// This process and the other one.
    ends: [u32; 2],
    number: u64,
    /// The number that the other end has drawn, once it is known.
    peer: Option<u64>,
    link: Link,
    /// Since when no connection has had both greetings, while that is so.
    broken: Duration,
    outgoing: Outgoing<F>,
    incoming: Incoming,
}
impl<F: Frame> Session<F> {
    /// The end in process `ends[0]` of a session with process `ends[1]`. `number` is drawn at random by the caller, for this
    /// session only. Time for the grace begins to run now.
    pub fn new(config: Config, attempt: Attempt, ends: [u32; 2], number: u64, now: Duration) -> Self {
        Session {
            config,
            attempt,
            ends,
            number,
            peer: None,
            link: Link::Down,
            broken: now,
            outgoing: Outgoing::new(config.window, config.allowance),
            incoming: Incoming::new(config.window, config.allowance),
        }
    }

    /// There is a connection to the peer, in the place of any before; the packet is what is to be sent on it first.
    ///
    /// # Errors
    /// Why the session has failed, if it has. The connection is to be closed.
    pub fn connected(&mut self, now: Duration) -> Result<Packet<F>, SessionError> {
        if let Link::Failed(error) = &self.link {
            return Err(error.clone());
        }
        self.disconnected(now);
        self.link = Link::Greeting { at: now };
        let (received, limit) = self.incoming.acknowledge();
        Ok(Packet::Hello(Hello {
            attempt: self.attempt,
            ends: self.ends,
            session: self.number,
            peer: self.peer,
            received,
            limit,
            window: self.config.window,
            allowance: self.config.allowance,
        }))
    }
    /// The connection is gone, and with it what was on its way.
    pub fn disconnected(&mut self, now: Duration) {
        match self.link {
            Link::Up { .. } => {
                self.link = Link::Down;
                self.broken = now;
            }
            Link::Greeting { .. } => self.link = Link::Down,
            Link::Down | Link::Failed(_) => {}
        }
    }
    /// Takes in what has arrived on the connection; a frame if it is the next one. Of what is handed out, the caller tells
    /// by [`consumed`](Session::consumed) when it is done with it.
    ///
    /// # Errors
    /// If the packet cannot be what the other end of this session has sent now. The connection is to be closed; whether the
    /// session is over with it, [`SessionError::ends_session`] says.
    pub fn receive(&mut self, now: Duration, packet: Packet<F>) -> Result<Option<F>, SessionError> {
        let taken = match (&mut self.link, packet) {
            // On its way when the connection was given up. It will be sent again.
            (Link::Down, _) => return Ok(None),
            (Link::Failed(error), _) => return Err(error.clone()),
            (Link::Greeting { .. }, Packet::Hello(hello)) => self.greeted(now, &hello).map(|()| None),
            (Link::Greeting { .. }, _) => Err(SessionError::OutOfTurn { peer: self.ends[1], what: "no greeting" }),
            (Link::Up { .. }, Packet::Hello(_)) => {
                Err(SessionError::OutOfTurn { peer: self.ends[1], what: "a second greeting" })
            }
            (Link::Up { heard, .. }, Packet::Frame { seq, frame }) => {
                *heard = now;
                let fresh = self.incoming.take(self.ends[1], seq, frame.bytes(), frame.is_control());
                fresh.map(|fresh| fresh.then_some(frame))
            }
            (Link::Up { heard, .. }, Packet::Ack { received, limit }) => {
                *heard = now;
                self.outgoing.acknowledged(self.ends[1], received, limit).map(|()| None)
            }
        };
        taken.inspect_err(|error| self.give_up(now, error))
    }
    /// The caller is done with received frames of so many bytes together, so the peer may send as many more.
    pub fn consumed(&mut self, bytes: u64) {
        self.incoming.consumed(bytes);
    }

    /// Takes a frame, to be sent in its turn: now or, if there is no connection, over the next one.
    ///
    /// # Errors
    /// If there is no credit for it, or never can be, or the session has failed. The frame comes back.
    pub fn send(&mut self, frame: F) -> Result<(), Unsent<F>> {
        if matches!(self.link, Link::Failed(_)) {
            return Err(Unsent::Failed(frame));
        }
        self.outgoing.accept(frame)
    }
    /// Whether a frame of this size would be taken now.
    pub fn has_credit(&self, bytes: u64, control: bool) -> bool {
        !matches!(self.link, Link::Failed(_)) && self.outgoing.has_room(bytes, control)
    }
    /// What is to be sent next on the connection, if anything is. To be asked until there is nothing, after everything that is
    /// told to the session: what has arrived together is then acknowledged together.
    pub fn transmit(&mut self, now: Duration) -> Option<Packet<F>> {
        let Link::Up { said, .. } = &mut self.link else { return None };
        let frame = if self.incoming.owes_ack() { None } else { self.outgoing.next() };
        let packet = match frame {
            Some((seq, frame)) => Packet::Frame { seq, frame },
            None if self.incoming.owes_ack() || now >= said.saturating_add(self.config.beat) => {
                let (received, limit) = self.incoming.acknowledge();
                Packet::Ack { received, limit }
            }
            None => return None,
        };
        *said = now;
        Some(packet)
    }

    /// When it wants to be told the time, by [`tick`](Session::tick). `None` if it has failed.
    pub fn due(&self) -> Option<Duration> {
        let over = self.broken.saturating_add(self.config.grace);
        match self.link {
            Link::Down => Some(over),
            Link::Greeting { at } => Some(over.min(at.saturating_add(self.config.silence))),
            Link::Up { heard, said } => {
                Some(heard.saturating_add(self.config.silence).min(said.saturating_add(self.config.beat)))
            }
            Link::Failed(_) => None,
        }
    }
    /// Time has passed. There may be something to [`transmit`](Session::transmit) then.
    ///
    /// # Errors
    /// If nothing has arrived for too long: the connection is to be closed. Or if that has lasted for so long that the
    /// session is over, or it has failed before.
    pub fn tick(&mut self, now: Duration) -> Result<(), SessionError> {
        let peer = self.ends[1];
        let error = match &self.link {
            Link::Failed(error) => return Err(error.clone()),
            Link::Down | Link::Greeting { .. } if now >= self.broken.saturating_add(self.config.grace) => {
                SessionError::Grace { peer, grace: self.config.grace }
            }
            Link::Greeting { at: since } | Link::Up { heard: since, .. }
                if now >= since.saturating_add(self.config.silence) =>
            {
                SessionError::Silent { peer, silence: self.config.silence }
            }
            _ => return Ok(()),
        };
        self.give_up(now, &error);
        Err(error)
    }

    /// Why the session is over, if it is.
    pub fn failure(&self) -> Option<&SessionError> {
        match &self.link {
            Link::Failed(error) => Some(error),
            _ => None,
        }
    }
    /// Whether there is a connection on which both ends know each other.
    pub fn is_up(&self) -> bool {
        matches!(self.link, Link::Up { .. })
    }
    /// How many bytes of frames it keeps, as the peer has not acknowledged them.
    pub fn kept(&self) -> u64 {
        self.outgoing.kept()
    }

    fn give_up(&mut self, now: Duration, error: &SessionError) {
        self.disconnected(now);
        if error.ends_session() {
            self.link = Link::Failed(error.clone());
            self.outgoing.forget();
        }
    }
    /// The other end has said who it is: goes on from what it has.
    fn greeted(&mut self, now: Duration, hello: &Hello) -> Result<(), SessionError> {
        let peer = self.ends[1];
        if hello.ends != [peer, self.ends[0]] {
            return Err(SessionError::Misrouted { expected: [peer, self.ends[0]], found: hello.ends });
        }
        if hello.attempt < self.attempt {
            return Err(SessionError::Stale { peer, ours: self.attempt, theirs: hello.attempt });
        }
        if hello.attempt > self.attempt {
            return Err(SessionError::Outdated { peer, ours: self.attempt, theirs: hello.attempt });
        }
        if self.peer.is_some_and(|known| known != hello.session) {
            return Err(SessionError::Restarted { peer });
        }
        if hello.peer.is_some_and(|known| known != self.number) {
            return Err(SessionError::Unknown { peer });
        }
        self.outgoing.resume(peer, hello)?;
        self.peer = Some(hello.session);
        self.link = Link::Up { heard: now, said: now };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
