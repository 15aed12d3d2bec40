//! How much there is of everything.

/// How many batches a channel between two workers holds.
const CHANNEL: usize = 8;
/// How many bytes a line between workers of two processes does.
const WINDOW: u64 = 512 << 10;

/// How much of something the workers of a process do or keep at a time, at most. A job takes as much as is good for its speed; less
/// than that makes rare what is common, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many records a source reads of a split in one step. With few of them, a barrier can come between any two of a handful of
    /// records.
    pub pace: usize,
    /// How many records are in a batch that crosses an exchange.
    pub batch: usize,
    /// How many batches a channel between two workers holds.
    pub channel: usize,
    /// How many bytes may be on their way from a worker of one process to one of another, through one exchange, before the last batch
    /// that is sent. The same in all processes.
    pub window: u64,
    /// How much of a snapshot a worker writes before it does other work again: about so many bytes.
    pub slice: usize,
}
impl Default for Limits {
    fn default() -> Self {
        Limits { pace: usize::MAX, batch: usize::MAX, channel: CHANNEL, window: WINDOW, slice: usize::MAX }
    }
}
