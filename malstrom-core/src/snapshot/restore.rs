//! Reading a snapshot back, on any number of workers.
//!
//! The footers of all segments are read once and made into an index. The content of a key group is what the newest interval
//! that has it in full has, and all that later ones have of it. What belongs to no group is read from the snapshot's own
//! segments only.
use super::archive::Opened;
use super::segment::{Footer, Piece, Segment};
use super::store::{AT_ONCE, Store};
use crate::contract::snapshot::{Loaded, NO_GROUP, Part, ROUNDS, Schema, Shelf};
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Chunks that lie so close are read together with what is between them.
const GAP: u64 = 128 << 10;
/// No more is read at once, so that several requests share the work.
const MOST: u64 = 8 << 20;

/// A set of key groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups(Vec<u64>);
impl Groups {
    /// Whether a group is one of them.
    pub fn contains(&self, group: u16) -> bool {
        self.0.get(usize::from(group / 64)).is_some_and(|word| word >> (group % 64) & 1 == 1)
    }
}
impl FromIterator<u16> for Groups {
    fn from_iter<I: IntoIterator<Item = u16>>(groups: I) -> Self {
        let mut words = Vec::new();
        for group in groups {
            let at = usize::from(group / 64);
            if words.len() <= at {
                words.resize(at + 1, 0);
            }
            words[at] |= 1 << (group % 64);
        }
        Groups(words)
    }
}

/// A chunk, and the segment that it lies in.
#[derive(Clone, Copy, Debug)]
struct Located {
    segment: usize,
    piece: Piece,
}
/// A snapshot that is being read.
#[derive(Clone, Debug)]
pub struct Restore(Arc<Inner>);
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
        Ok(Restore(Arc::new(Inner { store, opened, advice, index, claimed })))
    }
    /// What it is of.
    pub fn manifest(&self) -> &super::Manifest {
        &self.0.opened.manifest
    }
    pub(super) fn opened(&self) -> &Opened {
        &self.0.opened
    }
    /// The operators that it has something of.
    pub fn operators(&self) -> BTreeSet<&str> {
        let laid_out = self.manifest().operators();
        laid_out.chain(self.0.index.keys().map(|(operator, _)| operator.as_str())).collect()
    }
    /// What a worker reads from, that has these key groups and runs these operators: the id of each node.
    pub fn shelf(&self, operators: Arc<[String]>, groups: Groups) -> WorkerShelf {
        WorkerShelf { restore: self.clone(), operators, groups }
    }
    /// What no worker has asked for, now that all have loaded.
    pub fn unclaimed(&self) -> Vec<(String, Part)> {
        let claimed = self.0.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.index.keys().filter(|key| !claimed.contains(key)).cloned().collect()
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
        self.0.claimed.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
    /// Workers of another process have asked for this.
    pub fn claim(&self, parts: impl IntoIterator<Item = (String, Part)>) {
        let mut claimed = self.0.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.extend(parts.into_iter().filter(|part| self.0.index.contains_key(part)));
    }
    /// Whether a worker has asked for it.
    pub(super) fn has_claimed(&self, operator: &str, part: Part) -> bool {
        let claimed = self.0.claimed.lock().unwrap_or_else(PoisonError::into_inner);
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
                index.entry(key).or_default().push(Located { segment: at, piece: *piece });
            }
        }
    }
    for located in index.values_mut() {
        // A group may be written in full out of turn, and in several chunks, of which the first says so.
        let mut newest = HashMap::new();
        for Located { segment, piece } in located.iter().filter(|located| located.piece.full) {
            newest.insert(piece.group, manifest.segments[*segment].interval);
        }
        located.retain(|Located { segment, piece }| {
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
    groups: Groups,
}
impl WorkerShelf {
    fn key(&self, node: usize, part: Part) -> Option<(String, Part)> {
        Some((self.operators.get(node)?.clone(), part))
    }
    fn read(&self, located: &[&Located], operator: &str) -> Result<Vec<Loaded>> {
        let Inner { store, opened, .. } = &*self.restore.0;
        let object = |at: usize| opened.object(&opened.manifest.segments[at]);
        let spans = spans(located);
        let reads =
            spans.iter().map(|span| async move { store.read_range(&object(span.segment), span.bytes.clone()).await });
        let read: Vec<Bytes> = store.wait(stream::iter(reads).buffered(AT_ONCE).try_collect())?;
        let mut loaded: Vec<Option<Loaded>> = vec![None; located.len()];
        for (span, all) in spans.iter().zip(read) {
            for at in &span.chunks {
                let piece = &located[*at].piece;
                let begin = (piece.offset - span.bytes.start) as usize;
                let bytes = all.slice(begin..begin + piece.length as usize);
                piece.check(operator, &bytes).map_err(|why| store.damaged(&object(span.segment), why))?;
                let Piece { group, full, entries, .. } = *piece;
                loaded[*at] = Some(Loaded { group, full, entries, bytes });
            }
        }
        Ok(loaded.into_iter().flatten().collect())
    }
}
impl Shelf for WorkerShelf {
    fn schema(&self, node: usize, part: Part) -> Option<Schema> {
        Some(self.restore.0.opened.manifest.layouts.get(&self.key(node, part)?)?.schema.clone())
    }
    fn chunks(&self, node: usize, part: Part) -> Result<Vec<Loaded>> {
        let Some(key) = self.key(node, part) else { return Ok(Vec::new()) };
        let inner = &*self.restore.0;
        let ours = |located: &&Located| located.piece.group == NO_GROUP || self.groups.contains(located.piece.group);
        let located: Vec<_> = inner.index.get(&key).into_iter().flatten().filter(ours).collect();
        let loaded = self
            .read(&located, &key.0)
            .map_err(|cause| Error::Snapshot { message: inner.advice.clone(), cause: Some(Box::new(cause)) })?;
        inner.claimed.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        Ok(loaded)
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
fn spans(located: &[&Located]) -> Vec<Span> {
    let mut order: Vec<usize> = (0..located.len()).collect();
    order.sort_by_key(|at| (located[*at].segment, located[*at].piece.offset));
    let mut spans: Vec<Span> = Vec::new();
    for at in order {
        let Located { segment, piece } = located[at];
        match spans.last_mut() {
            Some(span)
                if span.segment == *segment
                    && piece.offset.saturating_sub(span.bytes.end) <= GAP
                    && piece.end() - span.bytes.start <= MOST =>
            {
                span.bytes.end = piece.end().max(span.bytes.end);
                span.chunks.push(at);
            }
            _ => spans.push(Span { segment: *segment, bytes: piece.offset..piece.end(), chunks: vec![at] }),
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
                    all.push(Located { segment, piece });
                }
            }
            all.reverse();
            let located: Vec<_> = all.iter().collect();
            let mut seen = vec![0; located.len()];
            for span in spans(&located) {
                let wanted: u64 = span.chunks.iter().map(|at| located[*at].piece.length).sum();
                prop_assert!(span.chunks.len() == 1 || span.bytes.end - span.bytes.start <= MOST);
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
        fn a_set_has_the_groups_it_was_made_of(groups in prop::collection::btree_set(any::<u16>(), 0..50)) {
            let set: Groups = groups.iter().copied().collect();
            for group in 0..=u16::MAX {
                prop_assert_eq!(set.contains(group), groups.contains(&group));
            }
        }
    }
}
