use super::*;
use crate::exchange::layout::{Change, Layout};
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
    let cut = Cut::new(Arc::new(Change { old: before, new: behind, bases: BTreeMap::new() }));
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
