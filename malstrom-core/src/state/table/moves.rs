//! Key groups that go to another worker, and those that come from one.
//!
//! Both happen at a barrier whose snapshot has been written and is not given up. What is given leaves no trace: the snapshots
//! to come are silent about it, since its new owner goes on where the snapshot of the barrier ends. What is taken in counts
//! as written, for its former owner has written it.
use super::track::Wanted;
use super::{Ranks, StateTable};
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::snapshot::{GroupSet, Loaded};
use crate::state::key_group::KeyHasher;
use crate::state::saved::{Draft, Edition};

impl<K, V> StateTable<K, V> {
    /// Writes all entries of the owned groups among these, and has them no more. `hand_in` gets each group once, in order,
    /// those without an entry too. In O(what they hold).
    ///
    /// ```
    /// use malstrom_core::contract::code::OfRecord;
    /// use malstrom_core::contract::key::KeyGroups;
    /// use malstrom_core::state::table::{Ranks, StateTable};
    ///
    /// let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    /// table.track(OfRecord::<u64>::new());
    /// table.insert(7 << 52, &"apple".to_owned(), 1);
    /// table.insert(9 << 52, &"pear".to_owned(), 2);
    /// let mut given = Vec::new();
    /// table.give(&[7, 8].into_iter().collect(), |group, draft| given.push((group, draft.entries())))?;
    /// assert_eq!((given, table.len()), (vec![(7, 1), (8, 0)], 1));
    /// # Ok::<(), malstrom_core::CodecError>(())
    /// ```
    ///
    /// # Errors
    /// If an entry cannot be written, or the table is not [tracked](Self::track).
    pub fn give(&mut self, groups: &GroupSet, mut hand_in: impl FnMut(u16, Draft)) -> Result<(), CodecError> {
        let left = self.ranks.without(groups);
        self.give_for(groups, left, &mut hand_in)
    }
    /// The same, for who knows what is left then.
    pub(crate) fn give_for(
        &mut self,
        groups: &GroupSet,
        left: Ranks,
        mut hand_in: impl FnMut(u16, Draft),
    ) -> Result<(), CodecError> {
        for group in groups.iter() {
            if self.ranks.groups().binary_search(&group).is_ok() {
                hand_in(group, self.drafted(group)?);
                self.take_group(group, drop);
            }
        }
        self.ranks = left;
        Ok(())
    }
    /// All entries of a group.
    fn drafted(&self, group: u16) -> Result<Draft, CodecError> {
        let Some(track) = &self.track else { return Err(CodecError::new("nothing can be written without a codec")) };
        let tags = self.ranks.first_of(group)..self.ranks.first_of(group + 1);
        let mut draft = Draft::default();
        let slots = self.slots_of(group, &tags);
        track.entries.put_slots(slots, &Wanted { tags, versions: 0..=u32::MAX }, &mut draft)?;
        Ok(draft)
    }
    /// Lays the table out for all groups that are owned from now on, with room for so many more entries, and for as many in the groups
    /// that are to come as there are in these.
    pub(crate) fn lay_out(&mut self, ranks: Ranks, more: usize) {
        if let Some(track) = &mut self.track {
            // There is room for all that comes.
            track.expected = 0;
        }
        let all = ranks.in_all_places(self.len.saturating_add(more));
        let more = all.saturating_sub(self.len);
        if self.ranks.is_laid_out_like(&ranks) {
            self.ranks = ranks;
            self.reserve(more);
        } else {
            self.rehome_for(ranks, more);
        }
    }
    /// The entries of one key group with hashes that find them again, to change what is not written to snapshots.
    pub(crate) fn iter_group_unseen(&mut self, group: u16) -> impl Iterator<Item = (u64, &K, &mut V)> {
        let part = self.part_of_mut(group);
        let (reach, ranks) = (part.reach(group), &part.ranks);
        let entries = part.entries.get_mut(reach).unwrap_or_default().iter_mut().flatten();
        let of_group = entries.filter(move |entry| ranks.group_of(entry.tag) == group);
        of_group.map(|entry| (entry.tag.hash(), &entry.key, &mut entry.value))
    }
}
impl<K: PartitionKey, V> StateTable<K, V> {
    /// Takes in what others gave, and lays the table out for `groups`, which are all that are owned from now on: as far as groups
    /// have come, if others are to follow. What is taken in counts as written. The table must be [tracked](Self::track).
    ///
    /// # Errors
    /// If an entry cannot be read, or does not belong to its group; with the group.
    pub fn take(
        &mut self,
        groups: &GroupSet,
        edition: Edition,
        chunks: &[Loaded],
        hasher: &mut KeyHasher,
    ) -> Result<(), (u16, CodecError)> {
        self.lay_out_as_they_come(self.ranks.taking(groups), chunks.iter().map(|chunk| chunk.entries as usize).sum());
        for chunk in chunks {
            self.load(edition, chunk, hasher).map_err(|error| (chunk.group, error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
