//! The entries of one key group, which are neighbours.
use super::{Entry, Ranks, StateTable};
use std::ops::Range;

impl<K, V> StateTable<K, V> {
    /// The entries of one key group in no particular order, in O(their number).
    ///
    /// ```
    /// use malstrom_core::contract::key::KeyGroups;
    /// use malstrom_core::state::table::{Ranks, StateTable};
    ///
    /// let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    /// for key in 0..1000_u64 {
    ///     table.insert(key << 50, &key, "some value");
    /// }
    /// let mut keys: Vec<u64> = table.iter_group(7).map(|(key, _)| *key).collect();
    /// keys.sort_unstable(); // within a group they come in no particular order
    /// assert_eq!(keys, [28, 29, 30, 31]);
    /// ```
    pub fn iter_group(&self, group: u16) -> impl Iterator<Item = (&K, &V)> {
        let part = self.part_of(group);
        let entries = part.entries.get(part.reach(group)).unwrap_or_default().iter().flatten();
        entries.filter(move |entry| self.ranks.group_of(entry.tag) == group).map(|entry| (&entry.key, &entry.value))
    }

    /// Removes the entries of one key group and returns them, in O(their number). A snapshot that has begun has them still;
    /// none says that they are gone, for the group goes to another worker.
    ///
    /// ```
    /// use malstrom_core::contract::key::KeyGroups;
    /// use malstrom_core::state::table::{Ranks, StateTable};
    ///
    /// let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    /// table.insert(0x0010 << 48, &'a', 1);
    /// table.insert(0x0020 << 48, &'b', 2);
    /// assert_eq!(table.drain_group(0x002), [('b', 2)]);
    /// assert_eq!(table.len(), 1);
    /// ```
    pub fn drain_group(&mut self, group: u16) -> Vec<(K, V)> {
        let mut drained = Vec::new();
        self.take_group(group, |entry| drained.push((entry.key, entry.value)));
        drained
    }
    /// Takes the entries of one key group out.
    pub(super) fn take_group(&mut self, group: u16, mut each: impl FnMut(Entry<K, V>)) {
        let behind = self.is_group_behind(group);
        match self.laying.take_if(|_| behind) {
            Some(mut laying) => {
                laying.old.take_laid_group(group, |entry| {
                    self.len -= 1;
                    self.rescue(&entry);
                    each(entry);
                });
                self.laying = Some(laying);
            }
            None => self.take_laid_group(group, each),
        }
    }
    /// The same, in the part of the table where the group is.
    pub(super) fn take_laid_group(&mut self, group: u16, mut each: impl FnMut(Entry<K, V>)) {
        let mut others = Vec::new();
        for at in self.reach(group) {
            let Some(entry) = self.entries.get_mut(at).and_then(Option::take) else { continue };
            if self.ranks.group_of(entry.tag) == group {
                self.len -= 1;
                self.rescue(&entry);
                each(entry);
            } else {
                others.push(entry);
            }
        }
        // Those which probed past the drained ones move up.
        others.into_iter().for_each(|entry| self.place(entry));
    }

    /// Moves the table to other `ranks`, when this worker has gained or lost groups, and fits its size to what it holds.
    ///
    /// ```
    /// use malstrom_core::contract::key::KeyGroups;
    /// use malstrom_core::state::table::{Ranks, StateTable};
    ///
    /// let mut table = StateTable::new(Ranks::of(KeyGroups::DEFAULT, 0..8));
    /// table.insert(0x0010 << 48, &'a', 1);
    /// table.rehome(Ranks::of(KeyGroups::DEFAULT, 0..16));
    /// assert_eq!(table.get(0x0010 << 48, &'a'), Some(&mut 1));
    /// ```
    pub fn rehome(&mut self, ranks: Ranks) {
        self.rehome_for(ranks, 0);
    }
    /// The same, and makes room for so many more entries.
    pub(crate) fn rehome_for(&mut self, ranks: Ranks, more: usize) {
        self.finish_laying();
        let old = std::mem::take(&mut self.entries);
        self.ranks = ranks;
        (self.slots, self.mul) = (0, 0);
        let len = std::mem::take(&mut self.len);
        self.reserve(len.saturating_add(more));
        self.len = len;
        old.into_iter().flatten().for_each(|entry| self.place(entry));
        self.mark_anew();
    }

    /// The slots in which the entries of a group are.
    pub(super) fn reach(&self, group: u16) -> Range<usize> {
        if !self.ranks.key_groups().all().contains(&group) {
            return 0..0;
        }
        let first = self.ranks.position(group, self.ranks.first_of(group));
        self.reach_of(first, first | ((1 << (32 + self.ranks.within())) - 1))
    }

    /// The slots in which the entries with these positions are, the last of them included.
    pub(super) fn reach_of(&self, first: u64, last: u64) -> Range<usize> {
        let (first, last) = (self.home_at(first), self.home_at(last));
        let spill = self.entries.get(last..).unwrap_or_default().iter().take_while(|slot| slot.is_some()).count();
        first..last + spill
    }
}
