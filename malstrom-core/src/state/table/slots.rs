//! The slots of a table one by one, for who looks at all of it or takes all of it out.
use super::{Slot, StateTable};

impl<K, V> StateTable<K, V> {
    /// How many slots there are to look at with [`slot`](Self::slot). Their number and what is in them holds until the table is changed.
    pub(crate) fn slots(&self) -> usize {
        self.entries.len() + self.behind().map_or(0, |old| old.entries.len())
    }
    /// The entry in a slot, with a hash that finds it again: the bits of its hash that this table goes by.
    pub(crate) fn slot(&self, at: usize) -> Option<(u64, &K, &V)> {
        let slot = match at.checked_sub(self.entries.len()) {
            None => self.entries.get(at),
            Some(at) => self.behind()?.entries.get(at),
        };
        let entry = slot?.as_ref()?;
        Some((entry.tag.hash(), &entry.key, &entry.value))
    }
    fn slot_mut(&mut self, at: usize) -> Option<&mut Slot<K, V>> {
        match at.checked_sub(self.entries.len()) {
            None => self.entries.get_mut(at),
            Some(at) => self.behind_mut()?.entries.get_mut(at),
        }
    }
    /// Takes the entry out of a slot. Others may be found no more until all are taken out, unless that is done from the last
    /// slot to the first, as it must be if the table is tracked.
    pub(crate) fn take_slot(&mut self, at: usize) -> Option<(u64, K, V)>
    where
        K: Clone,
    {
        let entry = self.slot_mut(at)?.take()?;
        self.count_out(at);
        let (tag, key, value) = self.part_with(entry);
        Some((tag.hash(), key, value))
    }
    /// Takes the entry out of a slot, as a part of taking out all of them, from the last slot to the first. A snapshot that
    /// has begun has it still; none says that it is gone, so who reads the next one must know by other means.
    pub(crate) fn clear_slot(&mut self, at: usize) -> Option<(u64, K, V)> {
        let entry = self.slot_mut(at)?.take()?;
        self.count_out(at);
        self.rescue(&entry);
        Some((entry.tag.hash(), entry.key, entry.value))
    }
    /// What was in this slot is no more.
    fn count_out(&mut self, at: usize) {
        self.len -= 1;
        if at >= self.entries.len()
            && let Some(old) = self.behind_mut()
        {
            old.len -= 1;
        }
    }
    /// How far the farthest entry lies behind its home slot.
    #[cfg(test)]
    pub(super) fn farthest(&self) -> usize {
        let behind = |(at, slot): (usize, &Slot<K, V>)| slot.as_ref().map(|entry| at - self.home(entry.tag));
        self.entries.iter().enumerate().filter_map(behind).max().unwrap_or(0)
    }
}
