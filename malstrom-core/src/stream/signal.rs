//! What travels between the records of a stream, in order with them: time, where records come from, barriers, and the end.
use crate::contract::snapshot::Barrier;

/// The watermark of an input. The end of an input is an [`End`], not a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing at or before this will follow.
    At(i64),
    /// Nothing has come for so long that others need not wait for it. What it last promised holds; `i64::MIN` if nothing.
    Idle(i64),
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its input has ended: windows close and timers fire.
    Complete,
    /// The job was told to stop before that: nothing is closed.
    Stopped,
}

/// What happens to a split of a source. Splits are numbered within their worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitNews {
    /// It exists, and has given nothing yet: no promise can be made about its times.
    Opens,
    /// What follows comes from it.
    Reads,
    /// Its source promises that nothing at or before this will come from it.
    Promises(i64),
    /// It was asked and has nothing to give, from now on until it gives something.
    Silent,
    /// Its source says that nothing will come for a while.
    Rests,
    /// It stands for splits that may be anywhere: which worker reads which split is about to change. Until it has ended nothing can be
    /// promised, and then all is to be promised anew, since what has moved here may be behind what was promised before.
    Holds,
    /// Another worker reads it from now on. Those of this worker that take times from records forget it; whoever is behind an
    /// exchange does not hear of it.
    Moves,
    /// It has ended.
    Ends,
}

/// What travels between records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// News of a split, on the way to where times are taken from records.
    Split(u64, SplitNews),
    /// A watermark.
    Time(Mark),
    /// An interval ends here.
    Barrier(Barrier),
    /// Nothing will follow.
    End(End),
}

/// Whether a chain can take more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// It can.
    Free,
    /// It has done a part of the work that a signal asked for, and has more of that to do first.
    Busy,
    /// What is behind it is over its limit.
    Full,
}
impl Flow {
    /// `Free` if there is room.
    #[inline(always)]
    pub fn room(room: bool) -> Flow {
        if room { Flow::Free } else { Flow::Full }
    }
    /// The flow of something with two ends: that of the slower one.
    #[inline(always)]
    pub fn and(self, other: Flow) -> Flow {
        match (self, other) {
            (Flow::Full, _) | (_, Flow::Full) => Flow::Full,
            (Flow::Busy, _) | (_, Flow::Busy) => Flow::Busy,
            _ => Flow::Free,
        }
    }
    /// Whether it is free.
    #[inline(always)]
    pub fn is_free(self) -> bool {
        self == Flow::Free
    }
}

/// The sooner of two times, where `None` is never.
#[inline]
pub fn sooner<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
