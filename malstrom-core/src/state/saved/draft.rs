//! The entries of one key group in bytes.
//!
//! A chunk is a sequence of entries: first what is gone, then what is there. Each begins with its kind and the length of its
//! key in one number, four times the length plus the kind, then has the length of its value if it has one, then its bytes.
//! The numbers are written seven bits at a time, the low ones first, so that an entry of small parts has two bytes beside
//! them.
use crate::contract::record::CodecError;
use std::ops::Range;

/// A key with a value.
const PUT: usize = 0;
/// A key that has no value any more.
const GONE: usize = 1;
/// What follows is of another table.
const SECTION: usize = 2;

/// What is written of one key group.
///
/// ```
/// use malstrom_core::state::saved::{Change, Changes, Draft};
/// let write = |bytes: &'static [u8]| move |out: &mut Vec<u8>| Ok(out.extend_from_slice(bytes));
/// let mut draft = Draft::default();
/// draft.put(write(b"key"), write(b"value"))?;
/// draft.gone(write(b"lost"))?;
/// let bytes = draft.into_bytes();
/// let changes = Changes::of(&bytes).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(changes, [Change::Gone { key: b"lost" }, Change::Put { key: b"key", value: b"value" }]);
/// # Ok::<(), malstrom_core::CodecError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    gone: Vec<u8>,
    there: Vec<u8>,
    entries: u32,
}
impl Draft {
    /// Makes room for so many bytes of keys and values.
    pub fn reserve(&mut self, bytes: usize) {
        self.there.reserve(bytes);
    }
    /// Says that a key has no value any more.
    ///
    /// # Errors
    /// If the key cannot be written.
    pub fn gone(&mut self, key: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>) -> Result<(), CodecError> {
        let start = self.gone.len();
        self.gone.push(0);
        let written = key(&mut self.gone);
        self.end(start, written, |draft, start| head(&mut draft.gone, start, GONE, None))
    }
    /// Adds a key and its value.
    ///
    /// # Errors
    /// If one of them cannot be written.
    #[inline(always)]
    pub fn put(
        &mut self,
        key: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
        value: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let start = self.there.len();
        self.there.extend_from_slice(&[0, 0]);
        let written = key(&mut self.there).and_then(|()| {
            let end = self.there.len();
            value(&mut self.there).map(|()| end)
        });
        match written {
            Ok(end) => {
                head(&mut self.there, start, PUT, Some(end));
                self.entries = self.entries.saturating_add(1);
                Ok(())
            }
            Err(error) => {
                self.there.truncate(start);
                Err(error)
            }
        }
    }
    fn end(
        &mut self,
        start: usize,
        written: Result<(), CodecError>,
        finish: impl FnOnce(&mut Self, usize),
    ) -> Result<(), CodecError> {
        match &written {
            Ok(()) => {
                finish(self, start);
                self.entries = self.entries.saturating_add(1);
            }
            Err(_) => self.gone.truncate(start),
        }
        written
    }
    /// Adds what was written of another table that `name` stands for.
    pub fn section(&mut self, name: &[u8], table: Draft) {
        let start = self.there.len();
        self.there.push(0);
        self.there.extend_from_slice(name);
        head(&mut self.there, start, SECTION, None);
        self.there.extend_from_slice(&table.gone);
        self.there.extend_from_slice(&table.there);
        self.entries = self.entries.saturating_add(table.entries);
    }
    /// How many entries it has.
    pub fn entries(&self) -> u32 {
        self.entries
    }
    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.gone.len() + self.there.len()
    }
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.size() == 0
    }
    /// The bytes of a chunk.
    pub fn into_bytes(self) -> Vec<u8> {
        let Draft { gone: mut bytes, there, .. } = self;
        if bytes.is_empty() {
            return there;
        }
        bytes.extend_from_slice(&there);
        bytes
    }
}

/// Puts the head before an entry, for whose lengths one byte each was left at `start`. Its key ends at `end`, or with it.
#[inline(always)]
fn head(out: &mut Vec<u8>, start: usize, kind: usize, end: Option<usize>) {
    let first = start + 1 + usize::from(end.is_some());
    let key = end.unwrap_or(out.len()) - first;
    let value = end.map(|end| out.len() - end);
    let fits = key < 32 && value.is_none_or(|value| value < 128);
    match (out.get_mut(start..first), value) {
        (Some([head]), None) if fits => *head = (key << 2 | kind) as u8,
        (Some([head, length]), Some(value)) if fits => (*head, *length) = ((key << 2 | kind) as u8, value as u8),
        _ => long_head(out, start..first, key << 2 | kind, value),
    }
}
#[cold]
fn long_head(out: &mut Vec<u8>, room: Range<usize>, key: usize, value: Option<usize>) {
    let mut head = Vec::with_capacity(20);
    number(key, &mut head);
    if let Some(value) = value {
        number(value, &mut head);
    }
    out.splice(room, head);
}
fn number(mut number: usize, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// An entry of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A key has this value.
    Put {
        /// The key.
        key: &'a [u8],
        /// The value.
        value: &'a [u8],
    },
    /// A key has no value any more.
    Gone {
        /// The key.
        key: &'a [u8],
    },
    /// What follows is of the table of this name.
    Section(&'a [u8]),
}
/// The entries of a chunk. It ends behind the first that cannot be read.
#[derive(Clone, Debug)]
pub struct Changes<'a>(&'a [u8]);
impl<'a> Changes<'a> {
    /// Those of these bytes, which may be any.
    pub fn of(bytes: &'a [u8]) -> Self {
        Changes(bytes)
    }
    #[inline]
    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..=28).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= usize::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
    #[inline]
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }
    #[inline]
    fn read(&mut self) -> Option<Change<'a>> {
        let head = self.number()?;
        match head & 3 {
            PUT => {
                let value = self.number()?;
                Some(Change::Put { key: self.take(head >> 2)?, value: self.take(value)? })
            }
            GONE => Some(Change::Gone { key: self.take(head >> 2)? }),
            SECTION => Some(Change::Section(self.take(head >> 2)?)),
            _ => None,
        }
    }
}
impl<'a> Iterator for Changes<'a> {
    type Item = Result<Change<'a>, CodecError>;
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let change = self.read();
        if change.is_none() {
            self.0 = &[];
        }
        Some(change.ok_or_else(|| CodecError::new("the chunk ends within an entry, or has one of an unknown kind")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn write(bytes: &[u8]) -> impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError> {
        move |out| {
            out.extend_from_slice(bytes);
            Ok(())
        }
    }
    fn lengths() -> impl Strategy<Value = usize> {
        prop_oneof![0usize..5, 28usize..36, 120usize..136, 4080usize..4100, 16_380usize..16_390]
    }
    fn broken(out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.push(1);
        Err(CodecError::new("no"))
    }

    proptest! {
        #[test]
        fn entries_come_back_in_order(
            entries in prop::collection::vec((lengths(), prop::option::of(lengths()), any::<u8>()), 0..20),
        ) {
            let mut draft = Draft::default();
            let (mut gone, mut there) = (Vec::new(), Vec::new());
            for (key, value, byte) in &entries {
                let key = vec![*byte; *key];
                match value {
                    Some(value) => {
                        let value = vec![!*byte; *value];
                        draft.put(write(&key), write(&value)).unwrap();
                        there.push((key, Some(value)));
                    }
                    None => {
                        draft.gone(write(&key)).unwrap();
                        gone.push((key, None));
                    }
                }
                // What cannot be written leaves nothing behind.
                draft.put(write(b"x"), broken).unwrap_err();
                draft.gone(broken).unwrap_err();
            }
            prop_assert_eq!(draft.entries() as usize, entries.len());
            gone.append(&mut there);
            let size = draft.size();
            let bytes = draft.into_bytes();
            prop_assert_eq!(bytes.len(), size);
            let read = Changes::of(&bytes).map(|change| match change.unwrap() {
                Change::Put { key, value } => (key.to_vec(), Some(value.to_vec())),
                Change::Gone { key } => (key.to_vec(), None),
                Change::Section(_) => panic!("there is none"),
            });
            prop_assert_eq!(read.collect::<Vec<_>>(), gone);
        }

        #[test]
        fn any_bytes_can_be_looked_at(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let read: usize = Changes::of(&bytes).filter_map(Result::ok).map(|change| match change {
                Change::Put { key, value } => 2 + key.len() + value.len(),
                Change::Gone { key } | Change::Section(key) => 1 + key.len(),
            }).sum();
            prop_assert!(read <= bytes.len());
            let whole = Changes::of(&bytes).all(|change| change.is_ok());
            // Cut short, it is not whole unless it is cut between two entries.
            if whole && let Some((_, less)) = bytes.split_last() {
                prop_assert!(Changes::of(less).filter(Result::is_ok).count() < Changes::of(&bytes).count());
            }
        }
    }

    #[test]
    fn tables_share_a_chunk() {
        let (mut all, mut one, mut other) = (Draft::default(), Draft::default(), Draft::default());
        one.put(write(b"a"), write(b"1")).unwrap();
        one.gone(write(b"b")).unwrap();
        other.put(write(b"a"), write(b"2")).unwrap();
        all.section(b"one", one);
        all.section(b"other", other);
        assert_eq!(all.entries(), 3);
        let bytes = all.into_bytes();
        let read: Vec<_> = Changes::of(&bytes).map(Result::unwrap).collect();
        assert_eq!(
            read,
            [
                Change::Section(b"one"),
                Change::Gone { key: b"b" },
                Change::Put { key: b"a", value: b"1" },
                Change::Section(b"other"),
                Change::Put { key: b"a", value: b"2" },
            ]
        );
    }
}
