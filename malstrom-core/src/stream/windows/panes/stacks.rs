//! Puts windows of many panes together, some slots at a time.
use super::super::tables::Filled;
use crate::contract::key::PartitionKey;
use crate::state::table::{Ranks, StateTable};
use crate::stream::aggregate::Aggregate;
use std::collections::VecDeque;

/// The two stacks of a window. See the [module](super) above.
pub(super) struct Stacks<K, V> {
    /// For each filled pane of the older ones, all from it to the last of them.
    older: VecDeque<(i128, StateTable<K, V>)>,
    /// All panes behind those, up to `end`.
    newer: StateTable<K, V>,
    end: i128,
    ranks: Ranks,
    /// Emptied tables, whose memory the next ones use.
    spare: Vec<StateTable<K, V>>,
}
/// How many emptied tables are kept.
const SPARE: usize = 4;
/// Panes that have to be added to the stacks, and how far that has come.
pub(super) enum Filling {
    /// From the last of them to the first, each becomes an older one, with all behind it.
    Older {
        from: i128,
        /// The panes before this place.
        left: usize,
        /// How many slots of the pane, and then of the older one behind it, have been added to the first older one.
        slots: Option<(usize, usize)>,
    },
    /// From the first to the last, each becomes part of the newer ones.
    Newer { to: i128, place: usize, slot: usize },
}
impl<K: PartitionKey, V: Clone> Stacks<K, V> {
    pub(super) fn new(ranks: Ranks) -> Self {
        Stacks {
            older: VecDeque::new(),
            newer: StateTable::new(ranks.clone()),
            end: i128::MIN,
            ranks,
            spare: Vec::new(),
        }
    }
    /// Empties a table, to use its memory again.
    fn empty(spare: &mut Vec<StateTable<K, V>>, mut table: StateTable<K, V>) {
        if spare.len() < SPARE {
            table.clear();
            spare.push(table);
        }
    }
    /// This pane is about to change.
    #[inline]
    pub(super) fn forget(&mut self, pane: i128) {
        if pane < self.end {
            self.older.clear();
            self.end = i128::MIN;
        }
    }
    /// Lets go of everything.
    pub(super) fn clear(&mut self) {
        if !(self.older.is_empty() && self.newer.is_empty()) {
            *self = Stacks::new(self.ranks.clone());
        }
    }
    /// What a window has been put together to: of the older panes and of the newer ones.
    pub(super) fn tables(&mut self) -> (Option<&mut StateTable<K, V>>, &mut StateTable<K, V>) {
        (self.older.front_mut().map(|(_, table)| table), &mut self.newer)
    }
    /// Begins to put together the window of the panes from `from` on, before `to`.
    pub(super) fn begin<P>(&mut self, panes: &[Filled<K, V, P>], (from, to): (i128, i128)) -> Filling {
        while let Some((_, table)) = self.older.pop_front_if(|(index, _)| *index < from) {
            Self::empty(&mut self.spare, table);
        }
        let place = |index| panes.partition_point(|filled| filled.number < index);
        let end = std::mem::replace(&mut self.end, to);
        if self.older.is_empty() {
            self.newer.clear();
            Filling::Older { from, left: place(to), slots: None }
        } else {
            Filling::Newer { to, place: place(end), slot: 0 }
        }
    }
    /// Puts some more of a window together. `false` if that was all.
    pub(super) fn fill<T, A: Aggregate<K, T, Kept = V>, P>(
        &mut self,
        filling: &mut Filling,
        panes: &[Filled<K, V, P>],
        aggregate: &mut A,
    ) -> bool {
        let Stacks { older, newer, ranks, spare, .. } = self;
        match filling {
            Filling::Older { from, left, slots } => {
                let filled = left.checked_sub(1).and_then(|place| panes.get(place));
                let Some(filled) = filled.filter(|filled| filled.number >= *from) else { return false };
                if let Some((of_pane, of_behind)) = slots
                    && let Some((index, mut table)) = older.pop_front()
                {
                    let behind = older.front().map(|(_, table)| table);
                    let more = add_some::<K, T, A>(aggregate, &mut table, &filled.table, of_pane)
                        || behind.is_some_and(|behind| add_some::<K, T, A>(aggregate, &mut table, behind, of_behind));
                    older.push_front((index, table));
                    if !more {
                        (*left, *slots) = (*left - 1, None);
                    }
                } else {
                    let table = spare.pop().unwrap_or_else(|| StateTable::new(ranks.clone()));
                    older.push_front((filled.number, table));
                    *slots = Some((0, 0));
                }
            }
            Filling::Newer { to, place, slot } => {
                let filled = panes.get(*place).filter(|filled| filled.number < *to);
                let Some(filled) = filled else { return false };
                if !add_some::<K, T, A>(aggregate, newer, &filled.table, slot) {
                    (*place, *slot) = (*place + 1, 0);
                }
            }
        }
        true
    }
}

/// How many slots are added to a stack at a time.
const AT_A_TIME: usize = 16;

/// Adds some more of what is kept in one table, of later records, to another. `false` if that was all.
fn add_some<K: PartitionKey, T, A: Aggregate<K, T>>(
    aggregate: &mut A,
    to: &mut StateTable<K, A::Kept>,
    from: &StateTable<K, A::Kept>,
    slot: &mut usize,
) -> bool {
    if *slot >= from.slots() {
        return false;
    }
    if *slot == 0 {
        to.reserve(from.len());
    }
    let end = (*slot + AT_A_TIME).min(from.slots());
    for (hash, key, kept) in (*slot..end).filter_map(|at| from.slot(at)) {
        match to.get(hash, key) {
            Some(all) => aggregate.merge(all, kept.clone()),
            None => drop(to.insert(hash, key, kept.clone())),
        }
    }
    *slot = end;
    true
}
