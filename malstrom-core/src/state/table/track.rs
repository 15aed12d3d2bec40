//! What has changed since when.
//!
//! Versions count intervals by twos: in the interval of version `v`, an entry that is changed gets `v` and one that is made
//! `v + 1`. So one comparison with `v` finds what has not been touched in this interval, and what is made and removed within
//! it needs no mention. At a barrier the next interval begins; what has a version of the one before is what the snapshot is
//! to have, and is written in slices of bounded work. An entry that changes before its turn has come is written first.
//!
//! Numbers of 32 bits last for two thousand million snapshots, 68 years of one a second.
use super::marks::{self, Marks};
use super::{Entry, Ranks, Slot, StateTable, Tag};
use crate::contract::code::Codec;
use crate::contract::record::{CodecError, Record};
use crate::contract::snapshot::{Outcome, Scope};
use crate::state::saved::{Draft, Edition};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::marker::PhantomData;
use std::ops::{Range, RangeInclusive};

/// The version of the first interval of a tracked table. What has a lower one was there before, and is written already.
const FIRST: u32 = 2;

/// Writes the entries of a table and reads them back.
pub(crate) trait Entries<K, V> {
    /// Adds an entry to a draft.
    fn put(&self, key: &K, value: &V, draft: &mut Draft) -> Result<(), CodecError>;
    /// Adds those of some slots that are wanted. One call, because there are millions of entries.
    fn put_slots(&self, slots: &[Slot<K, V>], wanted: &Wanted, draft: &mut Draft) -> Result<(), CodecError> {
        for entry in slots.iter().flatten() {
            if wanted.tags.contains(&entry.tag.number()) && wanted.versions.contains(&entry.version) {
                self.put(&entry.key, &entry.value, draft)?;
            }
        }
        Ok(())
    }
    /// Adds to a draft that a key is gone.
    fn gone(&self, key: &K, draft: &mut Draft) -> Result<(), CodecError>;
    /// Reads a key.
    fn key(&self, key: &[u8]) -> Result<K, CodecError>;
    /// Reads a value of this edition.
    fn value(&self, edition: Edition, value: &[u8]) -> Result<V, CodecError>;
}
/// Which entries are written.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(super) tags: Range<u64>,
    pub(super) versions: RangeInclusive<u32>,
}
struct Of<K, C>(C, PhantomData<fn(K)>);
impl<K: Record, V, C: Codec<V>> Entries<K, V> for Of<K, C> {
    #[inline(always)]
    fn put(&self, key: &K, value: &V, draft: &mut Draft) -> Result<(), CodecError> {
        draft.put(|out| key.encode(out), |out| self.0.encode(value, out))
    }
    fn gone(&self, key: &K, draft: &mut Draft) -> Result<(), CodecError> {
        draft.gone(|out| key.encode(out))
    }
    fn key(&self, key: &[u8]) -> Result<K, CodecError> {
        K::decode(key)
    }
    fn value(&self, edition: Edition, value: &[u8]) -> Result<V, CodecError> {
        self.0.decode(edition.version, value)
    }
}

pub(super) struct Track<K, V> {
    pub(super) entries: Box<dyn Entries<K, V>>,
    /// Up to this version, entries are in the last committed snapshot.
    base: u32,
    /// How many bits of a position are below those that name a unit.
    shift: u32,
    /// The units in which something has changed since the last flip, or before it if that is in no committed snapshot.
    marks: Marks,
    /// The keys that are gone, likewise.
    gone: Vec<(Tag, K)>,
    /// How many entries have been changed, made or removed, likewise.
    changed: usize,
    /// Where the last of the groups begins that have been loaded, or behind it.
    pub(super) loaded: u64,
    /// At most so many entries are going to be loaded.
    pub(super) expected: usize,
    pub(super) cut: Option<Cut<K>>,
}
/// What a snapshot is to have, and how far it is written.
pub(super) struct Cut<K> {
    interval: u64,
    scope: Scope,
    /// Up to this version, entries were there.
    version: u32,
    marks: Marks,
    pub(super) gone: Vec<(Tag, K)>,
    changed: usize,
    /// How many of the keys that are gone have been written.
    pub(super) told: usize,
    /// What has a tag below this has been written. Beyond all tags, all has been.
    pub(super) written: u64,
    /// What was written of groups that are not complete.
    pub(super) drafts: HashMap<u16, Draft, BuildHasherDefault<ByGroup>>,
    /// How many bytes were written of the last groups, in full or not.
    pub(super) sizes: [usize; 2],
    pub(super) failure: Option<CodecError>,
}
/// Groups are numbers that are spread evenly as they are: this brings their low bits up, where a hash map looks first.
#[derive(Default)]
pub(super) struct ByGroup(u64);
impl Hasher for ByGroup {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u16((*byte).into()));
    }
    fn write_u16(&mut self, group: u16) {
        self.0 = (self.0 ^ u64::from(group)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}
/// Beyond all tags.
pub(super) const END: u64 = 1 << 32;

impl<K> Cut<K> {
    pub(super) fn is_full(&self, group: u16) -> bool {
        self.scope.is_full(group)
    }
    /// The versions of the entries of a group that are to be in the snapshot with the values that they have.
    #[inline]
    pub(super) fn versions(&self, base: u32, full: bool) -> RangeInclusive<u32> {
        if full { 0..=self.version } else { base + 1..=self.version }
    }
    /// Writes an entry of a group that is about to change or to leave, if it is to be written and has not been.
    fn rescue<V>(&mut self, entries: &dyn Entries<K, V>, base: u32, group: u16, entry: &Entry<K, V>) {
        let full = self.is_full(group);
        if entry.tag.number() >= self.written && self.versions(base, full).contains(&entry.version) {
            let draft = self.drafts.entry(group).or_default();
            if let Err(error) = entries.put(&entry.key, &entry.value, draft) {
                self.failure.get_or_insert(error);
            }
        }
    }
    pub(super) fn is_done(&self) -> bool {
        self.written >= END
    }
    pub(super) fn marks(&self) -> &Marks {
        &self.marks
    }
}

impl<K, V> Track<K, V> {
    pub(super) fn base(&self) -> u32 {
        self.base
    }
    pub(super) fn shift(&self) -> u32 {
        self.shift
    }
    /// An entry is about to change for the first time in this interval, in a table with these ranks.
    pub(super) fn change(&mut self, ranks: &Ranks, current: u32, entry: &mut Entry<K, V>) {
        if let Some(cut) = &mut self.cut {
            cut.rescue(&*self.entries, self.base, ranks.group_of(entry.tag), entry);
        }
        entry.version = current;
        self.mark(ranks, entry.tag);
    }
    /// An entry with this tag has been changed or made.
    #[inline]
    fn mark(&mut self, ranks: &Ranks, tag: Tag) {
        self.marks.set(unit(ranks, tag, self.shift));
        self.changed += 1;
    }
    /// The table has other units than before, named by the bits from `shift` on; `moved` are those of some marked ones.
    pub(super) fn map_marks(&mut self, shift: u32, moved: impl Fn(&Marks) -> Marks) {
        self.shift = shift;
        self.marks = moved(&self.marks);
        if let Some(cut) = &mut self.cut {
            cut.marks = moved(&cut.marks);
        }
    }
}
/// The unit of a tag. Units, like slots, are in the order of positions.
fn unit(ranks: &Ranks, tag: Tag, shift: u32) -> usize {
    (ranks.position(ranks.group_of(tag), tag.number()) >> shift) as usize
}

impl<K: Record, V> StateTable<K, V> {
    /// From now on the table knows what changes, and can write it to snapshots. What is in it counts as written.
    ///
    /// ```
    /// use malstrom_core::contract::code::OfRecord;
    /// use malstrom_core::contract::key::KeyGroups;
    /// use malstrom_core::contract::snapshot::{Pen, Scope};
    /// use malstrom_core::state::saved::Draft;
    /// use malstrom_core::state::table::{Ranks, StateTable};
    ///
    /// let mut table = StateTable::new(Ranks::all(KeyGroups::DEFAULT));
    /// table.track(OfRecord::<u64>::new());
    /// *table.entry(7 << 52, &"apple".to_owned(), || 0) += 1;
    /// table.flip(1, Scope::Whole);
    /// *table.entry(7 << 52, &"apple".to_owned(), || 0) += 1; // is not in snapshot 1
    /// let mut found = Vec::new();
    /// table.write(&mut Pen::new(10_000), |_, group, _, draft: Draft| found.push((group, draft.entries())))?;
    /// assert_eq!(found.len(), 4096); // every group is written in full, most of them empty
    /// assert_eq!(found[7], (7, 1));
    /// # Ok::<(), malstrom_core::CodecError>(())
    /// ```
    pub fn track(&mut self, codec: impl Codec<V>) {
        self.track_by(Box::new(Of(codec, PhantomData)));
    }
}
impl<K, V> StateTable<K, V> {
    pub(crate) fn track_by(&mut self, entries: Box<dyn Entries<K, V>>) {
        self.finish_laying();
        self.entries.iter_mut().flatten().for_each(|entry| entry.version = 0);
        self.current = FIRST;
        self.track = Some(Box::new(Track {
            entries,
            base: FIRST - 1,
            shift: 0,
            marks: Marks::default(),
            gone: Vec::new(),
            changed: 0,
            loaded: 0,
            expected: 0,
            cut: None,
        }));
        self.mark_anew();
    }

    /// How many bits behind the rank of a group name a unit, and how many units there are.
    pub(super) fn units(&self) -> (u32, usize) {
        let bits = marks::bits(self.slots, self.ranks.places(), self.ranks.within());
        (bits, usize::from(self.ranks.places().max(1)) << bits)
    }

    /// An entry is about to change for the first time in this interval.
    #[cold]
    #[inline(never)]
    pub(super) fn change(&mut self, at: usize) {
        if let (Some(track), Some(Some(entry))) = (&mut self.track, self.entries.get_mut(at)) {
            track.change(&self.ranks, self.current, entry);
        }
    }
    /// An entry with this tag has been made.
    #[inline]
    pub(super) fn mark(&mut self, tag: Tag) {
        if let Some(track) = &mut self.track {
            track.mark(&self.ranks, tag);
        }
    }
    /// Whether the next snapshot may as well have all of it: as long as most of it changes between two snapshots, one that is
    /// relative to those before saves little, and whoever restores it reads everything several times. Each group costs something
    /// beside its entries, so there must be some.
    pub fn is_mostly_changed(&self) -> bool {
        let changed = self.track.as_ref().map_or(0, |track| track.changed);
        changed > self.len / 2 && self.len >= 16 * usize::from(self.ranks.owned())
    }
    /// An entry leaves the table for good.
    #[inline]
    pub(super) fn part_with(&mut self, entry: Entry<K, V>) -> (Tag, K, V)
    where
        K: Clone,
    {
        if self.current != 0 {
            self.bury(&entry);
        }
        (entry.tag, entry.key, entry.value)
    }
    #[cold]
    fn bury(&mut self, entry: &Entry<K, V>)
    where
        K: Clone,
    {
        self.rescue(entry);
        // What was made in this interval is in no snapshot.
        if entry.version <= self.current
            && let Some(track) = &mut self.track
        {
            track.gone.push((entry.tag, entry.key.clone()));
            track.changed += 1;
        }
    }
    /// An entry leaves the table for another worker, or together with all others.
    pub(super) fn rescue(&mut self, entry: &Entry<K, V>) {
        if let Some(track) = &mut self.track
            && let Track { entries, base, cut: Some(cut), .. } = &mut **track
        {
            cut.rescue(&**entries, *base, self.ranks.group_of(entry.tag), entry);
        }
    }

    /// A barrier passes: what is there now is what [`write`](Self::write) writes. It takes no longer the more there is, but
    /// for the marks of what has changed.
    ///
    /// A snapshot that was begun and not settled is given up.
    pub fn flip(&mut self, interval: u64, scope: Scope) {
        self.put_back();
        let (_, units) = self.units();
        let Some(track) = &mut self.track else { return };
        track.cut = Some(Cut {
            interval,
            scope,
            version: self.current | 1,
            marks: std::mem::replace(&mut track.marks, Marks::none(units)),
            gone: std::mem::take(&mut track.gone),
            changed: std::mem::take(&mut track.changed),
            told: 0,
            written: 0,
            drafts: HashMap::default(),
            sizes: [0; 2],
            failure: None,
        });
        self.current = self.current.saturating_add(2);
    }
    /// Takes note of what became of a snapshot.
    pub fn settle(&mut self, outcome: Outcome) {
        let Some(track) = &mut self.track else { return };
        let interval = outcome.interval();
        let Some(cut) = track.cut.as_ref().filter(|cut| cut.interval == interval) else { return };
        if outcome.is_base() && cut.is_done() {
            track.base = cut.version;
            track.cut = None;
        } else {
            self.put_back();
        }
    }
    /// What the last cut had is still to be written.
    fn put_back(&mut self) {
        if let Some(track) = &mut self.track
            && let Some(mut cut) = track.cut.take()
        {
            track.marks.merge(&cut.marks);
            track.changed += cut.changed;
            track.gone.append(&mut cut.gone);
        }
    }
    /// Whether a snapshot was begun of which something is left to be written. The table must not be dropped or
    /// cleared before.
    pub fn is_being_written(&self) -> bool {
        self.track.as_ref().and_then(|track| track.cut.as_ref()).is_some_and(|cut| !cut.is_done())
    }

    /// The table has other slots than before: units are halved.
    pub(super) fn halve_units(&mut self) {
        let (bits, units) = self.units();
        let Some(track) = &mut self.track else { return };
        let shift = 32 + self.ranks.within() - bits;
        let times = track.shift.saturating_sub(shift);
        track.shift = shift;
        track.marks.halve(times, units);
        if let Some(cut) = &mut track.cut {
            cut.marks.halve(times, units);
        }
    }
    /// The table has other units than before: marks them by what is in it.
    pub(super) fn mark_anew(&mut self) {
        let (bits, units) = self.units();
        let Some(track) = &mut self.track else { return };
        track.shift = 32 + self.ranks.within() - bits;
        let (base, shift) = (track.base, track.shift);
        let (mut marks, mut cut) = (Marks::none(units), Marks::none(units));
        let cut_at = track.cut.as_ref().map_or(0, |cut| cut.version);
        let mut changed = 0;
        for entry in self.entries.iter().flatten().filter(|entry| entry.version > base) {
            changed += usize::from(entry.version > cut_at);
            let unit = unit(&self.ranks, entry.tag, shift);
            if entry.version > cut_at { marks.set(unit) } else { cut.set(unit) }
        }
        let Some(track) = &mut self.track else { return };
        track.marks = marks;
        track.changed = changed;
        match &mut track.cut {
            Some(at) => at.marks = cut,
            None => track.marks.merge(&cut),
        }
    }
    /// All entries have gone together, and nobody needs to be told.
    pub(super) fn begin_anew(&mut self) {
        if let Some(track) = self.track.take() {
            self.track_by(track.entries);
        }
    }
}
