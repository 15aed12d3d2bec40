//! Which worker owns which key group.
use super::layout::Layout;
use crate::state::key_group::KEY_GROUPS;

/// Key group to worker, at one version. Every sender uses the same table between two barriers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    version: u64,
    owner: Box<[u16]>,
}

impl RouteTable {
    /// The first table: equal contiguous shares for `workers` workers.
    ///
    /// ```
    /// let table = malstrom_core::exchange::route::RouteTable::even(3);
    /// assert_eq!((table.version(), table.owner(0), table.owner(u64::MAX)), (0, 0, 2));
    /// ```
    pub fn even(workers: usize) -> Self {
        let owner = (0..KEY_GROUPS).map(|group| (group * workers / KEY_GROUPS) as u16).collect();
        RouteTable { version: 0, owner }
    }
    /// That of a layout.
    ///
    /// ```
    /// use malstrom_core::exchange::{layout::Layout, route::RouteTable};
    /// assert_eq!(RouteTable::of(&Layout::even(&[0, 1, 2], 4096, 0)), RouteTable::even(3));
    /// ```
    pub fn of(layout: &Layout) -> Self {
        let owner = (0..KEY_GROUPS).map(|group| layout.owner(group) as u16).collect();
        RouteTable { version: layout.version(), owner }
    }
    /// Grows by one with each change of ownership.
    pub fn version(&self) -> u64 {
        self.version
    }
    /// The worker that owns the key with this hash.
    #[inline(always)]
    pub fn owner(&self, hash: u64) -> usize {
        // The table has a slot for each value of the top bits; `get` only spares the proof.
        self.owner.get((hash >> (64 - KEY_GROUPS.trailing_zeros())) as usize).map_or(0, |w| *w as usize)
    }
    /// The groups that `worker` owns.
    pub fn groups_of(&self, worker: usize) -> impl Iterator<Item = u16> + '_ {
        self.owner
            .iter()
            .enumerate()
            .filter(move |(_, owner)| **owner as usize == worker)
            .map(|(group, _)| group as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_one_owner_and_shares_are_even() {
        for workers in 1..=64 {
            let table = RouteTable::even(workers);
            let sizes: Vec<_> = (0..workers).map(|w| table.groups_of(w).count()).collect();
            assert_eq!(sizes.iter().sum::<usize>(), KEY_GROUPS);
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        }
    }
}
