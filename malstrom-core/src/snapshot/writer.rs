//! Writing what the workers of one process keep. It commits nothing, so every process may do it by itself.
use super::Location;
use super::archive::savepoint;
use super::format::{Garbled, Reader, Writer};
use super::manifest::{self, Kind};
use super::segment::{self, Segment};
use super::store::Store;
use crate::contract::snapshot::{Chunk, NO_GROUP, Part, Schema, Scope};
use crate::error::{Error, Result};
use bytes::Bytes;
use std::collections::BTreeMap;

/// What the workers of one process have written for a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub(super) segment: Segment,
    pub(super) kind: Kind,
    pub(super) schemas: BTreeMap<(String, Part), Schema>,
}
impl Written {
    /// Its bytes, for the coordinator.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        manifest::segment(&mut w, &self.segment);
        manifest::kind(&mut w, &self.kind);
        w.len(self.schemas.len());
        for ((operator, part), schema) in &self.schemas {
            w.text(operator);
            w.u8(*part as u8);
            w.u32(schema.version);
            w.text(&schema.description);
        }
        w.seal()
    }
    /// Reads what [`encode`](Self::encode) has written.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Garbled> {
        let mut r = Reader::unseal(bytes)?;
        let (segment, kind) = (r.segment()?, r.kind()?);
        let mut schemas = BTreeMap::new();
        for _ in 0..r.len(13)? {
            let key = (r.text()?, r.part()?);
            schemas.insert(key, Schema { version: r.u32()?, description: r.text()? });
        }
        r.end()?;
        Ok(Written { segment, kind, schemas })
    }
    /// The interval that it was written for.
    pub fn interval(&self) -> u64 {
        self.segment.interval
    }
    /// What it was written for.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }
    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.segment.length
    }
}
/// What a process has to write.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    /// The chunks of all its workers. Of one key group they are in the order in which they are to be applied.
    pub chunks: Vec<Chunk>,
    /// How the entries of each part of each node are laid out; workers may repeat each other.
    pub schemas: Vec<(usize, Part, Schema)>,
}

/// Writes the segments of one process.
#[derive(Clone, Debug)]
pub struct SegmentWriter {
    store: Store,
    term: u64,
    process: u32,
}
impl SegmentWriter {
    pub(super) fn of(store: Store, term: u64, process: u32) -> Self {
        SegmentWriter { store, term, process }
    }
    /// For a process that works for the coordinator of this term, which runs elsewhere.
    ///
    /// # Errors
    /// If what reads and writes cannot be started.
    pub fn open(location: &Location, term: u64, process: u32) -> Result<Self> {
        Ok(Self::of(Store::open(location)?, term, process))
    }
    /// One for the same store, for a process and the coordinator of this term.
    #[must_use]
    pub fn of_process(&self, term: u64, process: u32) -> Self {
        Self::of(self.store.clone(), term, process)
    }
    /// Writes what the workers of this process keep; `operators` has the id of each node.
    ///
    /// # Errors
    /// If it cannot be written, or is not consistent. The snapshot is then to be aborted.
    pub fn write(
        &self,
        kind: &Kind,
        interval: u64,
        scope: Scope,
        operators: &[String],
        content: Chunks,
    ) -> Result<Written> {
        self.put(&self.encode(kind, interval, scope, operators, content)?)
    }
    /// What [`write`](SegmentWriter::write) writes: for who may have to try again.
    ///
    /// # Errors
    /// If it is not consistent.
    pub(crate) fn encode(
        &self,
        kind: &Kind,
        interval: u64,
        scope: Scope,
        operators: &[String],
        content: Chunks,
    ) -> Result<Unwritten> {
        let id = |node: usize| operators.get(node).cloned();
        let mut schemas = BTreeMap::new();
        for (node, part, schema) in content.schemas {
            let operator = id(node).ok_or_else(|| Error::snapshot(format!("the plan has no operator {node}")))?;
            merge(&mut schemas, (operator, part), schema)?;
        }
        for Chunk { head, .. } in content.chunks.iter().filter(|chunk| chunk.head.group != NO_GROUP) {
            let operator = id(head.node).unwrap_or_default();
            if !schemas.contains_key(&(operator.clone(), head.part)) {
                return Err(Error::snapshot(format!(
                    "operator `{operator}` has written {:?} of a key group and not said how it is laid out",
                    head.part
                )));
            }
        }
        let base = match kind {
            Kind::Snapshot => String::new(),
            Kind::Savepoint(name) => savepoint(name),
        };
        let object = format!("segments/{}", name(self.term, interval, self.process));
        let (segment, pieces) =
            segment::encode(object, interval, scope, operators, content.chunks).map_err(Error::snapshot)?;
        let object = format!("{base}{}", segment.object);
        Ok(Unwritten { object, pieces, written: Written { segment, kind: kind.clone(), schemas } })
    }
    /// Writes what was encoded.
    ///
    /// # Errors
    /// If it cannot be written. It can be tried again.
    pub(crate) fn put(&self, what: &Unwritten) -> Result<Written> {
        self.store.wait(self.store.write(&what.object, what.pieces.clone()))?;
        Ok(what.written.clone())
    }
}
/// What a process keeps, as it is written.
#[derive(Debug)]
pub(crate) struct Unwritten {
    object: String,
    pieces: Vec<Bytes>,
    written: Written,
}

/// Adds a schema; two different ones for the same part cannot both be right.
pub(super) fn merge(schemas: &mut BTreeMap<(String, Part), Schema>, key: (String, Part), schema: Schema) -> Result<()> {
    match schemas.get(&key) {
        Some(other) if *other != schema => Err(Error::snapshot(format!(
            "workers do not agree on how {:?} of operator `{}` is laid out: do all processes run the same program?",
            key.1, key.0
        ))),
        _ => {
            schemas.insert(key, schema);
            Ok(())
        }
    }
}

/// The name of a segment, which nobody else gives: a term has one coordinator, which gives each interval one number.
fn name(term: u64, interval: u64, process: u32) -> String {
    format!("{term:010}-{interval:020}-{process}")
}
/// The term and the interval in the name of a segment or manifest.
pub(super) fn parse(name: &str) -> Option<(u64, u64)> {
    let mut parts = name.split('-');
    let found = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    match (parts.next().map(str::parse::<u32>), parts.next()) {
        (None | Some(Ok(_)), None) => Some(found),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_goes_to_the_coordinator() {
        let segment = Segment {
            object: "segments/1".into(),
            interval: 1,
            scope: Scope::Whole,
            length: 100,
            footer: 70,
            checksum: 5,
        };
        let schema = Schema { version: 2, description: "text".into() };
        let schemas = [(("count".to_owned(), Part::State), schema)].into();
        let written = Written { segment, kind: Kind::Savepoint("s".into()), schemas };
        let bytes = written.encode();
        assert_eq!(Written::decode(&bytes), Ok(written));
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert!(Written::decode(&broken).is_err(), "byte {at}");
        }
    }
    #[test]
    fn names_say_of_which_term_and_interval_they_are() {
        assert_eq!(parse(&name(3, 17, 2)), Some((3, 17)));
        assert_eq!(parse("0000000003-00000000000000000017"), Some((3, 17)));
        for other in ["", "3", "a-1", "1-2-x", "1-2-3-4", "notes.txt"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
