//! The store of a simulated cluster: the entries of its commit log and what its snapshots have. Requests take their time, and fail
//! before or after they are done, or are done twice.
use super::check::{Check, Wrong};
use super::job::{Input, Manifest, Part, Restored};
use crate::snapshot::log::{Entry, Record, Reply, Request};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a node asks of the store.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Log(Request),
    Part {
        attempt: u64,
        interval: u64,
        worker: usize,
        part: Arc<Part>,
    },
    Manifest {
        name: String,
        manifest: Arc<Manifest>,
    },
    /// What the committed snapshot of this interval has; what there is before the first if it is 0.
    Read(u64),
    /// Entries of the log up to this one are deleted.
    Prune(u64),
}
/// What the store answers.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Log(Reply),
    Stored {
        interval: u64,
    },
    Read(Arc<Restored>),
    Pruned,
    /// It is not done, or nobody knows.
    Failed(Ask),
}
/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    Good,
    /// It is refused.
    Before,
    /// It is done, and nobody is told.
    After,
    /// It is done twice, and the second answer is the one that arrives.
    Twice,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    log: BTreeMap<u64, Bytes>,
    /// The entries that were the newest when they were created: the log as it is to be.
    pub(super) chain: Vec<Entry>,
    parts: BTreeMap<(u64, u64, usize), Arc<Part>>,
    manifests: BTreeMap<String, Arc<Manifest>>,
    /// The manifests of the snapshots on the chain.
    committed: BTreeMap<u64, Arc<Manifest>>,
}
impl Store {
    pub(super) fn part(&self, attempt: u64, interval: u64, worker: usize) -> Option<Arc<Part>> {
        self.parts.get(&(attempt, interval, worker)).cloned()
    }
    /// Whether this manifest is that of a snapshot on the chain.
    pub(super) fn is_committed(&self, manifest: &Arc<Manifest>) -> bool {
        self.committed.get(&manifest.interval).is_some_and(|committed| Arc::ptr_eq(committed, manifest))
    }
    pub(super) fn manifest(&self, name: &str) -> Option<Arc<Manifest>> {
        self.manifests.get(name).cloned()
    }
    /// Does what it is asked to.
    pub(super) fn take(&mut self, ask: Ask, luck: Luck, check: &mut Check, input: &Input) -> Result<Answer, Wrong> {
        if luck == Luck::Before {
            return Ok(match ask {
                Ask::Log(Request::Create { .. }) => Answer::Log(Reply::Unclear),
                ask => Answer::Failed(ask),
            });
        }
        let again = (luck == Luck::Twice).then(|| ask.clone());
        let mut answer = self.done(ask.clone(), check, input)?;
        if let Some(again) = again {
            answer = self.done(again, check, input)?;
        }
        Ok(match (luck, answer) {
            (Luck::After, Answer::Log(Reply::Created)) => Answer::Log(Reply::Unclear),
            (Luck::After, _) => Answer::Failed(ask),
            (_, answer) => answer,
        })
    }
    fn done(&mut self, ask: Ask, check: &mut Check, input: &Input) -> Result<Answer, Wrong> {
        Ok(match ask {
            Ask::Log(Request::List { after }) => {
                Answer::Log(Reply::Listed(self.log.keys().copied().filter(|seq| *seq > after).collect()))
            }
            Ask::Log(Request::Get { seq }) => Answer::Log(Reply::Got(self.log.get(&seq).cloned())),
            Ask::Log(Request::Create { seq, bytes }) => Answer::Log(self.create(seq, bytes, check, input)?),
            Ask::Part { attempt, interval, worker, part } => {
                self.parts.insert((attempt, interval, worker), part);
                Answer::Stored { interval }
            }
            Ask::Manifest { name, manifest } => {
                let interval = manifest.interval;
                self.manifests.insert(name, manifest);
                Answer::Stored { interval }
            }
            Ask::Read(interval) => {
                let read = self.committed.get(&interval).map(|manifest| manifest.restore());
                Answer::Read(Arc::new(read.unwrap_or_default()))
            }
            Ask::Prune(upto) => {
                self.log.retain(|seq, _| *seq > upto);
                Answer::Pruned
            }
        })
    }
    fn create(&mut self, seq: u64, bytes: Bytes, check: &mut Check, input: &Input) -> Result<Reply, Wrong> {
        if self.log.contains_key(&seq) {
            return Ok(Reply::Exists);
        }
        let entry = Entry::decode(seq, &bytes).map_err(|why| Wrong::Log(format!("entry {seq} is garbled: {why}")))?;
        self.log.insert(seq, bytes);
        let next = self.chain.last().map_or(1, |last| last.seq + 1);
        if seq > next {
            return Err(Wrong::Log(format!("entry {seq} is created, and the newest is {}", next - 1)));
        }
        // What lies where an entry was deleted is no part of the log, and whoever has created it is to find that out.
        if seq == next {
            if self.chain.last().is_some_and(|last| last.term > entry.term) {
                return Err(Wrong::Log(format!("entry {seq} of term {} follows one of a higher term", entry.term)));
            }
            if let Record::Snapshot { manifest, .. } | Record::Savepoint { manifest, .. } = &entry.record {
                let Some(manifest) = self.manifests.get(manifest).cloned() else {
                    return Err(Wrong::Log(format!("entry {seq} has a manifest that is not there")));
                };
                check.committed(&manifest, input)?;
                self.committed.insert(manifest.interval, manifest);
            }
            self.chain.push(entry);
        }
        Ok(Reply::Created)
    }
}
