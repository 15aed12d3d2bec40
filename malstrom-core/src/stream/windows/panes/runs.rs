//! Puts windows of a few panes together: each pane is copied once, in the order of its hashes, and a window is read off the
//! copies of its panes side by side. So no key is searched for, and memory is read from its beginning to its end.
use super::super::tables::Filled;
use crate::contract::key::PartitionKey;
use crate::stream::aggregate::Aggregate;

/// Of how many panes windows are put together in this way. Where each key is in all panes, [stacks](super::stacks) merge it
/// less often from about here on.
pub(super) const MOST: usize = 8;
/// How many slots of a pane are copied at a time.
const AT_A_TIME: usize = 32;
/// Behind all heads.
const DONE: u64 = u64::MAX;

/// What a pane keeps for one key.
struct Entry<K, V> {
    /// Its bits that tables go by; the others are 0.
    hash: u64,
    key: K,
    kept: V,
}
/// A copy of a pane, ordered by the hashes.
struct Run<K, V> {
    pane: i128,
    entries: Vec<Entry<K, V>>,
}
/// Copies of panes, and how far they have been read for the window that closes.
pub(super) struct Runs<K, V> {
    /// By pane.
    list: Vec<Run<K, V>>,
    /// The hash of the next entry of each, and in its lowest bits the place of the run.
    heads: [u64; MOST],
    /// The least of them.
    next: u64,
    /// Where the next entries are.
    places: [usize; MOST],
    /// The run and the place of entries that have the same hash and are still to be handed on.
    same: Vec<(usize, usize)>,
    /// Emptied ones, whose memory the next ones use.
    spare: Vec<Vec<Entry<K, V>>>,
}
/// How far the panes of a window have been copied.
pub(super) struct Copying {
    to: i128,
    place: usize,
    slot: usize,
}
impl<K: PartitionKey, V: Clone> Runs<K, V> {
    pub(super) fn new() -> Self {
        Runs {
            list: Vec::new(),
            heads: [DONE; MOST],
            next: DONE,
            places: [0; MOST],
            same: Vec::new(),
            spare: Vec::new(),
        }
    }
    /// This pane is about to change.
    #[inline]
    pub(super) fn forget(&mut self, pane: i128) {
        if let Ok(at) = self.search(pane) {
            self.list.remove(at);
        }
    }
    /// Lets go of everything.
    pub(super) fn clear(&mut self) {
        (self.list, self.spare) = (Vec::new(), Vec::new());
    }
    fn search(&self, pane: i128) -> Result<usize, usize> {
        self.list.binary_search_by_key(&pane, |run| run.pane)
    }
    /// Begins to put together the window of the panes from `from` on, before `to`; `place` is that of its first pane.
    pub(super) fn begin(&mut self, (from, to): (i128, i128), place: usize) -> Copying {
        let gone = self.list.partition_point(|run| run.pane < from);
        for mut run in self.list.drain(..gone) {
            run.entries.clear();
            self.spare.push(run.entries);
        }
        self.spare.truncate(MOST);
        Copying { to, place, slot: 0 }
    }
    /// Copies some more of the panes that have not been copied. `false` if that was all, and the window can be read.
    pub(super) fn copy<P>(&mut self, copying: &mut Copying, panes: &[Filled<K, V, P>]) -> bool {
        let Copying { to, place, slot } = copying;
        let Some(filled) = panes.get(*place).filter(|filled| filled.number < *to) else {
            self.rewind(*to);
            return false;
        };
        let at = match self.search(filled.number) {
            Ok(_) if *slot == 0 => {
                *place += 1;
                return true;
            }
            Ok(at) => at,
            Err(at) => {
                let mut entries = self.spare.pop().unwrap_or_default();
                entries.reserve(filled.table.len());
                self.list.insert(at, Run { pane: filled.number, entries });
                at
            }
        };
        let entries = &mut self.list[at].entries;
        let end = (*slot + AT_A_TIME).min(filled.table.slots());
        for (hash, key, kept) in (*slot..end).filter_map(|at| filled.table.slot(at)) {
            entries.push(Entry { hash, key: key.clone(), kept: kept.clone() });
            // Only neighbours are out of order in a table.
            let mut at = entries.len() - 1;
            while at > 0 && entries[at - 1].hash > entries[at].hash {
                entries.swap(at - 1, at);
                at -= 1;
            }
        }
        *slot = end;
        if end == filled.table.slots() {
            (*place, *slot) = (*place + 1, 0);
        }
        true
    }
    /// Goes back to the beginning of all panes before `to`.
    fn rewind(&mut self, to: i128) {
        (self.heads, self.places) = ([DONE; MOST], [0; MOST]);
        for (at, run) in self.list.iter().take_while(|run| run.pane < to).take(MOST).enumerate() {
            self.heads[at] = Self::head(run, 0, at);
        }
        self.next = self.least();
    }
    #[inline(always)]
    fn head(run: &Run<K, V>, place: usize, at: usize) -> u64 {
        run.entries.get(place).map_or(DONE, |entry| entry.hash | at as u64)
    }
    #[inline(always)]
    fn least(&self) -> u64 {
        self.heads.iter().fold(DONE, |least, head| least.min(*head))
    }
    /// The run and the place of the next entry, which is read with this.
    #[inline(always)]
    fn read(&mut self) -> (usize, usize) {
        let at = self.next as usize % MOST;
        let place = self.places[at];
        self.places[at] = place + 1;
        self.heads[at] = Self::head(&self.list[at], place + 1, at);
        self.next = self.least();
        (at, place)
    }
    /// What the window that has been put together has for the next key, and how many merges that took.
    #[inline]
    pub(super) fn next<T, A: Aggregate<K, T, Kept = V>>(&mut self, aggregate: &mut A) -> Option<(u64, K, V, usize)> {
        if self.same.is_empty() {
            let next = self.next;
            if next == DONE {
                return None;
            }
            let (at, place) = self.read();
            // Only the place of the run may differ.
            if (next ^ self.next) >= 1 << 32 {
                let Entry { hash, key, kept } = &self.list[at].entries[place];
                return Some((*hash, key.clone(), kept.clone(), 0));
            }
            self.same.push((at, place));
            while (next ^ self.next) < 1 << 32 {
                let place = self.read();
                self.same.push(place);
            }
        }
        // Mostly they are of one key. They are in the order of their panes.
        let Runs { list, same, .. } = self;
        let (at, place) = same.remove(0);
        let Entry { hash, key, kept } = &list[at].entries[place];
        let (mut all, before) = (kept.clone(), same.len());
        same.retain(|(at, place)| {
            let later = &list[*at].entries[*place];
            let other = later.key != *key;
            if !other {
                aggregate.merge(&mut all, later.kept.clone());
            }
            other
        });
        Some((*hash, key.clone(), all, before - same.len()))
    }
}

#[cfg(test)]
mod tests;
