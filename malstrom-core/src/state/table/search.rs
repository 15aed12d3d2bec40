//! Where a key is in a table.
use super::{Entry, StateTable, Tag, doubled, room};

impl<K: Eq, V> StateTable<K, V> {
    /// Where `key` is, or else the slot which ends the search for it: an empty one, or the end of the table.
    #[inline]
    pub(super) fn find(&self, tag: Tag, key: &K) -> Result<usize, usize> {
        let home = self.home(tag);
        self.near(home, tag, key).map_or_else(|| self.probe(home, tag, key), Ok)
    }

    /// Whether `key` is in this slot, and has at least this version.
    #[inline(always)]
    pub(super) fn is_at(&self, at: usize, tag: Tag, key: &K, version: u32) -> bool {
        matches!(
            self.entries.get(at),
            Some(Some(entry)) if entry.tag == tag && entry.key == *key && entry.version >= version
        )
    }

    /// The common cases of a search, to be inlined: `key` is in its home slot, or in one of the next four.
    #[inline(always)]
    pub(super) fn near(&self, home: usize, tag: Tag, key: &K) -> Option<usize> {
        if self.is_at(home, tag, key, 0) { Some(home) } else { self.beside(home, tag, key) }
    }

    /// The next most common case: `key` is in one of the four slots behind its home.
    #[inline(always)]
    pub(super) fn beside(&self, home: usize, tag: Tag, key: &K) -> Option<usize> {
        // Which slot it is nobody can predict: picking it without a branch is a quarter faster on random keys.
        let [a, b, c] = self.entries.get(home + 1..)?.first_chunk()?;
        let other = |slot: &Option<Entry<K, V>>| usize::from(slot.as_ref().map(|entry| entry.tag) != Some(tag));
        let (a, b, c) = (other(a), other(b), other(c));
        let at = home + 1 + a + (a & b) + (a & b & c);
        self.is_at(at, tag, key, 0).then_some(at)
    }

    /// The whole search, with the result of [`Self::find`].
    #[inline(always)]
    fn probe(&self, home: usize, tag: Tag, key: &K) -> Result<usize, usize> {
        let mut at = home;
        for slot in self.entries.get(home..).unwrap_or_default() {
            match slot {
                Some(entry) if entry.tag == tag && entry.key == *key => return Ok(at),
                Some(_) => at += 1,
                None => return Err(at),
            }
        }
        Err(at)
    }

    /// Where `key` is, or an empty slot for it.
    #[inline(never)]
    pub(super) fn slot_for(&mut self, home: usize, tag: Tag, key: &K) -> usize {
        let mut at = match self.probe(home, tag, key) {
            Ok(at) => return at,
            Err(at) => at,
        };
        if self.ranks.in_all_places(self.len) >= room::<K, V>(self.slots) {
            self.resize(doubled(self.slots));
            let home = self.home(tag);
            at = home + self.entries.iter().skip(home).take_while(|slot| slot.is_some()).count();
        }
        if at >= self.entries.len() {
            self.entries.push(None);
        }
        at
    }
}
