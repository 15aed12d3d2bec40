//! Manifests: what a snapshot is of, and which segments it needs.
use super::format::{Garbled, Reader, Writer, checksum};
use super::segment::Segment;
use crate::contract::snapshot::{Part, ROUNDS, Schema, Scope};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;

const MAGIC: &[u8; 8] = b"MALSTRMS";
/// Since format 2 a manifest says in which attempt the snapshot was taken.
const FORMAT: u32 = 2;
/// The scope that has everything, as a number of a round.
const WHOLE: u16 = u16::MAX;
/// And the one that has no group in full.
const DELTA: u16 = u16::MAX - 1;

/// Whether a snapshot is one of many or to be kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One of many, of which the last few are kept.
    Snapshot,
    /// Complete in itself, and kept under this name until somebody deletes it.
    Savepoint(String),
}
/// A snapshot that is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Whether it is a savepoint.
    pub kind: Kind,
    /// Its interval.
    pub interval: u64,
    /// The term in which it was committed.
    pub term: u64,
    /// Its manifest.
    pub(super) manifest: String,
    /// The checksum of the whole manifest.
    pub(super) checksum: u64,
}
impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Snapshot => write!(f, "snapshot {}", self.interval),
            Kind::Savepoint(name) => write!(f, "savepoint `{name}` ({})", self.interval),
        }
    }
}
impl Saved {
    /// What is written behind `--restore` for it.
    pub fn to_restore(&self) -> String {
        match &self.kind {
            Kind::Snapshot => self.interval.to_string(),
            Kind::Savepoint(name) => name.clone(),
        }
    }
}

/// How the entries of a part of an operator are laid out, and since when there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How they are laid out.
    pub schema: Schema,
    /// The interval in which the operator had nothing yet. What older segments have under its name was left by another, which
    /// was dropped.
    pub since: u64,
}

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The name of the job.
    pub job: String,
    /// How many key groups it has.
    pub key_groups: u32,
    /// The seed of the hash of its keys.
    pub seed: u64,
    /// The interval.
    pub interval: u64,
    /// The term in which it was committed.
    pub term: u64,
    /// The attempt in which it was taken; 0 if that is not known.
    pub attempt: u64,
    /// Whether it is a savepoint.
    pub kind: Kind,
    /// What it has written itself.
    pub scope: Scope,
    /// Whether the job had ended.
    pub ended: bool,
    /// How the entries of each part of each operator are laid out.
    pub layouts: BTreeMap<(String, Part), Layout>,
    /// The segments it needs, oldest first; the last are its own.
    pub(super) segments: Vec<Segment>,
    /// The snapshots and savepoints that were kept when it was written, oldest first, without itself. Empty in savepoints.
    pub(super) live: Vec<Saved>,
}

impl Manifest {
    /// The names of the segments it needs, oldest first, and how many bytes they have.
    pub fn segments(&self) -> impl Iterator<Item = (&str, u64)> {
        self.segments.iter().map(|segment| (segment.object.as_str(), segment.length))
    }
    /// The operators whose entries are laid out in some way, each as often as it has parts.
    pub fn operators(&self) -> impl Iterator<Item = &str> {
        self.layouts.keys().map(|(operator, _)| operator.as_str())
    }
    /// Its bytes.
    pub(super) fn encode(&self) -> Bytes {
        let mut w = Writer::default();
        w.raw(MAGIC);
        w.u32(FORMAT);
        w.text(&self.job);
        w.u32(self.key_groups);
        w.u64(self.seed);
        w.u64(self.interval);
        w.u64(self.term);
        w.u64(self.attempt);
        kind(&mut w, &self.kind);
        scope(&mut w, self.scope);
        w.u8(self.ended.into());
        w.len(self.layouts.len());
        for ((operator, part), Layout { schema, since }) in &self.layouts {
            w.text(operator);
            w.u8(*part as u8);
            w.u64(*since);
            w.u32(schema.version);
            w.text(&schema.description);
        }
        w.len(self.segments.len());
        self.segments.iter().for_each(|one| segment(&mut w, one));
        w.len(self.live.len());
        for saved in &self.live {
            kind(&mut w, &saved.kind);
            w.u64(saved.interval);
            w.u64(saved.term);
            w.text(&saved.manifest);
            w.u64(saved.checksum);
        }
        w.seal().into()
    }
    /// Reads a manifest that its entry in the log says to have this checksum; `None` if there is no such entry.
    pub(super) fn decode(bytes: &[u8], expected: Option<u64>) -> Result<Self, Garbled> {
        let mut r = Reader::unseal(bytes)?;
        if expected.is_some_and(|expected| checksum(bytes) != expected) {
            return Err("it is not the one that was committed".into());
        }
        if r.take(MAGIC.len())? != MAGIC {
            return Err("it is not a manifest".into());
        }
        let format = r.format(FORMAT)?;
        let manifest = Manifest {
            job: r.text()?,
            key_groups: r.u32()?,
            seed: r.u64()?,
            interval: r.u64()?,
            term: r.u64()?,
            attempt: if format < 2 { 0 } else { r.u64()? },
            kind: r.kind()?,
            scope: r.scope()?,
            ended: r.u8()? != 0,
            layouts: (0..r.len(21)?).map(|_| r.layout()).collect::<Result<_, _>>()?,
            segments: (0..r.len(38)?).map(|_| r.segment()).collect::<Result<_, _>>()?,
            live: (0..r.len(29)?).map(|_| r.saved()).collect::<Result<_, _>>()?,
        };
        r.end()?;
        if needed(&manifest.segments).is_none_or(|needed| needed.len() != manifest.segments.len()) {
            return Err("its segments are not those that it needs".into());
        }
        Ok(manifest)
    }
    /// The newest interval that has this group in full: what older ones have of it does not count.
    pub(super) fn base(&self, group: u16) -> u64 {
        let full = self.segments.iter().rev().find(|segment| segment.scope.is_full(group));
        full.map_or(0, |segment| segment.interval)
    }
    /// The scope of what is written relative to it.
    pub(super) fn next_scope(&self) -> Scope {
        Scope::Changes { round: (self.round() + 1) % ROUNDS }
    }
    /// The newest round that it has.
    pub fn round(&self) -> u16 {
        let scopes = [self.scope].into_iter().chain(self.segments.iter().rev().map(|segment| segment.scope));
        scopes.filter_map(Scope::round).next().unwrap_or(ROUNDS - 1)
    }
}

/// Those of `segments`, oldest first, that are needed to read the content of all groups. `None` if some is missing.
pub(super) fn needed(segments: &[Segment]) -> Option<&[Segment]> {
    let mut missing: Vec<u16> = (0..ROUNDS).collect();
    let mut first = segments.len();
    let mut last = u64::MAX;
    for (at, segment) in segments.iter().enumerate().rev() {
        if segment.interval > last {
            return None;
        }
        // All segments of an interval belong together.
        if missing.is_empty() && segment.interval != last {
            break;
        }
        missing.retain(|residue| !segment.scope.is_full(*residue));
        (first, last) = (at, segment.interval);
    }
    missing.is_empty().then(|| &segments[first..])
}

pub(super) fn kind(w: &mut Writer, kind: &Kind) {
    match kind {
        Kind::Snapshot => w.u8(0),
        Kind::Savepoint(name) => {
            w.u8(1);
            w.text(name);
        }
    }
}
pub(super) fn scope(w: &mut Writer, scope: Scope) {
    w.u16(match scope {
        Scope::Changes { round } => round,
        Scope::Delta => DELTA,
        Scope::Whole => WHOLE,
    });
}
pub(super) fn segment(w: &mut Writer, segment: &Segment) {
    w.text(&segment.object);
    w.u64(segment.interval);
    scope(w, segment.scope);
    w.u64(segment.length);
    w.u64(segment.footer);
    w.u64(segment.checksum);
}
impl Reader<'_> {
    pub(super) fn kind(&mut self) -> Result<Kind, Garbled> {
        match self.u8()? {
            0 => Ok(Kind::Snapshot),
            1 => Ok(Kind::Savepoint(self.text()?)),
            _ => Err("it is of an unknown kind".into()),
        }
    }
    fn scope(&mut self) -> Result<Scope, Garbled> {
        match self.u16()? {
            WHOLE => Ok(Scope::Whole),
            DELTA => Ok(Scope::Delta),
            round if round < ROUNDS => Ok(Scope::Changes { round }),
            _ => Err("it is of an unknown scope".into()),
        }
    }
    fn layout(&mut self) -> Result<((String, Part), Layout), Garbled> {
        let (key, since) = ((self.text()?, self.part()?), self.u64()?);
        let schema = Schema { version: self.u32()?, description: self.text()? };
        Ok((key, Layout { schema, since }))
    }
    pub(super) fn segment(&mut self) -> Result<Segment, Garbled> {
        Ok(Segment {
            object: self.text()?,
            interval: self.u64()?,
            scope: self.scope()?,
            length: self.u64()?,
            footer: self.u64()?,
            checksum: self.u64()?,
        })
    }
    fn saved(&mut self) -> Result<Saved, Garbled> {
        Ok(Saved {
            kind: self.kind()?,
            interval: self.u64()?,
            term: self.u64()?,
            manifest: self.text()?,
            checksum: self.u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(interval: u64, scope: Scope) -> Segment {
        Segment { object: format!("segments/{interval}"), interval, scope, length: 100, footer: 7, checksum: interval }
    }
    fn manifest() -> Manifest {
        let saved = |kind, interval| Saved { kind, interval, term: 1, manifest: "m".into(), checksum: 5 };
        let layout = Layout { schema: Schema { version: 3, description: "x".into() }, since: 3 };
        Manifest {
            job: "job".into(),
            key_groups: 4096,
            seed: 42,
            interval: 4,
            term: 2,
            attempt: 1,
            kind: Kind::Savepoint("before".into()),
            scope: Scope::Changes { round: 1 },
            ended: true,
            layouts: [(("a".to_owned(), Part::State), layout)].into(),
            segments: vec![segment(3, Scope::Whole), segment(4, Scope::Changes { round: 1 })],
            live: vec![saved(Kind::Snapshot, 3), saved(Kind::Savepoint("old".into()), 2)],
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let bytes = manifest().encode();
        assert_eq!(Manifest::decode(&bytes, Some(checksum(&bytes))), Ok(manifest()));
        assert_eq!(Manifest::decode(&bytes, None), Ok(manifest()));
        assert!(matches!(Manifest::decode(&bytes, Some(1)), Err(Garbled::Damaged(_))));
        for at in 0..bytes.len() {
            let mut broken = bytes.to_vec();
            broken[at] ^= 0x40;
            assert!(matches!(Manifest::decode(&broken, None), Err(Garbled::Damaged(_))), "byte {at}");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut w = Writer::default();
        w.raw(MAGIC);
        w.u32(FORMAT + 1);
        w.text("what nobody knows yet");
        assert_eq!(Manifest::decode(&w.seal(), None), Err(Garbled::Newer { format: FORMAT + 1, known: FORMAT }));
    }

    #[test]
    fn a_manifest_that_lacks_segments_is_refused() {
        let lacking = Manifest { segments: vec![segment(4, Scope::Changes { round: 1 })], ..manifest() };
        assert!(Manifest::decode(&lacking.encode(), None).is_err());
        let none = Manifest { segments: Vec::new(), ..manifest() };
        assert!(Manifest::decode(&none.encode(), None).is_err());
    }

    proptest! {
        /// Whatever was written since the last whole one, each group is found in full, and nothing older is kept.
        #[test]
        fn what_is_needed_has_each_group_in_full(
            scopes in prop::collection::vec((prop::option::weighted(0.9, 0..ROUNDS), 1..3usize), 1..60)
        ) {
            let scope = |round: Option<u16>| round.map_or(Scope::Whole, |round| Scope::Changes { round });
            let mut segments = vec![segment(0, Scope::Whole)];
            for (interval, (round, processes)) in scopes.into_iter().enumerate() {
                segments.extend(vec![segment(interval as u64 + 1, scope(round)); processes]);
            }
            let found = needed(&segments).unwrap();
            for group in 0..100u16 {
                prop_assert!(found.iter().any(|segment| segment.scope.is_full(group)));
            }
            let oldest = found[0].interval;
            let newer: Vec<_> = found.iter().filter(|segment| segment.interval > oldest).collect();
            prop_assert!((0..ROUNDS).any(|group| newer.iter().all(|segment| !segment.scope.is_full(group))));
            let all = segments.iter().filter(|segment| segment.interval >= oldest).count();
            prop_assert_eq!(found.len(), all);
            prop_assert_eq!(needed(found).map(<[_]>::len), Some(found.len()));
        }
    }
}
