//! Snapshots in memory, without a commit log.
use super::faulty::StoreFault;
use super::random::Random;
use super::{Keeping, SEED};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Barrier, Chunk, Head, Loaded, NO_GROUP, Part, Schema, Shelf};
use crate::coordinator::{Origin, Purpose};
use crate::error::{Error, Result};
use crate::exchange::fabric::{Fabric, Wake};
use crate::exchange::route::RouteTable;
use crate::graph::Pipeline;
use crate::stream::env::Saving;
use crate::worker::{Scaling, Settings, Worker, Written};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// A committed snapshot.
#[derive(Clone, Debug)]
struct Kept {
    barrier: Barrier,
    savepoint: bool,
    key_groups: KeyGroups,
    chunks: HashMap<(usize, Part), Vec<Chunk>>,
    schemas: Vec<(usize, Part, Schema)>,
}
/// Keeps the snapshots of a job in memory. Of what can go wrong with a store, it knows only that a snapshot is not stored.
#[derive(Clone, Debug)]
pub struct Memory {
    snapshots: Vec<Kept>,
    key_groups: KeyGroups,
    term: u64,
    /// So many of the next ones are not stored, and one in so many of all.
    refuses: u64,
    refuses_one_in: u64,
    random: Random,
}
impl Default for Memory {
    fn default() -> Self {
        Memory {
            snapshots: Vec::new(),
            key_groups: KeyGroups::DEFAULT,
            term: 0,
            refuses: 0,
            refuses_one_in: 0,
            random: Random::new(0),
        }
    }
}
struct Owned<'a> {
    memory: &'a Memory,
    groups: HashSet<u16>,
}
struct Nobody;
impl Wake for Nobody {
    fn wake(&self, _: usize) {}
}
fn refused() -> Error {
    Error::custom("the simulated store has refused a snapshot, as the schedule says")
}

impl Memory {
    /// From here on, one in `many` snapshots is not stored.
    pub fn refuse(&mut self, many: u64, seed: u64) {
        (self.refuses_one_in, self.random) = (many, Random::new(seed));
    }
    /// Whether a pipeline can go on from here, with so many workers.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn accepts(&self, workers: usize, make: impl Fn() -> Pipeline) -> Result<()> {
        let fabric = Fabric::new(workers, Arc::new(Nobody));
        (0..workers).try_for_each(|worker| {
            let saving = Some(Saving { term: 1, interval: 1, cleans: false });
            let settings = Settings {
                worker,
                workers,
                seed: SEED,
                key_groups: self.key_groups,
                started: 0,
                linger: Duration::ZERO,
                saving,
                scaling: Scaling::Fixed,
            };
            Worker::new(make(), &settings, fabric.clone(), &*self.shelf(worker, workers)?).map(drop)
        })
    }
    /// The last snapshot and those that it is relative to: since a savepoint that the job was restored from.
    fn chain(&self) -> Vec<&Kept> {
        match self.snapshots.last() {
            Some(last) if last.savepoint => vec![last],
            // The first after a split is relative to none.
            Some(last) => {
                self.snapshots.iter().filter(|kept| !kept.savepoint && kept.key_groups == last.key_groups).collect()
            }
            None => Vec::new(),
        }
    }
}
impl Keeping for Memory {
    fn claim(&mut self) -> Result<Origin> {
        self.term += 1;
        let last = self.snapshots.last();
        Ok(Origin {
            term: self.term,
            interval: last.map_or(0, |kept| kept.barrier.interval),
            round: self
                .chain()
                .iter()
                .rev()
                .filter(|kept| !kept.savepoint && kept.key_groups == self.key_groups)
                .find_map(|kept| kept.barrier.scope.round()),
            ..Origin::default()
        })
    }
    fn key_groups(&self) -> KeyGroups {
        self.key_groups
    }
    fn split_into(&mut self, key_groups: KeyGroups) {
        self.key_groups = key_groups;
    }
    fn shelf(&self, worker: usize, workers: usize) -> Result<Box<dyn Shelf + '_>> {
        Ok(Box::new(Owned {
            memory: self,
            groups: RouteTable::even(workers, self.key_groups).groups_of(worker).collect(),
        }))
    }
    fn taken_in(&mut self) -> Result<()> {
        Ok(())
    }
    fn store(&mut self, barrier: Barrier, purpose: &Purpose, written: Vec<Written>) -> Result<()> {
        if self.refuses > 0 {
            self.refuses -= 1;
            return Err(refused());
        }
        if self.random.one_in(self.refuses_one_in) {
            return Err(refused());
        }
        let savepoint = *purpose != Purpose::Recovery;
        let mut kept =
            Kept { barrier, savepoint, key_groups: self.key_groups, chunks: HashMap::new(), schemas: Vec::new() };
        for part in written {
            for chunk in part.chunks {
                kept.chunks.entry((chunk.head.node, chunk.head.part)).or_default().push(chunk);
            }
            kept.schemas.extend(part.schemas);
        }
        self.snapshots.push(kept);
        Ok(())
    }
    fn is_open(&self) -> bool {
        true
    }
    fn arm(&mut self, _: StoreFault) {
        self.refuses += 1;
    }
}
impl Shelf for Owned<'_> {
    fn halvings(&self) -> u32 {
        let last = self.memory.snapshots.last().map(|kept| kept.key_groups);
        last.and_then(|groups| groups.halvings_to(self.memory.key_groups)).unwrap_or(0)
    }
    fn schema(&self, node: usize, part: Part) -> Option<Schema> {
        let schemas = &self.memory.snapshots.last()?.schemas;
        schemas.iter().find(|(of, which, _)| (*of, *which) == (node, part)).map(|(.., schema)| schema.clone())
    }
    fn chunks(&self, node: usize, part: Part) -> Result<Vec<Loaded>> {
        let (mut groups, halvings) = (BTreeMap::<u16, Vec<Loaded>>::new(), self.halvings());
        let whole = |part: u16| if part == NO_GROUP { part } else { part >> halvings };
        let wanted: HashSet<u16> = self.groups.iter().map(|part| whole(*part)).collect();
        for kept in self.memory.chain() {
            // What is of no group is what the last snapshot has of it.
            groups.remove(&NO_GROUP);
            for Chunk { head, bytes } in kept.chunks.get(&(node, part)).into_iter().flatten() {
                let Head { group, full, entries, .. } = *head;
                if group == NO_GROUP || wanted.contains(&group) {
                    let all = groups.entry(group).or_default();
                    // A part may be written in full sooner than the barrier says.
                    if full && group != NO_GROUP {
                        all.clear();
                    }
                    all.push(Loaded { group, full, entries, bytes: bytes.clone().into() });
                }
            }
        }
        let parts: BTreeSet<u16> = self.groups.iter().copied().chain([NO_GROUP]).collect();
        let of_part = |part: u16| {
            let of_whole = groups.get(&whole(part)).into_iter().flatten();
            of_whole.map(move |loaded| Loaded { group: part, ..loaded.clone() })
        };
        Ok(parts.into_iter().flat_map(of_part).collect())
    }
}
