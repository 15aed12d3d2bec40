//! A change of the layout in steps, each of which moves a part of what is to move.
//!
//! Behind each step a layout holds that knows its goal: who is to take part in the end, and who is to own what. So whoever goes on from
//! it, a coordinator that has taken over for one, knows what is left to do, and workers know what they are going to get.
use super::{Change, Layout, Move, moves};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a layout leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Goal {
    members: Vec<usize>,
    owners: Vec<u16>,
    /// Those who have got some of what they gain, in order.
    begun: Vec<u16>,
}
impl Goal {
    /// The same, where workers have other numbers.
    pub(super) fn renumbered(&self, number: impl Fn(usize) -> Option<usize>) -> Option<Goal> {
        let mut members: Vec<usize> = self.members.iter().map(|worker| number(*worker)).collect::<Option<_>>()?;
        members.sort_unstable();
        let all = |workers: &[u16]| -> Option<Vec<u16>> {
            workers.iter().map(|worker| number(usize::from(*worker))?.try_into().ok()).collect()
        };
        let (owners, mut begun) = (all(&self.owners)?, all(&self.begun)?);
        begun.sort_unstable();
        Some(Goal { members, owners, begun })
    }
    /// Whether it can be that of this layout.
    pub(super) fn is_of(&self, layout: &Layout) -> bool {
        let takes_part = |worker: usize| self.members.binary_search(&worker).is_ok();
        self.owners.len() == layout.owners.len()
            && self.members.is_sorted_by(|a, b| a < b)
            && self.members.iter().all(|worker| layout.has(*worker))
            && self.owners.iter().chain(&self.begun).all(|worker| takes_part(usize::from(*worker)))
            && self.begun.is_sorted_by(|a, b| a < b)
    }
}

impl Layout {
    /// The first step towards `end`, which may be followed by [others](Layout::onward): no more than so many key groups move, as many from
    /// each worker as that takes, and all splits. Whoever joins does so at once, and whoever leaves does when nothing of it is left.
    ///
    /// Whoever gains something makes room for all of it when the first of it comes, while its records wait. So that not all do that at the
    /// same time, each of them is in turn the only one that gains something, as long as one is left that has got nothing yet.
    ///
    /// ```
    /// use malstrom_core::exchange::layout::Layout;
    /// let layout = Layout::even(&[0, 1], 8, 0);
    /// let step = layout.toward(&layout.spread(&[0]), 3);
    /// assert_eq!((step.members(), step.goal(), step.left()), (&[0, 1][..], &[0][..], 1));
    /// let step = step.onward(3);
    /// assert_eq!((step.members(), step.left()), (&[0][..], 0));
    /// assert!((0..8).all(|group| step.owner(group) == 0));
    /// ```
    #[must_use]
    pub fn toward(&self, end: &Layout, most: usize) -> Layout {
        let goal = Goal { members: end.members.clone(), owners: end.owners.clone(), begun: Vec::new() };
        self.step(goal, end.readers.clone(), most)
    }
    /// The next step to where this one leads. Where it leads nowhere else, it is the same.
    #[must_use]
    pub fn onward(&self, most: usize) -> Layout {
        match &self.goal {
            Some(goal) => self.step(Goal::clone(goal), self.readers.clone(), most),
            None => self.clone(),
        }
    }
    fn step(&self, mut goal: Goal, readers: Vec<u16>, most: usize) -> Layout {
        let all: Vec<Move> = moves(&self.owners, &goal.owners).collect();
        let (version, most) = (self.version + 1, most.max(1));
        if all.len() <= most {
            return Layout { version, members: goal.members, owners: goal.owners, readers, goal: None };
        }
        let gainers: BTreeSet<u16> = all.iter().map(|moved| moved.to as u16).collect();
        let next = gainers.iter().copied().find(|worker| goal.begun.binary_search(worker).is_err());
        let share = if next.is_some() { most.div_ceil(gainers.len()) } else { most };
        let now = all.into_iter().filter(|moved| next.is_none_or(|next| moved.to == usize::from(next)));
        let mut of_each: BTreeMap<usize, usize> = BTreeMap::new();
        let mut turns: Vec<(usize, Move)> = now
            .map(|moved| {
                let turn = of_each.entry(moved.from).or_default();
                *turn += 1;
                (*turn, moved)
            })
            .collect();
        turns.sort_by_key(|(turn, moved)| (*turn, moved.what));
        let mut owners = self.owners.clone();
        turns.iter().take(share).for_each(|(_, moved)| owners[moved.what] = moved.to as u16);
        goal.begun.extend(next);
        goal.begun.sort_unstable();
        let mut members = [&self.members[..], &goal.members[..]].concat();
        members.sort_unstable();
        members.dedup();
        Layout { version, members, owners, readers, goal: Some(Arc::new(goal)) }
    }
    /// Who takes part where this leads.
    pub fn goal(&self) -> &[usize] {
        self.goal.as_ref().map_or(&self.members, |goal| &goal.members)
    }
    /// How many key groups have yet to move.
    pub fn left(&self) -> usize {
        self.goal.as_ref().map_or(0, |goal| moves(&self.owners, &goal.owners).count())
    }
    /// The key groups that a worker has or is going to get, if it is going to get any.
    pub(crate) fn comes_to(&self, worker: usize) -> Option<impl Iterator<Item = usize> + '_> {
        let goal = self.goal.as_ref()?;
        let owners = goal.owners.iter().zip(&self.owners).enumerate();
        let mine = move |(in_the_end, now): (&u16, &u16)| [*in_the_end, *now].contains(&(worker as u16));
        goal.members.binary_search(&worker).ok()?;
        Some(owners.filter(move |(_, owners)| mine(*owners)).map(|(group, _)| group))
    }
}
impl Change {
    /// Whether others of the same change follow it.
    pub fn is_followed(&self) -> bool {
        self.new.goal.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However many groups a step moves, the steps end where one step would, move each group once and no more than they should, and
        /// whoever leaves owns something up to its last step.
        #[test]
        fn many_steps_lead_where_one_does(
            from in prop::collection::btree_set(0usize..9, 1..7), to in prop::collection::btree_set(0usize..9, 1..7),
            groups in 1usize..200, most in 0usize..50,
        ) {
            let from: Vec<usize> = from.into_iter().collect();
            let to: Vec<usize> = to.into_iter().collect();
            let begin = Layout::even(&from, groups, 7);
            let end = begin.spread(&to);
            let all = moves(&begin.owners, &end.owners).count();
            let (mut layout, mut moved) = (begin.toward(&end, most), 0);
            let mut before = begin.clone();
            loop {
                let step = moves(&before.owners, &layout.owners).count();
                prop_assert!(step <= most.max(1));
                moved += step;
                prop_assert_eq!(layout.version(), before.version() + 1);
                prop_assert_eq!(layout.left(), all - moved);
                prop_assert_eq!(layout.goal(), &to[..]);
                prop_assert!(to.iter().all(|worker| layout.has(*worker)), "who joins does so at once");
                prop_assert_eq!(&layout.readers, &end.readers);
                if layout.goal.is_none() {
                    break;
                }
                prop_assert!(from.iter().all(|worker| layout.has(*worker)));
                prop_assert!(layout.goal.as_ref().unwrap().is_of(&layout));
                let next = layout.onward(most);
                before = std::mem::replace(&mut layout, next);
            }
            prop_assert_eq!(moved, all);
            prop_assert_eq!((&layout.members, &layout.owners), (&end.members, &end.owners));
            prop_assert_eq!(layout.onward(3), layout);
        }
    }
    #[test]
    fn a_step_takes_from_all() {
        let begin = Layout::even(&[0, 1, 2, 3], 64, 0);
        let step = begin.toward(&begin.spread(&[0]), 3);
        let change = Change { old: Arc::new(begin), new: Arc::new(step), bases: BTreeMap::new() };
        let from: Vec<usize> = change.groups().map(|moved| moved.from).collect();
        assert_eq!((from, change.is_followed()), (vec![1, 2, 3], true));
    }
    #[test]
    fn who_gains_something_begins_alone() {
        let begin = Layout::even(&[0, 1, 2, 3], 64, 0);
        let mut layout = begin.toward(&begin.spread(&[0, 1]), 4);
        let (mut before, mut gainers) = (begin, Vec::new());
        loop {
            let gained: Vec<usize> = moves(&before.owners, &layout.owners).map(|moved| moved.to).collect();
            gainers.push(gained);
            if layout.goal.is_none() {
                break;
            }
            let next = layout.onward(4);
            before = std::mem::replace(&mut layout, next);
        }
        assert_eq!(gainers[..2], [vec![0, 0], vec![1, 1]]);
        assert!(gainers[2..].iter().all(|gained| gained.len() == 4 && gained.contains(&0) && gained.contains(&1)));
    }
}
