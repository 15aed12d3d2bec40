//! What a worker does for a snapshot: it has barriers begin where they begin, waits until they have passed all of its
//! segments, and then has these write what they kept, a slice at a time.
use super::Place;
use super::handover::{Handed, Handover};
use crate::contract::snapshot::{Barrier, Book, Chunk, Outcome, Part, Pen, Schema, Shelf, Task};
use crate::error::{Error, Result};
use crate::exchange::layout::Change;
use crate::stream::env::Env;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How much a worker writes before it does other work again: some 100,000 small entries, or eight megabytes, in a millisecond or
/// two. While a snapshot is being written, state that changes is written out of turn, which costs several times as much: so it
/// pays off to be done soon. A keyed sum over 10M keys with a snapshot a second ran at 0.6 of its speed with half of this, at 0.7
/// with this, and no faster with twice of it, but then stood still for 4 ms.
const SLICE: usize = 131_072;

/// What a worker is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To begin a snapshot.
    Snapshot(Barrier),
    /// To begin a snapshot whose barrier changes who takes part, or who owns what.
    Change(Barrier, Arc<Change>),
    /// To take note of what became of one.
    Settle(Outcome),
    /// To leave: a barrier has passed behind which it takes no part, and what was committed there is published.
    Leave,
}

/// What a worker has written for a snapshot.
#[derive(Debug)]
pub struct Written {
    /// The interval that it ends.
    pub interval: u64,
    /// The pieces. Operators go by their place in the plan.
    pub chunks: Vec<Chunk>,
    /// How the parts of operators are laid out.
    pub schemas: Vec<(usize, Part, Schema)>,
}

/// How far a worker is with a snapshot.
#[derive(Debug)]
pub(super) struct Snapshots {
    /// How much is written at a time, and whether anything is: barriers may come only to move key groups.
    slice: usize,
    kept: bool,
    /// The snapshot that is being taken.
    running: Option<(Barrier, Pen)>,
    /// Those that were given up, of this one and those that follow. That is noted by all when their barriers have passed them.
    aborted: BTreeSet<u64>,
    /// What follows then, in order. None is left out, not even one that was given up: others may have begun it, and a barrier that does not
    /// come from all would be taken for the one before by those who wait for it.
    next: VecDeque<Barrier>,
    done: Option<Written>,
    /// The last barrier of all has passed, and its snapshot is committed.
    last: Option<u64>,
    over: bool,
    left: bool,
    /// How a change is made, if the number of workers may change.
    handover: Option<Handover>,
}
impl Snapshots {
    /// Writes so much at a time, and no more than is good.
    pub(super) fn new((slice, kept): (usize, bool), handover: Option<Handover>) -> Self {
        let (running, next, done, last) = (None, VecDeque::new(), None, None);
        Snapshots {
            slice: slice.min(SLICE),
            kept,
            running,
            aborted: BTreeSet::new(),
            next,
            done,
            last,
            over: false,
            left: false,
            handover,
        }
    }
    fn pen(&self) -> Pen {
        if self.kept { Pen::new(self.slice) } else { Pen::dry() }
    }
    pub(super) fn command(&mut self, command: Command, segments: &mut [Place]) {
        match command {
            Command::Snapshot(barrier) => {
                self.handover.iter().for_each(|handover| handover.tell(barrier.interval));
                self.last = barrier.last.then_some(barrier.interval);
                match &self.running {
                    Some(_) => self.next.push_back(barrier),
                    None => self.running = Some((barrier, self.pen())),
                }
            }
            Command::Change(barrier, change) => {
                if let Some(handover) = &mut self.handover {
                    handover.begin(barrier.interval, change);
                }
                self.command(Command::Snapshot(barrier), segments);
            }
            Command::Leave => {
                segments.iter_mut().for_each(|place| place.segment.leave());
                (self.over, self.left) = (true, true);
            }
            Command::Settle(outcome) => {
                let mut begun = self.running.iter().map(|(barrier, _)| barrier).chain(&self.next);
                if let Outcome::Aborted { interval } = outcome
                    && begun.any(|barrier| barrier.interval == interval)
                {
                    self.aborted.insert(interval);
                    return;
                }
                segments.iter_mut().for_each(|place| place.segment.persist(Task::Settle(outcome)));
                self.over |= match outcome {
                    Outcome::Committed { interval, .. } => self.last == Some(interval),
                    Outcome::Saved { .. } | Outcome::Aborted { .. } => false,
                };
            }
        }
    }
    /// The snapshot that is being taken, and how many segments its barrier has not passed.
    pub(super) fn running(&self, segments: &[Place]) -> Option<(u64, usize)> {
        let (barrier, _) = self.running.as_ref()?;
        let behind = segments.iter().filter(|place| place.segment.passed() < barrier.interval).count();
        Some((barrier.interval, behind))
    }
    pub(super) fn has_left(&self) -> bool {
        self.left
    }
    /// Whether the snapshot that ends the job is committed.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }
    pub(super) fn take(&mut self) -> Option<Written> {
        self.done.take()
    }
    /// Begins barriers where that has become possible. Upstream first: a segment whose inputs have ended is behind those
    /// that ended them.
    pub(super) fn begin(&mut self, segments: &mut [Place]) {
        if let Some((barrier, _)) = &self.running {
            segments.iter_mut().for_each(|place| place.segment.begin_barrier(*barrier));
        }
    }
    /// Does what there is to do for a change, if one is being made. Whether it did something.
    pub(super) fn hand_over(&mut self, segments: &mut [Place], env: &Env) -> Result<bool> {
        match (&mut self.handover, &mut self.running) {
            (Some(handover), Some((barrier, pen))) => {
                let pen = Some(pen).filter(|_| handover.is_under_way(barrier.interval));
                handover.go_on(segments, pen, env)
            }
            (Some(handover), None) => handover.go_on(segments, None, env),
            (None, _) => Ok(false),
        }
    }
    /// The barrier of a change behind which this worker has all that it has gained, once.
    pub(super) fn installed(&mut self) -> Option<u64> {
        self.handover.as_mut().and_then(Handover::installed)
    }
    /// What it has handed over and taken in for the last change, as far as it is at `now`.
    pub(super) fn handed(&self, now: Duration) -> Handed {
        self.handover.as_ref().map(|handover| handover.handed(now)).unwrap_or_default()
    }
    /// Writes a slice, if the barrier has passed all segments. Whether it did something.
    pub(super) fn write(&mut self, segments: &mut [Place], env: &Env) -> Result<bool> {
        let Some((barrier, mut pen)) = self.running.take() else { return Ok(false) };
        if segments.iter().any(|place| place.segment.passed() < barrier.interval) {
            self.running = Some((barrier, pen));
            return Ok(false);
        }
        if self.aborted.remove(&barrier.interval) {
            let outcome = Outcome::Aborted { interval: barrier.interval };
            segments.iter_mut().for_each(|place| place.segment.persist(Task::Settle(outcome)));
            self.running = self.next.pop_front().map(|barrier| (barrier, self.pen()));
            return Ok(true);
        }
        if self.handover.as_ref().is_some_and(|handover| !handover.has_given_all(barrier.interval)) {
            self.running = Some((barrier, pen));
            return Ok(false);
        }
        pen.next_slice(self.slice);
        segments.iter_mut().for_each(|place| place.segment.persist(Task::Save(&mut pen)));
        if let Some((node, why)) = pen.failure() {
            return Err(Error::Unwritable { operator: env.id(node).to_string(), message: why });
        }
        if pen.is_postponed() {
            self.running = Some((barrier, pen));
        } else {
            let (chunks, schemas) = pen.finish();
            if self.handover.as_ref().is_some_and(|handover| handover.joined_at(barrier.interval)) {
                // It had no part in what that snapshot is of.
                return Ok(true);
            }
            self.done = Some(Written { interval: barrier.interval, chunks, schemas });
        }
        Ok(true)
    }
}

/// Has all segments take in what they kept.
pub(super) fn load(segments: &mut [Place], shelf: &dyn Shelf) -> Result<()> {
    let mut book = Book::new(shelf);
    segments.iter_mut().for_each(|place| place.segment.persist(Task::Load(&mut book)));
    book.close()
}

/// What there is before the first snapshot.
#[derive(Debug)]
pub struct EmptyShelf;
impl Shelf for EmptyShelf {
    fn schema(&self, _: usize, _: Part) -> Option<Schema> {
        None
    }
    fn chunks(&self, _: usize, _: Part) -> Result<Vec<crate::contract::snapshot::Loaded>> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::key::KeyGroups;
    use crate::contract::snapshot::Scope;
    use crate::state::table::Ranks;
    use std::rc::Rc;

    /// Others begin each barrier that they are told of, so a worker that is late must too, or those who wait for all would take one for
    /// another.
    #[test]
    fn a_barrier_that_was_given_up_meanwhile_is_begun_all_the_same() {
        let none = (Vec::new(), Vec::new(), false);
        let env = Env::new((0, 1), (0, 0), Ranks::all(KeyGroups::DEFAULT), none, None, Rc::new(()));
        let mut snapshots = Snapshots::new((1_000, true), None);
        let barrier = |interval| Command::Snapshot(Barrier { interval, scope: Scope::Whole, last: false });
        let given_up = |interval| Command::Settle(Outcome::Aborted { interval });
        for command in [barrier(1), given_up(1), barrier(2), given_up(2), barrier(3)] {
            snapshots.command(command, &mut []);
        }
        let mut begun = Vec::new();
        while let Some((interval, _)) = snapshots.running(&[]) {
            begun.push(interval);
            snapshots.write(&mut [], &env).unwrap();
        }
        assert_eq!(begun, [1, 2, 3]);
        assert_eq!(snapshots.take().map(|written| written.interval), Some(3), "the others were given up");
    }
}
