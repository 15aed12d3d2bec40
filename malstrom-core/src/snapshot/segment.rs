//! Segments: what the workers of one process write for one snapshot.
//!
//! All chunks one after the other, then a footer that says what they are, then a trailer of 24 bytes that says where the
//! footer is. Where a chunk lies follows from the lengths of those before it, so there is no byte without a checksum.
use super::format::{Garbled, Reader, Writer, checksum};
use crate::contract::snapshot::{Chunk, NO_GROUP, Part, Scope};
use bytes::Bytes;
use std::collections::HashMap;

const MAGIC: &[u8; 4] = b"MSSG";
const FORMAT: u32 = 1;
/// The length of a trailer.
pub(super) const TRAILER: u64 = 24;
/// The length of a chunk's line in the footer.
const LINE: usize = 28;
/// Smaller chunks are copied together: what a store does per piece costs more than that.
const SMALL: usize = 8 << 10;
/// And so many bytes make a piece.
const PIECE: usize = 256 << 10;

/// A segment that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its name, from where its manifest's names begin.
    pub(super) object: String,
    /// The interval that it was written for.
    pub(super) interval: u64,
    /// What it has.
    pub(super) scope: Scope,
    /// How many bytes it has.
    pub(super) length: u64,
    /// Where its footer begins.
    pub(super) footer: u64,
    /// The checksum of the footer.
    pub(super) checksum: u64,
}

/// A chunk in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its operator, by its place in the footer.
    pub(super) operator: u32,
    pub(super) part: Part,
    pub(super) group: u16,
    pub(super) full: bool,
    pub(super) entries: u32,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) checksum: u64,
}
impl Piece {
    pub(super) fn end(&self) -> u64 {
        self.offset + self.length
    }
    /// What is wrong with these bytes of it.
    pub(super) fn check(&self, operator: &str, bytes: &[u8]) -> Result<(), String> {
        if checksum(bytes) == self.checksum {
            return Ok(());
        }
        Err(format!("the checksum of {} is wrong", self.describe(operator)))
    }
    pub(super) fn describe(&self, operator: &str) -> String {
        let group = match self.group {
            NO_GROUP => String::new(),
            group => format!(", key group {group}"),
        };
        format!("the chunk of `{operator}`, {:?}{group}, at byte {}", self.part, self.offset)
    }
}

/// What a segment has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) operators: Vec<String>,
    pub(super) pieces: Vec<Piece>,
}
impl Footer {
    pub(super) fn operator(&self, piece: &Piece) -> &str {
        // The index was checked when the footer was read.
        self.operators.get(piece.operator as usize).map_or("", String::as_str)
    }
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.len(self.operators.len());
        for operator in &self.operators {
            w.text(operator);
        }
        w.len(self.pieces.len());
        for piece in &self.pieces {
            w.u32(piece.operator);
            w.u8(piece.part as u8);
            w.u8(piece.full.into());
            w.u16(piece.group);
            w.u32(piece.entries);
            w.u64(piece.length);
            w.u64(piece.checksum);
        }
        w.finish()
    }
    fn decode(bytes: &[u8]) -> Result<Self, Garbled> {
        let mut r = Reader::new(bytes);
        let mut footer = Footer::default();
        for _ in 0..r.len(4)? {
            footer.operators.push(r.text()?);
        }
        let mut offset = 0u64;
        for _ in 0..r.len(LINE)? {
            let operator = r.u32()?;
            if operator as usize >= footer.operators.len() {
                return Err("a chunk is of no operator".into());
            }
            let part = r.part()?;
            let full = match r.u8()? {
                0 => false,
                1 => true,
                _ => return Err("a chunk is neither full nor not".into()),
            };
            let (group, entries, length, checksum) = (r.u16()?, r.u32()?, r.u64()?, r.u64()?);
            footer.pieces.push(Piece { operator, part, group, full, entries, offset, length, checksum });
            offset = offset.checked_add(length).ok_or("a chunk is too long")?;
        }
        r.end()?;
        Ok(footer)
    }
    /// Reads the footer of `segment` from its bytes.
    pub(super) fn of(segment: &Segment, bytes: &[u8]) -> Result<Self, Garbled> {
        if checksum(bytes) != segment.checksum {
            return Err("the checksum of its footer is wrong".into());
        }
        let footer = Self::decode(bytes)?;
        if footer.pieces.last().map_or(0, Piece::end) != segment.footer {
            return Err("its chunks do not fill it".into());
        }
        Ok(footer)
    }
}
impl Segment {
    /// Where the footer lies.
    pub(super) fn footer_range(&self) -> std::ops::Range<u64> {
        self.footer..self.length.saturating_sub(TRAILER)
    }
    /// The trailer, which has to be these bytes.
    pub(super) fn trailer(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.u64(self.footer);
        w.u64(self.checksum);
        w.u32(FORMAT);
        w.raw(MAGIC);
        w.finish()
    }
}

/// The bytes of a segment with these chunks, in pieces. `operators` has the id of each node.
pub(super) fn encode(
    object: String,
    interval: u64,
    scope: Scope,
    operators: &[String],
    chunks: Vec<Chunk>,
) -> Result<(Segment, Vec<Bytes>), String> {
    let mut footer = Footer::default();
    let mut places = HashMap::new();
    let (mut pieces, mut small) = (Vec::new(), Vec::new());
    let mut offset = 0u64;
    for Chunk { head, bytes } in chunks {
        let id = operators.get(head.node).ok_or_else(|| format!("the plan has no operator {}", head.node))?;
        let operator = *places.entry(head.node).or_insert_with(|| {
            footer.operators.push(id.clone());
            footer.operators.len() as u32 - 1
        });
        let (part, group, full, entries) = (head.part, head.group, head.full, head.entries);
        let (length, checksum) = (bytes.len() as u64, checksum(&bytes));
        footer.pieces.push(Piece { operator, part, group, full, entries, offset, length, checksum });
        offset += length;
        if bytes.len() < SMALL {
            small.extend_from_slice(&bytes);
            if small.len() >= PIECE {
                pieces.push(Bytes::from(std::mem::take(&mut small)));
            }
        } else {
            if !small.is_empty() {
                pieces.push(Bytes::from(std::mem::take(&mut small)));
            }
            pieces.push(Bytes::from(bytes));
        }
    }
    let end = footer.encode();
    let mut segment = Segment { object, interval, scope, length: 0, footer: offset, checksum: checksum(&end) };
    segment.length = offset + end.len() as u64 + TRAILER;
    small.extend(end);
    small.extend(segment.trailer());
    pieces.push(Bytes::from(small));
    Ok((segment, pieces))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::snapshot::Head;
    use proptest::prelude::*;

    fn chunks() -> impl Strategy<Value = Vec<Chunk>> {
        let length = prop_oneof![0..40usize, SMALL - 1..SMALL + 2, 100_000..140_000usize];
        let head = (0..3usize, 0..7u8, any::<u16>(), any::<bool>(), any::<u32>());
        let chunk = (head, length, any::<u8>()).prop_map(|((node, part, group, full, entries), length, fill)| {
            let part = Reader::new(&[part]).part().unwrap();
            Chunk { head: Head { node, part, group, full, entries }, bytes: vec![fill; length] }
        });
        prop::collection::vec(chunk, 0..12)
    }

    proptest! {
        #[test]
        fn a_segment_has_what_was_written(chunks in chunks()) {
            let operators = ["a", "b", "c"].map(str::to_owned);
            let (segment, pieces) = encode("s".into(), 1, Scope::Whole, &operators, chunks.clone()).unwrap();
            let bytes = pieces.concat();
            prop_assert_eq!(segment.length, bytes.len() as u64);
            prop_assert!(bytes.ends_with(&segment.trailer()));
            let range = segment.footer_range();
            let footer = Footer::of(&segment, &bytes[range.start as usize..range.end as usize]).unwrap();
            prop_assert_eq!(footer.pieces.len(), chunks.len());
            for (piece, chunk) in footer.pieces.iter().zip(&chunks) {
                let head = &chunk.head;
                prop_assert_eq!(footer.operator(piece), &operators[head.node]);
                prop_assert_eq!(
                    (piece.part, piece.group, piece.full, piece.entries),
                    (head.part, head.group, head.full, head.entries)
                );
                let read = &bytes[piece.offset as usize..piece.end() as usize];
                prop_assert_eq!(read, &chunk.bytes[..]);
                prop_assert!(piece.check("a", read).is_ok());
            }
        }

        #[test]
        fn a_footer_is_never_read_from_other_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Footer::decode(&bytes);
        }
    }

    #[test]
    fn a_footer_belongs_to_one_segment() {
        let (mut segment, pieces) = encode("s".into(), 1, Scope::Whole, &[], Vec::new()).unwrap();
        let bytes = &pieces.concat()[..segment.footer_range().end as usize];
        assert!(Footer::of(&segment, bytes).is_ok());
        segment.footer += 1;
        assert!(Footer::of(&segment, bytes).is_err());
    }

    #[test]
    fn a_chunk_of_no_operator_is_refused() {
        let (part, group, full, entries, offset, length, checksum) = (Part::State, 0, true, 0, 0, 0, 0);
        let pieces = vec![Piece { operator: 1, part, group, full, entries, offset, length, checksum }];
        assert!(Footer::decode(&Footer { operators: vec!["a".into()], pieces }.encode()).is_err());
        let head = Head { node: 1, part: Part::State, group: 0, full: true, entries: 0 };
        let chunk = Chunk { head, bytes: Vec::new() };
        assert!(encode("s".into(), 1, Scope::Whole, &["a".to_owned()], vec![chunk]).is_err());
    }
}
