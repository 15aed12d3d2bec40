//! Where the workers of a job are.
use std::collections::BTreeMap;
use std::ops::Range;

/// Which process has which workers. Workers have numbers of their own in an attempt: those who begin it are numbered through, process by
/// process, and those of a process that joins come behind all others. A number is never used twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    here: u32,
    processes: BTreeMap<u32, Range<usize>>,
    /// There never is another process.
    alone: bool,
}
impl Places {
    /// Processes in ascending order, each with the number of its workers, and which of them this is.
    ///
    /// ```
    /// use malstrom_core::exchange::places::Places;
    /// let places = Places::new(7, [(3, 2), (7, 1)]);
    /// assert_eq!((places.workers(), places.here()), (3, 2..3));
    /// ```
    pub fn new(here: u32, processes: impl IntoIterator<Item = (u32, usize)>) -> Self {
        let sizes: BTreeMap<u32, usize> = processes.into_iter().collect();
        let mut next = 0;
        let processes = sizes.into_iter().map(|(process, workers)| {
            next += workers;
            (process, next - workers..next)
        });
        Self::seated(here, processes)
    }
    /// Processes, each with the numbers of its workers, and which of them this is.
    ///
    /// ```
    /// use malstrom_core::exchange::places::Places;
    /// let places = Places::seated(1, [(3, 0..2), (1, 2..4)]);
    /// assert_eq!((places.here(), places.process_of(1)), (2..4, Some(3)));
    /// ```
    pub fn seated(here: u32, processes: impl IntoIterator<Item = (u32, Range<usize>)>) -> Self {
        Places { here, processes: processes.into_iter().collect(), alone: false }
    }
    /// All workers in one process, which there never is another one beside.
    pub fn alone(workers: usize) -> Self {
        Places { alone: true, ..Self::new(0, [(0, workers)]) }
    }
    /// Whether there never is another process.
    pub fn is_alone(&self) -> bool {
        self.alone
    }
    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.processes.values().map(ExactSizeIterator::len).sum()
    }
    /// The number of this process.
    pub fn here_number(&self) -> u32 {
        self.here
    }
    /// The workers of this process.
    pub fn here(&self) -> Range<usize> {
        self.processes.get(&self.here).cloned().unwrap_or_default()
    }
    /// The other processes.
    pub fn others(&self) -> impl Iterator<Item = u32> + '_ {
        self.processes.keys().copied().filter(|process| *process != self.here)
    }
    /// All processes, with their workers.
    pub fn all(&self) -> impl Iterator<Item = (u32, Range<usize>)> + '_ {
        self.processes.iter().map(|(process, workers)| (*process, workers.clone()))
    }
    /// The place of this process among all, and how many there are.
    pub(super) fn share(&self) -> (usize, usize) {
        (self.processes.range(..self.here).count(), self.processes.len())
    }
    /// The process of a worker.
    pub fn process_of(&self, worker: usize) -> Option<u32> {
        self.processes.iter().find(|(_, workers)| workers.contains(&worker)).map(|(process, _)| *process)
    }
    /// One more process is going to have workers.
    pub(super) fn add(&mut self, process: u32, workers: Range<usize>) {
        self.processes.insert(process, workers);
    }
}
