//! Reading a snapshot back, on any number of workers.
//!
//! Where the job has more key groups than the snapshot, each group was halved, and halved again, by the next bits of the hashes. A
//! worker reads what there is of a group for each part of it that it has, and takes in the keys that are in that part: who writes
//! and reads keys does not know their bytes here. It reads twice what two parts of it have, once.
//!
//! The footers of all segments are read once and made into an index. The content of a key group is what the newest interval
//! that has it in full has, and all that later ones have of it. What belongs to no group is read from the snapshot's own
//! segments only.
use super::archive::Opened;
use super::segment::{Footer, Piece, Segment};
use super::store::{AT_ONCE, Store};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Extent, GroupSet, Loaded, NO_GROUP, Part, ROUNDS, Schema, Shelf};
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Chunks that lie so close are read together with what is between them.
const GAP: u64 = 128 << 10;
/// How much is read at a time.
#[derive(Clone, Copy, Debug)]
struct Portions {
    /// No more is read at once, so that several requests share the work.
    most: u64,
    /// About so much is read while what was read before is taken in. A job of many workers keeps twice as much for each.
    ahead: u64,
}
/// Where each request takes its time.
const FAR: Portions = Portions { most: 8 << 20, ahead: 32 << 20 };
/// Where it does not, what is read had better stay in the cache, and in memory that is used again. A gibibyte for each of two workers was
/// taken in in 2.9 to 3.2 seconds so, and in 3.4 to 3.7 with larger portions.
const NEAR: Portions = Portions { most: 1 << 20, ahead: 4 << 20 };

/// A chunk, and the segment that it lies in.
#[derive(Clone, Copy, Debug)]
struct Located {
    segment: usize,
    piece: Piece,
    /// The group that it is handed out for: that of the piece, or if groups were halved one of its parts.
    group: u16,
}
/// A snapshot that is being read.
#[derive(Clone, Debug)]
pub struct Restore {
    inner: Arc<Inner>,
    /// How often key groups have been halved since.
    halvings: u32,
}
#[derive(Debug)]
struct Inner {
    store: Store,
    opened: Opened,
    /// What to say if something cannot be read.
    advice: String,
    index: BTreeMap<(String, Part), Vec<Located>>,
    claimed: Mutex<BTreeSet<(String, Part)>>,
}

/// The footers of these segments, in their order.
pub(super) async fn footers(store: &Store, opened: &Opened) -> Result<Vec<Footer>> {
    let read = |segment: &Segment| {
        let (object, segment) = (opened.object(segment), segment.clone());
        async move { footer(store, &object, &segment).await }
    };
    stream::iter(opened.manifest.segments.iter().map(read)).buffered(AT_ONCE).try_collect().await
}
pub(super) async fn footer(store: &Store, object: &str, segment: &Segment) -> Result<Footer> {
    let range = segment.footer_range();
    if range.is_empty() {
        return Err(store.damaged(object, "its manifest says that it has no footer"));
    }
    let bytes = store.read_range(object, range).await?;
    Footer::of(segment, &bytes).map_err(|why| why.of(store.name(object)))
}

impl Restore {
    pub(super) async fn open(store: &Store, opened: Opened, advice: String) -> Result<Self> {
        let footers = footers(store, &opened).await?;
        let index = index(&opened, &footers);
        let (store, claimed) = (store.clone(), Mutex::default());
        Ok(Restore { inner: Arc::new(Inner { store, opened, advice, index, claimed }), halvings: 0 })
    }
    /// What it is of.
    pub fn manifest(&self) -> &super::Manifest {
        &self.inner.opened.manifest
    }
    /// How many key groups the job had.
    ///
    /// # Errors
    /// If there cannot be so many.
    pub fn key_groups(&self) -> Result<KeyGroups> {
        let count = usize::try_from(self.manifest().key_groups).unwrap_or(usize::MAX);
        KeyGroups::new(count)
            .map_err(|error| Error::Config(format!("the snapshot was not written by this program: {error}")))
    }
    /// The same snapshot, for a job that has so many key groups now.
    ///
    /// # Errors
    /// [`Error::Config`] if it had more.
    pub fn split_into(self, key_groups: KeyGroups) -> Result<Self> {
        let theirs = self.key_groups()?;
        let halvings = theirs.halvings_to(key_groups).ok_or_else(|| {
            Error::Config(format!(
                "it has {theirs} key groups, and {key_groups} are asked for; groups can be split, but not put together: leave out \
                 `--key-groups`, or ask for {theirs} or more"
            ))
        })?;
        Ok(Restore { halvings, ..self })
    }
    pub(super) fn opened(&self) -> &Opened {
        &self.inner.opened
    }
    /// The operators that it has something of.
    pub fn operators(&self) -> BTreeSet<&str> {
        let laid_out = self.manifest().operators();
        laid_out.chain(self.inner.index.keys().map(|(operator, _)| operator.as_str())).collect()
    }
    /// What a worker reads from, that has these key groups and runs these operators: the id of each node.
    pub fn shelf(&self, operators: Arc<[String]>, groups: GroupSet) -> WorkerShelf {
        WorkerShelf { restore: self.clone(), operators, groups }
    }
    /// What no worker has asked for, now that all have loaded.
    pub fn unclaimed(&self) -> Vec<(String, Part)> {
        let claimed = self.inner.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.index.keys().filter(|key| !claimed.contains(key)).cloned().collect()
    }
    /// Refuses to start without what no worker has asked for, unless it is of an operator in `dropped`.
    ///
    /// # Errors
    /// [`Error::Config`]: which operators it is of, and what can be done.
    pub fn refuse_unclaimed(&self, dropped: &[String]) -> Result<()> {
        let mut left = self.unclaimed();
        left.retain(|(operator, _)| !dropped.contains(operator));
        let operators: BTreeSet<_> = left.iter().map(|(operator, _)| format!("`{operator}`")).collect();
        if operators.is_empty() {
            return Ok(());
        }
        let operators = operators.into_iter().collect::<Vec<_>>().join(", ");
        Err(Error::Config(format!(
            "the snapshot has state of {operators}, which this program does not have or which keeps no such state any more: if it was \
             renamed, say so in the pipeline (`as new_name was old_name`), and if it is to be lost, start with `--drop-state`"
        )))
    }
    /// What workers have asked for so far.
    pub fn claimed(&self) -> Vec<(String, Part)> {
        self.inner.claimed.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
    /// Workers of another process have asked for this.
    pub fn claim(&self, parts: impl IntoIterator<Item = (String, Part)>) {
        let mut claimed = self.inner.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.extend(parts.into_iter().filter(|part| self.inner.index.contains_key(part)));
    }
    /// Whether a worker has asked for it.
    pub(super) fn has_claimed(&self, operator: &str, part: Part) -> bool {
        let claimed = self.inner.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.contains(&(operator.to_owned(), part))
    }
}

fn index(opened: &Opened, footers: &[Footer]) -> BTreeMap<(String, Part), Vec<Located>> {
    let manifest = &opened.manifest;
    let bases: Vec<u64> = (0..ROUNDS).map(|residue| manifest.base(residue)).collect();
    let mut index: BTreeMap<(String, Part), Vec<Located>> = BTreeMap::new();
    for (at, (segment, footer)) in manifest.segments.iter().zip(footers).enumerate() {
        for piece in &footer.pieces {
            let key = (footer.operator(piece).to_owned(), piece.part);
            let counts = match piece.group {
                NO_GROUP => segment.interval == manifest.interval,
                // Without a layout the operator was gone when the snapshot was taken.
                group => {
                    let since = manifest.layouts.get(&key).map_or(u64::MAX, |layout| layout.since);
                    segment.interval >= bases[usize::from(group % ROUNDS)].max(since)
                }
            };
            if counts {
                let group = piece.group;
                index.entry(key).or_default().push(Located { segment: at, piece: *piece, group });
            }
        }
    }
    for located in index.values_mut() {
        // A group may be written in full out of turn, and in several chunks, of which the first says so.
        let mut newest = HashMap::new();
        for Located { segment, piece, .. } in located.iter().filter(|located| located.piece.full) {
            newest.insert(piece.group, manifest.segments[*segment].interval);
        }
        located.retain(|Located { segment, piece, .. }| {
            newest.get(&piece.group).is_none_or(|newest| manifest.segments[*segment].interval >= *newest)
        });
        // Stable, so that what is of one group stays in the order in which it was written.
        located.sort_by_key(|located| located.piece.group);
    }
    index
}

/// What one worker reads of a snapshot.
#[derive(Clone, Debug)]
pub struct WorkerShelf {
    restore: Restore,
    operators: Arc<[String]>,
    groups: GroupSet,
}
impl WorkerShelf {
    fn key(&self, node: usize, part: Part) -> Option<(String, Part)> {
        Some((self.operators.get(node)?.clone(), part))
    }
    /// Where the chunks of a part lie that are for this worker.
    fn located(&self, key: &(String, Part)) -> Vec<Located> {
        let Restore { inner, halvings } = &self.restore;
        let all = inner.index.get(key).map_or(&[][..], |located| located);
        let mut ours = Vec::new();
        // They are in the order of their groups, and so are the parts of these.
        for of_group in all.chunk_by(|a, b| a.group == b.group) {
            match of_group[0].group {
                NO_GROUP => ours.extend_from_slice(of_group),
                group => {
                    let parts = u32::from(group) << halvings..(u32::from(group) + 1) << halvings;
                    for group in
                        parts.filter_map(|part| u16::try_from(part).ok()).filter(|part| self.groups.contains(*part))
                    {
                        ours.extend(of_group.iter().map(|located| Located { group, ..*located }));
                    }
                }
            }
        }
        ours
    }
    fn portions(&self) -> Portions {
        if self.restore.inner.store.is_near() { NEAR } else { FAR }
    }
    /// Chunks of an operator, in this order.
    fn read(&self, located: &[Located], operator: &str) -> Result<Vec<Loaded>> {
        let inner = &self.restore.inner;
        let spans = spans(located, self.portions().most);
        let read = inner.store.wait(read(inner, &spans))?;
        inner.chunks(located, &spans, read, operator)
    }
    /// Hands out chunks of an operator in this order, and reads those that follow meanwhile.
    fn read_ahead(
        &self,
        located: &[Located],
        operator: &str,
        take: &mut dyn FnMut(Extent, Loaded) -> bool,
    ) -> Result<()> {
        // About so many keys are in a part.
        let in_part = |located: &Located| located.piece.entries.div_ceil(1 << self.restore.halvings);
        let extent = Extent::of(located.iter().map(|located| (located.piece.full, in_part(located))));
        let Portions { most, ahead } = self.portions();
        let begin = |located| {
            let (inner, spans) = (self.restore.inner.clone(), Arc::new(spans(located, most)));
            let of_task = (inner.clone(), spans.clone());
            let reading = inner.store.spawn(async move { read(&of_task.0, &of_task.1).await });
            (located, spans, reading)
        };
        let inner = &self.restore.inner;
        let mut parts = parts(located, ahead);
        let mut next = parts.next().map(begin);
        while let Some((located, spans, reading)) = next.take() {
            next = parts.next().map(begin);
            let read = inner.store.wait(reading)?;
            for chunk in inner.chunks(located, &spans, read, operator)? {
                if !take(extent, chunk) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
    /// What was to be read cannot be, or something is done about it.
    fn claim<T>(&self, key: (String, Part), read: Result<T>) -> Result<T> {
        let Inner { advice, claimed, .. } = &*self.restore.inner;
        let read = read.map_err(|cause| match cause {
            Error::Damaged { .. } => Error::Snapshot { message: advice.clone(), cause: Some(Box::new(cause)) },
            // The store could not be reached, which it may be when it is tried again.
            cause => cause,
        })?;
        claimed.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        Ok(read)
    }
}
/// The bytes of these spans.
async fn read(inner: &Inner, spans: &[Span]) -> Result<Vec<Bytes>> {
    let read = |span: &Span| {
        let (object, bytes) = (inner.object(span.segment), span.bytes.clone());
        async move { inner.store.read_range(&object, bytes).await }
    };
    // Not lazily, as the compiler cannot see then that all of it may go to another thread.
    let reads: Vec<_> = spans.iter().map(read).collect();
    stream::iter(reads).buffered(AT_ONCE).try_collect().await
}
impl Inner {
    fn object(&self, segment: usize) -> String {
        self.opened.object(&self.opened.manifest.segments[segment])
    }
    /// The chunks that lie in these spans, which were read.
    fn chunks(&self, located: &[Located], spans: &[Span], read: Vec<Bytes>, operator: &str) -> Result<Vec<Loaded>> {
        let mut loaded: Vec<Option<Loaded>> = vec![None; located.len()];
        for (span, all) in spans.iter().zip(read) {
            for at in &span.chunks {
                let piece = &located[*at].piece;
                let begin = (piece.offset - span.bytes.start) as usize;
                let bytes = all.slice(begin..begin + piece.length as usize);
                piece.check(operator, &bytes).map_err(|why| self.store.damaged(&self.object(span.segment), why))?;
                let Piece { full, entries, .. } = *piece;
                loaded[*at] = Some(Loaded { group: located[*at].group, full, entries, bytes });
            }
        }
        Ok(loaded.into_iter().flatten().collect())
    }
}
/// Parts of a row of chunks, in their order, each of no more than so many bytes or of one chunk.
fn parts(located: &[Located], most: u64) -> impl Iterator<Item = &[Located]> {
    let mut rest = located;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |located: &&Located| {
            bytes += located.piece.length;
            bytes <= most
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (part, behind) = rest.split_at_checked(count)?;
        rest = behind;
        Some(part)
    })
}
impl Shelf for WorkerShelf {
    fn halvings(&self) -> u32 {
        self.restore.halvings
    }
    fn schema(&self, node: usize, part: Part) -> Option<Schema> {
        Some(self.restore.inner.opened.manifest.layouts.get(&self.key(node, part)?)?.schema.clone())
    }
    fn chunks(&self, node: usize, part: Part) -> Result<Vec<Loaded>> {
        let Some(key) = self.key(node, part) else { return Ok(Vec::new()) };
        let read = self.read(&self.located(&key), &key.0);
        self.claim(key, read)
    }
    fn each(&self, node: usize, part: Part, take: &mut dyn FnMut(Extent, Loaded) -> bool) -> Result<()> {
        let Some(key) = self.key(node, part) else { return Ok(()) };
        let read = self.read_ahead(&self.located(&key), &key.0, take);
        self.claim(key, read)
    }
}

/// What is read of a segment at once.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    segment: usize,
    bytes: Range<u64>,
    /// The chunks in it, by their place in what was asked for.
    chunks: Vec<usize>,
}
fn spans(located: &[Located], most: u64) -> Vec<Span> {
    let mut order: Vec<usize> = (0..located.len()).collect();
    order.sort_by_key(|at| (located[*at].segment, located[*at].piece.offset));
    let mut spans: Vec<Span> = Vec::new();
    for at in order {
        let Located { segment, piece, .. } = located[at];
        match spans.last_mut() {
            Some(span)
                if span.segment == segment
                    && piece.offset.saturating_sub(span.bytes.end) <= GAP
                    && piece.end() - span.bytes.start <= most =>
            {
                span.bytes.end = piece.end().max(span.bytes.end);
                span.chunks.push(at);
            }
            _ => spans.push(Span { segment, bytes: piece.offset..piece.end(), chunks: vec![at] }),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn neighbours_are_read_together_and_nothing_is_missing(
            chunks in prop::collection::vec((0..3usize, 0..5_000_000u64, any::<bool>()), 0..60)
        ) {
            let mut ends = [0u64; 3];
            let mut all = Vec::new();
            for (segment, length, wanted) in chunks {
                let (part, group, full, entries, checksum) = (Part::State, 0, false, 0, 0);
                let piece = Piece { operator: 0, part, group, full, entries, offset: ends[segment], length, checksum };
                ends[segment] += length;
                if wanted {
                    all.push(Located { segment, piece, group });
                }
            }
            all.reverse();
            let located = all;
            let mut seen = vec![0; located.len()];
            for span in spans(&located, FAR.most) {
                let wanted: u64 = span.chunks.iter().map(|at| located[*at].piece.length).sum();
                prop_assert!(span.chunks.len() == 1 || span.bytes.end - span.bytes.start <= FAR.most);
                prop_assert!(span.bytes.end - span.bytes.start <= wanted + GAP * span.chunks.len() as u64);
                for at in span.chunks {
                    seen[at] += 1;
                    prop_assert_eq!(located[at].segment, span.segment);
                    prop_assert!(span.bytes.start <= located[at].piece.offset && located[at].piece.end() <= span.bytes.end);
                }
            }
            prop_assert!(seen.iter().all(|times| *times == 1));
        }

        #[test]
        fn parts_have_all_in_order_and_are_no_larger_than_need_be(
            lengths in prop::collection::vec(0..50u64, 0..60), most in 1..100u64,
        ) {
            let piece = |(at, length): (usize, &u64)| {
                let (part, group, full, entries, checksum) = (Part::State, 0, false, at as u32, 0);
                Located { segment: 0, piece: Piece { operator: 0, part, group, full, entries, offset: 0, length: *length, checksum }, group }
            };
            let all: Vec<Located> = lengths.iter().enumerate().map(piece).collect();
            let mut seen = Vec::new();
            for part in parts(&all, most) {
                prop_assert!(part.len() == 1 || part.iter().map(|located| located.piece.length).sum::<u64>() <= most);
                seen.extend(part.iter().map(|located| located.piece.entries));
            }
            prop_assert_eq!(seen, (0..all.len() as u32).collect::<Vec<_>>());
        }
    }
}
