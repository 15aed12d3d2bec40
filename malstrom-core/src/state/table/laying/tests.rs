//! A table that is laid out as groups come, against a map of the standard library. What it writes to snapshots meanwhile is shown where
//! tables are saved.
use super::*;
use crate::contract::code::OfRecord;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::GroupSet;
use crate::state::table::tests::check;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap};

const GROUPS: u16 = 128;
/// A key of this group.
fn hash(group: u16, key: u64) -> u64 {
    let within = (u128::from(key ^ 0x243F_6A88_85A3_08D3) * 0x9E37_79B9_7F4A_7C15) as u64;
    u64::from(group) << 57 | within >> 7
}
fn set(groups: &BTreeSet<u16>) -> GroupSet {
    groups.iter().copied().collect()
}

#[derive(Clone, Debug)]
enum Op {
    /// The key is one of an owned group, by its place among these.
    Entry(u16, u64),
    Insert(u16, u64),
    Remove(u16, u64),
    Look(u16, u64),
    IterGroup(u16),
    DrainGroup(u16),
    /// So many of the groups to come do.
    Come(usize),
    /// All at once.
    Rehome,
    Clear,
    TakeAll,
}
fn op() -> impl Strategy<Value = Op> {
    let key = || (0..GROUPS, 0..30_u64);
    prop_oneof![
        20 => key().prop_map(|(group, key)| Op::Entry(group, key)),
        10 => key().prop_map(|(group, key)| Op::Insert(group, key)),
        10 => key().prop_map(|(group, key)| Op::Remove(group, key)),
        10 => key().prop_map(|(group, key)| Op::Look(group, key)),
        3 => (0..GROUPS).prop_map(Op::IterGroup),
        1 => (0..GROUPS).prop_map(Op::DrainGroup),
        8 => (0..9_usize).prop_map(Op::Come),
        1 => Just(Op::Rehome),
        1 => prop_oneof![Just(Op::Clear), Just(Op::TakeAll)],
    ]
}

proptest! {
    #[test]
    fn agrees_with_a_hash_map(
        owned in prop::collection::btree_set(0..GROUPS, 0..20), coming in prop::collection::btree_set(0..GROUPS, 0..20),
        begun in 0..400_usize, tracked in any::<bool>(), ops in prop::collection::vec(op(), 0..300),
    ) {
        let key_groups = KeyGroups::new(usize::from(GROUPS)).unwrap();
        let all = |owned: &BTreeSet<u16>| set(&(owned | &coming));
        let mut owned = owned;
        let mut table = StateTable::new(Ranks::of(key_groups, owned.iter().copied()));
        if tracked {
            table.track(OfRecord::<u64>::new());
        }
        let mut oracle = HashMap::new();
        let nth = |owned: &BTreeSet<u16>, at: u16| owned.iter().nth(usize::from(at) % owned.len().max(1)).copied();
        for at in 0..begun as u64 {
            let Some(group) = nth(&owned, (at % u64::from(GROUPS)) as u16) else { break };
            let key = (u64::from(group) << 32) + at;
            table.insert(hash(group, key), &key, at);
            oracle.insert(key, at);
        }
        for op in ops {
            let keyed = match op {
                Op::Entry(group, key) | Op::Insert(group, key) | Op::Remove(group, key) | Op::Look(group, key) => {
                    let Some(group) = nth(&owned, group) else { continue };
                    let key = (u64::from(group) << 32) + key;
                    Some((hash(group, key), key))
                }
                _ => None,
            };
            let (hash, key) = keyed.unwrap_or_default();
            match op {
                Op::Entry(..) => {
                    table.touch(hash);
                    let value = table.entry(hash, &key, || 7);
                    prop_assert_eq!(&*value, &*oracle.entry(key).or_insert(7));
                    *value += 1;
                    oracle.entry(key).and_modify(|value| *value += 1);
                }
                Op::Insert(_, value) => prop_assert_eq!(table.insert(hash, &key, value), oracle.insert(key, value)),
                Op::Remove(..) => prop_assert_eq!(table.remove(hash, &key), oracle.remove(&key)),
                Op::Look(..) => {
                    prop_assert_eq!(table.peek(hash, &key), oracle.get(&key));
                    prop_assert_eq!(table.get_unseen(hash, &key), oracle.get_mut(&key));
                    prop_assert_eq!(table.get(hash, &key), oracle.get_mut(&key));
                }
                Op::IterGroup(group) => {
                    let want: BTreeSet<u64> = oracle.keys().copied().filter(|key| key >> 32 == u64::from(group)).collect();
                    prop_assert_eq!(table.iter_group(group).map(|(key, _)| *key).collect::<BTreeSet<_>>(), want.clone());
                    prop_assert_eq!(table.iter_group_unseen(group).map(|(_, key, _)| *key).collect::<BTreeSet<_>>(), want);
                }
                Op::DrainGroup(group) => {
                    let mut want: Vec<_> = oracle.extract_if(|key, _| key >> 32 == u64::from(group)).collect();
                    let mut found = table.drain_group(group);
                    want.sort_unstable();
                    found.sort_unstable();
                    prop_assert_eq!(found, want);
                }
                Op::Come(many) => {
                    let come: Vec<u16> = coming.difference(&owned).copied().take(many).collect();
                    owned.extend(&come);
                    let groups = set(&owned).growing_to(all(&owned));
                    table.lay_out_as_they_come(table.ranks.taking(&groups), come.len());
                    for group in come {
                        let key = u64::from(group) << 32;
                        table.insert(self::hash(group, key), &key, 1);
                        oracle.insert(key, 1);
                    }
                    let all_came = all(&owned).len() == owned.len();
                    prop_assert!(!all_came || table.behind().is_none(), "all has come, and something is left to be laid out");
                }
                Op::Rehome => table.rehome(Ranks::of(key_groups, owned.iter().copied())),
                Op::Clear => {
                    table.clear();
                    oracle.clear();
                }
                Op::TakeAll => {
                    let seen: BTreeSet<u64> = (0..table.slots()).filter_map(|at| Some(*table.slot(at)?.1)).collect();
                    prop_assert_eq!(seen, oracle.keys().copied().collect::<BTreeSet<_>>());
                    for at in (0..table.slots()).rev() {
                        let taken = if at % 2 == 0 { table.take_slot(at) } else { table.clear_slot(at) };
                        let Some((_, key, value)) = taken else { continue };
                        prop_assert_eq!(oracle.remove(&key), Some(value));
                        check(&table);
                    }
                    prop_assert!(oracle.is_empty());
                }
            }
            check(&table);
            prop_assert_eq!(table.len(), oracle.len());
        }
        let found: HashMap<u64, u64> = table.iter().map(|(key, value)| (*key, *value)).collect();
        prop_assert_eq!(found, oracle);
    }

    /// Each place is that of one group, those to come are in their order, and about as many of the others before each as behind it.
    #[test]
    fn groups_to_come_lie_among_the_others(
        owned in prop::collection::btree_set(0..4096_u16, 0..300), coming in prop::collection::btree_set(0..4096_u16, 0..300),
    ) {
        let ranks = Ranks::of(KeyGroups::DEFAULT, owned.iter().copied());
        let ranks = ranks.taking(&set(&owned).growing_to(set(&(&owned | &coming))));
        prop_assert_eq!(ranks.groups(), &owned.iter().copied().collect::<Vec<_>>()[..]);
        let places: Vec<u16> = (0..u32::from(ranks.places())).filter_map(|rank| ranks.place(rank)).collect();
        for (rank, group) in places.iter().enumerate() {
            prop_assert_eq!(ranks.rank(*group) as usize, rank);
            let number = ranks.first_of(*group) + 99;
            prop_assert_eq!(ranks.number(*group, ranks.position(*group, number)), number);
            prop_assert_eq!(ranks.position(*group, number) >> (32 + ranks.within()), rank as u64);
        }
        let (there, new): (Vec<u16>, Vec<u16>) = places.iter().partition(|group| owned.contains(group));
        // If none comes, all stay where they are.
        let there: Vec<u16> = if new.is_empty() { there.into_iter().rev().collect() } else { there };
        prop_assert!(there.iter().copied().eq(owned.iter().rev().copied()) && new.iter().copied().eq(coming.difference(&owned).copied()));
        for (at, group) in new.iter().enumerate() {
            let before = ranks.rank(*group) as usize - at;
            prop_assert!(before.abs_diff(there.len() * (2 * at + 1) / (2 * new.len())) <= 1);
        }
    }
}

/// What a barrier has to lay out is about its share of all, whatever order groups have among all there are.
#[test]
fn each_step_lays_out_its_share() {
    let (low, high): (Vec<u16>, Vec<u16>) = ((0..2048).collect(), (2048..4096).collect());
    for (owned, coming) in [(&low, &high), (&high, &low)] {
        let mut table = StateTable::new(Ranks::of(KeyGroups::DEFAULT, owned.iter().copied()));
        for key in 0..100_000_u64 {
            table.insert(hash(0, key) << 7 >> 1 | u64::from(owned[0] > 0) << 63, &key, key);
        }
        let (mut groups, mut left) = (owned.clone(), vec![table.len()]);
        for step in coming.chunks(128) {
            groups.extend(step);
            let all: GroupSet = owned.iter().chain(coming).copied().collect();
            let now = groups.iter().copied().collect::<GroupSet>();
            let ranks = table.ranks.taking(&if groups.len() < 4096 { now.growing_to(all) } else { now });
            table.lay_out_as_they_come(ranks, 100_000 / 16);
            left.push(table.behind().map_or(0, |old| old.len()));
            assert_eq!(table.len(), 100_000);
        }
        assert_eq!((left.len(), left.last()), (17, Some(&0)));
        for step in left.windows(2) {
            assert!((1_500..12_000).contains(&(step[0] - step[1])), "{left:?}");
        }
    }
}

/// The last group of what is not laid out gets entries behind its own slots, where another was that has left.
#[test]
fn what_spills_over_where_a_group_has_left_stays() {
    let key_groups = KeyGroups::new(usize::from(GROUPS)).unwrap();
    let mut table = StateTable::new(Ranks::of(key_groups, [0, 1]));
    let last = |key: u64| u64::from(u16::MAX) << 41 | key;
    (0..200).for_each(|key| assert_eq!(table.insert(last(key), &key, key), None));
    (0..200).for_each(|key| assert_eq!(table.remove(last(key), &key), Some(key)));
    let all: GroupSet = (0..40).collect();
    for come in 1..38 {
        let now = (0..2 + come).collect::<GroupSet>().growing_to(all.clone());
        table.lay_out_as_they_come(table.ranks.taking(&now), 0);
        for key in 0..u64::from(come) {
            assert_eq!(table.peek(last(key), &key).is_some(), key + 1 < u64::from(come), "{key} after {come}");
            *table.entry(last(key), &key, || key) += 0;
        }
        check(&table);
    }
}
