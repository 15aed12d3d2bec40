//! What the coordinator and the processes with workers say to each other.
//!
//! They are written by postcard. A connection may break at any time, and what was under way is lost then: whoever comes back says how it
//! stands, so nothing here has to arrive.
use crate::contract::snapshot::Part;
use crate::coordinator::Report;
use crate::coordinator::member::{Command, Standing};
use crate::error::{Error, Result};
use crate::metrics::Metric;
use crate::runtime::report::Figures;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many workers one process may have: the number of a worker is that of its process times this, and its place there.
pub(super) const WORKERS: usize = 256;
/// And how many processes there may be, so that numbers of workers have 16 bits.
pub(super) const PROCESSES: u32 = 255;

/// The workers of a process.
pub(super) fn workers_of(process: u32, count: usize) -> std::ops::Range<usize> {
    let first = process as usize * WORKERS;
    first..first + count
}
/// The process of a worker.
pub(super) fn process_of(worker: usize) -> u32 {
    u32::try_from(worker / WORKERS).unwrap_or(u32::MAX)
}

/// What a process with workers says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Word {
    /// It is there. Said first on each connection.
    Hello(Hello),
    /// It has heard of a term, and says how its workers stand.
    Joined {
        term: u64,
        standings: Vec<(usize, Option<Standing>)>,
        /// What key hashes are seeded with in the attempt that they are in: before the first snapshot, nobody else knows.
        seed: Option<u64>,
        /// The processes that take part in that, or are about to; and up to where numbers of workers have been given.
        seats: (Vec<Seat>, usize),
        /// Whether it has been told that the job is stopping.
        stopping: bool,
        /// How many processes there are to be, if it has been told.
        limit: Option<Limit>,
        /// The parts of snapshots of which it does not know what became: their intervals, and what was written.
        parts: Vec<(u64, Vec<u8>)>,
    },
    /// A worker has done something.
    Report { term: u64, worker: usize, attempt: u64, report: Report },
    /// A change has passed one of its workers, which has taken in so many bytes, and of which a stage stood still for so long.
    Handed { term: u64, attempt: u64, bytes: u64, stood: Duration },
    /// All of its workers have taken in what they are restored from: these parts of it, of these operators.
    Restored { term: u64, attempt: u64, parts: Vec<(String, Part)> },
    /// All of its workers have written what they kept, and it lies in the store.
    Written { term: u64, attempt: u64, interval: u64, part: Vec<u8> },
    /// It could not be stored.
    Unwritten { term: u64, attempt: u64, interval: u64, why: String },
    /// The attempt has failed here.
    Failed { term: u64, attempt: u64, failure: Failure },
    /// A process cannot be reached from here any more.
    Cut { term: u64, attempt: u64, peer: u32, why: String },
    /// It is told to go, and would like to leave nothing undone.
    Leaving,
    /// What it has done.
    Did(Done),
    /// What samples there were of records that its workers have sent in this attempt, since it last said so.
    Loads { attempt: u64, samples: Samples },
}
/// Some key groups, and how many samples there were of each.
pub(super) type Samples = Vec<(u16, u32)>;
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Tells a process from any that had its number before.
    pub(super) nonce: u128,
    /// When it began, in microseconds since 1970.
    pub(super) since: i64,
    /// The number that it has, or would like to have.
    pub(super) process: Option<u32>,
    /// Where other processes reach it.
    pub(super) address: String,
    pub(super) workers: usize,
    /// Where it keeps snapshots.
    pub(super) location: String,
}
/// Why an attempt has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) what: String,
    /// Whether another attempt could do better, and whether the configuration is to blame.
    pub(super) restart: bool,
    pub(super) config: bool,
}
/// What the operators of a process have done so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Done {
    /// The attempt in which they have.
    pub(super) attempt: u64,
    pub(super) operators: Vec<([u64; 5], Vec<(String, Metric)>)>,
    /// The splits that are being read: their names, how much of each is read, and how much there is.
    pub(super) splits: Vec<(String, u64, u64)>,
}
impl Done {
    pub(super) fn of(attempt: u64, figures: &Figures) -> Self {
        let operators = figures.operators().iter().map(|op| {
            let metrics = op.metrics.iter().map(|(name, metric)| ((*name).to_owned(), *metric)).collect();
            ([op.records_in, op.records_out, op.failed, op.late, op.dropped], metrics)
        });
        Done { attempt, operators: operators.collect(), splits: Vec::new() }
    }
}

/// What the coordinator says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Order {
    /// The process has this number.
    Welcome { process: u32 },
    /// It is not wanted, and ends.
    Unwanted(String),
    /// The coordinator of this term has something to say to its workers.
    Tell { term: u64, command: Command, setup: Option<Setup>, savepoint: Option<String> },
    /// These are the processes of the attempt, and those that are about to join it.
    Seats { attempt: u64, seats: Vec<Seat> },
    /// So many processes are to take part. Kept, and said to the next coordinator.
    Limit(Limit),
    /// The sources end, and what is under way is drained.
    Stop,
    /// There is nothing to do any more, as all is done, or because of what is said.
    End(Option<String>),
}
/// How many processes are to take part, as somebody has said while the job ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Limit {
    /// The term in which it was said, and how often something like it had been said before: the greatest holds.
    pub(super) term: u64,
    pub(super) nth: u64,
    pub(super) processes: usize,
}
/// A process of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seat {
    pub(super) process: u32,
    /// Its workers, as they are numbered in the attempt, from the first one on.
    pub(super) first: usize,
    pub(super) workers: usize,
    /// Where it is reached.
    pub(super) address: String,
}
impl Seat {
    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.workers
    }
    /// What a worker is called in the attempt, if it is one of these.
    pub(super) fn number(&self, worker: usize) -> Option<usize> {
        (process_of(worker) == self.process)
            .then(|| self.first + worker % WORKERS)
            .filter(|at| self.range().contains(at))
    }
}
/// What a worker is called in an attempt of these processes.
pub(super) fn number_in(seats: &[Seat], worker: usize) -> Option<usize> {
    seats.iter().find_map(|seat| seat.number(worker))
}
/// How an attempt begins, or a process joins one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Setup {
    /// The processes that take part.
    pub(super) seats: Vec<Seat>,
    /// What key hashes are seeded with.
    pub(super) seed: u64,
    /// The interval that is under way, for who joins.
    pub(super) interval: u64,
    /// The snapshot or savepoint to restore, as for `--restore`.
    pub(super) restore: Option<String>,
    /// Whether the job is stopping.
    pub(super) stopping: bool,
}

pub(super) fn write<T: Serialize>(word: &T) -> Result<Bytes> {
    let bytes = postcard::to_stdvec(word).map_err(Error::custom)?;
    Ok(bytes.into())
}
pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    match postcard::take_from_bytes(bytes).map_err(Error::custom)? {
        (word, []) => Ok(word),
        _ => Err(Error::custom("there is something behind what another process says")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::snapshot::{Barrier, Scope};
    use crate::exchange::layout::{Change, Layout};
    use std::sync::Arc;

    #[test]
    fn what_is_said_is_understood() {
        let old = Arc::new(Layout::even(&[0, 256], 16, 0));
        let new = Arc::new(old.spread(&[0]));
        let change = Some(Arc::new(Change { old, new, bases: [(0, 3)].into() }));
        let barrier = Barrier { interval: 7, scope: Scope::Changes { round: 3 }, last: false };
        let command = Command::Trigger { barrier, change };
        let order = Order::Tell { term: 2, command, setup: None, savepoint: Some("s".into()) };
        assert_eq!(read::<Order>(&write(&order).unwrap()).unwrap(), order);
        let bytes = write(&order).unwrap();
        assert!(read::<Order>(&bytes[..bytes.len() - 1]).is_err());
        assert!(read::<Order>(&[&bytes[..], &[0]].concat()).is_err());
    }
    #[test]
    fn a_layout_that_is_none_is_refused() {
        // Version 0, worker 1, and a key group at worker 2.
        let bytes = postcard::to_stdvec(&(0u64, vec![1usize], vec![2u16], Vec::<u16>::new())).unwrap();
        assert!(read::<Layout>(&bytes).is_err());
    }
    #[test]
    fn numbers_say_where_a_worker_is() {
        assert_eq!(workers_of(3, 2), 768..770);
        assert_eq!((process_of(769), process_of(0)), (3, 0));
        assert!(workers_of(PROCESSES, WORKERS).end <= 1 << 16);
    }
}
