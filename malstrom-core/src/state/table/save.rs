//! A table on its way to a snapshot, and back from one.
use super::track::{END, Track, Wanted};
use super::{Entry, StateTable, Tag, doubled, room};
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::snapshot::{Extent, Loaded, Pen};
use crate::state::key_group::KeyHasher;
use crate::state::saved::{Change, Changes, Draft, Edition};

/// What a byte costs that is written: see [`Pen::spend`].
fn price(bytes: usize) -> usize {
    bytes / 64
}

impl<K, V> StateTable<K, V> {
    /// Writes some more of what was there when a barrier [passed](Self::flip), until the pen has no more room. Whether
    /// something is left.
    ///
    /// Groups come in order, each once: `hand_in` gets the pen, the group, whether it is all there is of it, and its
    /// entries. Groups that this worker does not own are left out.
    ///
    /// # Errors
    /// If an entry cannot be written.
    pub fn write(
        &mut self,
        pen: &mut Pen,
        mut hand_in: impl FnMut(&mut Pen, u16, bool, Draft),
    ) -> Result<bool, CodecError> {
        let Some(mut track) = self.track.take() else { return Ok(false) };
        let left = self.write_some(&mut track, pen, &mut hand_in);
        self.track = Some(track);
        left
    }
    fn write_some(
        &self,
        track: &mut Track<K, V>,
        pen: &mut Pen,
        hand_in: &mut impl FnMut(&mut Pen, u16, bool, Draft),
    ) -> Result<bool, CodecError> {
        let shift = track.shift();
        let base = track.base();
        let Track { entries, cut: Some(cut), .. } = track else { return Ok(false) };
        if let Some(error) = cut.failure.take() {
            return Err(error);
        }
        if pen.is_dry() {
            cut.written = END;
            cut.drafts.clear();
        }
        if cut.is_done() {
            return Ok(false);
        }
        while let Some((tag, key)) = cut.gone.get(cut.told) {
            if !pen.has_room() {
                return Ok(true);
            }
            cut.told += 1;
            let group = self.ranks.group_of(*tag);
            pen.spend(1);
            if !cut.is_full(group) {
                entries.gone(key, cut.drafts.entry(group).or_default())?;
            }
        }
        for &group in self.ranks.groups_from(cut.written) {
            let rank = self.ranks.rank(group) as usize;
            let full = cut.is_full(group);
            let versions = cut.versions(base, full);
            let per_group = 32 + self.ranks.within() - shift;
            let (first, end) = (rank << per_group, (rank + 1) << per_group);
            let begun = self.ranks.first_of(group).max(cut.written);
            let mut at = first.max((self.ranks.position(group, begun) >> shift) as usize);
            let size = cut.sizes[usize::from(full)];
            let mut draft = cut.drafts.remove(&group).unwrap_or_default();
            while let Some(unit) = if full { Some(at).filter(|at| *at < end) } else { cut.marks().next(at, end) } {
                let first = (unit as u64) << shift;
                if !pen.has_room() {
                    cut.written = self.ranks.number(group, first);
                    cut.drafts.insert(group, draft);
                    return Ok(true);
                }
                let last = first | ((1 << shift) - 1);
                let tags = self.ranks.number(group, first)..self.ranks.number(group, last) + 1;
                let slots = self.slots_of(group, &tags);
                pen.spend(1 + slots.len());
                if draft.is_empty() {
                    draft.reserve(size + size / 16);
                }
                let before = draft.size();
                let wanted = Wanted { tags, versions: versions.clone() };
                entries.put_slots(slots, &wanted, &mut draft)?;
                pen.spend(price(draft.size() - before));
                at = unit + 1;
            }
            cut.sizes[usize::from(full)] = draft.size();
            cut.written = self.ranks.first_of(group + 1);
            if full || !draft.is_empty() {
                hand_in(pen, group, full, draft);
            }
        }
        cut.written = END;
        cut.drafts.clear();
        Ok(false)
    }
}

impl<K: PartitionKey, V> StateTable<K, V> {
    /// Says how many entries are going to be [loaded](Self::load), so that there is room for them.
    pub fn expect(&mut self, Extent { full, all }: Extent) {
        if let Some(track) = &mut self.track {
            track.expected = all;
        }
        self.reserve(full);
    }
    /// Takes in what was written of a group: first what is full, then what has changed, and one group after the other. What is
    /// taken in counts as written. The table must be [tracked](Self::track).
    ///
    /// # Errors
    /// If an entry cannot be read, or does not belong to its group.
    pub fn load(&mut self, edition: Edition, chunk: &Loaded, hasher: &mut KeyHasher) -> Result<(), CodecError> {
        let mut entries = 0_u32;
        for change in Changes::of(&chunk.bytes) {
            self.load_change(edition, chunk.group, change?, hasher)?;
            entries = entries.saturating_add(1);
        }
        if !self.ranks.key_groups().all().contains(&chunk.group) || entries != chunk.entries {
            return Err(CodecError::new(format!("it should have {} entries and has {entries}", chunk.entries)));
        }
        Ok(())
    }
    /// Takes in one change of a group; if the group has been halved since that was written, only if it is of a key that is in this half.
    ///
    /// # Errors
    /// If it cannot be read, or does not belong to the group.
    pub fn load_change(
        &mut self,
        edition: Edition,
        of: u16,
        change: Change<'_>,
        hasher: &mut KeyHasher,
    ) -> Result<(), CodecError> {
        let Some(track) = &self.track else { return Err(CodecError::new("nothing can be read without a codec")) };
        let (key, value) = match change {
            Change::Put { key, value } => (key, Some(value)),
            Change::Gone { key } => (key, None),
            Change::Section(_) => return Err(CodecError::new("it has entries of several tables")),
        };
        let key = track.entries.key(key)?;
        let hash = hasher.hash(&key);
        if !edition.has(of, self.ranks.key_groups().of(hash))? {
            return Ok(());
        }
        match value.map(|value| track.entries.value(edition, value)) {
            Some(value) => self.put_loaded(hash, key, value?),
            None => drop(self.take_out(hash, &key)),
        }
        Ok(())
    }
    fn put_loaded(&mut self, hash: u64, key: K, value: V) {
        let tag = Tag::of(hash);
        if self.is_behind(tag) {
            self.finish_laying();
        }
        if self.is_crowded(self.position(tag)) {
            self.resize(doubled(self.slots));
        }
        let home = self.home(tag);
        let at = self.near(home, tag, &key).unwrap_or_else(|| self.slot_for(home, tag, &key));
        let slot = &mut self.entries[at];
        self.len += usize::from(slot.is_none());
        *slot = Some(Entry { tag, version: 0, key, value });
    }
    /// Whether a group begins, and the slots before it are too few for what has been loaded. Entries come in the order of their
    /// groups: until the last have come, the slots that lie behind stay empty, however many are to come.
    fn is_crowded(&mut self, position: u64) -> bool {
        let Some(track) = &mut self.track else { return false };
        let within = 32 + self.ranks.within();
        let begins = position >> within > track.loaded >> within;
        if !begins {
            return false;
        }
        track.loaded = position;
        let room = room::<K, V>(self.slots);
        if room >= track.expected {
            return false;
        }
        // How many lie in the first few groups varies by chance.
        let share = (room as u128 * self.home_at(position) as u128 / self.slots.max(1) as u128) as usize;
        self.len > share + share / 8 + 64
    }
}

#[cfg(test)]
mod growth;
#[cfg(test)]
mod tests;
