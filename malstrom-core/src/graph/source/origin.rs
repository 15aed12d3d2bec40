//! What those downstream are told of the splits that a worker reads.

/// The splits of one source on one worker.
pub(super) struct Origin {
    /// The number of a split that stands for all those that nobody has opened yet.
    pub(super) waiting: u64,
    pub(super) waits: bool,
    pub(super) next: u64,
    /// The split that was read last.
    pub(super) current: u64,
    pub(super) start: Start,
}
/// Where there is event time, nobody reads before all workers have said what they read: a worker of which nothing is known
/// holds time back, and what is late must not depend on which thread starts first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// This worker has not taken its first splits.
    Not,
    /// It has, and what it said of them passes the segments behind it, one a turn. So many turns are left.
    Passes(u8),
    /// It waits for the others.
    Waits,
    /// All have.
    Done,
}
/// How many segments of this worker may stand between a source and an exchange, for what is known at the start to be
/// there before any record is.
pub(super) const HOPS: u8 = 8;
impl Origin {
    pub(super) fn new(worker: usize, node: usize) -> Self {
        let waiting = (worker as u64) << 48 | (node as u64) << 32;
        Origin { waiting, waits: false, next: waiting + 1, current: waiting, start: Start::Not }
    }
    /// The number of a split that stands for those that move.
    pub(super) fn held(&self) -> u64 {
        self.waiting | 0xFFFF_FFFE
    }
    /// The number of a split that stands for none: others have some, and may give one away.
    pub(super) fn nothing(&self) -> u64 {
        self.waiting | 0xFFFF_FFFF
    }
    /// A split has this number already.
    pub(super) fn skip(&mut self, number: u64) {
        if number >> 32 == self.waiting >> 32 {
            self.next = self.next.max(number + 1);
        }
    }
}
