//! Who has which share of a job: the workers that take part, the key groups that each owns and the splits that each reads.
//!
//! A layout holds from one barrier to another. A rescale, a drain and a move of a hot group are all the same: a barrier
//! that carries a [`Change`] of the layout. What moves is as little as it takes: whoever has more than its share gives up the rest.
mod steps;
mod weighted;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use steps::Goal;

/// Who takes part, and with which share.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Layout {
    version: u64,
    members: Vec<usize>,
    owners: Vec<u16>,
    readers: Vec<u16>,
    /// Where it leads to, if it is a step on the way.
    goal: Option<Arc<Goal>>,
}
impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { version, members, owners, readers, .. } = self;
        write!(
            f,
            "Layout({version}: {members:?}, {} groups, {} splits, {} to move)",
            owners.len(),
            readers.len(),
            self.left()
        )
    }
}
/// A layout from elsewhere, of which it is not known whether it is one.
#[derive(Deserialize)]
struct Written {
    version: u64,
    members: Vec<usize>,
    owners: Vec<u16>,
    readers: Vec<u16>,
    goal: Option<Arc<Goal>>,
}
impl TryFrom<Written> for Layout {
    type Error = String;
    fn try_from(written: Written) -> Result<Self, String> {
        let Written { version, members, owners, readers, goal } = written;
        if !members.is_sorted_by(|a, b| a < b) {
            return Err("the workers of a layout are not in order".into());
        }
        let layout = Layout { version, members, owners, readers, goal };
        if layout.goal.as_ref().is_some_and(|goal| !goal.is_of(&layout)) {
            return Err("a layout leads to one that is none".into());
        }
        let strange = layout.owners.iter().chain(&layout.readers).find(|worker| !layout.has(usize::from(**worker)));
        // With nobody there, everything is at worker 0.
        match strange.filter(|_| !layout.members.is_empty()) {
            Some(worker) => Err(format!("a layout has something at worker {worker}, which takes no part in it")),
            None => Ok(layout),
        }
    }
}
/// What moves from one worker to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The key group, or the split.
    pub what: usize,
    /// Who has it.
    pub from: usize,
    /// Who gets it.
    pub to: usize,
}
/// What a barrier changes: the layout that holds behind it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// The layout that holds up to the barrier.
    pub old: Arc<Layout>,
    /// The layout that holds behind it.
    pub new: Arc<Layout>,
    /// Of which snapshot each of these workers has the state of the groups that it gains. It gets what has changed since, and
    /// everything if it is not listed.
    pub bases: BTreeMap<usize, u64>,
}
impl Change {
    /// The change of a layout into another one, of which nobody has read anything in advance.
    ///
    /// ```
    /// use malstrom_core::exchange::layout::{Change, Layout};
    /// use std::sync::Arc;
    /// let old = Arc::new(Layout::even(&[0, 1], 8, 2));
    /// let change = Change::between(old.clone(), old.spread(&[0]));
    /// assert_eq!((change.groups().count(), change.leavers().collect::<Vec<_>>()), (4, vec![1]));
    /// ```
    pub fn between(old: Arc<Layout>, new: impl Into<Arc<Layout>>) -> Self {
        Change { old, new: new.into(), bases: BTreeMap::new() }
    }
    /// The same change, where workers have other numbers; `None` if one of them has none.
    pub fn renumbered(&self, number: impl Fn(usize) -> Option<usize>) -> Option<Change> {
        let bases = self.bases.iter().map(|(worker, base)| Some((number(*worker)?, *base))).collect::<Option<_>>()?;
        let (old, new) = (self.old.renumbered(&number)?, self.new.renumbered(&number)?);
        Some(Change { old: Arc::new(old), new: Arc::new(new), bases })
    }
    /// All who take part before or behind the barrier, in order.
    pub fn members(&self) -> Vec<usize> {
        let mut members = [&self.old.members[..], &self.new.members[..]].concat();
        members.sort_unstable();
        members.dedup();
        members
    }
    /// Who takes part from the barrier on.
    pub fn joiners(&self) -> impl Iterator<Item = usize> + '_ {
        self.new.members.iter().copied().filter(|worker| !self.old.has(*worker))
    }
    /// Who takes part up to the barrier.
    pub fn leavers(&self) -> impl Iterator<Item = usize> + '_ {
        self.old.members.iter().copied().filter(|worker| !self.new.has(*worker))
    }
    /// The key groups that move.
    pub fn groups(&self) -> impl Iterator<Item = Move> + '_ {
        moves(&self.old.owners, &self.new.owners)
    }
    /// The splits that move.
    pub fn splits(&self) -> impl Iterator<Item = Move> + '_ {
        moves(&self.old.readers, &self.new.readers)
    }
}
fn moves<'a>(old: &'a [u16], new: &'a [u16]) -> impl Iterator<Item = Move> + 'a {
    let pairs = old.iter().zip(new).enumerate().filter(|(_, (from, to))| from != to);
    pairs.map(|(what, (from, to))| Move { what, from: usize::from(*from), to: usize::from(*to) })
}

impl Layout {
    /// The first layout: equal contiguous shares of `groups` key groups, and splits in turn. Workers have numbers below 65,536, and
    /// there is at least one.
    ///
    /// ```
    /// use malstrom_core::exchange::layout::Layout;
    /// let layout = Layout::even(&[0, 1, 2], 4096, 5);
    /// assert_eq!((layout.owner(0), layout.owner(4095), layout.reader(4)), (0, 2, 1));
    /// ```
    pub fn even(members: &[usize], groups: usize, splits: usize) -> Self {
        let mut members = members.to_vec();
        members.sort_unstable();
        members.dedup();
        let number = |at: usize| members.get(at).map_or(0, |worker| *worker as u16);
        let owners = (0..groups).map(|group| number(group * members.len() / groups)).collect();
        let readers = (0..splits).map(|split| number(split % members.len().max(1))).collect();
        Layout { version: 0, owners, readers, members, goal: None }
    }
    /// Grows by one with each change.
    pub fn version(&self) -> u64 {
        self.version
    }
    /// Who takes part, in order.
    pub fn members(&self) -> &[usize] {
        &self.members
    }
    /// Whether this worker takes part.
    pub fn has(&self, worker: usize) -> bool {
        self.members.binary_search(&worker).is_ok()
    }
    /// How many key groups there are.
    pub fn groups(&self) -> usize {
        self.owners.len()
    }
    /// Who owns this key group.
    pub fn owner(&self, group: usize) -> usize {
        self.owners.get(group).map_or(0, |worker| usize::from(*worker))
    }
    /// Who reads this split.
    pub fn reader(&self, split: usize) -> usize {
        self.readers.get(split).map_or(0, |worker| usize::from(*worker))
    }
    /// The splits that a worker reads.
    pub fn splits_of(&self, worker: usize) -> impl Iterator<Item = usize> + '_ {
        let mine = move |reader: &u16| usize::from(*reader) == worker;
        self.readers.iter().enumerate().filter(move |(_, reader)| mine(reader)).map(|(split, _)| split)
    }

    /// The next layout, for these workers. Each has an equal share of groups and of splits afterwards, and no more moves than that takes:
    /// from N workers to N + 1, one in N + 1.
    ///
    /// ```
    /// use malstrom_core::exchange::layout::{Change, Layout};
    /// use std::sync::Arc;
    /// let old = Arc::new(Layout::even(&[0, 1], 4096, 4));
    /// let new = Arc::new(old.spread(&[0, 1, 2]));
    /// let change = Change::between(old, new);
    /// assert_eq!((change.groups().count(), change.splits().count()), (4096 / 3, 1));
    /// assert!(change.groups().all(|moved| moved.to == 2));
    /// ```
    pub fn spread(&self, members: &[usize]) -> Self {
        let mut members = members.to_vec();
        members.sort_unstable();
        members.dedup();
        Layout {
            version: self.version + 1,
            owners: spread(&self.owners, &members),
            readers: spread(&self.readers, &members),
            members,
            goal: None,
        }
    }
    /// The same, with shares of groups that are equal by what these have to do: group by group, in any unit; whatever is not in the list
    /// has nothing to do. Each worker has a twentieth more or less than an equal share at most, where no group is larger than that;
    /// and those groups move that have most to do, so that they are few. A group that is more than a share is alone with its worker, and
    /// does not move. With equal loads, or none, this is [`spread`](Layout::spread).
    ///
    /// ```
    /// use malstrom_core::exchange::layout::Layout;
    /// let layout = Layout::even(&[0, 1], 6, 0);
    /// // Of what worker 0 has the first group is half, and only that goes to the worker that joins.
    /// let next = layout.spread_by_load(&[0, 1, 2], &[20, 10, 10, 20, 0, 0]);
    /// assert_eq!((0..6).map(|group| next.owner(group)).collect::<Vec<_>>(), [2, 0, 0, 1, 1, 1]);
    /// ```
    pub fn spread_by_load(&self, members: &[usize], loads: &[u64]) -> Self {
        let mut next = self.spread(members);
        let first = loads.first().copied().unwrap_or(0);
        let equal = loads.len() == self.owners.len() && loads.iter().all(|load| *load == first);
        if !equal && loads.iter().any(|load| *load > 0) && !next.members.is_empty() {
            next.owners = weighted::shared_out(&self.owners, &next.members, loads);
        }
        next
    }
    /// What each worker has to do, where groups have these loads.
    pub fn loads(&self, loads: &[u64]) -> BTreeMap<usize, u64> {
        let mut all: BTreeMap<usize, u64> = self.members.iter().map(|member| (*member, 0)).collect();
        for (owner, load) in self.owners.iter().zip(loads) {
            *all.entry(usize::from(*owner)).or_default() += load;
        }
        all
    }
    /// The same layout, where workers have other numbers; `None` if one of them has none.
    ///
    /// ```
    /// use malstrom_core::exchange::layout::Layout;
    /// let layout = Layout::even(&[0, 256], 8, 2).renumbered(|worker| Some(if worker == 0 { 5 } else { 3 }));
    /// let layout = layout.ok_or("all have numbers")?;
    /// assert_eq!((layout.members(), layout.owner(0), layout.reader(1)), (&[3, 5][..], 5, 3));
    /// # Ok::<(), &str>(())
    /// ```
    pub fn renumbered(&self, number: impl Fn(usize) -> Option<usize>) -> Option<Layout> {
        let all = |shares: &[u16]| -> Option<Vec<u16>> {
            shares.iter().map(|worker| number(usize::from(*worker))?.try_into().ok()).collect()
        };
        let mut members: Vec<usize> = self.members.iter().map(|worker| number(*worker)).collect::<Option<_>>()?;
        members.sort_unstable();
        let goal = match &self.goal {
            Some(goal) => Some(Arc::new(goal.renumbered(&number)?)),
            None => None,
        };
        let (owners, readers) = (all(&self.owners)?, all(&self.readers)?);
        Some(Layout { version: self.version, members, owners, readers, goal })
    }
    /// The next layout, in which some groups and splits are somebody else's. A move to a worker that does not take part is left out.
    ///
    /// ```
    /// use malstrom_core::exchange::layout::Layout;
    /// let layout = Layout::even(&[0, 1], 8, 2).moved(&[(0, 1)], &[(0, 1), (1, 7)]);
    /// assert_eq!((layout.version(), layout.owner(0), layout.owner(1)), (1, 1, 0));
    /// assert_eq!((layout.reader(0), layout.reader(1)), (1, 1));
    /// ```
    pub fn moved(&self, groups: &[(usize, usize)], splits: &[(usize, usize)]) -> Self {
        let mut next = Layout { version: self.version + 1, goal: None, ..self.clone() };
        let (owners, readers) = (&mut next.owners, &mut next.readers);
        for (shares, moves) in [(owners, groups), (readers, splits)] {
            for (what, to) in moves.iter().filter(|(_, to)| self.has(*to)) {
                if let Some(share) = shares.get_mut(*what) {
                    *share = *to as u16;
                }
            }
        }
        next
    }
}

/// Shares that differ by one at most, and from those before by as little as possible.
fn spread(shares: &[u16], members: &[usize]) -> Vec<u16> {
    let mut shares = shares.to_vec();
    let mut held = vec![0usize; members.len()];
    let place = |worker: u16| members.binary_search(&usize::from(worker)).ok();
    shares.iter().filter_map(|worker| place(*worker)).for_each(|at| held[at] += 1);
    let (least, more) = (shares.len() / members.len().max(1), shares.len() % members.len().max(1));
    // Those who have most keep the odd ones.
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(held[*at]), *at));
    let mut due = vec![least; members.len()];
    order.iter().take(more).for_each(|at| due[*at] += 1);
    let mut takers = (0..members.len()).flat_map(|at| std::iter::repeat_n(at, due[at].saturating_sub(held[at])));
    let mut left = held.clone();
    for share in shares.iter_mut().rev() {
        match place(*share) {
            Some(at) if left[at] <= due[at] => continue,
            Some(at) => left[at] -= 1,
            None => {}
        }
        if let Some(taker) = takers.next() {
            *share = members[taker] as u16;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(shares: impl Iterator<Item = usize>) -> BTreeMap<usize, usize> {
        let mut counts = BTreeMap::new();
        shares.for_each(|worker| *counts.entry(worker).or_default() += 1);
        counts
    }
    proptest! {
        /// Whatever came before, shares are equal, only members have any, and nothing moves that need not: each that keeps less than
        /// it had is left with its full share, and each that gets something had less.
        #[test]
        fn shares_are_equal_and_little_moves(
            steps in prop::collection::vec(prop::collection::btree_set(0usize..9, 1..7), 1..6), groups in 1usize..200,
        ) {
            let mut layout = Layout::even(&[0], groups, 7);
            for members in steps {
                let members: Vec<usize> = members.into_iter().collect();
                let next = layout.spread(&members);
                prop_assert_eq!(next.version(), layout.version() + 1);
                prop_assert_eq!(next.members(), &members[..]);
                let (before, after) = (counts((0..groups).map(|g| layout.owner(g))), counts((0..groups).map(|g| next.owner(g))));
                let share = |worker: &usize| after.get(worker).copied().unwrap_or(0);
                prop_assert_eq!(members.iter().map(share).sum::<usize>(), groups, "only members have any");
                let (least, most) = (members.iter().map(share).min().unwrap(), members.iter().map(share).max().unwrap());
                prop_assert!(most - least <= 1, "{:?}", after);
                let change = Change::between(Arc::new(layout), next);
                for moved in change.groups() {
                    let had = |worker: usize| before.get(&worker).copied().unwrap_or(0);
                    prop_assert!(!members.contains(&moved.from) || had(moved.from) > least, "{:?} is not needed", moved);
                    prop_assert!(had(moved.to) < most && share(&moved.to) > had(moved.to), "{:?} is not needed", moved);
                }
                let leaves = change.leavers().map(|worker| before.get(&worker).copied().unwrap_or(0)).sum::<usize>();
                let kept = change.old.members().iter().filter(|worker| members.contains(worker));
                let given: usize = kept.map(|worker| before.get(worker).copied().unwrap_or(0).saturating_sub(share(worker))).sum();
                prop_assert_eq!(change.groups().count(), leaves + given);
                layout = Layout::clone(&change.new);
            }
        }
    }
}
