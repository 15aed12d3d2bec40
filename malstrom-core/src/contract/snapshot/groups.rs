//! A set of key groups.
use std::fmt;

/// Key groups that change their owner together, or those of one owner.
///
/// ```
/// use malstrom_core::contract::snapshot::GroupSet;
/// let given: GroupSet = [7, 2049].into_iter().collect();
/// assert!(given.contains(7) && !given.contains(8));
/// assert_eq!(given.iter().collect::<Vec<_>>(), [7, 2049]);
/// let last = given.leaving();
/// assert!(last.leaves() && last.len() == 2);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct GroupSet {
    /// As far as there are groups: the last one is not empty.
    words: Vec<u64>,
    leaves: bool,
    coming: Option<Box<GroupSet>>,
}
impl GroupSet {
    /// None.
    pub fn new() -> Self {
        GroupSet::default()
    }
    /// Adds a group.
    pub fn insert(&mut self, group: u16) {
        let at = usize::from(group / 64);
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        self.words[at] |= 1 << (group % 64);
    }
    /// Whether a group is one of them.
    #[inline]
    pub fn contains(&self, group: u16) -> bool {
        self.words.get(usize::from(group / 64)).is_some_and(|word| word >> (group % 64) & 1 == 1)
    }
    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.words.iter().zip((0..).step_by(64)).flat_map(|(word, first): (_, u16)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let group = (left != 0).then(|| first + left.trailing_zeros() as u16);
                left &= left.wrapping_sub(1);
                group
            })
        })
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
    /// The same, and what belongs to no group and must not be lost: the worker that gives them leaves.
    #[must_use]
    pub fn leaving(self) -> Self {
        GroupSet { leaves: true, ..self }
    }
    /// The same, where the owner is going to have all of these soon.
    #[must_use]
    pub fn growing_to(self, all: GroupSet) -> Self {
        GroupSet { coming: Some(Box::new(all)), ..self }
    }
    /// All that the owner is going to have soon: these, unless it is known to get more.
    pub fn soon(&self) -> &GroupSet {
        self.coming.as_deref().unwrap_or(self)
    }
    /// Whether the worker that gives them leaves.
    pub fn leaves(&self) -> bool {
        self.leaves
    }
}
impl FromIterator<u16> for GroupSet {
    fn from_iter<I: IntoIterator<Item = u16>>(groups: I) -> Self {
        let mut set = GroupSet::new();
        groups.into_iter().for_each(|group| set.insert(group));
        set
    }
}
impl fmt::Debug for GroupSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupSet").field("len", &self.len()).field("leaves", &self.leaves).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set(groups in prop::collection::vec(0u16..5000, 0..200)) {
            let oracle: BTreeSet<u16> = groups.iter().copied().collect();
            let set: GroupSet = groups.into_iter().collect();
            prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), oracle.clone());
            prop_assert_eq!((set.len(), set.is_empty()), (oracle.len(), oracle.is_empty()));
            prop_assert_eq!(&set, &oracle.iter().rev().copied().collect::<GroupSet>());
            prop_assert!((0..u16::MAX).all(|group| set.contains(group) == oracle.contains(&group)));
        }
    }
}
