//! What a chain and those who keep its snapshots say to each other: barriers, what is written, and what is read back.
//!
//! A [`Barrier`] travels with the records and cuts the stream into intervals. A stage that keeps state takes note of it
//! (its *flip*, which costs next to nothing) and hands it on; what it kept at that moment is then asked for in slices, by
//! [`Task::Save`]. The bytes lie in chunks, each of one [`Part`] of one operator and of one key group, or of one worker for
//! what belongs to no key.
mod groups;

use crate::error::{Error, Result};
pub use groups::GroupSet;
use std::fmt;

/// What the output of a sink is like after a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guarantee {
    /// Nothing is missing, and something may be there twice.
    #[default]
    AtLeastOnce,
    /// What is there twice takes the place of itself.
    Idempotent,
    /// Nothing is missing and nothing is there twice.
    ExactlyOnce,
}
impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Guarantee::AtLeastOnce => "at-least-once",
            Guarantee::Idempotent => "idempotent",
            Guarantee::ExactlyOnce => "exactly-once",
        })
    }
}

/// What ends an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Barrier {
    /// The number of the interval that it ends, which is that of the snapshot.
    pub interval: u64,
    /// What is to be written.
    pub scope: Scope,
    /// Whether nothing follows it: the job ends.
    pub last: bool,
}

/// How much a snapshot has in itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Scope {
    /// What has changed since the last committed snapshot, and all of those key groups that leave the remainder `round`
    /// when divided by [`ROUNDS`]. So a group is read from its last full chunk and the deltas of less than
    /// [`ROUNDS`] snapshots.
    Changes {
        /// Grows by one with each *committed* snapshot, modulo [`ROUNDS`].
        round: u16,
    },
    /// What has changed since the last committed snapshot, and nothing else: that of a barrier that moves key groups, for which records
    /// wait. A group is read from as many more of them as there were since it was written in full.
    Delta,
    /// Everything: the first snapshot of a job, and savepoints.
    Whole,
}
/// In so many snapshots every key group is written in full once.
pub const ROUNDS: u16 = 16;
impl Scope {
    /// Whether this group is written in full.
    #[inline]
    pub fn is_full(self, group: u16) -> bool {
        match self {
            Scope::Changes { round } => group % ROUNDS == round % ROUNDS,
            Scope::Delta => false,
            Scope::Whole => true,
        }
    }
    /// The round that it is, if it is one. A whole snapshot is like all rounds at once, so that the first of them comes next.
    pub fn round(self) -> Option<u16> {
        match self {
            Scope::Changes { round } => Some(round),
            Scope::Delta => None,
            Scope::Whole => Some(ROUNDS - 1),
        }
    }
}

/// What became of the snapshot that a barrier began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// It is in the commit log, and the next snapshot is written relative to it.
    Committed {
        /// The interval that it ends.
        interval: u64,
        /// The term in which it was committed.
        term: u64,
    },
    /// It is complete in itself and in the commit log, but the next snapshot is not written relative to it: what has
    /// changed is still to be written then.
    Saved {
        /// The interval that it ends.
        interval: u64,
        /// The term in which it was committed.
        term: u64,
    },
    /// It was given up: what has changed is still to be written.
    Aborted {
        /// The interval that it would have ended.
        interval: u64,
    },
}

impl Outcome {
    /// The interval that the snapshot ends, or would have ended.
    pub fn interval(self) -> u64 {
        match self {
            Outcome::Committed { interval, .. } | Outcome::Saved { interval, .. } | Outcome::Aborted { interval } => {
                interval
            }
        }
    }
    /// Whether the next snapshot is written relative to it.
    pub fn is_base(self) -> bool {
        matches!(self, Outcome::Committed { .. })
    }
}

/// Which part of what an operator keeps. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum Part {
    /// State per key, or per key and window.
    State = 0,
    /// Timers in event time.
    EventTimers = 1,
    /// Timers by the clock of the machine.
    ProcessingTimers = 2,
    /// How far time has come, and other figures that belong to no key.
    Time = 3,
    /// The splits of a source and their positions.
    Splits = 4,
    /// What a sink has staged.
    Staged = 5,
    /// What was counted.
    Counts = 6,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::State => "the state",
            Part::EventTimers => "the timers",
            Part::ProcessingTimers => "the processing timers",
            Part::Time => "the time",
            Part::Splits => "the splits",
            Part::Staged => "the staged output",
            Part::Counts => "the counts",
        })
    }
}

/// The owner of a chunk that belongs to no key group: each worker has one.
pub const NO_GROUP: u16 = u16::MAX;

/// What a chunk is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The operator, by its place in the plan.
    pub node: usize,
    /// Which part of it.
    pub part: Part,
    /// The key group, or [`NO_GROUP`].
    pub group: u16,
    /// Whether it is all there is of the group, or what has changed.
    pub full: bool,
    /// How many entries it has.
    pub entries: u32,
}
/// A piece of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What it is of.
    pub head: Head,
    /// Its content.
    pub bytes: Vec<u8>,
}
/// How the entries of one part of an operator are laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The version, from 1.
    pub version: u32,
    /// The [`Description`](super::record::Description)s of its keys and values, in JSON.
    pub description: String,
}

/// Collects what a worker writes of its state.
#[derive(Debug)]
pub struct Pen {
    /// How many bytes and entries may still be written in this slice.
    room: usize,
    postponed: bool,
    chunks: Vec<Chunk>,
    schemas: Vec<(usize, Part, Schema)>,
    failure: Option<(usize, String)>,
    dry: bool,
}
impl Pen {
    /// A pen with room for one slice.
    pub fn new(room: usize) -> Self {
        Pen { room, postponed: false, chunks: Vec::new(), schemas: Vec::new(), failure: None, dry: false }
    }
    /// A pen that leaves no trace, for a barrier that only moves key groups: who has much to write need not go through it.
    ///
    /// ```
    /// use malstrom_core::contract::snapshot::{Head, NO_GROUP, Part, Pen};
    /// let mut pen = Pen::dry();
    /// pen.chunk(Head { node: 0, part: Part::Time, group: NO_GROUP, full: true, entries: 1 }, vec![1, 2, 3]);
    /// assert!(pen.is_dry() && pen.finish().0.is_empty());
    /// ```
    pub fn dry() -> Self {
        Pen { dry: true, ..Pen::new(usize::MAX) }
    }
    /// Whether it leaves no trace.
    pub fn is_dry(&self) -> bool {
        self.dry
    }
    /// Whether this slice has room for more. If not, whoever has more to write says so by [`postpone`](Self::postpone).
    #[inline]
    pub fn has_room(&self) -> bool {
        self.room > 0
    }
    /// Takes so much from the room of this slice; an entry looked at costs about one, a byte written a 64th.
    pub fn spend(&mut self, cost: usize) {
        self.room = self.room.saturating_sub(cost);
    }
    /// Something is left to be written in the next slice.
    pub fn postpone(&mut self) {
        self.postponed = true;
    }
    /// Adds a chunk. Empty deltas need not be added.
    pub fn chunk(&mut self, head: Head, bytes: Vec<u8>) {
        self.spend(bytes.len() / 64);
        self.add(head, bytes);
    }
    /// Adds a chunk whose bytes were paid for as they were written.
    pub fn add(&mut self, head: Head, bytes: Vec<u8>) {
        self.spend(1);
        if !self.dry {
            self.chunks.push(Chunk { head, bytes });
        }
    }
    /// Says how entries are laid out; once per part and snapshot.
    pub fn schema(&mut self, node: usize, part: Part, schema: Schema) {
        if !self.dry {
            self.schemas.push((node, part, schema));
        }
    }
    /// Something cannot be written, and so the job cannot be kept.
    pub fn fail(&mut self, node: usize, why: impl fmt::Display) {
        self.failure.get_or_insert_with(|| (node, why.to_string()));
    }
    /// Begins the next slice.
    pub fn next_slice(&mut self, room: usize) {
        (self.room, self.postponed) = (room, false);
    }
    /// Whether something was postponed in this slice.
    pub fn is_postponed(&self) -> bool {
        self.postponed
    }
    /// What could not be written, and by which operator.
    pub fn failure(&mut self) -> Option<(usize, String)> {
        self.failure.take()
    }
    /// What was written.
    pub fn finish(self) -> (Vec<Chunk>, Vec<(usize, Part, Schema)>) {
        (self.chunks, self.schemas)
    }
}

/// A chunk that is read back.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The key group, or [`NO_GROUP`].
    pub group: u16,
    /// Whether it is all there is of the group, or what has changed since the chunk before it.
    pub full: bool,
    /// How many entries it has.
    pub entries: u32,
    /// Its content, whose checksum was found right.
    pub bytes: bytes::Bytes,
}
/// How many entries a part has: in chunks that are all there is of their group, and in all chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Those in full chunks.
    pub full: usize,
    /// All of them.
    pub all: usize,
}
impl Extent {
    /// That of chunks of which it is known whether they are full, and how many entries they have.
    pub fn of(chunks: impl IntoIterator<Item = (bool, u32)>) -> Self {
        chunks.into_iter().fold(Extent::default(), |Extent { full, all }, (is_full, entries)| {
            let entries = entries as usize;
            Extent { full: full + if is_full { entries } else { 0 }, all: all + entries }
        })
    }
}
/// Where a snapshot is read from.
pub trait Shelf {
    /// How often the key groups of the job have been halved since the snapshot was taken. What it has of a group is then there for each
    /// part of the group, and has the keys of the other parts too.
    fn halvings(&self) -> u32 {
        0
    }
    /// How the entries of a part were laid out when they were written. `None` if the snapshot has nothing of it.
    fn schema(&self, node: usize, part: Part) -> Option<Schema>;
    /// The chunks of a part for the key groups of this worker, or those of all workers if it has no groups. Of one group
    /// they come in the order in which they are to be applied: the full one, then what has changed.
    ///
    /// # Errors
    /// If they cannot be read, or are not what was written.
    fn chunks(&self, node: usize, part: Part) -> Result<Vec<Loaded>>;
    /// Hands the same to `take` one after the other, each with how much there is of the part, until it wants no more. What is
    /// large is so never in memory as a whole.
    ///
    /// # Errors
    /// As for [`chunks`](Shelf::chunks); `take` may have got some by then.
    fn each(&self, node: usize, part: Part, take: &mut dyn FnMut(Extent, Loaded) -> bool) -> Result<()> {
        let chunks = self.chunks(node, part)?;
        let extent = Extent::of(chunks.iter().map(|chunk| (chunk.full, chunk.entries)));
        for chunk in chunks {
            if !take(extent, chunk) {
                break;
            }
        }
        Ok(())
    }
}
/// Hands out what a snapshot has to the stages that it is restored to.
pub struct Book<'a> {
    shelf: &'a dyn Shelf,
    failure: Option<Error>,
}
impl fmt::Debug for Book<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book").field("failure", &self.failure).finish_non_exhaustive()
    }
}
impl<'a> Book<'a> {
    /// The book on this shelf.
    pub fn new(shelf: &'a dyn Shelf) -> Self {
        Book { shelf, failure: None }
    }
    /// How often key groups have been halved since: see [`Shelf::halvings`].
    pub fn halvings(&self) -> u32 {
        self.shelf.halvings()
    }
    /// How the entries of a part were laid out.
    pub fn schema(&self, node: usize, part: Part) -> Option<Schema> {
        self.shelf.schema(node, part)
    }
    /// The chunks of a part; none if they cannot be had, which ends the job.
    pub fn chunks(&mut self, node: usize, part: Part) -> Vec<Loaded> {
        if self.failure.is_some() {
            return Vec::new();
        }
        self.shelf.chunks(node, part).unwrap_or_else(|error| {
            self.fail(error);
            Vec::new()
        })
    }
    /// Hands the same to `take` one after the other, each with how much there is of the part, until it wants no more.
    pub fn each(&mut self, node: usize, part: Part, mut take: impl FnMut(Extent, Loaded) -> bool) {
        if self.failure.is_none()
            && let Err(error) = self.shelf.each(node, part, &mut take)
        {
            self.fail(error);
        }
    }
    /// What was read cannot be used, and so the job cannot start.
    pub fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }
    /// How it went.
    ///
    /// # Errors
    /// The first failure.
    pub fn close(self) -> Result<()> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// What a chain is asked to do about its state.
///
/// Key groups change their owner at a barrier: when it has passed a chain, the chain has written all of its part of the
/// snapshot, and nothing behind the barrier, neither a record nor a signal, has come to it, it is asked to [give](Task::Give)
/// and then to [take](Task::Take). That snapshot is committed, or all begin anew from one before it.
#[derive(Debug)]
pub enum Task<'a, 'b> {
    /// To write some of what it kept at the last barrier.
    Save(&'a mut Pen),
    /// To take note of what became of a snapshot.
    Settle(Outcome),
    /// To take in what it kept when a snapshot was taken. Nothing has been pushed yet.
    Load(&'a mut Book<'b>),
    /// To write all that it keeps of these groups, each in full, as into a whole snapshot and whatever room there is, and to
    /// have it no more: later snapshots do not mention them. How far time has come is written too, as it was at the barrier,
    /// and goes on counting here. Splits and staged output are not given.
    Give(&'a mut Pen, &'a GroupSet),
    /// To take in what others gave: the full chunks of groups. From now on these are all groups of this worker, those that
    /// it had and has still among them. What is taken in is in the snapshot of the barrier as its former owner wrote it.
    /// Without a chunk, what is kept is laid out for fewer groups.
    Take(&'a mut Book<'b>, &'a GroupSet),
}
impl<'b> Task<'_, 'b> {
    /// The same task, lent.
    pub fn again(&mut self) -> Task<'_, 'b> {
        match self {
            Task::Save(pen) => Task::Save(pen),
            Task::Settle(outcome) => Task::Settle(*outcome),
            Task::Load(book) => Task::Load(book),
            Task::Give(pen, groups) => Task::Give(pen, groups),
            Task::Take(book, groups) => Task::Take(book, groups),
        }
    }
}
