//! What the workers of a simulated cluster do: two keyed exchanges in a row, with a count per key behind each, windows behind the
//! second, and a sink that publishes what is committed. And what should come out.
use crate::contract::snapshot::Barrier;
use crate::coordinator::Report;
use crate::coordinator::member::{Command, Standing};
use crate::exchange::layout::{Change, Layout};
use crate::stream::signal::Mark;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a window is.
pub(super) const WINDOW: i64 = 8;

/// A record: the place in its split is its time, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rec {
    pub(super) split: usize,
    pub(super) at: i64,
    pub(super) key: u64,
    /// Which record of its key it was behind the first exchange.
    pub(super) first: u64,
}
impl From<Rec> for super::Record {
    fn from(rec: Rec) -> Self {
        super::Record { split: rec.split, at: rec.at, key: rec.key }
    }
}
/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Out {
    /// A record, and which of its key it was behind the second exchange.
    Seen(Rec, u64),
    /// How many records of a key lie in a window.
    Window { key: u64, start: i64, count: u64 },
}
/// What is kept of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) count: u64,
    /// Open windows, behind the second exchange.
    pub(super) windows: BTreeMap<i64, u64>,
    /// In which interval it has changed last.
    pub(super) changed: u64,
}
/// What is kept of the keys of a group.
pub(super) type Group = BTreeMap<u64, Kept>;
/// All groups behind an exchange.
pub(super) type Groups = BTreeMap<usize, Group>;

/// What travels on an exchange.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Record(Rec),
    Mark(Mark),
    Barrier(Barrier, Option<Arc<Change>>),
}
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The exchange: 0 or 1.
    pub(super) stage: usize,
    /// The interval that its sender was in.
    pub(super) interval: u64,
    pub(super) body: Body,
}
/// What nodes tell each other.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// A coordinator, to a worker.
    Control {
        term: u64,
        command: Command,
    },
    /// A worker, to its coordinator.
    Hello {
        term: u64,
        standing: Option<Standing>,
    },
    Beat {
        term: u64,
    },
    Report {
        term: u64,
        attempt: u64,
        report: Report,
    },
    Broken {
        term: u64,
        attempt: u64,
    },
    /// A worker, to another of its attempt.
    Frame(u64, Frame),
    Moved(u64, Moved),
}
/// What moves at a barrier.
#[derive(Clone, Debug)]
pub(super) enum Moved {
    Group { interval: u64, stage: usize, group: usize, state: Group, base: Option<u64> },
    Split { interval: u64, split: usize, position: i64 },
}

/// The input, and what must come of it.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) groups: usize,
    /// The keys of each split.
    pub(super) splits: Vec<Vec<u64>>,
}
impl Input {
    /// The group of a key behind an exchange.
    pub(super) fn group(&self, stage: usize, key: u64) -> usize {
        let groups = self.groups as u64;
        (if stage == 0 { key % groups } else { (key * 5 + key / groups + 3) % groups }) as usize
    }
    pub(super) fn record(&self, split: usize, at: i64) -> Option<Rec> {
        let key = *self.splits.get(split)?.get(usize::try_from(at).ok()?)?;
        Some(Rec { split, at, key, first: 0 })
    }
    /// The watermark of a split of which so many records were read.
    pub(super) fn mark(&self, split: usize, position: i64) -> Option<i64> {
        let ended = self.splits.get(split).is_none_or(|keys| position >= keys.len() as i64);
        if ended { Some(self.end()) } else { (position > 0).then(|| position - 1) }
    }
    /// Behind all times.
    pub(super) fn end(&self) -> i64 {
        self.splits.iter().map(|keys| keys.len() as i64).max().unwrap_or(0) + WINDOW
    }
    /// The records that were read, in no order that means anything, at these positions; all if there are none.
    pub(super) fn read<'a>(&'a self, positions: Option<&'a BTreeMap<usize, i64>>) -> impl Iterator<Item = Rec> + 'a {
        (0..self.splits.len()).flat_map(move |split| {
            let all = self.splits[split].len() as i64;
            let end = positions.map_or(all, |positions| positions.get(&split).copied().unwrap_or(0));
            (0..end).filter_map(move |at| self.record(split, at))
        })
    }
    /// How many records of each key there are, and of each key in each window.
    pub(super) fn counts(
        &self,
        positions: Option<&BTreeMap<usize, i64>>,
    ) -> (BTreeMap<u64, u64>, BTreeMap<(u64, i64), u64>) {
        let (mut keys, mut windows) = (BTreeMap::new(), BTreeMap::new());
        for rec in self.read(positions) {
            *keys.entry(rec.key).or_default() += 1;
            *windows.entry((rec.key, window(rec.at))).or_default() += 1;
        }
        (keys, windows)
    }
}
/// The beginning of the window of a time.
pub(super) fn window(at: i64) -> i64 {
    at - at.rem_euclid(WINDOW)
}

/// What one worker has written for a snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) positions: BTreeMap<usize, i64>,
    /// What has changed in each group behind each exchange.
    pub(super) groups: [Groups; 2],
    /// What comes out if it is committed.
    pub(super) staged: Vec<Out>,
}
/// What a snapshot has: all of its parts, and those that it is relative to.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) interval: u64,
    pub(super) attempt: u64,
    /// What was written for it, by which worker.
    pub(super) parts: Vec<(usize, Arc<Part>)>,
    /// What was written before, in order.
    pub(super) before: Vec<Arc<Part>>,
    /// Whether the next may be relative to it.
    pub(super) is_base: bool,
    pub(super) round: u16,
    pub(super) layout: Arc<Layout>,
    pub(super) target: usize,
}
/// All that a snapshot has, put together.
#[derive(Clone, Debug, Default)]
pub(super) struct Restored {
    pub(super) interval: u64,
    pub(super) positions: BTreeMap<usize, i64>,
    pub(super) groups: [Groups; 2],
    /// What comes out with it, of which worker.
    pub(super) staged: Vec<(usize, Vec<Out>)>,
}
impl Manifest {
    /// All parts, oldest first.
    pub(super) fn chain(&self) -> Vec<Arc<Part>> {
        self.before.iter().cloned().chain(self.parts.iter().map(|(_, part)| part.clone())).collect()
    }
    pub(super) fn restore(&self) -> Restored {
        let mut restored = Restored { interval: self.interval, ..Restored::default() };
        for part in self.chain() {
            for (stage, groups) in part.groups.iter().enumerate() {
                for (group, keys) in groups {
                    let known = restored.groups[stage].entry(*group).or_default();
                    known.extend(keys.iter().map(|(key, kept)| (*key, kept.clone())));
                }
            }
        }
        for (worker, part) in &self.parts {
            restored.positions.extend(part.positions.iter().map(|(split, at)| (*split, *at)));
            restored.staged.push((*worker, part.staged.clone()));
        }
        restored
    }
}
