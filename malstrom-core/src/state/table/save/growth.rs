//! How much is written of tables that change as a whole, and how those are loaded that have grown.
use crate::contract::code::OfRecord;
use crate::contract::key::KeyGroups;
use crate::contract::record::Record;
use crate::contract::snapshot::{Barrier, Extent, Loaded, Outcome, Part, Pen, Scope, Task};
use crate::state::key_group::KeyHasher;
use crate::state::saved::model::{SEED, hash, key, owner, ranks_of};
use crate::state::saved::{Chapter, Draft, Edition, Layout};
use crate::state::table::{Ranks, StateTable};
use std::collections::BTreeMap;

const EDITION: Edition = Edition { version: 1, expires: false, halvings: 0 };

/// Entries come in the order of their groups. A table that grows only once its slots are used would put all of them behind those
/// of the first groups, and look at all of these for each.
#[test]
fn what_has_grown_since_it_was_full_is_loaded_without_a_crowd() {
    let mut before = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    before.track(OfRecord::<u64>::new());
    let mut found: BTreeMap<u16, Vec<Loaded>> = BTreeMap::new();
    let mut interval = 0;
    for (keys, scope) in [(0..200_u64, Scope::Whole), (200..200_000, Scope::Changes { round: 0 })] {
        for key in keys {
            before.insert(hash(key), &key, key);
        }
        interval += 1;
        before.flip(interval, scope);
        let mut pen = Pen::new(usize::MAX);
        let hand_in = |_: &mut Pen, group: u16, full: bool, draft: Draft| {
            let entries = draft.entries();
            found.entry(group).or_default().push(Loaded { group, full, entries, bytes: draft.into_bytes().into() });
        };
        assert!(!before.write(&mut pen, hand_in).unwrap());
        before.settle(Outcome::Committed { interval, term: 1 });
    }
    let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    table.track(OfRecord::<u64>::new());
    let chunks: Vec<Loaded> = found.into_values().flatten().collect();
    table.expect(Extent { full: 0, all: 200_200 });
    for chunk in &chunks {
        table.load(EDITION, chunk, &mut KeyHasher::new(SEED)).unwrap();
        if chunk.group.is_multiple_of(256) {
            assert!(table.farthest() < 1_000, "{} slots are looked at for a key", table.farthest());
        }
    }
    assert_eq!(table.len(), 200_000);
    assert!((0..200_000).all(|key| table.peek(hash(key), &key) == Some(&key)));
}
/// Keys whose hashes are much alike crowd in any table, so it does no good to make it larger and larger.
#[test]
fn loading_asks_for_no_more_room_than_is_needed_in_the_end() {
    let chunk = |group: u16| {
        let mut draft = Draft::default();
        for key in (0..).filter(|key| KeyGroups::DEFAULT.of(hash(*key)) == group).take(100) {
            draft.put(|out| key.encode(out), |out| key.encode(out)).unwrap();
        }
        Loaded { group, full: true, entries: draft.entries(), bytes: draft.into_bytes().into() }
    };
    let chunks: Vec<Loaded> = (0..8).map(chunk).collect();
    let mut table: StateTable<u64, u64> = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    table.track(OfRecord::<u64>::new());
    table.expect(Extent::of(chunks.iter().map(|chunk| (chunk.full, chunk.entries))));
    for chunk in &chunks {
        table.load(EDITION, chunk, &mut KeyHasher::new(SEED)).unwrap();
    }
    assert_eq!(table.len(), 800);
    assert!(table.slots() <= 1 << 14, "{} slots", table.slots());
}
/// Whoever restores what changes as a whole again and again would read it as often as there are snapshots in a row.
#[test]
fn what_has_changed_for_the_most_part_is_written_in_full() {
    let mut table = StateTable::new(ranks_of(0, 1));
    table.track(OfRecord::<u64>::new());
    let mut chapter = Chapter::new(owner(3), Part::State, Layout::of_entries::<u64, u64>(&OfRecord::<u64>::new()));
    let all: Vec<(u64, u64)> = (0..1_000).map(key).collect();
    // Groups 1, 17 and 2049 are due in full in this round.
    let scope = Scope::Changes { round: 1 };
    for (interval, (changed, in_full)) in (1..).zip([(1_000, 7), (400, 3), (600, 7), (100, 3)]) {
        for (hash, key) in &all[..changed] {
            table.insert(*hash, key, interval);
        }
        chapter.flip_table(&mut table, Barrier { interval, scope, last: false });
        let mut full = 0;
        table.write(&mut Pen::new(usize::MAX), |_, _, is_full, _| full += usize::from(is_full)).unwrap();
        assert_eq!(full, in_full, "in interval {interval}");
        chapter.persist_table(&mut table, Task::Settle(Outcome::Committed { interval, term: 1 }));
    }
}
