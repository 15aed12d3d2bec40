//! What is saved of the times of splits.
//!
//! A split goes on where its time was, whichever worker opens it again. Until one does, it is nobody's: one worker goes on
//! writing what it was restored from, and what a worker writes of a split that it reads comes before that.
use crate::stream::env::{Env, Saving};
use std::collections::BTreeMap;

/// How far the time of a split has come: the greatest time of its records, and what its source has promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) greatest: i64,
    pub(super) promised: Option<i64>,
}
impl Known {
    /// As far as both.
    fn and(self, other: Known) -> Known {
        Known { greatest: self.greatest.max(other.greatest), promised: self.promised.max(other.promised) }
    }
    fn is_nothing(self) -> bool {
        self.greatest == i64::MIN && self.promised.is_none()
    }
}
/// What is written of a split: its number, whether it is read now, the greatest time, and what was promised.
type SplitRow = (u64, bool, i64, Option<i64>);
/// What a worker writes: of splits, and the greatest time of what came from nowhere known.
pub(super) type Row = (Vec<SplitRow>, Option<i64>);

/// What the splits were when the job was restored.
#[derive(Debug, Default)]
pub(super) struct Restored {
    splits: BTreeMap<u64, Known>,
    /// What others knew who gave splits away. Who opens one of them goes on from there.
    given: BTreeMap<u64, Known>,
    /// Whether this worker goes on writing what was restored.
    remembers: bool,
}
impl Restored {
    pub(super) fn new(env: &Env) -> Self {
        Restored {
            splits: BTreeMap::new(),
            given: BTreeMap::new(),
            remembers: env.saving().is_some_and(|Saving { cleans, .. }| cleans),
        }
    }
    /// Takes in what all workers have written. Returns the greatest time of what came from nowhere known, if that is known of
    /// all of them: each is waited for.
    pub(super) fn take(&mut self, rows: &[Row]) -> Option<i64> {
        self.splits.append(&mut all(rows));
        rows.iter().map(|(_, unknown)| *unknown).min().flatten()
    }
    /// Takes in what others have written who give splits away, maybe to this worker.
    pub(super) fn receive(&mut self, rows: &[Row]) {
        self.given.append(&mut all(rows));
    }
    /// What is known of a split that is opened.
    pub(super) fn of(&self, number: u64) -> Option<Known> {
        self.given.get(&number).or_else(|| self.splits.get(&number)).copied()
    }
    /// A split has ended.
    pub(super) fn forget(&mut self, number: u64) {
        self.splits.remove(&number);
        self.given.remove(&number);
    }
    /// What this worker writes, beside of what it reads: `None` stands for what comes from nowhere known.
    pub(super) fn row(&self, reads: impl Iterator<Item = (Option<u64>, Known)>) -> Row {
        let (mut unknown, mut rows) = (None, BTreeMap::new());
        if self.remembers {
            rows.extend(self.splits.iter().map(|(number, known)| (*number, (false, *known))));
        }
        for (number, known) in reads.filter(|(_, known)| !known.is_nothing()) {
            match number {
                Some(number) => drop(rows.insert(number, (true, known))),
                None => unknown = Some(known.greatest),
            }
        }
        let row = |(number, (reads, known)): (u64, (bool, Known))| (number, reads, known.greatest, known.promised);
        (rows.into_iter().map(row).collect(), unknown)
    }
}
/// What is known of each split. What a worker writes of one that it reads comes before what others remember.
fn all(rows: &[Row]) -> BTreeMap<u64, Known> {
    let mut all = BTreeMap::new();
    for reads in [false, true] {
        let mut splits: BTreeMap<u64, Known> = BTreeMap::new();
        for (number, _, greatest, promised) in rows.iter().flat_map(|(splits, _)| splits).filter(|row| row.1 == reads) {
            let known = Known { greatest: *greatest, promised: *promised };
            splits.entry(*number).and_modify(|all| *all = all.and(known)).or_insert(known);
        }
        all.append(&mut splits);
    }
    all
}
