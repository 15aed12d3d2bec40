//! Tables of windows on the way to a snapshot, and back: a section for each in one chunk per key group.
//!
//! What is over when a snapshot is taken is not in it, but may be in those that it is relative to. That is not said window by
//! window and group by group: how far time had come, which each worker writes, says it of all of them.
use super::{Filled, Tables};
use crate::contract::code::Codec;
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::snapshot::{Barrier, Extent, GroupSet, Loaded, Outcome, Part, Pen, Scope};
use crate::state::key_group::KeyHasher;
use crate::state::saved::{Change, Changes, Chapter, Draft, Edition, Layout};
use crate::state::table::{Ranks, StateTable};
use crate::stream::env::Env;
use std::collections::BTreeMap;

/// Where the tables of all windows of an operator are written to.
pub(super) struct Sections<K, V> {
    pub(super) chapter: Chapter,
    pub(super) ranks: Ranks,
    track: Box<dyn Fn(&mut StateTable<K, V>)>,
    /// Of windows that are gone, but of which something is to be written.
    leaving: Vec<(i128, StateTable<K, V>)>,
    cut: Option<Cut>,
}
/// What a snapshot is to have, and how far it is written.
struct Cut {
    interval: u64,
    scope: Scope,
    drafts: BTreeMap<u16, Draft>,
    /// How many groups have been handed in.
    handed: usize,
    done: bool,
}
impl<K: PartitionKey, V: 'static> Sections<K, V> {
    pub(super) fn new(env: &Env, node: usize, codec: impl Codec<V>) -> Self {
        let chapter = Chapter::new(env.owner(node), Part::State, Layout::of_entries::<K, V>(&codec));
        let track = Box::new(move |table: &mut StateTable<K, V>| table.track(codec.clone()));
        Sections { chapter, ranks: env.ranks(), track, leaving: Vec::new(), cut: None }
    }
    pub(super) fn track(&self, table: &mut StateTable<K, V>) {
        (self.track)(table);
    }
    /// A window is gone. Gives back its table if nothing of it is to be written.
    pub(super) fn leave(&mut self, number: i128, table: StateTable<K, V>) -> Option<StateTable<K, V>> {
        if table.is_being_written() {
            self.leaving.push((number, table));
            None
        } else {
            Some(table)
        }
    }
    pub(super) fn begin_anew(&mut self) {
        self.chapter.begin_anew();
    }

    pub(super) fn flip<P>(&mut self, barrier: Barrier, list: &mut [Filled<K, V, P>]) {
        self.leaving.clear();
        let (interval, scope) = (barrier.interval, self.chapter.flip(barrier));
        list.iter_mut().for_each(|filled| filled.table.flip(interval, scope));
        self.cut = Some(Cut { interval, scope, drafts: BTreeMap::new(), handed: 0, done: false });
    }
    /// Writes some more: table by table, and when all are written group by group.
    pub(super) fn save<P>(&mut self, pen: &mut Pen, list: &mut [Filled<K, V, P>]) {
        let Sections { chapter, ranks, leaving, cut: Some(cut), .. } = self else { return };
        chapter.tell(pen);
        if cut.done {
            return;
        }
        let of_list = list.iter_mut().map(|filled| (filled.number, &mut filled.table));
        let tables = leaving.iter_mut().map(|(number, table)| (*number, table)).chain(of_list);
        for (number, table) in tables.filter(|(_, table)| table.is_being_written()) {
            let written = table.write(pen, |_, group, _, draft| {
                if !draft.is_empty() {
                    cut.drafts.entry(group).or_default().section(&number.to_le_bytes(), draft);
                }
            });
            match written {
                Ok(false) => {}
                Ok(true) => return pen.postpone(),
                Err(error) => return chapter.fail(pen, &error),
            }
        }
        leaving.clear();
        while let Some(group) = ranks.groups().get(cut.handed) {
            if !pen.has_room() {
                return pen.postpone();
            }
            cut.handed += 1;
            chapter.hand_in(pen, *group, cut.scope.is_full(*group), cut.drafts.remove(group).unwrap_or_default());
        }
        cut.done = true;
    }
    /// Writes what there is of these groups in all windows, and has it no more.
    pub(super) fn give<P>(&mut self, pen: &mut Pen, groups: &GroupSet, list: &mut [Filled<K, V, P>]) {
        self.chapter.describe(pen);
        let (mut drafts, left) = (BTreeMap::<u16, Draft>::new(), self.ranks.without(groups));
        for Filled { number, table, .. } in list {
            let given = table.give_for(groups, left.clone(), |group, draft| {
                if !draft.is_empty() {
                    drafts.entry(group).or_default().section(&number.to_le_bytes(), draft);
                }
            });
            if let Err(error) = given {
                return self.chapter.fail(pen, &error);
            }
        }
        for group in self.ranks.groups().iter().filter(|group| groups.contains(**group)) {
            self.chapter.hand_in(pen, *group, true, drafts.remove(group).unwrap_or_default());
        }
        self.ranks = left;
    }
    pub(super) fn settle<P>(&mut self, outcome: Outcome, list: &mut [Filled<K, V, P>]) {
        self.chapter.settle(outcome);
        list.iter_mut().for_each(|filled| filled.table.settle(outcome));
        if self.cut.take_if(|cut| cut.interval == outcome.interval()).is_some() {
            self.leaving.clear();
        }
    }
}
/// How many entries are going to be loaded.
pub(super) enum Coming {
    /// At most so many into any of the tables.
    AtMost(usize),
    /// So many into that of each window.
    Into(BTreeMap<i128, usize>),
}
impl Coming {
    /// What these chunks have of each window, as far as they can be read.
    pub(super) fn of(chunks: &[Loaded]) -> Coming {
        let mut into = BTreeMap::new();
        for chunk in chunks {
            let (mut number, mut entries) = (0, 0);
            for change in Changes::of(&chunk.bytes) {
                match change {
                    Ok(Change::Section(name)) => {
                        *into.entry(number).or_default() += std::mem::take(&mut entries);
                        number = window(name).unwrap_or_default();
                    }
                    Ok(_) => entries += 1,
                    Err(_) => break,
                }
            }
            *into.entry(number).or_default() += entries;
        }
        Coming::Into(into)
    }
    /// How many come into the table of a window, if that is known.
    pub(super) fn entries(&self, window: i128) -> usize {
        match self {
            Coming::AtMost(_) => 0,
            Coming::Into(into) => into.get(&window).copied().unwrap_or(0),
        }
    }
    /// Some of it is about to come.
    fn prepare<K, V>(&self, window: i128, table: &mut StateTable<K, V>)
    where
        K: PartitionKey,
    {
        match self {
            Coming::AtMost(entries) => table.expect(Extent { full: 0, all: *entries }),
            // A table that there was has been laid out for them.
            Coming::Into(_) if table.is_empty() => table.reserve(self.entries(window)),
            Coming::Into(_) => {}
        }
    }
}
fn window(name: &[u8]) -> Result<i128, CodecError> {
    let number = name.try_into().map_err(|_| CodecError::new("a section is named after no window"))?;
    Ok(i128::from_le_bytes(number))
}
impl<K: PartitionKey, V: 'static, P> Tables<K, V, P> {
    /// Takes in a chunk.
    pub(super) fn load(
        &mut self,
        edition: Edition,
        chunk: &Loaded,
        coming: &Coming,
        hasher: &mut KeyHasher,
        of: &mut impl FnMut(u16, i128) -> Result<Option<P>, CodecError>,
    ) -> Result<(), CodecError> {
        let (mut place, mut entries) = (None, 0_u32);
        for change in Changes::of(&chunk.bytes) {
            let change = change?;
            if let Change::Section(name) = change {
                let number = window(name)?;
                place = Some(of(chunk.group, number)?.map(|of| self.place(number, || of)));
                if let Some(filled) = place.flatten().and_then(|place| self.at(place)) {
                    coming.prepare(number, &mut filled.table);
                }
                continue;
            }
            entries = entries.saturating_add(1);
            let Some(place) = place else { return Err(CodecError::new("it has entries that are of no window")) };
            if let Some(filled) = place.and_then(|place| self.at(place)) {
                filled.table.load_change(edition, chunk.group, change, hasher)?;
            }
        }
        if entries != chunk.entries {
            return Err(CodecError::new(format!("it should have {} entries and has {entries}", chunk.entries)));
        }
        Ok(())
    }
}
