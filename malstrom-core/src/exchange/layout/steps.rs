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
}
impl Goal {
    /// The same, where workers have other numbers.
    pub(super) fn renumbered(&self, number: impl Fn(usize) -> Option<usize>) -> Option<Goal> {
        let mut members: Vec<usize> = self.members.iter().map(|worker| number(*worker)).collect::<Option<_>>()?;
        members.sort_unstable();
        let all = |workers: &[u16]| -> Option<Vec<u16>> {
            workers.iter().map(|worker| number(usize::from(*worker))?.try_into().ok()).collect()
        };
        Some(Goal { members, owners: all(&self.owners)? })
    }
    /// Whether it can be that of this layout.
    pub(super) fn is_of(&self, layout: &Layout) -> bool {
        let takes_part = |worker: usize| self.members.binary_search(&worker).is_ok();
        self.owners.len() == layout.owners.len()
            && self.members.is_sorted_by(|a, b| a < b)
            && self.members.iter().all(|worker| layout.has(*worker))
            && self.owners.iter().all(|worker| takes_part(usize::from(*worker)))
    }
}

impl Layout {
    /// The first step towards `end`, which may be followed by [others](Layout::onward): no more than so many key groups move, and all
    /// splits. Whoever joins does so at once, and whoever leaves does when nothing of it is left.
    ///
    /// Each worker gains its groups in their order, for [tables are laid out](crate::state::table::StateTable::take) in this order. No
    /// worker gains or gives more than its share of a step, where as many do either as the fewer of both are.
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
        let goal = Goal { members: end.members.clone(), owners: end.owners.clone() };
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
    fn step(&self, goal: Goal, readers: Vec<u16>, most: usize) -> Layout {
        let all: Vec<Move> = moves(&self.owners, &goal.owners).collect();
        let (version, most) = (self.version + 1, most.max(1));
        if all.len() <= most {
            return Layout { version, members: goal.members, owners: goal.owners, readers, goal: None };
        }
        let (givers, gainers): (BTreeSet<usize>, BTreeSet<usize>) =
            all.iter().map(|moved| (moved.from, moved.to)).unzip();
        let share = most.div_ceil(givers.len().min(gainers.len()).max(1));
        let (mut given, mut gained) = (BTreeMap::<usize, usize>::new(), BTreeMap::<usize, usize>::new());
        let (mut owners, mut left) = (self.owners.clone(), most);
        for moved in all {
            let (given, gained) = (given.entry(moved.from).or_default(), gained.entry(moved.to).or_default());
            if left > 0 && *given < share && *gained < share {
                owners[moved.what] = moved.to as u16;
                (*given, *gained, left) = (*given + 1, *gained + 1, left - 1);
            } else {
                // What comes behind this in its order has to wait as well.
                *gained = share;
            }
        }
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
    /// What each of them moves, from whom and to whom.
    fn steps(begin: &Layout, end: &Layout, most: usize) -> Vec<Vec<Move>> {
        let (mut before, mut steps) = (begin.clone(), Vec::new());
        let mut layout = begin.toward(end, most);
        loop {
            steps.push(moves(&before.owners, &layout.owners).collect());
            if layout.goal.is_none() {
                return steps;
            }
            let next = layout.onward(most);
            before = std::mem::replace(&mut layout, next);
        }
    }
    proptest! {
        /// Whatever moves, each worker gets its groups in their order, and no step asks more of one than its share.
        #[test]
        fn groups_come_in_their_order(
            from in prop::collection::vec(0usize..5, 1..300), to in prop::collection::vec(0usize..5, 300), most in 1usize..40,
        ) {
            let begin = Layout::even(&[0, 1, 2, 3, 4], from.len(), 0);
            let all = |shares: &[usize]| -> Vec<(usize, usize)> { shares.iter().copied().enumerate().collect() };
            let begin = begin.moved(&all(&from), &[]);
            let end = begin.moved(&all(&to), &[]);
            let mut last = BTreeMap::new();
            for step in steps(&begin, &end, most) {
                let (mut given, mut gained) = (BTreeMap::<_, usize>::new(), BTreeMap::<_, usize>::new());
                for moved in &step {
                    prop_assert!(last.insert(moved.to, moved.what).is_none_or(|before| before < moved.what));
                    *given.entry(moved.from).or_default() += 1;
                    *gained.entry(moved.to).or_default() += 1;
                }
                prop_assert!(given.values().chain(gained.values()).all(|moved| *moved <= most));
                prop_assert!(begin == end || !step.is_empty());
            }
        }
    }
    #[test]
    fn those_who_give_and_those_who_gain_share_a_step() {
        let begin = Layout::even(&[0, 1, 2, 3], 64, 0);
        let all = steps(&begin, &begin.spread(&[0, 1]), 8);
        assert_eq!(all.len(), 4);
        for step in all {
            for worker in 0..4 {
                assert_eq!(step.iter().filter(|moved| [moved.from, moved.to].contains(&worker)).count(), 4);
            }
        }
        // There is but one who gains.
        assert_eq!(steps(&begin, &begin.spread(&[0]), 8).len(), 6);
    }
}
