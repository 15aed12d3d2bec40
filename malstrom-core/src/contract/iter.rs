//! An iterator as a source: one split, whose position is the number of records taken.
use super::never::Never;
use super::source::{Read, Replays, Source, SplitReader};
use super::stage::Emit;
use crate::error::{Error, Result};
use std::fmt;

/// A source made from anything that can be iterated over. It has one split, so one worker reads it.
///
/// A restored job takes the records before its position from the iterator again and drops them, so the iterator must
/// give the same records each time.
///
/// ```
/// use malstrom_core::Source;
/// use malstrom_core::connect::FromIter;
/// let mut source = FromIter::new(["a", "b"]);
/// assert_eq!(source.splits()?.len(), 1);
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub struct FromIter<I> {
    items: Option<I>,
}

impl<I: IntoIterator> FromIter<I> {
    /// The items become the records.
    pub fn new(items: I) -> Self {
        FromIter { items: Some(items) }
    }
}

impl<I> fmt::Debug for FromIter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromIter").field("taken", &self.items.is_none()).finish()
    }
}

impl<I> Replays for FromIter<I>
where
    I: IntoIterator + 'static,
    I::IntoIter: 'static,
    I::Item: 'static,
{
}
impl<I> Source for FromIter<I>
where
    I: IntoIterator + 'static,
    I::IntoIter: 'static,
    I::Item: 'static,
{
    type Out = I::Item;
    type Error = Never;
    type Split = ();
    type Position = u64;
    type Reader = IterReader<I::IntoIter>;

    /// One split. It never fails.
    fn splits(&mut self) -> Result<Vec<()>> {
        Ok(vec![()])
    }

    /// Hands the iterator to the reader.
    ///
    /// # Errors
    /// If the iterator was handed out before.
    fn open(&mut self, (): (), position: Option<u64>) -> Result<Self::Reader> {
        let items = self.items.take().ok_or_else(|| {
            Error::custom("an iterator is a source that can be read only once, and it has been opened before")
        })?;
        Ok(IterReader::new(items.into_iter(), position))
    }
}

/// Reads an iterator. Its position is the number of records taken.
pub struct IterReader<I> {
    /// Taken out for each read: on the stack its fields stay in registers. `None` when it has ended.
    items: Option<I>,
    taken: u64,
}

impl<I: Iterator> IterReader<I> {
    pub(crate) fn new(mut items: I, position: Option<u64>) -> Self {
        let taken = position.unwrap_or(0);
        // `nth` lets ranges and slices jump; a count beyond `usize` goes in steps.
        let mut left = taken;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(usize::MAX);
            if items.nth(step - 1).is_none() {
                // It has ended, and need not say so twice.
                return IterReader { items: None, taken };
            }
            left -= step as u64;
        }
        IterReader { items: Some(items), taken }
    }
}

impl<I> fmt::Debug for IterReader<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterReader").field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl<I> SplitReader for IterReader<I>
where
    I: Iterator + 'static,
    I::Item: 'static,
{
    type Out = I::Item;
    type Error = Never;
    type Position = u64;

    #[inline]
    fn read(&mut self, max: usize, out: &mut impl Emit<I::Item, Never>) -> Result<Read> {
        let Some(mut items) = self.items.take() else { return Ok(Read::End) };
        // Folding iterates inside the iterator, which for chained and nested ones is faster than calling `next`.
        let taken = items.by_ref().take(max).fold(0, |taken: usize, item| {
            out.emit(item);
            taken + 1
        });
        self.taken += taken as u64;
        if taken < max {
            return Ok(Read::End);
        }
        self.items = Some(items);
        Ok(Read::More)
    }

    #[inline]
    fn position(&self) -> u64 {
        self.taken
    }
}
