//! Tables against a map, through snapshots that are written, given up and restored at random.
use crate::contract::code::OfRecord;
use crate::contract::key::KeyGroups;
use crate::contract::record::Record;
use crate::contract::snapshot::{GroupSet, Loaded, Outcome, Part, Pen, Scope, Task};
use crate::state::key_group::KeyHasher;
use crate::state::saved::model::{Event, Move, Owners, Picky, SEED, Store, event_or_move, groups_of, hash, key, owner};
use crate::state::saved::{Change, Changes, Chapter, Draft, Edition, Layout};
use crate::state::table::{Ranks, StateTable};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const EDITION: Edition = Edition { version: 1, expires: false, halvings: 0 };

#[derive(Clone, Copy, Debug)]
enum Op {
    Entry(usize, u64),
    Insert(usize, u64),
    Get(usize, u64),
    Peek(usize),
    Remove(usize),
    /// Takes all entries out of a table, last slot first.
    Empty(usize),
    Rehome,
    Snapshot(Event),
}
fn op() -> impl Strategy<Value = Op> {
    let few = || prop_oneof![0usize..30, 0usize..1050];
    prop_oneof![
        12 => (few(), 0u64..9).prop_map(|(key, value)| Op::Entry(key, value)),
        6 => (few(), 0u64..9).prop_map(|(key, value)| Op::Insert(key, value)),
        6 => (few(), 0u64..9).prop_map(|(key, value)| Op::Get(key, value)),
        2 => few().prop_map(Op::Peek),
        8 => few().prop_map(Op::Remove),
        1 => few().prop_map(Op::Empty),
        1 => Just(Op::Rehome),
        12 => event_or_move().prop_map(Op::Snapshot),
    ]
}

struct Tables {
    list: Vec<(StateTable<u64, u64>, Chapter)>,
    owners: Owners,
}
impl Tables {
    fn of(owners: Owners) -> Self {
        let list = (0..owners.workers).map(|worker| Self::table(&owners.groups(worker))).collect();
        Tables { list, owners }
    }
    fn new(workers: usize) -> Self {
        Tables::of(Owners::even(workers))
    }
    fn table(groups: &GroupSet) -> (StateTable<u64, u64>, Chapter) {
        let mut table = StateTable::new(Ranks::of(KeyGroups::DEFAULT, groups.iter()));
        table.track(OfRecord::<u64>::new());
        (table, Chapter::new(owner(3), Part::State, Layout::of_entries::<u64, u64>(&OfRecord::<u64>::new())))
    }
    fn find(&mut self, number: usize) -> (&mut StateTable<u64, u64>, u64, u64) {
        let (hash, key) = key(number);
        (&mut self.list[self.owners.of(hash)].0, hash, key)
    }
    fn persist(&mut self, worker: usize, task: Task<'_, '_>) {
        let (table, chapter) = &mut self.list[worker];
        chapter.persist_table(table, task);
    }
    fn settle(&mut self, outcome: Outcome) {
        (0..self.list.len()).for_each(|worker| self.persist(worker, Task::Settle(outcome)));
    }
    fn restored(store: &Store, workers: usize) -> Self {
        let mut tables = Tables::new(workers);
        for worker in 0..workers {
            store.restore(&groups_of(worker, workers), |task| tables.persist(worker, task)).unwrap();
        }
        tables
    }
    fn hand_over(&mut self, store: &mut Store, how: &Move) {
        let to = Owners::after(how);
        let joined = || Self::table(&GroupSet::new());
        let before = self.list.len();
        self.list.resize_with(before.max(to.workers), joined);
        let barrier = store.begin(false, if how.aligned { self.list.len() } else { before });
        let passed = if how.aligned { self.list.len() } else { before };
        self.list[..passed].iter_mut().for_each(|(table, chapter)| chapter.flip_table(table, barrier));
        let from = std::mem::replace(&mut self.owners, to.clone());
        store.hand_over((&from, &to), how, |worker, task| self.persist(worker, task));
        self.list.truncate(to.workers);
    }
    fn content(&self) -> BTreeMap<u64, u64> {
        self.list.iter().flat_map(|(table, _)| table.iter()).map(|(key, value)| (*key, *value)).collect()
    }
}

/// Which keys have been changed since the last committed snapshot: before the last barrier, and behind it.
#[derive(Default)]
struct Touched {
    before: BTreeSet<u64>,
    behind: BTreeSet<u64>,
}

fn check_deltas(store: &Store, touched: &BTreeSet<u64>) -> Result<(), TestCaseError> {
    for chunk in store.last().iter().filter(|chunk| !chunk.head.full) {
        for change in Changes::of(&chunk.bytes) {
            let (Change::Put { key, .. } | Change::Gone { key } | Change::Section(key)) = change.unwrap();
            let key = u64::decode(key).unwrap();
            prop_assert!(touched.contains(&key), "{} has not changed", key);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_restored_table_is_what_it_was_at_the_barrier(
        workers in 1usize..6,
        ops in prop::collection::vec(op(), 0..500),
    ) {
        let (mut tables, mut store) = (Tables::new(workers), Store::default());
        let mut live = BTreeMap::<u64, u64>::new();
        let (mut at_barrier, mut committed) = (live.clone(), live.clone());
        let mut touched = Touched::default();
        for op in ops {
            match op {
                Op::Entry(number, value) => {
                    let (table, hash, key) = tables.find(number);
                    *table.entry(hash, &key, || 100) += value;
                    *live.entry(key).or_insert(100) += value;
                    touched.behind.insert(key);
                }
                Op::Insert(number, value) => {
                    let (table, hash, key) = tables.find(number);
                    prop_assert_eq!(table.insert(hash, &key, value), live.insert(key, value));
                    touched.behind.insert(key);
                }
                Op::Get(number, value) => {
                    let (table, hash, key) = tables.find(number);
                    if let Some(found) = table.get(hash, &key) {
                        *found = value;
                        live.insert(key, value);
                        touched.behind.insert(key);
                    }
                }
                Op::Peek(number) => {
                    let (table, hash, key) = tables.find(number);
                    prop_assert_eq!(table.peek(hash, &key), live.get(&key));
                }
                Op::Remove(number) => {
                    let (table, hash, key) = tables.find(number);
                    prop_assert_eq!(table.remove(hash, &key), live.remove(&key));
                    touched.behind.insert(key);
                }
                Op::Empty(number) => {
                    let (table, ..) = tables.find(number);
                    for at in (0..table.slots()).rev().take(number) {
                        if let Some((_, key, value)) = table.take_slot(at) {
                            prop_assert_eq!(live.remove(&key), Some(value));
                            touched.behind.insert(key);
                        }
                    }
                }
                Op::Rehome => {
                    for (worker, (table, _)) in tables.list.iter_mut().enumerate() {
                        table.rehome(Ranks::of(KeyGroups::DEFAULT, tables.owners.groups(worker).iter()));
                    }
                }
                Op::Snapshot(Event::Barrier(savepoint)) if store.open.is_none() => {
                    let barrier = store.begin(savepoint, tables.list.len());
                    for (table, chapter) in &mut tables.list {
                        chapter.flip_table(table, barrier);
                    }
                    at_barrier = live.clone();
                    touched.before.append(&mut touched.behind);
                }
                Op::Snapshot(Event::Slice(room)) => {
                    store.slice(room, |worker, task| tables.persist(worker, task));
                }
                Op::Snapshot(Event::Commit) if store.open.is_some() => {
                    while store.slice(50, |worker, task| tables.persist(worker, task)) {}
                    prop_assert!(tables.list.iter().all(|(table, _)| !table.is_being_written()));
                    let outcome = store.commit();
                    tables.settle(outcome);
                    if let Outcome::Committed { .. } = outcome {
                        committed = at_barrier.clone();
                        check_deltas(&store, &std::mem::take(&mut touched.before))?;
                        prop_assert_eq!(&Tables::restored(&store, 1).content(), &committed);
                    }
                }
                Op::Snapshot(Event::Abort) => {
                    if let Some(outcome) = store.give_up() {
                        tables.settle(outcome);
                    }
                }
                Op::Snapshot(Event::Move(how)) if store.open.is_none() => {
                    tables.hand_over(&mut store, &how);
                    at_barrier = live.clone();
                    touched.before.append(&mut touched.behind);
                }
                Op::Snapshot(Event::Restore(workers)) if !store.is_empty() => {
                    store.abort();
                    tables = Tables::restored(&store, workers);
                    live = committed.clone();
                    touched = Touched::default();
                }
                Op::Snapshot(_) => {}
            }
            prop_assert_eq!(tables.list.iter().map(|(table, _)| table.len()).sum::<usize>(), live.len());
        }
        prop_assert_eq!(tables.content(), live);
        if !store.is_empty() {
            for workers in 1..6 {
                prop_assert_eq!(&Tables::restored(&store, workers).content(), &committed);
            }
        }
    }
}

/// A table of so many keys, all of them in a committed snapshot.
fn settled(keys: usize) -> StateTable<u64, u64> {
    let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    table.track(OfRecord::<u64>::new());
    for number in 0..keys as u64 {
        table.insert(hash(number), &number, number);
    }
    table.flip(1, Scope::Whole);
    table.write(&mut Pen::new(usize::MAX), |_, _, _, _| {}).unwrap();
    table.settle(Outcome::Committed { interval: 1, term: 1 });
    table
}
/// How many entries a snapshot has, and what it cost.
fn written(table: &mut StateTable<u64, u64>, interval: u64, scope: Scope) -> (u32, usize) {
    table.flip(interval, scope);
    let mut pen = Pen::new(0);
    let (mut entries, mut slices) = (0, 0);
    loop {
        pen.next_slice(100);
        slices += 1;
        if !table.write(&mut pen, |_, _, _, draft| entries += draft.entries()).unwrap() {
            return (entries, slices);
        }
    }
}

#[test]
fn a_delta_costs_what_has_changed() {
    let mut table = settled(200_000);
    let scope = Scope::Changes { round: 5 };
    let (full, _) = written(&mut table, 2, scope);
    assert!((11_000..14_000).contains(&full), "a 16th of the groups: {full}");
    table.settle(Outcome::Committed { interval: 2, term: 1 });
    // In groups that are not written in full.
    let others =
        (0..200_000_u64).filter(|key| KeyGroups::DEFAULT.of(hash(*key)) % 16 != 6).take(100).collect::<Vec<_>>();
    others.iter().for_each(|key| *table.get(hash(*key), key).unwrap() += 1);
    assert!(table.peek(hash(500), &500).is_some());
    let (entries, slices) = written(&mut table, 3, Scope::Changes { round: 6 });
    let (full, full_slices) = {
        table.settle(Outcome::Committed { interval: 3, term: 1 });
        written(&mut table, 4, Scope::Changes { round: 6 })
    };
    assert_eq!(entries - full, 100);
    // Some dozens of slots are looked at for each of them.
    assert!(slices - full_slices <= 100, "{slices} {full_slices}");
    assert!(slices > full_slices);
}

#[test]
fn a_slice_does_a_bounded_amount_of_work() {
    let mut table = StateTable::new(Ranks::of(KeyGroups::DEFAULT, [9]));
    table.track(OfRecord::<Vec<u8>>::new());
    for number in 0..5_000_u64 {
        table.insert(9 << 52 | number << 38, &number, vec![7; 640]);
    }
    table.flip(1, Scope::Whole);
    let (mut pen, mut slices, mut chunks) = (Pen::new(0), 0, Vec::new());
    loop {
        pen.next_slice(500);
        slices += 1;
        let more = table.write(&mut pen, |_, group, full, draft| chunks.push((group, full, draft.entries()))).unwrap();
        if !more {
            break;
        }
        assert!(chunks.is_empty(), "one group is one chunk, however many slices it takes");
    }
    assert_eq!(chunks, [(9, true, 5_000)]);
    // An entry costs at least ten by its bytes.
    assert!(slices >= 100, "{slices}");
}

#[test]
fn what_is_made_and_removed_between_two_barriers_is_not_mentioned() {
    let mut table = settled(1_000);
    for number in 5_000..6_000_u64 {
        table.insert(hash(number), &number, 1);
    }
    for number in 5_000..6_000_u64 {
        table.remove(hash(number), &number);
    }
    let (before, _) = written(&mut table, 2, Scope::Changes { round: 0 });
    table.settle(Outcome::Committed { interval: 2, term: 1 });
    let (after, _) = written(&mut table, 3, Scope::Changes { round: 0 });
    assert_eq!(before, after);
    table.settle(Outcome::Aborted { interval: 3 });
    let key = (0..1_000_u64).find(|key| !KeyGroups::DEFAULT.of(hash(*key)).is_multiple_of(16)).unwrap();
    table.remove(hash(key), &key);
    assert_eq!(written(&mut table, 4, Scope::Changes { round: 0 }).0, after + 1);
}

#[test]
fn groups_that_leave_are_in_the_snapshot_that_was_begun() {
    let mut table = settled(1_000);
    table.flip(2, Scope::Whole);
    let drained: usize = (0..4096).map(|group| table.drain_group(group).len()).sum();
    assert_eq!(drained, 1_000);
    let mut entries = 0;
    table.write(&mut Pen::new(usize::MAX), |_, _, _, draft| entries += draft.entries()).unwrap();
    assert_eq!(entries, 1_000);
}

#[test]
fn what_cannot_be_written_is_said() {
    for change in [false, true] {
        let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
        table.track(Picky);
        table.insert(hash(7), &7, u64::MAX);
        table.flip(1, Scope::Whole);
        if change {
            *table.get(hash(7), &7).unwrap() = 1;
        }
        let mut pen = Pen::new(usize::MAX);
        let mut chapter = Chapter::new(owner(3), Part::State, Layout::of_entries::<u64, u64>(&Picky));
        chapter.persist_table(&mut table, Task::Save(&mut pen));
        assert_eq!(pen.failure(), Some((3, "the state of `stage3`: too large".to_owned())));
    }
}

#[test]
fn bytes_that_are_not_what_was_written_are_refused() {
    let mut table = settled(2_000);
    let mut chunks = Vec::new();
    table.flip(2, Scope::Whole);
    table
        .write(&mut Pen::new(usize::MAX), |_, group, full, draft| {
            chunks.push(Loaded { group, full, entries: draft.entries(), bytes: draft.into_bytes().into() });
        })
        .unwrap();
    let load = |chunk: &Loaded, seed| {
        let mut fresh = StateTable::<u64, u64>::new(Ranks::all(KeyGroups::DEFAULT));
        fresh.track(OfRecord::<u64>::new());
        fresh.load(EDITION, chunk, &mut KeyHasher::new(seed)).map(|()| fresh.len())
    };
    let chunk = chunks.iter().find(|chunk| chunk.entries > 1).unwrap();
    assert_eq!(load(chunk, SEED), Ok(chunk.entries as usize));
    let error = |chunk: &Loaded, seed| load(chunk, seed).unwrap_err().to_string();
    assert!(error(chunk, SEED + 1).contains("the seed of the job is not that of the snapshot"));
    let less = Loaded { entries: chunk.entries - 1, ..chunk.clone() };
    assert!(error(&less, SEED).contains(&format!("should have {} entries and has {}", less.entries, chunk.entries)));
    let short = Loaded { bytes: chunk.bytes.slice(..chunk.bytes.len() - 1), ..chunk.clone() };
    assert!(error(&short, SEED).contains("ends within an entry"));
    let mut untracked = StateTable::<u64, u64>::new(Ranks::all(KeyGroups::DEFAULT));
    untracked.load(EDITION, chunk, &mut KeyHasher::new(SEED)).unwrap_err();
}

#[test]
fn a_cleared_table_begins_anew() {
    let mut table = settled(1_000);
    table.remove(hash(1), &1);
    table.clear();
    assert_eq!(written(&mut table, 2, Scope::Changes { round: 0 }).0, 0);
    table.settle(Outcome::Committed { interval: 2, term: 1 });
    table.insert(hash(2), &2, 7);
    assert_eq!(written(&mut table, 3, Scope::Whole).0, 1);
    assert_eq!(table.peek(hash(2), &2), Some(&7));
}

#[test]
fn growth_keeps_the_marks() {
    let mut table = settled(1_000);
    let changed = (5_000_u64..).find(|key| !KeyGroups::DEFAULT.of(hash(*key)).is_multiple_of(16)).unwrap();
    table.insert(hash(changed), &changed, 1);
    table.flip(2, Scope::Changes { round: 0 });
    // The table grows before anything is written, and is halved into more units.
    for number in 10_000..300_000_u64 {
        table.insert(hash(number), &number, 1);
    }
    let mut keys = BTreeSet::new();
    let collect = |keys: &mut BTreeSet<u64>, draft: Draft| {
        for change in Changes::of(&draft.into_bytes()) {
            if let Change::Put { key, .. } = change.unwrap() {
                keys.insert(u64::decode(key).unwrap());
            }
        }
    };
    table
        .write(&mut Pen::new(usize::MAX), |_, _, full, draft| {
            if !full {
                collect(&mut keys, draft)
            }
        })
        .unwrap();
    assert_eq!(keys, BTreeSet::from([changed]));
    table.settle(Outcome::Aborted { interval: 2 });
    table.flip(3, Scope::Changes { round: 0 });
    table
        .write(&mut Pen::new(usize::MAX), |_, _, full, draft| {
            if !full {
                collect(&mut keys, draft)
            }
        })
        .unwrap();
    let expected = (10_000..300_000_u64)
        .chain([changed])
        .filter(|key| !KeyGroups::DEFAULT.of(hash(*key)).is_multiple_of(16))
        .collect();
    assert_eq!(keys, expected);
}

#[test]
fn an_entry_that_changes_meanwhile_is_written_once() {
    // All of one group, so that some of it is written before some of it changes.
    let hash = |number: u64| 9 << 52 | number << 38;
    let mut table = StateTable::new(Ranks::of(KeyGroups::DEFAULT, [9]));
    table.track(OfRecord::<u64>::new());
    for number in 0..3_000 {
        table.insert(hash(number), &number, number);
    }
    table.flip(1, Scope::Whole);
    let (mut pen, mut entries, mut next) = (Pen::new(0), 0, 0);
    loop {
        pen.next_slice(20);
        if !table.write(&mut pen, |_, _, _, draft| entries += draft.entries()).unwrap() {
            break;
        }
        for _ in 0..3 {
            next = (next + 1_009) % 3_000;
            *table.get(hash(next), &next).unwrap() += 1;
        }
    }
    assert_eq!(entries, 3_000);
}
