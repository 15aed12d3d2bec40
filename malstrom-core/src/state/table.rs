//! The keyed state of one operator on one worker: a flat hash table whose slots lie in key group order.
//!
//! Entries sit in one vector, in linear probing order, and the home slot of an entry grows with the *top* bits of its
//! hash. So the entries of a key group (the first of these bits) are neighbours: [`StateTable::iter_group`] and
//! [`StateTable::drain_group`] cost what the group holds, not what the table holds, and growth is one sequential pass.
//!
//! How many groups there are, a table is told with those that it has slots for: its [`Ranks`]. A table has no other unit than
//! the group, for a worker may own one half of what was a group, and then there must be no slots for the other half: in
//! linear probing, twice as many entries in half of the slots would have no room. A record costs a shift by a number in place of
//! one by a constant.
//!
//! The caller hashes, because a record is hashed once and its hash travels with it. Any hash is correct; a good one is
//! fast. Values lie inline, so every empty slot is as wide as an entry: the caller boxes large ones.
//!
//! A table which has outgrown the cache waits for memory on every record. [`StateTable::touch`] lets those waits
//! overlap, by loading the slots of the records to come before the first of them is applied:
//!
//! ```
//! use malstrom_core::contract::key::KeyGroups;
//! use malstrom_core::state::table::{Ranks, StateTable};
//!
//! // (hash, key, value)
//! let batch: Vec<(u64, u64, u64)> = (0..100).map(|i| (i % 7 * 0x2545_F491_4F6C_DD1D, i % 7, 1)).collect();
//! let mut sums = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
//! for records in batch.chunks(32) {
//!     if sums.worth_touching() {
//!         records.iter().for_each(|(hash, ..)| sums.touch(*hash));
//!     }
//!     for (hash, key, value) in records {
//!         *sums.entry(*hash, key, || 0) += value;
//!     }
//! }
//! assert_eq!(sums.len(), 7);
//! ```
//!
//! A table that is [tracked](StateTable::track) also knows what has changed since the last snapshot, and writes it without
//! standing still: see [`StateTable::flip`].
mod groups;
mod laying;
mod marks;
mod moves;
mod ranks;
mod save;
mod search;
mod slots;
mod track;

use super::pages::ask_for_pages;
use super::prefetch::prefetch;
use crate::contract::key::KeyGroups;
use laying::Laying;
pub use ranks::Ranks;
use ranks::Tag;
use std::fmt;
pub(crate) use track::Entries;
use track::Track;

/// Slots of a table which holds anything.
const SMALLEST: usize = 16;
/// Up to this size in bytes a table is kept nearly empty.
const SMALL: usize = 256 << 10;
/// And up to this size, which the second level of the cache holds, three quarters empty.
const MIDDLING: usize = 2 << 20;
/// The table grows beyond this share of used slots.
const FULL: (usize, usize) = (3, 4);
/// A table with so many slots per entry was made for far more of them.
const MOSTLY_EMPTY: usize = 64;
/// Room behind the last home slot, in place of wrapping around. It grows if need be.
const TAIL: usize = 32;
/// From this size in bytes a table is worth touching: it costs up to a tenth while the last level of the cache holds the
/// table (alone, measured with 32 MiB), and gains a quarter beyond.
const CACHED: usize = 8 << 20;

pub(crate) struct Entry<K, V> {
    tag: Tag,
    /// When it was last changed, if the table is tracked.
    version: u32,
    key: K,
    value: V,
}

pub(crate) type Slot<K, V> = Option<Entry<K, V>>;

/// The keyed state of one operator on one worker. See the [module](self) for how it is laid out.
///
/// ```
/// use malstrom_core::contract::key::KeyGroups;
/// use malstrom_core::state::table::{Ranks, StateTable};
///
/// let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
/// let hash = 0x0123_4567_89AB_CDEF;
/// *table.entry(hash, &"apple", || 0) += 2;
/// *table.entry(hash, &"apple", || 0) += 3;
/// assert_eq!(table.get(hash, &"apple"), Some(&mut 5));
/// assert_eq!(table.get(hash, &"pear"), None);
/// assert_eq!(table.iter_group(0x012).collect::<Vec<_>>(), [(&"apple", &5)]);
/// ```
pub struct StateTable<K, V> {
    /// Every entry lies at its home slot or behind it, with no empty slot in between.
    entries: Vec<Slot<K, V>>,
    len: usize,
    /// Home slots: all of `entries` but its tail.
    slots: usize,
    /// Home slots per 2^32 positions.
    mul: u64,
    ranks: Ranks,
    /// What is changed for the first time in this interval has a lower version. 0 if the table is not tracked, so that
    /// nothing has.
    current: u32,
    track: Option<Box<Track<K, V>>>,
    /// Where the rest is, as long as not all is in `entries`.
    laying: Option<Box<Laying<K, V>>>,
}

impl<K, V> StateTable<K, V> {
    /// An empty table for the groups in `ranks`. It allocates nothing until the first insert.
    pub fn new(ranks: Ranks) -> Self {
        Self { entries: Vec::new(), len: 0, slots: 0, mul: 0, ranks, current: 0, track: None, laying: None }
    }

    /// How many key groups there are, whoever owns them.
    pub fn key_groups(&self) -> KeyGroups {
        self.ranks.key_groups()
    }
    /// The number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every entry, group by group except for the few which spill over into the next one.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let behind = self.behind().map(|old| old.entries.as_slice()).unwrap_or_default();
        self.entries.iter().chain(behind).flatten().map(|entry| (&entry.key, &entry.value))
    }

    /// Removes all entries, and keeps the room unless hardly any of it was needed. A tracked table begins anew: no snapshot
    /// says that they are gone, so who reads it must know by other means.
    pub(crate) fn clear(&mut self) {
        if self.len > 0 {
            if self.laying.take().is_some() || self.len.saturating_mul(MOSTLY_EMPTY) < self.slots {
                (self.entries, self.slots, self.mul) = (Vec::new(), 0, 0);
            } else {
                self.entries.fill_with(|| None);
            }
            self.len = 0;
        }
        self.begin_anew();
    }
    /// Makes room for so many more entries.
    ///
    /// Entries that come in the order of their hashes, as from another table, fill a table from its beginning on: one that
    /// grows meanwhile is always too small for them.
    ///
    /// ```
    /// use malstrom_core::contract::key::KeyGroups;
    /// use malstrom_core::state::table::{Ranks, StateTable};
    ///
    /// let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    /// table.reserve(1_000);
    /// for key in 0..1_000_u64 {
    ///     table.insert(key << 54, &key, ());
    /// }
    /// assert_eq!(table.len(), 1_000);
    /// ```
    pub fn reserve(&mut self, more: usize) {
        let mut slots = self.slots;
        while self.len.saturating_add(more) > room::<K, V>(slots) {
            slots = doubled(slots);
        }
        if slots > self.slots {
            self.resize(slots);
        }
    }

    /// Asks for the slot where the search for a key with this hash begins, which will be needed soon.
    ///
    /// Who handles a batch does this for the next records of it before applying them, so that their cache misses
    /// overlap. It pays off once the table is [`worth touching`](StateTable::worth_touching).
    #[inline(always)]
    pub fn touch(&self, hash: u64) {
        if self.laying.is_some() {
            return self.touch_in_parts(hash);
        }
        if let Some(slot) = self.entries.get(self.home(Tag::of(hash))) {
            prefetch(slot);
        }
    }

    /// Whether the table has outgrown the cache, so that [`StateTable::touch`] pays off.
    #[inline]
    pub fn worth_touching(&self) -> bool {
        size_of_val(&*self.entries) > CACHED || self.laying.is_some()
    }

    /// Monotone in the position. Without slots, 0.
    #[inline(always)]
    fn home(&self, tag: Tag) -> usize {
        self.home_at(tag.hash().wrapping_sub(self.ranks.skipped(tag)))
    }
    /// Where a tag lies among those of all owned groups.
    fn position(&self, tag: Tag) -> u64 {
        self.ranks.position(self.ranks.group_of(tag), tag.number())
    }
    #[inline(always)]
    fn home_at(&self, position: u64) -> usize {
        // As `(position >> 32) * mul >> 32`, with room for more than 2^32 slots.
        ((u128::from(position) * u128::from(self.mul)) >> 64) as usize
    }

    /// Puts an entry whose key is not in the table into the first empty slot from its home on.
    fn place(&mut self, entry: Entry<K, V>) {
        let home = self.home(entry.tag);
        match self.entries.iter_mut().skip(home).find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(entry),
            None => self.entries.push(Some(entry)),
        }
    }

    /// From now on there are so many home slots. Where entries are does not change.
    fn set_slots(&mut self, slots: usize) {
        self.slots = slots;
        self.mul = ((slots as u64) << self.ranks.key_groups().bits()) / u64::from(self.ranks.places().max(1));
    }
    /// Changes the number of slots to `slots`, which are not fewer than before. In place, since reallocating a large
    /// vector need not copy it: back to front, because hardly any home moves down.
    fn resize(&mut self, slots: usize) {
        self.finish_laying();
        let old = self.entries.len();
        self.entries.reserve_exact(slots.saturating_add(TAIL).saturating_sub(old));
        ask_for_pages(&mut self.entries);
        self.entries.resize_with(slots.max(old), || None);
        self.set_slots(slots);
        let mut below = Vec::new();
        for at in (0..old).rev() {
            if let Some(entry) = self.entries.get_mut(at).and_then(Option::take) {
                // Ahead of `at` there are old entries, which have yet to move away.
                if self.home(entry.tag) < at { below.push(entry) } else { self.place(entry) }
            }
        }
        below.into_iter().for_each(|entry| self.place(entry));
        self.halve_units();
    }
}

impl<K: Eq, V> StateTable<K, V> {
    /// The value of `key`, if there is one, to be changed. To look at it, [`peek`](Self::peek) is enough.
    #[inline]
    pub fn get(&mut self, hash: u64, key: &K) -> Option<&mut V> {
        let tag = Tag::of(hash);
        if self.is_behind(tag) {
            return self.get_behind(tag, key);
        }
        let at = self.find(tag, key).ok()?;
        Some(self.changing(at))
    }
    /// The value of `key`, if there is one.
    #[inline]
    pub fn peek(&self, hash: u64, key: &K) -> Option<&V> {
        let tag = Tag::of(hash);
        let part = self.part_of(self.ranks.group_of(tag));
        let at = part.find(tag, key).ok()?;
        Some(&part.entries.get(at)?.as_ref()?.value)
    }
    /// The value of `key`, to change what is not written to snapshots.
    #[inline]
    pub(crate) fn get_unseen(&mut self, hash: u64, key: &K) -> Option<&mut V> {
        let tag = Tag::of(hash);
        let part = self.part_of_mut(self.ranks.group_of(tag));
        let at = part.find(tag, key).ok()?;
        Some(&mut part.entries.get_mut(at)?.as_mut()?.value)
    }
    /// The value in a slot that is not empty, to be changed.
    #[inline(always)]
    fn changing(&mut self, at: usize) -> &mut V {
        if self.entries[at].as_ref().is_some_and(|entry| entry.version < self.current) {
            self.change(at);
        }
        self.value_at(at)
    }
    /// The value in a slot that is not empty, which has been changed in this interval or need not be followed.
    #[inline(always)]
    fn value_at(&mut self, at: usize) -> &mut V {
        match &mut self.entries[at] {
            Some(entry) => &mut entry.value,
            None => unreachable!("the key was just found here"),
        }
    }
    /// Puts an entry into an empty slot.
    #[inline(always)]
    fn make(&mut self, at: usize, tag: Tag, key: K, value: V) {
        self.entries[at] = Some(Entry { tag, version: self.current | 1, key, value });
        self.len += 1;
        if self.current != 0 {
            self.mark(tag);
        }
    }

    /// The value of `key`, which starts out as `fresh()`. The key is cloned only then.
    // Once per record, in a loop that keeps what it needs in registers.
    #[inline(always)]
    pub fn entry(&mut self, hash: u64, key: &K, fresh: impl FnOnce() -> V) -> &mut V
    where
        K: Clone,
    {
        let tag = Tag::of(hash);
        let home = self.home(tag);
        if self.is_at(home, tag, key, self.current) {
            return self.value_at(home);
        }
        // It changes for the first time in this interval, for which nobody has asked for the slots beside it.
        match self.near(home, tag, key) {
            Some(at) => self.changing(at),
            None => self.enter(home, tag, key, fresh),
        }
    }
    /// What [`entry`](Self::entry) finds farther away, or in what is not laid out, or was not there.
    #[inline(never)]
    fn enter(&mut self, home: usize, tag: Tag, key: &K, fresh: impl FnOnce() -> V) -> &mut V
    where
        K: Clone,
    {
        if self.is_behind(tag) {
            return self.enter_behind(tag, key, fresh);
        }
        let at = self.slot_for(home, tag, key);
        if self.entries[at].is_none() {
            self.make(at, tag, key.clone(), fresh());
        }
        self.changing(at)
    }

    /// Sets the value of `key` and returns the one it had.
    #[inline]
    pub fn insert(&mut self, hash: u64, key: &K, value: V) -> Option<V>
    where
        K: Clone,
    {
        let tag = Tag::of(hash);
        if self.is_behind(tag) {
            return self.insert_behind(tag, key, value);
        }
        let home = self.home(tag);
        let at = self.near(home, tag, key).unwrap_or_else(|| self.slot_for(home, tag, key));
        if self.entries[at].is_some() {
            return Some(std::mem::replace(self.changing(at), value));
        }
        self.make(at, tag, key.clone(), value);
        None
    }

    /// Removes `key` and returns the value it had.
    pub fn remove(&mut self, hash: u64, key: &K) -> Option<V>
    where
        K: Clone,
    {
        let entry = self.take_out(hash, key)?;
        Some(self.part_with(entry).2)
    }
    fn take_out(&mut self, hash: u64, key: &K) -> Option<Entry<K, V>> {
        let tag = Tag::of(hash);
        if self.is_behind(tag) {
            return self.take_out_behind(hash, key);
        }
        let mut hole = self.find(tag, key).ok()?;
        let removed = self.entries.get_mut(hole)?.take()?;
        self.len -= 1;
        let mut at = hole + 1;
        while let Some(Some(entry)) = self.entries.get(at) {
            if self.home(entry.tag) <= hole {
                self.entries.swap(hole, at);
                hole = at;
            }
            at += 1;
        }
        Some(removed)
    }
}

/// How many entries fit into so many slots.
fn room<K, V>(slots: usize) -> usize {
    // Where memory does not matter, emptiness spares mispredicted branches: a key is seldom not at home.
    let size = slots.saturating_mul(size_of::<Slot<K, V>>());
    if size <= SMALL {
        slots / 8
    } else if size <= MIDDLING {
        slots / 4
    } else {
        slots / FULL.1 * FULL.0
    }
}

fn doubled(slots: usize) -> usize {
    slots.saturating_mul(2).max(SMALLEST)
}

impl<K, V> fmt::Debug for StateTable<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, slots, ranks, .. } = self;
        f.debug_struct("StateTable")
            .field("len", len)
            .field("slots", slots)
            .field("ranks", ranks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
