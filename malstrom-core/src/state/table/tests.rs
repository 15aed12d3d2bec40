//! The table against a map of the standard library.
use super::*;
use crate::contract::key::KeyGroups;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap};

/// The fewest, as many as usual, twice as many, and the most.
fn some_key_groups() -> [KeyGroups; 4] {
    [KeyGroups::LEAST, KeyGroups::DEFAULT, KeyGroups::new(8192).unwrap(), KeyGroups::MOST]
}

/// Entries lie behind their homes without a gap, the counts are right, and no key is there twice.
pub(super) fn check<K: Eq + Ord, V>(table: &StateTable<K, V>) {
    check_homes(table);
    if let Some(old) = table.behind() {
        check_homes(old);
        assert_eq!(old.iter().count(), old.len());
    }
    assert_eq!(table.iter().count(), table.len());
    assert_eq!(table.iter().map(|(key, _)| key).collect::<BTreeSet<_>>().len(), table.len());
    assert_eq!(table.is_empty(), table.iter().next().is_none());
}
fn check_homes<K, V>(table: &StateTable<K, V>) {
    for (at, entry) in table.entries.iter().enumerate().filter_map(|(at, slot)| Some((at, slot.as_ref()?))) {
        let home = table.home(entry.tag);
        assert!(home < table.slots && home <= at);
        assert!(table.entries[home..at].iter().all(Option::is_some));
    }
}

fn sorted(pairs: impl Iterator<Item = (u16, u32)>) -> Vec<(u16, u32)> {
    let mut pairs = pairs.collect::<Vec<_>>();
    pairs.sort_unstable();
    pairs
}

#[derive(Clone, Debug)]
enum Op {
    Entry(u16, u32),
    Get(u16),
    Insert(u16, u32),
    Remove(u16),
    IterGroup(u16),
    DrainGroup(u16),
    Rehome(u16),
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0_u16..300;
    prop_oneof![
        12 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Op::Entry(key, value)),
        4 => key.clone().prop_map(Op::Get),
        12 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Op::Insert(key, value)),
        8 => key.clone().prop_map(Op::Remove),
        2 => key.clone().prop_map(Op::IterGroup),
        1 => key.prop_map(Op::DrainGroup),
        1 => (0..=32768u16).prop_map(Op::Rehome),
    ]
}

fn good(key: u64) -> u64 {
    let product = u128::from(key ^ 0x243F_6A88_85A3_08D3) * 0x9E37_79B9_7F4A_7C15;
    product as u64 ^ (product >> 64) as u64
}

/// Good, all equal, few distinct, crowded into few groups, and crowded at either end of the table.
fn hash(kind: u8, key: u16) -> u64 {
    let good = good(key.into());
    match kind {
        0 => good,
        1 => 0,
        2 => u64::MAX,
        3 => (good % 5) << 60,
        4 => good & 0x003F_FFFF_FFFF_FFFF | 0x7FC0 << 48,
        5 => good >> 40,
        6 => !(good >> 12),
        _ => u64::MAX << 52 | u64::from(key) << 50,
    }
}

proptest! {
    #[test]
    fn agrees_with_a_hash_map(
        key_groups in prop::sample::select(some_key_groups().to_vec()),
        kind in 0_u8..8, owned in 0..=32768u16, step in 1_usize..4, ops in prop::collection::vec(op(), 0..600),
    ) {
        let group = |hash: u64| key_groups.of(hash);
        let up_to = |share: u16| 0..(usize::from(share) * key_groups.count() / 32768) as u16;
        let mut table = StateTable::new(Ranks::of(key_groups, up_to(owned).step_by(step)));
        let mut oracle = HashMap::new();
        for op in ops {
            match op {
                Op::Entry(key, value) => {
                    let hash = hash(kind, key);
                    table.touch(hash);
                    let slot = table.entry(hash, &key, || value);
                    prop_assert_eq!(&*slot, oracle.entry(key).or_insert(value));
                    *slot = slot.wrapping_add(1);
                    oracle.entry(key).and_modify(|value| *value = value.wrapping_add(1));
                }
                Op::Get(key) => prop_assert_eq!(table.get(hash(kind, key), &key), oracle.get_mut(&key)),
                Op::Insert(key, value) => {
                    prop_assert_eq!(table.insert(hash(kind, key), &key, value), oracle.insert(key, value));
                }
                Op::Remove(key) => prop_assert_eq!(table.remove(hash(kind, key), &key), oracle.remove(&key)),
                Op::IterGroup(key) => {
                    let this = group(hash(kind, key));
                    let want = oracle.iter().filter(|(key, _)| group(hash(kind, **key)) == this);
                    let found = table.iter_group(this).map(|(key, value)| (*key, *value));
                    prop_assert_eq!(sorted(found), sorted(want.map(|(key, value)| (*key, *value))));
                }
                Op::DrainGroup(key) => {
                    let this = group(hash(kind, key));
                    let want = oracle.extract_if(|key, _| group(hash(kind, *key)) == this);
                    prop_assert_eq!(sorted(table.drain_group(this).into_iter()), sorted(want));
                }
                Op::Rehome(owned) => table.rehome(Ranks::of(key_groups, up_to(owned))),
            }
            check(&table);
        }
        let found = table.iter().map(|(key, value)| (*key, *value));
        prop_assert_eq!(sorted(found), sorted(oracle.into_iter()));
    }
}

#[test]
fn growth_keeps_everything() {
    let mut table = StateTable::new(Ranks::of(KeyGroups::DEFAULT, (0..4096).step_by(2)));
    for key in 0..100_000_u64 {
        *table.entry(good(key), &key, || 0) += key;
        assert!(table.len() <= room::<String, u32>(table.slots));
    }
    check(&table);
    for key in 0..100_000_u64 {
        assert_eq!(table.get(good(key), &key), Some(&mut key.clone()));
    }
    for key in 0..100_000_u64 {
        assert_eq!(table.remove(good(key), &key), Some(key));
    }
    assert!(table.is_empty() && table.iter().next().is_none());
}

#[test]
fn groups_partition_the_table() {
    for key_groups in some_key_groups() {
        let mut table = StateTable::new(Ranks::all(key_groups));
        for key in 0..20_000_u32 {
            table.insert(good(key.into()), &key, ());
        }
        for group in key_groups.all() {
            assert!(table.iter_group(group).all(|(key, _)| key_groups.of(good((*key).into())) == group));
        }
        assert_eq!(key_groups.all().map(|group| table.iter_group(group).count()).sum::<usize>(), 20_000);
        for group in key_groups.all().step_by(3) {
            let count = table.iter_group(group).count();
            assert_eq!(table.drain_group(group).len(), count);
            assert_eq!(table.iter_group(group).count(), 0);
        }
        check(&table);
    }
}

#[test]
fn owned_groups_share_all_slots() {
    let ranks = |key_groups: KeyGroups| {
        let some = Ranks::of(key_groups, key_groups.all().filter(|group| group % 3 == 1));
        [Ranks::all(key_groups), some, Ranks::of(key_groups, [7])]
    };
    for ranks in some_key_groups().into_iter().flat_map(ranks) {
        let mut table = StateTable::<u64, ()>::new(ranks);
        table.resize(1 << 12);
        assert_eq!(table.home(Tag::of(0)), 0);
        assert!((table.slots - 2..table.slots).contains(&table.home(Tag::of(u64::MAX))));
    }
}

#[test]
fn small_tables_stay_small() {
    let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    assert_eq!(table.entries.capacity(), 0);
    assert_eq!(size_of::<Option<Entry<u64, u64>>>(), 24);
    for key in 0..1000_u64 {
        table.insert(good(key), &key, key);
    }
    assert!(size_of_val(&*table.entries) <= SMALL);
    assert!(!table.worth_touching());
}

#[test]
fn a_rank_table_is_monotone_and_dense() {
    let ranks = |key_groups: KeyGroups| {
        let owned = [vec![], vec![3, 3, key_groups.all().end - 1, 33_333], key_groups.all().step_by(5).collect()];
        owned.map(|owned| Ranks::of(key_groups, owned)).into_iter().chain([Ranks::all(key_groups)])
    };
    for ranks in some_key_groups().into_iter().flat_map(ranks) {
        let key_groups = ranks.key_groups();
        let rank =
            |group: u16| (ranks.position(group, ranks.first_of(group)) >> (u64::BITS - key_groups.bits())) as u16;
        assert!((1..key_groups.all().end).all(|group| (0..=1).contains(&(rank(group) - rank(group - 1)))));
        assert_eq!(rank(0), 0);
        assert_eq!(rank(key_groups.all().end - 1) + 1, ranks.owned().max(1));
        for (at, group) in ranks.groups().iter().enumerate() {
            assert_eq!((rank(*group), ranks.place(at as u32)), (at as u16, Some(*group)));
            assert_eq!(ranks.rank(*group), at as u32);
            let number = ranks.first_of(*group) + 77;
            assert_eq!(ranks.number(*group, ranks.position(*group, number)), number);
            assert_eq!(ranks.groups_from(number), &ranks.groups()[at..]);
            assert_eq!(ranks.groups_from(ranks.first_of(group + 1)), &ranks.groups()[at + 1..]);
        }
    }
}

#[test]
fn out_of_range_and_empty() {
    let mut table = StateTable::<String, Vec<u8>>::new(Ranks::of(KeyGroups::DEFAULT, []));
    assert_eq!(table.iter_group(4096).count() + table.iter_group(u16::MAX).count() + table.iter_group(0).count(), 0);
    assert!(table.drain_group(u16::MAX).is_empty() && table.drain_group(0).is_empty());
    table.touch(1);
    assert_eq!((table.remove(1, &String::new()), table.get(1, &String::new())), (None, None));
    table.rehome(Ranks::all(KeyGroups::DEFAULT));
    assert_eq!(table.entries.capacity(), 0);
    assert!(format!("{table:?}").starts_with("StateTable { len: 0"));
}

#[test]
fn a_panic_in_fresh_leaves_the_table_whole() {
    let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    for key in 0..13_u64 {
        let entry = std::panic::AssertUnwindSafe(|| *table.entry(0, &key, || if key == 12 { panic!() } else { key }));
        assert_eq!(std::panic::catch_unwind(entry).is_ok(), key != 12);
    }
    assert_eq!(table.len(), 12);
    check(&table);
}
