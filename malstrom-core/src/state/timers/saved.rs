//! Timers on the way to a snapshot, and back.
//!
//! A timer does not change: it is set, and it leaves. Timers are numbered as they are set, so those that a snapshot has to
//! add are those with numbers from some on, and a timer is named by its time and its number. They lie by time, not by group:
//! a snapshot looks at each one, some at a time, and one that leaves before its turn has come is written first.
use super::{Place, TimerQueue, Waiting};
use crate::contract::code::Codec;
use crate::contract::key::{KeyGroups, PartitionKey};
use crate::contract::record::CodecError;
use crate::contract::snapshot::{Barrier, Book, GroupSet, Loaded, Outcome, Part, Pen, Scope, Task};
use crate::state::key_group::KeyHasher;
use crate::state::saved::{Change, Changes, Chapter, Draft, Edition, Layout, Owner};
use crate::state::table::Ranks;
use std::collections::BTreeMap;
use std::ops::Bound;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Writes timers and reads them back.
trait Entries<K, X> {
    fn put(&self, place: Place, timer: &Waiting<K, X>, draft: &mut Draft) -> Result<(), CodecError>;
    fn read(&self, version: u32, value: &[u8], hasher: &mut KeyHasher) -> Result<Waiting<K, X>, CodecError>;
    /// Writes what the timer holds, as [`TimerQueue::set`] has it written to tell it from others.
    fn held(&self, timer: &X, out: &mut Vec<u8>) -> Result<(), CodecError>;
}
struct Of<C>(C);
impl<K: PartitionKey, X, C: Codec<X>> Entries<K, X> for Of<C> {
    fn put(&self, place: Place, timer: &Waiting<K, X>, draft: &mut Draft) -> Result<(), CodecError> {
        draft.put(
            |out| {
                name(place, out);
                Ok(())
            },
            |out| {
                let start = out.len();
                out.extend_from_slice(&timer.generation.to_le_bytes());
                out.extend_from_slice(&[0; 4]);
                timer.key.encode(out)?;
                let length = u32::try_from(out.len() - start - 8).unwrap_or(u32::MAX);
                if let Some(place) = out.get_mut(start + 4..start + 8) {
                    place.copy_from_slice(&length.to_le_bytes());
                }
                self.0.encode(&timer.timer, out)
            },
        )
    }
    fn read(&self, version: u32, value: &[u8], hasher: &mut KeyHasher) -> Result<Waiting<K, X>, CodecError> {
        let (generation, key, timer) = parts(value)?;
        let key = K::decode(key)?;
        let (hash, timer) = (hasher.hash(&key), self.0.decode(version, timer)?);
        Ok(Waiting { print: 0, hash, key, timer, generation })
    }
    fn held(&self, timer: &X, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.0.encode(timer, out)
    }
}
/// The generation of a timer, its key, and what it holds.
fn parts(value: &[u8]) -> Result<(u32, &[u8], &[u8]), CodecError> {
    let short = || CodecError::new("a timer is cut short");
    let (generation, rest) = value.split_first_chunk().ok_or_else(short)?;
    let (length, rest) = rest.split_first_chunk().ok_or_else(short)?;
    let (key, timer) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(short)?;
    Ok((u32::from_le_bytes(*generation), key, timer))
}
/// The key of a timer that was written, and what it holds.
pub(crate) fn parts_of(value: &[u8]) -> Result<(&[u8], &[u8]), CodecError> {
    parts(value).map(|(_, key, timer)| (key, timer))
}
/// The time of a timer that was written under this name.
pub(crate) fn time_of(name: &[u8]) -> Result<i64, CodecError> {
    named(name, 0).map(|place| place.time)
}
fn name(place: Place, out: &mut Vec<u8>) {
    out.extend_from_slice(&place.time.to_le_bytes());
    out.extend_from_slice(&place.number.to_le_bytes());
}
fn named(name: &[u8], group: u16) -> Result<Place, CodecError> {
    match name.split_first_chunk().and_then(|(time, number)| Some((time, number.try_into().ok()?))) {
        Some((time, number)) => {
            Ok(Place { time: i64::from_le_bytes(*time), number: u64::from_le_bytes(number), group })
        }
        None => Err(CodecError::new("a timer has no name")),
    }
}

pub(super) struct Track<K, X> {
    entries: Box<dyn Entries<K, X>>,
    chapter: Chapter,
    ranks: Ranks,
    /// Timers with lower numbers are in the last committed snapshot, unless they left before.
    base: u64,
    /// Timers with lower numbers were there at the last flip. Others may leave without mention.
    since: u64,
    /// What has left since the last flip, or before it if that is in no committed snapshot.
    gone: Vec<Place>,
    cut: Option<Cut>,
}
/// What a snapshot is to have, and how far it is written.
struct Cut {
    interval: u64,
    scope: Scope,
    /// Timers with lower numbers were there.
    until: u64,
    gone: Vec<Place>,
    told: usize,
    /// What lies up to here has been written.
    written: Option<Place>,
    drafts: BTreeMap<u16, Draft>,
    /// Groups before this one have been handed in; `None` before all timers have been looked at.
    handed: Option<usize>,
    done: bool,
    failure: Option<CodecError>,
}
impl Cut {
    fn has(&self, base: u64, place: Place) -> bool {
        place.number < self.until && (place.number >= base || self.scope.is_full(place.group))
    }
}

impl<K, X> Track<K, X> {
    pub(super) fn part_with(&mut self, place: Place, timer: &Waiting<K, X>) {
        if let Some(cut) = &mut self.cut
            && cut.written.is_none_or(|written| place > written)
            && cut.has(self.base, place)
        {
            let draft = cut.drafts.entry(place.group).or_default();
            if let Err(error) = self.entries.put(place, timer, draft) {
                cut.failure.get_or_insert(error);
            }
        }
        if place.number < self.since {
            self.gone.push(place);
        }
    }
    /// Timers with lower numbers are in a snapshot: the last committed one, or that of the barrier that has just passed.
    fn reach(&mut self, next: u64) {
        self.since = next;
        match &mut self.cut {
            Some(cut) => cut.until = next,
            None => self.base = next,
        }
    }
    /// What the last cut had is still to be written.
    fn put_back(&mut self) {
        if let Some(mut cut) = self.cut.take() {
            self.gone.append(&mut cut.gone);
        }
    }
    fn settle(&mut self, outcome: Outcome) {
        self.chapter.settle(outcome);
        let interval = outcome.interval();
        let Some(cut) = self.cut.as_ref().filter(|cut| cut.interval == interval) else { return };
        if outcome.is_base() && cut.done {
            self.base = cut.until;
            self.cut = None;
        } else {
            self.put_back();
        }
    }
    /// Writes some more. Whether something is left.
    fn write(&mut self, waiting: &BTreeMap<Place, Waiting<K, X>>, pen: &mut Pen) -> Result<bool, CodecError> {
        let Track { entries, chapter, ranks, base, cut: Some(cut), .. } = self else { return Ok(false) };
        if let Some(error) = cut.failure.take() {
            return Err(error);
        }
        if pen.is_dry() {
            cut.drafts.clear();
            cut.done = true;
        }
        if cut.done {
            return Ok(false);
        }
        while let Some(place) = cut.gone.get(cut.told) {
            if !pen.has_room() {
                return Ok(true);
            }
            cut.told += 1;
            pen.spend(1);
            if !cut.scope.is_full(place.group) {
                let draft = cut.drafts.entry(place.group).or_default();
                draft.gone(|out| {
                    name(*place, out);
                    Ok(())
                })?;
            }
        }
        if cut.handed.is_none() {
            let from = cut.written.map_or(Bound::Unbounded, Bound::Excluded);
            for (place, timer) in waiting.range((from, Bound::Unbounded)) {
                if !pen.has_room() {
                    return Ok(true);
                }
                pen.spend(1);
                if cut.has(*base, *place) {
                    let draft = cut.drafts.entry(place.group).or_default();
                    let before = draft.size();
                    entries.put(*place, timer, draft)?;
                    pen.spend((draft.size() - before) / 64);
                }
                cut.written = Some(*place);
            }
        }
        let mut at = cut.handed.unwrap_or(0);
        while let Some(group) = ranks.groups().get(at) {
            cut.handed = Some(at);
            if !pen.has_room() {
                return Ok(true);
            }
            at += 1;
            chapter.hand_in(pen, *group, cut.scope.is_full(*group), cut.drafts.remove(group).unwrap_or_default());
        }
        (cut.handed, cut.done) = (Some(at), true);
        cut.drafts.clear();
        Ok(false)
    }
}

impl<K: PartitionKey, X: 'static> TimerQueue<K, X> {
    /// From now on the queue knows what changes, and can write it to snapshots: the timers of these groups.
    pub fn track(&mut self, owner: Owner, part: Part, ranks: Ranks, codec: impl Codec<X>) {
        let layout = Layout::of_entries::<K, X>(&codec);
        let (entries, chapter) = (Box::new(Of(codec)), Chapter::new(owner, part, layout));
        let since = self.next;
        self.key_groups = ranks.key_groups();
        self.track = Some(Box::new(Track { entries, chapter, ranks, base: since, since, gone: Vec::new(), cut: None }));
    }
}
impl<K, X> TimerQueue<K, X> {
    /// A barrier passes.
    pub fn flip(&mut self, barrier: Barrier) {
        let Some(track) = &mut self.track else { return };
        track.put_back();
        track.since = self.next;
        track.cut = Some(Cut {
            interval: barrier.interval,
            scope: track.chapter.flip(barrier),
            until: self.next,
            gone: std::mem::take(&mut track.gone),
            told: 0,
            written: None,
            drafts: BTreeMap::new(),
            handed: None,
            done: false,
            failure: None,
        });
    }
    /// Does something about the timers.
    pub fn persist(&mut self, task: Task<'_, '_>) {
        let Some(track) = &mut self.track else { return };
        match task {
            Task::Save(pen) => {
                track.chapter.tell(pen);
                match track.write(&self.waiting, pen) {
                    Ok(true) => pen.postpone(),
                    Ok(false) => {}
                    Err(error) => track.chapter.fail(pen, &error),
                }
            }
            Task::Settle(outcome) => track.settle(outcome),
            Task::Give(pen, groups) => self.give(pen, groups),
            Task::Load(book) => {
                let Some((edition, chunks)) = track.chapter.open(book) else { return };
                self.load(book, edition, &chunks);
            }
            Task::Take(book, groups) => {
                track.ranks = track.ranks.moved(groups);
                let (edition, chunks) = track.chapter.receive(book, groups);
                self.load(book, edition, &chunks);
            }
        }
    }
    fn load(&mut self, book: &mut Book<'_>, edition: Edition, chunks: &[Loaded]) {
        let Some(track) = &self.track else { return };
        let (mut hasher, mut timers) = (track.chapter.hasher(), Vec::new());
        for chunks in chunks.chunk_by(|a, b| a.group == b.group) {
            match read(chunks, edition, self.key_groups, &*track.entries, &mut hasher) {
                Ok(of_group) => timers.extend(of_group),
                Err(error) => {
                    let group = chunks.first().map(|chunk| chunk.group);
                    return track.chapter.refuse(book, group, error);
                }
            }
        }
        let taken_in = self.take_in(timers);
        if let (Err(error), Some(track)) = (taken_in, &self.track) {
            track.chapter.refuse(book, None, error);
        }
    }
    /// Takes in timers that are in a snapshot.
    fn take_in(&mut self, timers: Vec<(Place, Waiting<K, X>)>) -> Result<(), CodecError> {
        let TimerQueue { waiting, places, next, bytes, track: Some(track), .. } = self else { return Ok(()) };
        // Those of other workers have other numbers. What is set from now on has higher ones than any.
        *next = timers.iter().map(|(place, _)| place.number.saturating_add(1)).fold(*next, u64::max);
        track.reach(*next);
        let bytes = &mut bytes.0;
        for (place, mut timer) in timers {
            bytes.clear();
            track.entries.held(&timer.timer, bytes)?;
            let mut print = xxh3_64_with_seed(bytes, timer.hash);
            while places.contains_key(&(place.time, print)) {
                print = print.wrapping_add(1);
            }
            timer.print = print;
            places.insert((place.time, print), place);
            waiting.insert(place, timer);
        }
        Ok(())
    }
    /// Writes the timers of these groups, and has them no more.
    fn give(&mut self, pen: &mut Pen, groups: &GroupSet) {
        let TimerQueue { waiting, places, track: Some(track), .. } = self else { return };
        track.chapter.describe(pen);
        let (mut drafts, mut failure) = (BTreeMap::<u16, Draft>::new(), None);
        waiting.retain(|place, timer| {
            let stays = !groups.contains(place.group);
            if !stays {
                places.remove(&(place.time, timer.print));
                let written = track.entries.put(*place, timer, drafts.entry(place.group).or_default());
                failure = failure.take().or(written.err());
            }
            stays
        });
        if let Some(error) = failure {
            return track.chapter.fail(pen, &error);
        }
        for group in track.ranks.groups().iter().filter(|group| groups.contains(**group)) {
            track.chapter.hand_in(pen, *group, true, drafts.remove(group).unwrap_or_default());
        }
        track.ranks = track.ranks.without(groups);
    }
}

/// What the chunks of one group come to.
fn read<K, X>(
    chunks: &[Loaded],
    edition: Edition,
    key_groups: KeyGroups,
    entries: &dyn Entries<K, X>,
    hasher: &mut KeyHasher,
) -> Result<BTreeMap<Place, Waiting<K, X>>, CodecError> {
    let mut timers = BTreeMap::new();
    for chunk in chunks {
        let mut count = 0_u32;
        for change in Changes::of(&chunk.bytes) {
            count = count.saturating_add(1);
            match change? {
                Change::Put { key, value } => {
                    let timer = entries.read(edition.version, value, hasher)?;
                    if edition.has(chunk.group, key_groups.of(timer.hash))? {
                        timers.insert(named(key, chunk.group)?, timer);
                    }
                }
                Change::Gone { key } => drop(timers.remove(&named(key, chunk.group)?)),
                Change::Section(_) => return Err(CodecError::new("it has timers of several operators")),
            }
        }
        if count != chunk.entries {
            return Err(CodecError::new(format!("it should have {} entries and has {count}", chunk.entries)));
        }
    }
    Ok(timers)
}

#[cfg(test)]
mod tests;
