//! Which worker owns which key group.
use super::layout::Layout;
use crate::contract::key::KeyGroups;

/// Key group to worker, at one version. Every sender uses the same table between two barriers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    version: u64,
    /// The number of a group is what is left of a hash without so many low bits.
    shift: u32,
    owner: Box<[u16]>,
}

impl RouteTable {
    /// The first table: equal contiguous shares for `workers` workers.
    ///
    /// ```
    /// use malstrom_core::contract::key::KeyGroups;
    /// let table = malstrom_core::exchange::route::RouteTable::even(3, KeyGroups::DEFAULT);
    /// assert_eq!((table.version(), table.owner(0), table.owner(u64::MAX)), (0, 0, 2));
    /// ```
    pub fn even(workers: usize, key_groups: KeyGroups) -> Self {
        let count = key_groups.count();
        let owner = (0..count).map(|group| (group * workers / count) as u16).collect();
        RouteTable { version: 0, shift: u64::BITS - key_groups.bits(), owner }
    }
    /// That of a layout.
    ///
    /// ```
    /// use malstrom_core::contract::key::KeyGroups;
    /// use malstrom_core::exchange::{layout::Layout, route::RouteTable};
    /// assert_eq!(RouteTable::of(&Layout::even(&[0, 1, 2], 4096, 0)), RouteTable::even(3, KeyGroups::DEFAULT));
    /// ```
    pub fn of(layout: &Layout) -> Self {
        let owner: Box<[u16]> = (0..layout.groups()).map(|group| layout.owner(group) as u16).collect();
        let bits = owner.len().checked_ilog2().unwrap_or(0).max(1);
        RouteTable { version: layout.version(), shift: u64::BITS - bits, owner }
    }
    /// Grows by one with each change of ownership.
    pub fn version(&self) -> u64 {
        self.version
    }
    /// The number of a group is what is left of a hash without so many low bits.
    pub(crate) fn shift(&self) -> u32 {
        self.shift
    }
    /// The worker that owns the key with this hash.
    #[inline(always)]
    pub fn owner(&self, hash: u64) -> usize {
        // The table has a slot for each value of the top bits; `get` only spares the proof.
        self.owner.get((hash >> self.shift) as usize).map_or(0, |w| *w as usize)
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
        for (workers, key_groups) in (1..=64).flat_map(|workers| [128, 4096, 32768].map(|count| (workers, count))) {
            let table = RouteTable::even(workers, KeyGroups::new(key_groups).unwrap());
            let sizes: Vec<_> = (0..workers).map(|w| table.groups_of(w).count()).collect();
            assert_eq!(sizes.iter().sum::<usize>(), key_groups);
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        }
    }
}
