//! Sources: where a stream begins. A source consists of splits, and each split is read by one worker.
use super::record::Record;
use super::stage::Emit;
use crate::error::Result;
use std::time::Duration;

/// Where a stream begins.
///
/// Every worker has its own copy, made by the pipeline function. One of them is asked for the [`splits`](Source::splits),
/// which are then handed out to all of them.
pub trait Source: 'static {
    /// The records it produces.
    type Out: 'static;
    /// Why a row can be malformed, or [`Never`](crate::Never). Trouble with the medium itself is no row and is returned
    /// as an error from the methods instead.
    type Error: 'static;
    /// One unit of reading: a file, a partition.
    type Split: Record;
    /// How far a split has been read.
    type Position: Record;
    /// Reads one split.
    type Reader: SplitReader<Out = Self::Out, Error = Self::Error, Position = Self::Position>;

    /// Whether a split that is opened at a position gives the records behind it, as it gave them before. Without that, what
    /// was read since the last snapshot is lost in a failure. A source that does implements [`Replays`] as well.
    const REPLAYS: bool = true;

    /// Lists what there is to read. Called once at each start of the job. Splits are told apart by their bytes: where the
    /// job is restored, those that are known from the snapshot go on at their positions, and others begin.
    ///
    /// # Errors
    /// If the list cannot be had; the job then fails, naming this source.
    fn splits(&mut self) -> Result<Vec<Self::Split>>;

    /// Opens a split at its beginning, or just after `position`.
    ///
    /// # Errors
    /// If it cannot be opened; the job then fails, naming this source.
    fn open(&mut self, split: Self::Split, position: Option<Self::Position>) -> Result<Self::Reader>;

    /// How many splits one worker reads side by side. The default is a fair share of all of them, which is what
    /// endless splits need; a source of many finite splits says 1 and lets workers take the next when they finish one.
    fn side_by_side(&self) -> usize {
        usize::MAX
    }

    /// Whether the splits come in the order of their times, so that no record of a split is older than any of those before
    /// it. Then a split that nobody has opened yet does not hold back event time; otherwise no watermark passes before
    /// all splits are open, since nothing is known of the times in the others.
    fn in_time_order(&self) -> bool {
        false
    }
}

/// A source that [replays](Source::REPLAYS), which a pipeline with `#[guarantee(exactly_once)]` asks of each of its sources.
/// The compiler goes by this trait, and the constant must say the same: the job does not start otherwise.
pub trait Replays: Source {}

/// Reads one split.
pub trait SplitReader: 'static {
    /// The records it produces.
    type Out: 'static;
    /// Why a row can be malformed.
    type Error: 'static;
    /// How far it has read.
    type Position: Record;

    /// Emits up to `max` records (rows that fail count too) and never blocks for long.
    ///
    /// # Errors
    /// If the medium fails; the job then fails, naming the source.
    fn read(&mut self, max: usize, out: &mut impl Emit<Self::Out, Self::Error>) -> Result<Read>;

    /// The position just after the last record that was emitted.
    fn position(&self) -> Self::Position;

    /// A promise about the event times of what follows, in ticks (microseconds for [`Timestamp`](crate::Timestamp)):
    /// nothing at or before it will come from this split. `timestamps` then goes by that and not by its `lag`.
    fn watermark(&self) -> Option<i64> {
        None
    }

    /// Whether nothing will come from this split for a while, so that others need not wait for it. Asked when
    /// [`read`](Self::read) emitted nothing and returned [`Read::After`].
    fn idle(&self) -> bool {
        false
    }

    /// What to show of this split while the job runs, if it knows its size.
    fn progress(&self) -> Option<Progress> {
        None
    }
}

/// What a [`SplitReader`] says after reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// There may be more at once.
    More,
    /// Nothing more for now: ask again after this time. The worker sleeps if it has nothing else to do.
    After(Duration),
    /// The split has ended.
    End,
}

/// How far a split has been read, in whatever unit its size is known in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What the split is called: a file name, a partition.
    pub split: String,
    /// How much has been read.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}
