//! Jobs that keep a little state in a vault, for tests.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]
pub mod faulty;

use futures_util::TryStreamExt;
use malstrom_core::Result;
use malstrom_core::contract::key::KeyGroups;
use malstrom_core::contract::snapshot::{Chunk, Extent, GroupSet, Head, NO_GROUP, Part, Schema, Scope, Shelf};
use malstrom_core::snapshot::{Chunks, Committed, Draft, Job, Kind, Location, Restore, Vault};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Only these groups have keys.
pub const GROUPS: u16 = 40;

pub fn in_memory() -> (Arc<InMemory>, Location) {
    let store = Arc::new(InMemory::new());
    (Arc::clone(&store), Location::new(store, "some/prefix"))
}
/// All objects of a store.
pub fn objects(store: &InMemory) -> BTreeMap<Path, Vec<u8>> {
    wait(async {
        let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
        let mut all = BTreeMap::new();
        for meta in listed {
            let bytes = store.get(&meta.location).await.unwrap().bytes().await.unwrap();
            all.insert(meta.location, bytes.to_vec());
        }
        all
    })
}
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
pub fn nonces() -> impl FnMut() -> u128 + Send {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    || NEXT.fetch_add(1, Ordering::Relaxed).into()
}
pub fn job(name: &str) -> Job {
    Job { name: name.to_owned(), key_groups: None, coordinator: "test".to_owned() }
}
pub fn open(location: &Location) -> Result<Vault> {
    Vault::open(location, job("job"), nonces())
}

/// By operator, key group and key.
pub type State = BTreeMap<(String, u16, u8), u8>;

/// A job whose operators keep a number per key.
#[derive(Clone, Debug, Default)]
pub struct Toy {
    pub operators: Vec<String>,
    pub state: State,
    dirty: BTreeSet<(String, u16, u8)>,
}
impl Toy {
    pub fn new(operators: &[&str]) -> Self {
        Toy { operators: operators.iter().map(|id| (*id).to_owned()).collect(), ..Toy::default() }
    }
    pub fn put(&mut self, operator: &str, group: u16, key: u8, value: Option<u8>) {
        let at = (operator.to_owned(), group, key);
        match value {
            Some(value) => drop(self.state.insert(at.clone(), value)),
            None => drop(self.state.remove(&at)),
        }
        self.dirty.insert(at);
    }
    /// What is written for this scope, by each process. Groups in `out_of_turn` are written in full.
    pub fn chunks(&self, interval: u64, scope: Scope, processes: u16, out_of_turn: &[u16]) -> Vec<Chunks> {
        let mut all = vec![Chunks::default(); processes.into()];
        for (node, operator) in self.operators.iter().enumerate() {
            for chunks in &mut all {
                chunks.schemas.push((node, Part::State, Schema { version: 1, description: "u8".into() }));
                let head = Head { node, part: Part::Counts, group: NO_GROUP, full: true, entries: 1 };
                chunks.chunks.push(Chunk { head, bytes: interval.to_le_bytes().to_vec() });
            }
            for group in 0..GROUPS {
                let full = scope.is_full(group) || out_of_turn.contains(&group);
                let of_group = |(o, g, _): &&(String, u16, u8)| o == operator && *g == group;
                let keys: Vec<u8> = if full {
                    self.state.keys().filter(of_group).map(|(.., key)| *key).collect()
                } else {
                    self.dirty.iter().filter(of_group).map(|(.., key)| *key).collect()
                };
                let chunks = &mut all[usize::from(group % processes)].chunks;
                // A group may be written in several slices.
                for (at, keys) in keys.chunks(3).enumerate() {
                    let entry = |key: &u8| match self.state.get(&(operator.clone(), group, *key)) {
                        Some(value) => [*key, 1, *value],
                        None => [*key, 0, 0],
                    };
                    let (full, entries) = (full && at == 0, keys.len() as u32);
                    let head = Head { node, part: Part::State, group, full, entries };
                    chunks.push(Chunk { head, bytes: keys.iter().flat_map(entry).collect() });
                }
                if full && keys.is_empty() && out_of_turn.contains(&group) {
                    let head = Head { node, part: Part::State, group, full, entries: 0 };
                    chunks.push(Chunk { head, bytes: Vec::new() });
                }
            }
        }
        all
    }
    pub fn draft(&self, vault: &Vault, kind: Kind, processes: u16, out_of_turn: &[u16]) -> Result<Draft> {
        let interval = vault.next_interval();
        let scope = if kind == Kind::Snapshot { vault.next_scope() } else { Scope::Whole };
        self.draft_of(vault, kind, interval, scope, processes, out_of_turn)
    }
    pub fn draft_of(
        &self,
        vault: &Vault,
        kind: Kind,
        interval: u64,
        scope: Scope,
        processes: u16,
        out_of_turn: &[u16],
    ) -> Result<Draft> {
        let mut written = Vec::new();
        for (process, chunks) in self.chunks(interval, scope, processes, out_of_turn).into_iter().enumerate() {
            written.push(vault.writer(process as u32).write(&kind, interval, scope, &self.operators, chunks)?);
        }
        Ok(Draft { kind, interval, ended: false, written })
    }
    pub fn snapshot(&mut self, vault: &mut Vault) -> Result<Committed> {
        let draft = self.draft(vault, Kind::Snapshot, 1, &[])?;
        let committed = vault.commit(draft)?;
        self.dirty.clear();
        Ok(committed)
    }
    /// What a draft that was committed means for the next one.
    pub fn settle(&mut self, kind: &Kind) {
        if *kind == Kind::Snapshot {
            self.dirty.clear();
        }
    }
    /// Takes over what a snapshot has, as `workers` workers with some groups each.
    pub fn load(&mut self, restore: &Restore, workers: u16) -> Result<()> {
        self.state.clear();
        self.dirty.clear();
        let mut counts = BTreeSet::new();
        for worker in 0..workers {
            let groups: GroupSet = KeyGroups::DEFAULT.all().filter(|group| group * 7 % workers == worker).collect();
            let shelf = restore.shelf(self.operators.clone().into(), groups);
            for (node, operator) in self.operators.iter().enumerate() {
                for chunk in shelf.chunks(node, Part::Counts)? {
                    counts.insert(u64::from_le_bytes(chunk.bytes[..].try_into().unwrap()));
                }
                let (mut begun, mut extents, mut seen) = (BTreeSet::new(), Vec::new(), Extent::default());
                shelf.each(node, Part::State, &mut |extent, chunk| {
                    extents.push(extent);
                    seen.full += if chunk.full { chunk.entries as usize } else { 0 };
                    seen.all += chunk.entries as usize;
                    // A full chunk is the first of its group, and what was before it is not read.
                    assert!(begun.insert(chunk.group) || !chunk.full);
                    assert_eq!(chunk.bytes.len(), chunk.entries as usize * 3);
                    if chunk.full {
                        self.state.retain(|(o, group, _), _| o != operator || *group != chunk.group);
                    }
                    for entry in chunk.bytes.chunks(3) {
                        let at = (operator.clone(), chunk.group, entry[0]);
                        if entry[1] == 1 {
                            self.state.insert(at, entry[2])
                        } else {
                            self.state.remove(&at)
                        };
                    }
                    true
                })?;
                assert!(extents.iter().all(|extent| *extent == seen), "{extents:?}, and {seen:?} came");
            }
        }
        assert!(counts.iter().all(|interval| *interval == restore.manifest().interval), "counts of another snapshot");
        Ok(())
    }
    pub fn restore(&mut self, vault: &mut Vault, which: &str, workers: u16) -> Result<Restore> {
        let saved = vault.archive().find(which)?.unwrap();
        let restore = vault.restore(&saved)?;
        self.load(&restore, workers)?;
        Ok(restore)
    }
}
