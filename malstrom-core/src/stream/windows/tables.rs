//! The state of windows, or of panes, that have a table each.
mod saved;

use crate::contract::code::Codec;
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::snapshot::{Barrier, Book, Loaded, Task};
use crate::state::saved::Edition;
use crate::state::table::{Ranks, StateTable};
use crate::stream::env::Env;
use saved::{Coming, Sections};

/// The table of a window, and what else is known of it.
pub(crate) struct Filled<K, V, P> {
    pub(crate) number: i128,
    pub(crate) of: P,
    pub(crate) table: StateTable<K, V>,
}
/// A table per window.
pub(crate) struct Tables<K, V, P = ()> {
    ranks: Ranks,
    /// By number.
    list: Vec<Filled<K, V, P>>,
    spare: Vec<StateTable<K, V>>,
    /// How many emptied tables are kept for windows to come.
    spares: usize,
    /// Where they are written to, if they are.
    sections: Option<Box<Sections<K, V>>>,
}
impl<K: PartitionKey, V: 'static, P> Tables<K, V, P> {
    /// Those of operator `node`, none yet. With a `codec` they are saved.
    pub(crate) fn new(env: &Env, node: usize, spares: usize, codec: Option<impl Codec<V>>) -> Self {
        let sections = codec.map(|codec| Box::new(Sections::new(env, node, codec)));
        Tables { ranks: env.ranks(), list: Vec::new(), spare: Vec::new(), spares, sections }
    }
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
    /// In the order of their numbers.
    #[inline(always)]
    pub(crate) fn list(&self) -> &[Filled<K, V, P>] {
        &self.list
    }
    /// The one at this place.
    #[inline(always)]
    pub(crate) fn at(&mut self, place: usize) -> Option<&mut Filled<K, V, P>> {
        self.list.get_mut(place)
    }
    /// The windows that have a table, in order.
    pub(crate) fn windows(&self) -> impl Iterator<Item = i128> {
        self.list.iter().map(|filled| filled.number)
    }
    fn search(&self, window: i128) -> Result<usize, usize> {
        self.list.binary_search_by_key(&window, |filled| filled.number)
    }
    /// The place of a window's table, which is new if there was none.
    pub(crate) fn place(&mut self, number: i128, of: impl FnOnce() -> P) -> usize {
        self.search(number).unwrap_or_else(|at| {
            let table = self.spare.pop().unwrap_or_else(|| {
                let mut table = StateTable::new(self.ranks.clone());
                if let Some(sections) = &self.sections {
                    sections.track(&mut table);
                }
                table
            });
            self.list.insert(at, Filled { number, of: of(), table });
            at
        })
    }
    /// The table of a window, if there is one.
    pub(crate) fn get(&mut self, window: i128) -> Option<&mut StateTable<K, V>> {
        let at = self.search(window).ok()?;
        self.list.get_mut(at).map(|filled| &mut filled.table)
    }
    /// Lets go of the first windows, up to one that is not over. No snapshot says that they are gone: who reads one knows
    /// that from how far time has come.
    pub(crate) fn release(&mut self, over: impl Fn(i128) -> bool) {
        let end = self.list.iter().position(|filled| !over(filled.number)).unwrap_or(self.list.len());
        for Filled { number, table, .. } in self.list.drain(..end) {
            let table = match &mut self.sections {
                Some(sections) => sections.leave(number, table),
                None => Some(table),
            };
            if let Some(mut table) = table.filter(|_| self.spare.len() < self.spares) {
                table.clear();
                self.spare.push(table);
            }
        }
    }
    /// All windows are gone that there are, before their time: those who read the next snapshot are to find none of them.
    pub(crate) fn begin_anew(&mut self) {
        if let Some(sections) = &mut self.sections {
            sections.begin_anew();
        }
    }

    /// A barrier passes.
    pub(crate) fn flip(&mut self, barrier: Barrier) {
        if let Some(sections) = &mut self.sections {
            sections.flip(barrier, &mut self.list);
        }
    }
    /// Does something about the tables. When they are loaded or taken in, `of` is asked for what else is known of a window, for
    /// the keys of a group. `None` if it was over when the snapshot was taken, so that what was written of it before counts no more.
    pub(crate) fn persist(
        &mut self,
        task: Task<'_, '_>,
        mut of: impl FnMut(u16, i128) -> Result<Option<P>, CodecError>,
    ) {
        let Some(sections) = &mut self.sections else { return };
        match task {
            Task::Save(pen) => sections.save(pen, &mut self.list),
            Task::Settle(outcome) => sections.settle(outcome, &mut self.list),
            Task::Give(pen, groups) => {
                sections.give(pen, groups, &mut self.list);
                self.ranks = self.ranks.without(groups);
            }
            Task::Load(book) => {
                let Some((edition, chunks)) = sections.chapter.open(book) else { return };
                let coming = Coming::AtMost(chunks.iter().map(|chunk| chunk.entries as usize).sum());
                self.take_in(book, edition, &chunks, &coming, &mut of);
            }
            Task::Take(book, groups) => {
                let (edition, chunks) = sections.chapter.receive(book, groups);
                let coming = Coming::of(&chunks);
                self.spare.clear();
                self.ranks = self.ranks.moved(groups);
                sections.ranks = self.ranks.clone();
                for Filled { number, table, .. } in &mut self.list {
                    table.lay_out(self.ranks.clone(), coming.entries(*number));
                }
                self.take_in(book, edition, &chunks, &coming, &mut of);
            }
        }
    }
    fn take_in(
        &mut self,
        book: &mut Book<'_>,
        edition: Edition,
        chunks: &[Loaded],
        coming: &Coming,
        of: &mut impl FnMut(u16, i128) -> Result<Option<P>, CodecError>,
    ) {
        let Some(mut hasher) = self.sections.as_ref().map(|sections| sections.chapter.hasher()) else { return };
        for chunk in chunks {
            if let Err(error) = self.load(edition, chunk, coming, &mut hasher, of)
                && let Some(sections) = &self.sections
            {
                return sections.chapter.refuse(book, Some(chunk.group), error);
            }
        }
    }
}
impl<K: PartitionKey, V: 'static> Tables<K, V> {
    /// The table of a window, which is new if there was none.
    pub(crate) fn entry(&mut self, window: i128) -> &mut StateTable<K, V> {
        let at = self.place(window, || ());
        &mut self.list[at].table
    }
    /// The same, for who goes to one window again and again and remembers where its table was.
    #[inline(always)]
    pub(crate) fn entry_near(&mut self, last: &mut usize, window: i128) -> &mut StateTable<K, V> {
        if self.list.get(*last).is_none_or(|filled| filled.number != window) {
            *last = self.place(window, || ());
        }
        &mut self.list[*last].table
    }
}

#[cfg(test)]
mod tests;
