//! What other processes have said of sources: which splits there are, which are to be read here, and who has none left.
use super::message::{Kind, Message};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Sources(Mutex<Heard>);
#[derive(Debug, Default)]
struct Heard {
    splits: HashMap<u16, Bytes>,
    arrived: BTreeSet<(u16, u32)>,
    given: HashMap<u16, Vec<(u64, Bytes)>>,
    ended: BTreeMap<(u16, u32), u64>,
}
impl Sources {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        // What it guards is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// A process has said something.
    pub(super) fn hears(&self, from: u32, message: Message) {
        let Message { kind, exchange: source, interval: version, payload, .. } = message;
        let mut heard = self.heard();
        match kind {
            Kind::Splits => drop(heard.splits.insert(source, payload)),
            Kind::Arrived => drop(heard.arrived.insert((source, from))),
            Kind::Given => heard.given.entry(source).or_default().push((version, payload)),
            Kind::Ended => drop(heard.ended.insert((source, from), version)),
            Kind::Data | Kind::Credit | Kind::State => {}
        }
    }
    /// What the first process has said of the splits of a source.
    pub(super) fn splits(&self, source: u16) -> Option<Bytes> {
        self.heard().splits.get(&source).cloned()
    }
    /// Whether all workers of a process have said of which splits of a source they read first.
    pub(super) fn has_arrived(&self, source: u16, process: u32) -> bool {
        self.heard().arrived.contains(&(source, process))
    }
    /// What other processes have given of a source with the changes up to this version: with which of them, and what.
    pub(super) fn take_given(&self, source: u16, version: u64) -> Vec<(u64, Bytes)> {
        let mut heard = self.heard();
        let given = heard.given.get_mut(&source).into_iter();
        given.flat_map(|given| given.extract_if(.., |(of, _)| *of <= version)).collect()
    }
    /// Whether, as of the change of this version, a process has no split of a source left. As of a later one it may have given some away,
    /// which are under way.
    pub(super) fn has_ended(&self, source: u16, process: u32, version: u64) -> bool {
        self.heard().ended.get(&(source, process)).is_some_and(|of| *of == version)
    }
}
