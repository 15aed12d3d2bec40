//! A table that is laid out anew as groups come.
//!
//! Who gains groups needs other slots, for what it has too, and a table of some hundred MiB takes a fifth of a second to be filled: far longer
//! than what moves at one barrier takes. So the slots are filled from the first one on, at each barrier up to the groups that it brings,
//! and what lies behind those stays where it was until its turn comes. As the groups to come have their places evenly among those that
//! are there ([`Ranks::taking`]) and come in this order, each barrier has its share of the work, and the last one ends it. The old slots
//! are left from the last one on, and go back to the system bit by bit: to give back a hundred MiB at once takes as long as a barrier may.
//!
//! While that lasts, a key is looked for where its group is. It costs nobody else anything: what is found in its home slot, as nearly all
//! is, is never asked whether it lies elsewhere.
use super::marks::Marks;
use super::{Entry, Ranks, Slot, StateTable, TAIL, Tag, doubled, room};
use crate::state::pages::ask_for_large_pages;
use crate::state::prefetch::prefetch;
use std::ops::Range;

/// What a table has not laid out yet.
pub(super) struct Laying<K, V> {
    /// The table as it was, without what is laid out.
    pub(super) old: StateTable<K, V>,
    /// Groups of lower ranks are laid out.
    laid: u32,
    /// From this slot on the old ones are empty, and not needed.
    left: usize,
}
/// At most so many bytes go back to the system at a time, which takes some ms, as long as all is not laid out.
const BACK: usize = 8 << 20;

impl<K, V> StateTable<K, V> {
    /// Whether the group of this tag is not laid out yet.
    #[inline(always)]
    pub(super) fn is_behind(&self, tag: Tag) -> bool {
        self.laying.as_ref().is_some_and(|laying| self.ranks.rank(self.ranks.group_of(tag)) >= laying.laid)
    }
    pub(super) fn is_group_behind(&self, group: u16) -> bool {
        self.laying.as_ref().is_some_and(|laying| self.ranks.rank(group) >= laying.laid)
    }
    /// The part of the table that is not laid out.
    pub(super) fn behind(&self) -> Option<&StateTable<K, V>> {
        self.laying.as_ref().map(|laying| &laying.old)
    }
    pub(super) fn behind_mut(&mut self) -> Option<&mut StateTable<K, V>> {
        self.laying.as_mut().map(|laying| &mut laying.old)
    }
    /// The part of the table in which a group is.
    pub(super) fn part_of(&self, group: u16) -> &StateTable<K, V> {
        self.behind().filter(|_| self.is_group_behind(group)).unwrap_or(self)
    }
    pub(super) fn part_of_mut(&mut self, group: u16) -> &mut StateTable<K, V> {
        match self.is_group_behind(group) {
            true => {
                self.laying.as_mut().map(|laying| &mut laying.old).unwrap_or_else(|| unreachable!("it is laid out"))
            }
            false => self,
        }
    }
    /// Asks for the slot where the search for a key begins, wherever that is.
    #[cold]
    pub(super) fn touch_in_parts(&self, hash: u64) {
        let tag = Tag::of(hash);
        let part = self.part_of(self.ranks.group_of(tag));
        if let Some(slot) = part.entries.get(part.home(tag)) {
            prefetch(slot);
        }
    }
    /// The slots in which the entries of a group with these tags are, and others.
    pub(super) fn slots_of(&self, group: u16, tags: &Range<u64>) -> &[Slot<K, V>] {
        let part = self.part_of(group);
        let [first, last] = [tags.start, tags.end - 1].map(|number| part.ranks.position(group, number));
        part.entries.get(part.reach_of(first, last | u64::from(u32::MAX))).unwrap_or_default()
    }

    /// Lays the table out for all groups that are owned from now on and those that are to come, as far as groups have come: they are in
    /// `ranks` and have not been before, and have so many entries.
    ///
    /// Entries of groups that are not owned are not found before all is laid out.
    pub(super) fn lay_out_as_they_come(&mut self, ranks: Ranks, more: usize) {
        if let Some(track) = &mut self.track {
            // There is room for all that comes.
            track.expected = 0;
        }
        let all = ranks.in_all_places(self.len.saturating_add(more));
        let had = std::mem::replace(&mut self.ranks, ranks);
        if !had.is_laid_out_like(&self.ranks) {
            self.begin_laying(had.clone(), all);
        } else if self.laying.is_none() {
            self.reserve(all.saturating_sub(self.len));
        }
        if self.ranks.owned() == self.ranks.places() {
            self.finish_laying();
        } else {
            let came = self.ranks.groups().iter().filter(|group| had.groups().binary_search(group).is_err());
            let last = came.map(|group| self.ranks.rank(*group) + 1).max();
            self.lay_up_to(last.unwrap_or(0));
        }
    }
    /// From now on the table has slots for so many entries, of which none is filled yet. It was laid out like `old`.
    fn begin_laying(&mut self, old: Ranks, all: usize) {
        // What another change has left.
        let ranks = std::mem::replace(&mut self.ranks, old);
        self.finish_laying();
        let had = self.ranks.clone();
        let mut slots = 0;
        // Groups differ in size: those of the first step say only about how much comes.
        while all.saturating_add(all / 16) > room::<K, V>(slots) {
            slots = doubled(slots);
        }
        let (entries, len) = (std::mem::take(&mut self.entries), self.len);
        let old = StateTable { entries, len, slots: self.slots, mul: self.mul, ..StateTable::new(had.clone()) };
        self.ranks = ranks;
        self.set_slots(slots);
        self.entries.reserve_exact(slots.saturating_add(TAIL));
        ask_for_large_pages(&mut self.entries);
        let left = old.entries.len();
        self.laying = Some(Box::new(Laying { old, laid: 0, left }));
        self.mark_where_it_lies_now(&had);
    }
    /// Lays out all groups of lower ranks.
    fn lay_up_to(&mut self, end: u32) {
        let Some(mut laying) = self.laying.take() else { return };
        let places = u32::from(self.ranks.places());
        while laying.laid < end.min(places) {
            let rank = laying.laid;
            laying.laid += 1;
            let next = u64::from(laying.laid) << (32 + self.ranks.within());
            let until = if laying.laid < places { self.home_at(next) } else { self.slots };
            self.entries.resize_with(until.max(self.entries.len()), || None);
            if let Some(group) = self.ranks.place(rank) {
                laying.old.take_laid_group(group, |entry| self.place(entry));
                laying.left = laying.left.min(laying.old.left_by(group).unwrap_or(laying.left));
            }
        }
        if laying.laid < places {
            let Laying { old: StateTable { entries, .. }, left, .. } = &mut *laying;
            entries.truncate(entries.len().saturating_sub(BACK / size_of::<Slot<K, V>>()).max(*left));
            entries.shrink_to_fit();
            self.laying = Some(laying);
        } else {
            self.entries.resize_with(self.slots.max(self.entries.len()), || None);
            if !laying.old.is_empty() {
                // Groups that are not owned have no turn.
                laying.old.entries.into_iter().flatten().for_each(|entry| self.place(entry));
            }
        }
    }
    /// From which slot on all are empty, when a group has been taken out and all owned ones behind it have.
    fn left_by(&self, group: u16) -> Option<usize> {
        self.ranks.groups().binary_search(&group).ok()?;
        let reach = self.reach(group);
        let slots = self.entries.get(reach.clone())?;
        Some(reach.start + slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1))
    }
    /// Lays out all that is not.
    pub(super) fn finish_laying(&mut self) {
        self.lay_up_to(u32::MAX);
    }
    /// What is marked is marked in the units that the table has now, when it had others for `before`.
    fn mark_where_it_lies_now(&mut self, before: &Ranks) {
        let (bits, units) = self.units();
        let Self { ranks, track: Some(track), .. } = self else { return };
        let all = 32 + ranks.within();
        let had = all - track.shift().min(all);
        let moved = |marks: &Marks| {
            let mut moved = Marks::none(units);
            for unit in marks.iter() {
                let Some(group) = before.place((unit >> had) as u32) else { continue };
                let (first, within) = ((ranks.rank(group) as usize) << bits, unit & ((1 << had) - 1));
                let (finer, coarser) = (bits.saturating_sub(had), had.saturating_sub(bits));
                let from = first + (within << finer >> coarser);
                (from..from + (1 << finer)).for_each(|unit| moved.set(unit));
            }
            moved
        };
        track.map_marks(all - bits, moved);
    }
}

impl<K: Eq, V> StateTable<K, V> {
    /// The value of a key whose group is not laid out, to be changed.
    #[cold]
    #[inline(never)]
    pub(super) fn get_behind(&mut self, tag: Tag, key: &K) -> Option<&mut V> {
        let at = self.behind()?.find(tag, key).ok()?;
        Some(self.changing_behind(at))
    }
    /// The value in a slot that is not empty, of those that are not laid out, to be changed.
    fn changing_behind(&mut self, at: usize) -> &mut V {
        let slot = self.laying.as_mut().and_then(|laying| laying.old.entries.get_mut(at)?.as_mut());
        let entry = slot.unwrap_or_else(|| unreachable!("the key was just found or put here"));
        if entry.version < self.current
            && let Some(track) = &mut self.track
        {
            track.change(&self.ranks, self.current, entry);
        }
        &mut entry.value
    }
    /// The value of a key whose group is not laid out; it starts out as `fresh()`.
    #[cold]
    #[inline(never)]
    pub(super) fn enter_behind(&mut self, tag: Tag, key: &K, fresh: impl FnOnce() -> V) -> &mut V
    where
        K: Clone,
    {
        match self.behind().map(|old| (old.find(tag, key), old.len < old.slots - old.slots / 8)) {
            Some((Ok(at), _)) => self.changing_behind(at),
            Some((Err(at), true)) => {
                self.make_behind(at, tag, key.clone(), fresh());
                self.changing_behind(at)
            }
            // There is no room for more where all is to leave.
            Some((Err(_), false)) | None => {
                self.finish_laying();
                let at = self.slot_for(self.home(tag), tag, key);
                self.make(at, tag, key.clone(), fresh());
                self.changing(at)
            }
        }
    }
    /// Sets the value of a key whose group is not laid out and returns the one it had.
    #[cold]
    #[inline(never)]
    pub(super) fn insert_behind(&mut self, tag: Tag, key: &K, value: V) -> Option<V>
    where
        K: Clone,
    {
        if let Some(had) = self.get_behind(tag, key) {
            return Some(std::mem::replace(had, value));
        }
        self.enter_behind(tag, key, || value);
        None
    }
    /// Puts an entry into an empty slot, or behind the last.
    fn make_behind(&mut self, at: usize, tag: Tag, key: K, value: V) {
        let version = self.current | 1;
        let Some(Laying { old, left, .. }) = self.laying.as_deref_mut() else { return };
        // It may lie behind the slots of its group, where nothing was needed any more.
        *left = (*left).max(at + 1);
        if at >= old.entries.len() {
            old.entries.push(None);
        }
        old.entries[at] = Some(Entry { tag, version, key, value });
        old.len += 1;
        self.len += 1;
        if self.current != 0 {
            self.mark(tag);
        }
    }
    /// Takes the entry of a key whose group is not laid out out.
    #[cold]
    pub(super) fn take_out_behind(&mut self, hash: u64, key: &K) -> Option<Entry<K, V>> {
        let entry = self.behind_mut()?.take_out(hash, key)?;
        self.len -= 1;
        Some(entry)
    }
}

#[cfg(test)]
mod tests;
