//! The table against a map of the standard library.
use super::*;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap};

fn group(hash: u64) -> u16 {
    (hash >> 52) as u16
}

/// Entries lie behind their homes without a gap, the counts are right, and no key is there twice.
fn check<K: Eq + Ord, V>(table: &StateTable<K, V>) {
    for (at, entry) in table.entries.iter().enumerate().filter_map(|(at, slot)| Some((at, slot.as_ref()?))) {
        let home = table.home(entry.tag);
        assert!(home < table.slots && home <= at);
        assert!(table.entries[home..at].iter().all(Option::is_some));
    }
    assert_eq!(table.iter().count(), table.len());
    assert_eq!(table.iter().map(|(key, _)| key).collect::<BTreeSet<_>>().len(), table.len());
    assert_eq!(table.is_empty(), table.iter().next().is_none());
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
        1 => (0..=GROUPS).prop_map(Op::Rehome),
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
    fn agrees_with_a_hash_map(kind in 0_u8..8, owned in 0..=GROUPS, step in 1_usize..4, ops in prop::collection::vec(op(), 0..600)) {
        let mut table = StateTable::new(Ranks::of((0..owned).step_by(step)));
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
                    let group = group(hash(kind, key));
                    let want = oracle.iter().filter(|(key, _)| self::group(hash(kind, **key)) == group);
                    let found = table.iter_group(group).map(|(key, value)| (*key, *value));
                    prop_assert_eq!(sorted(found), sorted(want.map(|(key, value)| (*key, *value))));
                }
                Op::DrainGroup(key) => {
                    let group = group(hash(kind, key));
                    let want = oracle.extract_if(|key, _| self::group(hash(kind, *key)) == group);
                    prop_assert_eq!(sorted(table.drain_group(group).into_iter()), sorted(want));
                }
                Op::Rehome(owned) => table.rehome(Ranks::of(0..owned)),
            }
            check(&table);
        }
        let found = table.iter().map(|(key, value)| (*key, *value));
        prop_assert_eq!(sorted(found), sorted(oracle.into_iter()));
    }
}

#[test]
fn growth_keeps_everything() {
    let mut table = StateTable::new(Ranks::of((0..GROUPS).step_by(2)));
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
    let mut table = StateTable::new(Ranks::all());
    for key in 0..20_000_u32 {
        table.insert(good(key.into()), &key, ());
    }
    for group in 0..GROUPS {
        assert!(table.iter_group(group).all(|(key, _)| self::group(good((*key).into())) == group));
    }
    assert_eq!((0..GROUPS).map(|group| table.iter_group(group).count()).sum::<usize>(), 20_000);
    for group in (0..GROUPS).step_by(3) {
        let count = table.iter_group(group).count();
        assert_eq!(table.drain_group(group).len(), count);
        assert_eq!(table.iter_group(group).count(), 0);
    }
    check(&table);
}

#[test]
fn owned_groups_share_all_slots() {
    for ranks in [Ranks::all(), Ranks::of((0..GROUPS).filter(|group| group % 3 == 1)), Ranks::of([7])] {
        let mut table = StateTable::<u64, ()>::new(ranks);
        table.resize(1 << 12);
        assert_eq!(table.home(Tag::of(0)), 0);
        assert!((table.slots - 2..table.slots).contains(&table.home(Tag::of(u64::MAX))));
    }
}

#[test]
fn small_tables_stay_small() {
    let mut table = StateTable::new(Ranks::all());
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
    for ranks in [Ranks::all(), Ranks::of([]), Ranks::of([3, 3, 4095, 9999]), Ranks::of((0..GROUPS).step_by(5))] {
        let rank = |group: u16| (ranks.position(group, Tag::first_of(group)) >> 52) as u16;
        assert!((1..GROUPS).all(|group| (0..=1).contains(&(rank(group) - rank(group - 1)))));
        assert_eq!(rank(0), 0);
        assert_eq!(rank(GROUPS - 1) + 1, ranks.owned().max(1));
        for (at, group) in ranks.groups().iter().enumerate() {
            assert_eq!((rank(*group), ranks.group(at as u16)), (at as u16, Some(*group)));
            let number = Tag::first_of(*group) + 77;
            assert_eq!(ranks.number(*group, ranks.position(*group, number)), number);
            assert_eq!(ranks.rank_from(number), at as u16);
            assert_eq!(ranks.rank_from(Tag::first_of(group + 1)), at as u16 + 1);
        }
    }
}

#[test]
fn out_of_range_and_empty() {
    let mut table = StateTable::<String, Vec<u8>>::new(Ranks::of([]));
    assert_eq!(table.iter_group(GROUPS).count() + table.iter_group(u16::MAX).count() + table.iter_group(0).count(), 0);
    assert!(table.drain_group(u16::MAX).is_empty() && table.drain_group(0).is_empty());
    table.touch(1);
    assert_eq!((table.remove(1, &String::new()), table.get(1, &String::new())), (None, None));
    table.rehome(Ranks::all());
    assert_eq!(table.entries.capacity(), 0);
    assert!(format!("{table:?}").starts_with("StateTable { len: 0"));
}

#[test]
fn a_panic_in_fresh_leaves_the_table_whole() {
    let mut table = StateTable::new(Ranks::all());
    for key in 0..13_u64 {
        let entry = std::panic::AssertUnwindSafe(|| *table.entry(0, &key, || if key == 12 { panic!() } else { key }));
        assert_eq!(std::panic::catch_unwind(entry).is_ok(), key != 12);
    }
    assert_eq!(table.len(), 12);
    check(&table);
}
