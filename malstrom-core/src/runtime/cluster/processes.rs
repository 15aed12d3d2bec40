//! The processes that a coordinator knows: who they are, where they are, and whether they are still there.
use super::words::{Done, Hello, PROCESSES, WORKERS, workers_of};
use crate::contract::source::Progress;
use crate::metrics::Metric;
use crate::net::control::ConnectionId;
use crate::runtime::report::Figures;
use crate::stream::env::Counts;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// A process whose connection breaks may come back for so long, if no other comes in its place.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Process {
    nonce: u128,
    since: i64,
    address: String,
    workers: usize,
    connection: Option<ConnectionId>,
    /// Since when there is none.
    gone: Duration,
    /// Who cannot reach it, in this attempt.
    cut_from: BTreeSet<u32>,
}
/// The names of the users' metrics, which processes send as they are and reports keep for good.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<&'static str>);
impl Names {
    /// A program has some; what goes on and on inventing others is not followed.
    const MOST: usize = 1000;
    fn name(&mut self, name: &str) -> Option<&'static str> {
        if let Some(known) = self.0.get(name) {
            return Some(known);
        }
        if self.0.len() >= Self::MOST {
            return None;
        }
        let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
        self.0.insert(kept);
        Some(kept)
    }
}
/// A process that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) process: u32,
    /// It was there before, and its connection broke.
    pub(super) back: bool,
    /// The workers of another one that had this number, which are lost.
    pub(super) lost: std::ops::Range<usize>,
    /// The connection of that other one, which is to be told.
    pub(super) replaced: Option<ConnectionId>,
}
/// What is known of a process, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessStatus {
    pub(crate) process: u32,
    pub(crate) address: String,
    pub(crate) workers: usize,
    /// For how long there has been no connection to it.
    pub(crate) gone: Option<Duration>,
}

#[derive(Debug, Default)]
pub(super) struct Processes {
    known: BTreeMap<u32, Process>,
    connections: HashMap<ConnectionId, u32>,
    /// What each has told last of what it has done: also those that are gone since, until an attempt begins without them.
    done: BTreeMap<u32, Done>,
    /// And what those have done whose numbers others may have by now.
    left: Vec<Done>,
}
impl Processes {
    /// A process says who it is.
    pub(super) fn arrive(&mut self, connection: ConnectionId, hello: Hello) -> Result<Arrived, String> {
        let Hello { nonce, since, process, address, workers, .. } = hello;
        if workers == 0 || workers > WORKERS {
            return Err(format!("it has {workers} workers: start it with `--workers` 1 to {WORKERS}"));
        }
        if let Some(process) = process.filter(|process| *process >= PROCESSES) {
            return Err(format!("it is process {process}, and their numbers are below {PROCESSES}"));
        }
        let free = || (0..PROCESSES).find(|process| !self.known.contains_key(process));
        let process = process.or_else(free).ok_or("there are too many processes")?;
        let mut arrived = Arrived { process, back: false, lost: 0..0, replaced: None };
        let fresh = Process {
            nonce,
            since,
            address,
            workers,
            connection: Some(connection),
            gone: Duration::ZERO,
            cut_from: BTreeSet::new(),
        };
        match self.known.entry(process) {
            Entry::Vacant(place) => drop(place.insert(fresh)),
            Entry::Occupied(mut place) => {
                let known = place.get_mut();
                arrived.back = known.nonce == nonce;
                // Who has been replaced meanwhile is not let in again, or two would replace each other for ever. The place of one that
                // is gone is free for any other: the clocks of two machines do not tell which of them began later.
                if !arrived.back && known.connection.is_some() && known.since >= since {
                    return Err(format!(
                        "it was gone for too long, and another process has come in its place as process {process}"
                    ));
                }
                let old = known.connection.replace(connection);
                if let Some(old) = old {
                    self.connections.remove(&old);
                }
                if arrived.back {
                    known.address = fresh.address;
                } else {
                    (arrived.lost, arrived.replaced) = (workers_of(process, known.workers), old);
                    *known = fresh;
                }
            }
        }
        self.connections.insert(connection, process);
        Ok(arrived)
    }
    /// A connection is gone.
    pub(super) fn closed(&mut self, connection: ConnectionId, now: Duration) {
        let Some(process) = self.connections.remove(&connection) else { return };
        if let Some(known) = self.known.get_mut(&process).filter(|known| known.connection == Some(connection)) {
            (known.connection, known.gone) = (None, now);
        }
    }
    /// When the next process is lost, unless it comes back.
    pub(super) fn due(&self) -> Option<Duration> {
        let gone = self.known.values().filter(|known| known.connection.is_none());
        gone.map(|known| known.gone + GRACE).min()
    }
    /// Those that have not come back.
    pub(super) fn take_lost(&self, now: Duration) -> Vec<u32> {
        let lost = |known: &Process| known.connection.is_none() && now >= known.gone + GRACE;
        self.known.iter().filter(|(_, known)| lost(known)).map(|(process, _)| *process).collect()
    }
    /// A process is gone: the workers that are lost with it.
    pub(super) fn forget(&mut self, process: u32) -> std::ops::Range<usize> {
        let workers = self.workers(process);
        // Others read on what it has read.
        self.left.extend(self.done.remove(&process).map(|done| Done { splits: Vec::new(), ..done }));
        if let Some(connection) = self.known.remove(&process).and_then(|known| known.connection) {
            self.connections.remove(&connection);
        }
        workers
    }
    pub(super) fn connections(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }
    pub(super) fn at(&self, connection: ConnectionId) -> Option<u32> {
        self.connections.get(&connection).copied()
    }
    pub(super) fn connection(&self, process: u32) -> Option<ConnectionId> {
        self.known.get(&process)?.connection
    }
    pub(super) fn workers(&self, process: u32) -> std::ops::Range<usize> {
        workers_of(process, self.known.get(&process).map_or(0, |known| known.workers))
    }
    /// How many processes there are, and how many workers they have.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.known.len(), self.known.values().map(|known| known.workers).sum())
    }
    pub(super) fn all(&self) -> Vec<u32> {
        self.known.keys().copied().collect()
    }
    /// Where the processes of these workers are, and how many of these each has.
    pub(super) fn setup(&self, workers: &[usize]) -> Vec<(u32, usize, String)> {
        let setup = self.known.iter().map(|(process, known)| {
            let all = workers_of(*process, known.workers);
            let count = workers.iter().filter(|worker| all.contains(worker)).count();
            (*process, count, known.address.clone())
        });
        setup.filter(|(_, count, _)| *count > 0).collect()
    }
    /// One cannot reach another one. Which of them is to be left out.
    pub(super) fn note_cut(&mut self, from: u32, peer: u32) -> u32 {
        self.known.entry(peer).and_modify(|known| {
            known.cut_from.insert(from);
        });
        let votes = |process: u32| self.known.get(&process).map_or(usize::MAX, |known| known.cut_from.len());
        if votes(from) > votes(peer) { from } else { peer }
    }
    /// An attempt begins.
    pub(super) fn begin(&mut self, attempt: u64) {
        self.done.retain(|_, done| done.attempt == attempt);
        self.left.retain(|done| done.attempt == attempt);
        self.known.values_mut().for_each(|known| known.cut_from.clear());
    }
    pub(super) fn did(&mut self, process: u32, done: Done) {
        self.done.insert(process, done);
    }
    /// What all have done together in an attempt. Metrics go by the names in `names`, which grows.
    pub(super) fn figures(&self, attempt: u64, fresh: &Figures, names: &mut Names) -> (Figures, Vec<Progress>) {
        let (mut all, mut splits) = (fresh.clone(), Vec::new());
        for done in self.done.values().chain(&self.left).filter(|done| done.attempt == attempt) {
            let mut of_process = fresh.clone();
            let operators = done.operators.iter().map(|(counts, metrics)| {
                let [records_in, records_out, failed, late, dropped] = *counts;
                let named = |(name, metric): &(String, Metric)| Some((names.name(name)?, *metric));
                let metrics = metrics.iter().filter_map(named).collect();
                (Counts { records_in, records_out, failed, late, dropped }, metrics)
            });
            of_process.note(operators);
            all.merge(&of_process);
            let progress = |(split, done, total): &(String, u64, u64)| Progress {
                split: split.clone(),
                done: *done,
                total: *total,
            };
            splits.extend(done.splits.iter().map(progress));
        }
        (all, splits)
    }
    pub(super) fn status(&self, now: Duration) -> Vec<ProcessStatus> {
        let status = |(process, known): (&u32, &Process)| ProcessStatus {
            process: *process,
            address: known.address.clone(),
            workers: known.workers,
            gone: known.connection.is_none().then(|| now.saturating_sub(known.gone)),
        };
        self.known.iter().map(status).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;

    fn done(attempt: u64, read: u64) -> Done {
        let operators = vec![([0, read, 0, 0, 0], Vec::new())];
        Done { attempt, operators, splits: Vec::new() }
    }
    fn read(processes: &Processes, attempt: u64) -> u64 {
        let g = Graph::new("p");
        let s = crate::graph::source::source(g.clone(), "source", crate::connect::FromIter::new(0..1u64));
        crate::graph::build::sink(g.clone(), "sink", crate::connect::memory::collector(), s);
        let (figures, _) = processes.figures(attempt, &Figures::new(&g.finish()), &mut Names::default());
        figures.operators()[0].records_out
    }

    #[test]
    fn figures_are_those_of_one_attempt() {
        let mut processes = Processes::default();
        processes.did(0, done(1, 10));
        processes.did(1, done(1, 5));
        assert_eq!(read(&processes, 1), 15);
        // It is gone, and what it has done was done.
        processes.forget(1);
        assert_eq!(read(&processes, 1), 15);
        processes.begin(2);
        assert_eq!(read(&processes, 2), 0);
        // One that has not heard of it yet tells of the one before.
        processes.did(0, done(1, 11));
        assert_eq!(read(&processes, 2), 0);
        processes.did(0, done(2, 3));
        assert_eq!(read(&processes, 2), 3);
    }

    fn hello(nonce: u128) -> Hello {
        let (address, location) = ("127.0.0.1:1".to_owned(), "memory://".to_owned());
        Hello { nonce, since: nonce as i64, process: Some(1), address, workers: 1, location }
    }

    #[test]
    fn a_successor_may_have_a_clock_that_is_behind() {
        let mut processes = Processes::default();
        let connections = [1, 2].map(ConnectionId::numbered);
        assert!(processes.arrive(connections[0], hello(9)).is_ok());
        processes.closed(connections[0], Duration::ZERO);
        let arrived = processes.arrive(connections[1], hello(3)).expect("the other one is gone");
        assert_eq!((arrived.back, arrived.lost.len(), arrived.replaced), (false, 1, None));
    }
    #[test]
    fn who_was_replaced_does_not_replace_its_successor() {
        let mut processes = Processes::default();
        let mut connections = (0..).map(ConnectionId::numbered);
        let mut arrive = |processes: &mut Processes, nonce| {
            let connection = connections.next().ok_or("no more")?;
            processes.arrive(connection, hello(nonce)).map(|arrived| (arrived.back, arrived.lost.len()))
        };
        assert_eq!(arrive(&mut processes, 7), Ok((false, 0)));
        assert_eq!(arrive(&mut processes, 7), Ok((true, 0)));
        assert_eq!(arrive(&mut processes, 8), Ok((false, 1)));
        let why = arrive(&mut processes, 7).expect_err("it is turned away");
        assert!(why.contains("another process has come in its place as process 1"), "{why}");
        assert_eq!(arrive(&mut processes, 8), Ok((true, 0)));
        // As long as nobody else has its number, it may come back.
        processes.forget(1);
        assert_eq!(arrive(&mut processes, 7), Ok((false, 0)));
    }
}
