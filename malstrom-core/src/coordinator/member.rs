//! A worker as its coordinator sees it: what it is told, what of that it heeds, and how it stands.
//!
//! A coordinator that has been replaced may not know it, and what it has sent may arrive late. So everything that a worker is told is
//! under a term; it heeds the highest that it has heard of, tells a coordinator of a new term how it stands, and ignores the others. What
//! it is told twice it does once: a new coordinator repeats what the one before may have said.
//!
//! What it has said itself may be lost as well, with the connection that it was said on. So it says again how it stands on each
//! [new one](Member::connected).
use crate::contract::snapshot::{Barrier, Outcome};
use crate::exchange::layout::{Change, Layout};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a worker is told, under a term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Command {
    /// That the term has begun, now and then.
    Lead,
    /// To take in what the snapshot before an interval has for it.
    Begin {
        /// The number of the attempt.
        attempt: u64,
        /// The interval that begins.
        interval: u64,
        /// Who takes part.
        layout: Arc<Layout>,
    },
    /// To begin with its work: all have taken in theirs.
    Go {
        /// The number of the attempt.
        attempt: u64,
    },
    /// To join an attempt if it has not, and to read what it is going to gain.
    Prepare {
        /// The number of the plan.
        plan: u64,
        /// The attempt.
        attempt: u64,
        /// What is going to change.
        change: Arc<Change>,
        /// The interval of the snapshot to read; 0 if there is none.
        base: u64,
    },
    /// To drop what it has read, and to leave if it has joined for that.
    Unprepare,
    /// To begin a snapshot.
    Trigger {
        /// The barrier.
        barrier: Barrier,
        /// What it changes.
        change: Option<Arc<Change>>,
    },
    /// To take note of what became of one.
    Settle(Outcome),
    /// To publish what is committed, and to leave.
    Release,
}

/// A barrier that a worker has been told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The barrier.
    pub barrier: Barrier,
    /// What it changes.
    pub change: Option<Arc<Change>>,
    /// Whether the worker has written what it kept at it.
    pub written: bool,
    /// What became of the snapshot, if the worker knows.
    pub outcome: Option<Outcome>,
}
/// How a worker stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The attempt that it is in.
    pub attempt: u64,
    /// The interval of the snapshot that the attempt began with; 0 if it began anew, and `None` for who joined it later.
    pub origin: Option<u64>,
    /// The layout that it began or was prepared with, or the one of the last change that has passed it.
    pub layout: Arc<Layout>,
    /// Whether all had taken in what they were restored from.
    pub going: bool,
    /// Whether it takes part only from a barrier on that has not passed it.
    pub prepared: bool,
    /// The barriers that it has been told of, from the last committed one on, in order.
    pub begun: Vec<Begun>,
    /// The last change that has passed it, and of which all that it gained has arrived; 0 if there was none.
    pub installed: u64,
    /// The version of the layout in which it has nothing left to do, if so.
    pub finished: Option<u64>,
}

/// What a worker does with what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heed {
    /// Nothing: somebody else coordinates, or it has done so.
    Ignore,
    /// It joins this term, and says how it stands.
    Join(Option<Standing>),
    /// It does so.
    Do(Command),
}

/// How a worker takes what it is told. See the [module](self).
///
/// ```
/// use malstrom_core::coordinator::member::{Command, Heed, Member};
/// use malstrom_core::exchange::layout::Layout;
/// let mut member = Member::default();
/// assert_eq!(member.hears(3, Command::Lead), Heed::Join(None));
/// let layout = std::sync::Arc::new(Layout::even(&[0], 8, 1));
/// let begin = Command::Begin { attempt: 3, interval: 1, layout };
/// assert_eq!(member.hears(2, begin.clone()), Heed::Ignore, "somebody has taken over");
/// assert_eq!(member.hears(3, begin.clone()), Heed::Do(begin));
/// assert!(matches!(member.hears(4, Command::Lead), Heed::Join(Some(standing)) if standing.attempt == 3));
/// assert_eq!(member.hears(4, Command::Lead), Heed::Ignore, "it has said so");
/// member.connected();
/// assert!(matches!(member.hears(4, Command::Lead), Heed::Join(Some(_))), "which may not have arrived");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Member {
    term: u64,
    standing: Option<Standing>,
    /// It has not said how it stands on this connection.
    fresh: bool,
}
impl Member {
    /// The term that it heeds.
    pub fn term(&self) -> u64 {
        self.term
    }
    /// How it stands, if it is in an attempt.
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }
    /// The attempt that it is in; 0 if it is in none.
    pub fn attempt(&self) -> u64 {
        self.standing.as_ref().map_or(0, |standing| standing.attempt)
    }

    /// There is another connection to a coordinator. How it stands may not have arrived on the one before, so it says so again when
    /// that coordinator leads, of whichever term.
    pub fn connected(&mut self) {
        self.fresh = true;
    }
    /// Takes in what the coordinator of a term says.
    pub fn hears(&mut self, term: u64, command: Command) -> Heed {
        if term < self.term {
            return Heed::Ignore;
        }
        // Whatever else one of a new term says, it says it to those who have joined; so this one has been forgotten.
        if term > self.term || command == Command::Lead && self.fresh {
            (self.term, self.fresh) = (term, false);
            return Heed::Join(self.standing.clone());
        }
        if self.heeds(&command) { Heed::Do(command) } else { Heed::Ignore }
    }
    fn heeds(&mut self, command: &Command) -> bool {
        match command {
            Command::Lead => false,
            Command::Begin { attempt, interval, layout } => {
                let origin = interval.checked_sub(1);
                *attempt > self.attempt() && self.enter(*attempt, origin, layout)
            }
            Command::Go { attempt } => {
                let standing = self.standing.as_mut().filter(|standing| standing.attempt == *attempt);
                standing.is_some_and(|standing| !std::mem::replace(&mut standing.going, true))
            }
            Command::Prepare { attempt, change, .. } => {
                // Who gains without joining is in the attempt already.
                if self.attempt() != *attempt {
                    self.enter(*attempt, None, &change.new);
                    self.standing.iter_mut().for_each(|standing| (standing.going, standing.prepared) = (true, true));
                }
                true
            }
            Command::Unprepare => {
                let stands = self.standing.is_some();
                self.standing.take_if(|standing| standing.prepared);
                stands
            }
            Command::Trigger { barrier, change } => {
                let Some(standing) = &mut self.standing else { return false };
                let known = standing.begun.last().is_some_and(|begun| begun.barrier.interval >= barrier.interval);
                if !known {
                    let begun = Begun { barrier: *barrier, change: change.clone(), written: false, outcome: None };
                    standing.begun.push(begun);
                }
                !known
            }
            Command::Settle(outcome) => self.settled(*outcome),
            Command::Release => self.standing.is_some(),
        }
    }
    fn enter(&mut self, attempt: u64, origin: Option<u64>, layout: &Arc<Layout>) -> bool {
        self.standing = Some(Standing {
            attempt,
            origin,
            layout: layout.clone(),
            going: false,
            prepared: false,
            begun: Vec::new(),
            installed: 0,
            finished: None,
        });
        true
    }
    fn settled(&mut self, outcome: Outcome) -> bool {
        let Some(standing) = &mut self.standing else { return false };
        let Some(at) = standing.begun.iter().position(|begun| begun.barrier.interval == outcome.interval()) else {
            return false;
        };
        let news = standing.begun[at].outcome.is_none();
        standing.begun[at].outcome = Some(outcome);
        if outcome.is_base() {
            standing.begun.drain(..at);
        }
        news
    }

    /// It has written what it kept at a barrier.
    pub fn written(&mut self, interval: u64) {
        let begun = self.standing.iter_mut().flat_map(|standing| &mut standing.begun);
        begun.filter(|begun| begun.barrier.interval == interval).for_each(|begun| begun.written = true);
    }
    /// A barrier with a change has passed all of it.
    pub fn passed(&mut self, change: &Change) {
        if let Some(standing) = &mut self.standing {
            standing.layout = change.new.clone();
            standing.prepared = false;
            standing.finished = None;
        }
    }
    /// All that it gained at this barrier has arrived.
    pub fn installed(&mut self, interval: u64) {
        self.standing.iter_mut().for_each(|standing| standing.installed = interval);
    }
    /// It has nothing left to do in its layout.
    pub fn finished(&mut self) {
        self.standing.iter_mut().for_each(|standing| standing.finished = Some(standing.layout.version()));
    }
    /// It is in no attempt any more.
    pub fn left(&mut self) {
        self.standing = None;
    }
}
