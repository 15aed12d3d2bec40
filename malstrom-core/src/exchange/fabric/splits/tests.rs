use super::*;
use crate::exchange::fabric::{Limits, Wake};
use crate::exchange::layout::{Change, Layout};
use crate::exchange::message::Message;
use crate::exchange::places::Places;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Processes of one worker each, so that the number of a process is that of its worker.
fn given(old: &BTreeSet<usize>, new: &BTreeSet<usize>, each: usize) -> BTreeMap<usize, BTreeMap<usize, usize>> {
    let all: BTreeSet<usize> = old.union(new).copied().collect();
    let places = |here: usize| Places::seated(here as u32, all.iter().map(|at| (*at as u32, *at..at + 1)));
    let before = Arc::new(Layout::even(&old.iter().copied().collect::<Vec<_>>(), 16, 0));
    let behind = Arc::new(before.spread(&new.iter().copied().collect::<Vec<_>>()));
    let cut = Cut::new(Arc::new(Change::between(before, behind)));
    let gives = |from: &usize| {
        let counts = exports(each, *from as u32, &cut, &Lines::new(places(*from), 1));
        (*from, counts.into_iter().map(|(to, count)| (to as usize, count)).collect())
    };
    old.iter().map(gives).collect()
}
proptest! {
    /// Whoever leaves gives all it has, nobody gives more than that, and those who are there behind the change have about as many.
    #[test]
    fn all_come_to_have_about_as_many(
        old in prop::collection::btree_set(0usize..8, 1..6), new in prop::collection::btree_set(0usize..8, 1..6), each in 0usize..30,
    ) {
        let given = given(&old, &new, each);
        let mut has: BTreeMap<usize, usize> = old.iter().map(|process| (*process, each)).collect();
        for (from, counts) in &given {
            let total: usize = counts.values().sum();
            prop_assert!(total <= each, "{} gives {} of {}", from, total, each);
            prop_assert!(new.contains(from) || total == each, "{} leaves, and gives {} of {}", from, total, each);
            for (to, count) in counts {
                prop_assert!(new.contains(to) && to != from, "{} gives {} to {}", from, count, to);
                *has.entry(*to).or_default() += count;
            }
            *has.entry(*from).or_default() -= total;
        }
        let has: Vec<usize> = new.iter().map(|process| has.get(process).copied().unwrap_or(0)).collect();
        prop_assert_eq!(has.iter().sum::<usize>(), old.len() * each);
        let (joins, leaves) = (new.difference(&old).count(), old.difference(&new).count());
        // Where some leave and more or fewer come, those who stay are not asked for as much as they could give.
        if joins == 0 || leaves == 0 {
            let (least, most) = (has.iter().min().unwrap_or(&0), has.iter().max().unwrap_or(&0));
            prop_assert!(most - least <= 2, "{:?} behind {:?} -> {:?}", has, old, new);
        }
    }
}

struct Nobody;
impl Wake for Nobody {
    fn wake(&self, _: usize) {}
}
/// A split of which there are none.
struct Nothing;
impl Parked for Nothing {
    fn write(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
    fn read(_: &[u8]) -> Result<Self> {
        Ok(Nothing)
    }
    fn is_begun(&self) -> bool {
        false
    }
}
/// What the first of two processes tells a third one that joins, if the second has told it that none of its splits is left, or has not.
fn told_to_who_joins(ended: bool) -> Vec<(Kind, u64)> {
    let places = Places::seated(0, [(0, 0..1), (1, 1..2)]);
    let fabric = Fabric::among(places, Arc::new(Nobody), Limits::default());
    let none = |_| Ok(Listed { waiting: VecDeque::new(), most: 1, all: Bytes::new() });
    assert!(matches!(Links::next_split::<Nothing>(&fabric, 0, (0, 0), none), Ok(Next::Split(None, false))));
    if ended {
        let payload = Bytes::new();
        let kind = Kind::Ended;
        fabric.deliver(1, Message { kind, exchange: 0, from: 0, to: 0, interval: 0, payload }).unwrap();
    }
    assert_eq!(Links::all_ended::<Nothing>(&fabric, 0).unwrap(), ended);
    fabric.add(2, 2..3);
    let old = Arc::new(Layout::even(&[0, 1], 16, 0));
    let new = Arc::new(old.spread(&[0, 1, 2]));
    let cut = Cut::new(Arc::new(Change::between(old, new)));
    Links::keeps::<Nothing>(&fabric, 0, &cut, (0, 0), None);
    Links::give_back::<Nothing>(&fabric, 0, Vec::new()).unwrap();
    let outbox = fabric.outbox(2).unwrap();
    std::iter::from_fn(|| outbox.take()).map(|message| (message.kind, message.interval)).collect()
}
/// Nobody takes anything in any more where a source is done, so what the others give at a change must not be waited for.
#[test]
fn who_joins_when_all_splits_have_ended_is_told_so() {
    assert_eq!(told_to_who_joins(true), [(Kind::Given, 1), (Kind::Ended, 1)]);
    assert_eq!(told_to_who_joins(false), [(Kind::Given, 1)]);
}
/// With the next change a process may have given away all that it had, maybe to this one.
#[test]
fn that_none_is_left_behind_the_next_change_does_not_mean_that_none_comes() {
    let fabric = Fabric::among(Places::seated(0, [(0, 0..1), (1, 1..2)]), Arc::new(Nobody), Limits::default());
    let none = |_| Ok(Listed { waiting: VecDeque::new(), most: 1, all: Bytes::new() });
    assert!(Links::next_split::<Nothing>(&fabric, 0, (0, 0), none).is_ok());
    for (version, ended) in [(1, false), (0, true)] {
        let payload = Bytes::new();
        let kind = Kind::Ended;
        fabric.deliver(1, Message { kind, exchange: 0, from: 0, to: 0, interval: version, payload }).unwrap();
        assert_eq!(Links::all_ended::<Nothing>(&fabric, 0).unwrap(), ended);
    }
}
