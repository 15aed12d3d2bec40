//! What must never be, whatever happens, checked as it happens; and what must have come out at the end.
use super::job::{Input, Manifest, Out, Rec, Restored};
use std::collections::BTreeMap;
use std::fmt;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wrong {
    /// Two workers have changed the state of a key group in one interval of an attempt.
    TwoOwners(String),
    /// A record has come behind a watermark that promised otherwise.
    Late {
        /// Where.
        worker: usize,
        /// Behind which exchange.
        stage: usize,
        /// Which.
        record: super::Record,
        /// What was promised.
        shown: i64,
    },
    /// Time has gone back.
    Back {
        /// Where.
        worker: usize,
        /// Behind which exchange.
        stage: usize,
        /// From when.
        from: i64,
        /// To when.
        to: i64,
    },
    /// A worker is to have read a snapshot of what it gains, and has not.
    NotRead {
        /// Which.
        worker: usize,
        /// The interval of the snapshot.
        base: u64,
    },
    /// What a state machine of the engine refuses.
    Protocol(String),
    /// More waits somewhere than may.
    Unbounded(String),
    /// Output was published that is not committed, or was committed with something else.
    Published(String),
    /// The commit log is not what it is to be.
    Log(String),
    /// A snapshot does not have what was read up to its positions.
    Snapshot(String),
    /// What has come out is not what must.
    Output(String),
    /// The job does not come to its end, though nothing goes wrong any more.
    Stuck(String),
    /// The same seed has taken another course.
    Varies,
}
impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Late { worker, stage, record, shown } => write!(
                f,
                "{record:?} reaches worker {worker} behind exchange {stage}, where {shown} has been shown: it is late"
            ),
            Wrong::Back { worker, stage, from, to } => {
                write!(f, "on worker {worker}, time behind exchange {stage} goes back from {from} to {to}")
            }
            Wrong::NotRead { worker, base } => {
                write!(f, "worker {worker} gets what has changed since snapshot {base}, which it has not read")
            }
            Wrong::Stuck(what) => write!(f, "the job does not come to its end: {what}"),
            Wrong::Varies => f.write_str("the same seed takes another course when it is run again"),
            Wrong::TwoOwners(what)
            | Wrong::Protocol(what)
            | Wrong::Unbounded(what)
            | Wrong::Published(what)
            | Wrong::Log(what)
            | Wrong::Snapshot(what)
            | Wrong::Output(what) => f.write_str(what),
        }
    }
}

/// What has been seen so far.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// Who has changed which group behind which exchange, in which interval of which attempt.
    owners: BTreeMap<((u64, u64), (usize, usize)), usize>,
    /// What has been published, of which interval and which worker.
    published: BTreeMap<(u64, usize), Vec<Out>>,
    /// What was committed to be published.
    committed: BTreeMap<(u64, usize), Vec<Out>>,
    newest: u64,
    pub(super) records: u64,
}
impl Check {
    pub(super) fn owns(&mut self, when: (u64, u64), what: (usize, usize), who: usize) -> Result<(), Wrong> {
        self.records += 1;
        let owner = *self.owners.entry((when, what)).or_insert(who);
        if owner == who {
            return Ok(());
        }
        let ((attempt, interval), (stage, group)) = (when, what);
        Err(Wrong::TwoOwners(format!(
            "key group {group} behind exchange {stage} is changed by worker {owner} and by worker {who} in interval {interval} of attempt {attempt}"
        )))
    }
    pub(super) fn queued(&self, waiting: usize) -> Result<(), Wrong> {
        if waiting <= super::work::WAITING {
            return Ok(());
        }
        Err(Wrong::Unbounded(format!("{waiting} records wait for the state of their groups")))
    }
    /// A snapshot has been committed: it is an entry of the log, on the chain.
    pub(super) fn committed(&mut self, manifest: &Manifest, input: &Input) -> Result<(), Wrong> {
        let n = manifest.interval;
        if n <= self.newest {
            return Err(Wrong::Log(format!("snapshot {n} is committed behind snapshot {}", self.newest)));
        }
        self.newest = n;
        let restored = manifest.restore();
        for (worker, outs) in &restored.staged {
            self.committed.insert((n, *worker), outs.clone());
        }
        self.equals(&restored, input)
    }
    /// Compares a snapshot with what there is in the input up to its positions.
    fn equals(&self, restored: &Restored, input: &Input) -> Result<(), Wrong> {
        let n = restored.interval;
        let (keys, windows) = input.counts(Some(&restored.positions));
        for (stage, groups) in restored.groups.iter().enumerate() {
            let counted: BTreeMap<u64, u64> = groups
                .values()
                .flatten()
                .filter(|(_, kept)| kept.count > 0)
                .map(|(key, kept)| (*key, kept.count))
                .collect();
            if counted != keys {
                return Err(Wrong::Snapshot(format!(
                    "snapshot {n} has counted {counted:?} behind exchange {stage}, and up to its positions {:?} there are {keys:?}",
                    restored.positions
                )));
            }
        }
        let mut counted: BTreeMap<(u64, i64), u64> = BTreeMap::new();
        for (key, kept) in restored.groups[1].values().flatten() {
            kept.windows.iter().for_each(|(start, count)| *counted.entry((*key, *start)).or_default() += count);
        }
        for out in self.committed.values().flatten() {
            if let Out::Window { key, start, count } = out {
                *counted.entry((*key, *start)).or_default() += count;
            }
        }
        if counted == windows {
            return Ok(());
        }
        Err(Wrong::Snapshot(format!("snapshot {n} has windows {counted:?}, open or closed, and there are {windows:?}")))
    }
    /// A worker publishes what one of them had staged for an interval.
    pub(super) fn publish(&mut self, interval: u64, worker: usize, outs: &[Out]) -> Result<(), Wrong> {
        if outs.is_empty() {
            return Ok(());
        }
        if self.committed.get(&(interval, worker)).is_none_or(|committed| committed != outs) {
            return Err(Wrong::Published(format!(
                "worker {worker} publishes {} outputs of interval {interval}, which are not committed",
                outs.len()
            )));
        }
        self.published.insert((interval, worker), outs.to_vec());
        Ok(())
    }
    /// Whether all that was committed is published.
    pub(super) fn missing(&self) -> Option<(u64, usize)> {
        let missing = |(at, outs): (&(u64, usize), &Vec<Out>)| {
            (!outs.is_empty() && !self.published.contains_key(at)).then_some(*at)
        };
        self.committed.iter().find_map(missing)
    }
    /// The job has ended: each record is there once, in order, and each window.
    pub(super) fn end(&self, input: &Input) -> Result<(), Wrong> {
        if let Some((interval, worker)) = self.missing() {
            return Err(Wrong::Output(format!(
                "the job has ended, and what worker {worker} had staged for interval {interval} is not published"
            )));
        }
        let outs: Vec<Out> = self.published.values().flatten().copied().collect();
        let mut seen: BTreeMap<u64, Vec<(Rec, u64)>> = BTreeMap::new();
        let mut windows: BTreeMap<(u64, i64), Vec<u64>> = BTreeMap::new();
        for out in outs {
            match out {
                Out::Seen(rec, second) => seen.entry(rec.key).or_default().push((rec, second)),
                Out::Window { key, start, count } => windows.entry((key, start)).or_default().push(count),
            }
        }
        let mut wanted: BTreeMap<u64, Vec<(usize, i64)>> = BTreeMap::new();
        input.read(None).for_each(|rec| wanted.entry(rec.key).or_default().push((rec.split, rec.at)));
        for (key, wanted) in &wanted {
            let seen = seen.remove(key).unwrap_or_default();
            let mut there: Vec<(usize, i64)> = seen.iter().map(|(rec, _)| (rec.split, rec.at)).collect();
            there.sort_unstable();
            if there != *wanted {
                return Err(Wrong::Output(format!("of key {key}, {there:?} have come out, and there are {wanted:?}")));
            }
            for by in [|(rec, _): &(Rec, u64)| rec.first, |(_, second): &(Rec, u64)| *second] {
                let mut ordered = seen.clone();
                ordered.sort_by_key(by);
                if !ordered.iter().map(by).eq(1..=wanted.len() as u64) {
                    return Err(Wrong::Output(format!(
                        "the records of key {key} are not counted one by one: {ordered:?}"
                    )));
                }
                for split in 0..input.splits.len() {
                    let order = ordered.iter().filter(|(rec, _)| rec.split == split).map(|(rec, _)| rec.at);
                    if !order.is_sorted() {
                        return Err(Wrong::Output(format!(
                            "the records of key {key} in split {split} have lost their order: {ordered:?}"
                        )));
                    }
                }
            }
        }
        if let Some((key, seen)) = seen.first_key_value() {
            return Err(Wrong::Output(format!(
                "{} records of key {key} have come out, and there are none",
                seen.len()
            )));
        }
        let whole: BTreeMap<(u64, i64), Vec<u64>> =
            input.counts(None).1.into_iter().map(|(window, count)| (window, vec![count])).collect();
        if windows == whole {
            return Ok(());
        }
        Err(Wrong::Output(format!("the windows {windows:?} have come out, and there are {whole:?}")))
    }
}
