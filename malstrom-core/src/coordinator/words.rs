//! How a job is kept, what happens to it, and what is to be done then.
use super::member::{Command, Standing};
use crate::contract::snapshot::{Barrier, Outcome};
use crate::exchange::layout::{Change, Layout};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// How a job is kept.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How many workers there are to be, unless the log says otherwise.
    pub workers: usize,
    /// With fewer than these the job does not go on, however long they are waited for.
    pub least: usize,
    /// How many key groups the job has.
    pub groups: usize,
    /// How many splits are shared out by the layout.
    pub splits: usize,
    /// From the beginning of one snapshot to that of the next.
    pub every: Duration,
    /// After this time a snapshot that is not complete is given up.
    pub timeout: Duration,
    /// How often in a row the last snapshot of a job may fail, or one that changes the layout, before the attempt does.
    pub tries: u32,
    /// How often in a row the job is restarted that fails by itself, if it does not get as far as the next snapshot.
    pub restarts: u32,
    /// After such a failure it is so long until the next attempt, and twice as long each further time, up to the second.
    pub pause: (Duration, Duration),
    /// A worker of which nothing was heard for so long is lost.
    pub silence: Duration,
    /// For so long more workers are waited for, before the job goes on with those that there are.
    pub patience: Duration,
    /// Whether the layout can change while an attempt is under way.
    pub moves: bool,
    /// Groups are prepared for a move until no more than so many bytes of them have changed meanwhile, but not for ever.
    pub budget: u64,
    /// About so many bytes of state leave each worker at one barrier when key groups move, since records wait for them; more barriers follow
    /// for the others. With [`u64::MAX`] all move at one.
    pub wave: u64,
    /// Whether snapshots are stored: if so, one is taken before a change of the layout, which has less to write then.
    pub stores: bool,
}
impl Default for Policy {
    /// One worker, a snapshot each ten seconds.
    fn default() -> Self {
        Policy {
            workers: 1,
            least: 1,
            groups: crate::contract::key::KeyGroups::DEFAULT.count(),
            splits: 0,
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(600),
            tries: 5,
            restarts: 3,
            pause: (Duration::from_millis(100), Duration::from_secs(10)),
            silence: Duration::from_secs(10),
            patience: Duration::from_secs(120),
            moves: true,
            budget: 32 << 20,
            wave: 1 << 20,
            stores: true,
        }
    }
}
/// Where a job goes on: what the commit log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The term of this coordinator.
    pub term: u64,
    /// The greatest interval that has a snapshot; 0 if none has.
    pub interval: u64,
    /// The round of the snapshot that the job is restored from. `None` if the next one is to be whole: there is none, or it
    /// is a savepoint, which is not to be needed for longer than its owner likes.
    pub round: Option<u16>,
    /// The layout that was written down with the newest snapshot, if one was.
    pub layout: Option<Arc<Layout>>,
    /// How many workers there are to be, if it was written down.
    pub target: Option<usize>,
    /// The attempt that the newest snapshot was taken in; 0 if there is none.
    pub attempt: u64,
    /// What became of the newest snapshot or savepoint, for workers that have not heard.
    pub outcome: Option<Outcome>,
}

/// What a snapshot is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To recover from.
    Recovery,
    /// To be kept, under this name.
    Savepoint(String),
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Time has passed, maybe.
    Tick,
    /// The log is claimed.
    Claimed(Origin),
    /// It cannot be known whether something was appended to the log: it is to be claimed and read anew.
    Uncertain,
    /// Another coordinator has claimed the log.
    Fenced,
    /// A worker has heard of this term, and says how it stands.
    Joined {
        /// Its number.
        worker: usize,
        /// In which attempt it is, if it is in one.
        standing: Option<Standing>,
    },
    /// A worker is alive.
    Heard {
        /// Its number.
        worker: usize,
    },
    /// A worker is gone.
    Lost {
        /// Its number.
        worker: usize,
    },
    /// An attempt has failed.
    Broken {
        /// Its number.
        attempt: u64,
        /// Whether another one could do better.
        restart: bool,
    },
    /// A worker has done something.
    Report {
        /// Its number.
        worker: usize,
        /// The attempt that it is in.
        attempt: u64,
        /// What it has done.
        report: Report,
    },
    /// A snapshot is in the commit log.
    Committed {
        /// Its interval.
        interval: u64,
    },
    /// A snapshot could not be stored, or one of the workers could not write its part.
    Failed {
        /// Its interval.
        interval: u64,
    },
    /// Somebody is about to leave: a snapshot is due now.
    Hasten,
    /// Somebody wants a savepoint of this name.
    Savepoint(String),
    /// Somebody wants so many workers.
    Target(usize),
    /// That is in the log.
    Recorded {
        /// How many.
        target: usize,
    },
    /// Somebody wants key groups, and splits, to be at other workers.
    Move {
        /// Groups, and who is to own each.
        groups: Vec<(usize, usize)>,
        /// Splits, and who is to read each.
        splits: Vec<(usize, usize)>,
    },
}
/// What a worker has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Report {
    /// It has taken in what it was restored from.
    Ready,
    /// It has written all that it kept at the barrier that ended this interval.
    Written(u64),
    /// It has nothing left to do, in the layout of this version, but to take the last snapshot.
    Finished(u64),
    /// It has read what it is going to gain.
    Followed {
        /// By which plan.
        plan: u64,
        /// From which snapshot.
        base: u64,
        /// How many bytes that were, since the snapshot it had before.
        bytes: u64,
    },
    /// A barrier with a change has passed it, and all that it has gained has arrived.
    Installed {
        /// The interval of the barrier.
        interval: u64,
        /// How much arrived.
        bytes: u64,
    },
    /// It has nothing any more that the job needs: it is not in the layout, or the last snapshot is committed, and what was to be
    /// published is.
    Left,
}
/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The log is claimed, and read: [`Event::Claimed`]. All workers are told of the term, and join.
    Claim,
    /// All [participants](super::Coordinator::participants) are told.
    Tell(Command),
    /// These workers are told.
    TellThese {
        /// Who.
        to: Vec<usize>,
        /// What.
        command: Command,
    },
    /// What the workers have written is stored and committed.
    Store {
        /// The barrier that it was written at.
        barrier: Barrier,
        /// What it is for.
        purpose: Purpose,
        /// What the barrier has changed: the new layout is written down.
        change: Option<Arc<Change>>,
    },
    /// A savepoint was not taken: what was asked for it is not there.
    NoSavepoint(String),
    /// It is written down how many workers there are to be: [`Event::Recorded`].
    Record {
        /// How many.
        target: usize,
    },
    /// The layout has changed.
    Moved {
        /// What it is now.
        layout: Arc<Layout>,
    },
    /// The layout does not change: there are too few workers, or one of them is gone.
    NotMoved,
    /// The job is over: the last snapshot is committed, and all workers have published what it has.
    End,
    /// The attempt cannot go on, since a snapshot that it needs cannot be stored. It [is broken](Event::Broken).
    Unstorable,
    /// The job has failed: it cannot be restarted, or has been too often.
    GiveUp,
    /// Another coordinator has taken over. This one is to do nothing more.
    StepDown,
}
