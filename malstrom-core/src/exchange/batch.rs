//! The unit that crosses an edge.
use crate::contract::form::Meta;
use crate::stream::At;
use crate::stream::signal::{Signal, SplitNews};

/// A record with what it travels under.
pub(crate) struct Envelope<M: Meta, T> {
    pub(crate) hash: u64,
    pub(crate) stamp: M::Stamp,
    pub(crate) key: M::Key,
    pub(crate) record: T,
}
impl<M: Meta, T> Envelope<M, T> {
    #[inline(always)]
    pub(crate) fn new(at: At<'_, M>, record: T) -> Self {
        Envelope { hash: at.hash, stamp: at.stamp, key: at.key.clone(), record }
    }
}

/// Records on their way across an edge, and the signals between them.
pub(crate) struct Batch<M: Meta, T> {
    pub(crate) records: Vec<Envelope<M, T>>,
    /// Each with the number of records that come before it.
    pub(crate) signals: Vec<(usize, Signal)>,
}
impl<M: Meta, T> Batch<M, T> {
    /// An empty batch that allocates when it is needed.
    pub(crate) fn new() -> Self {
        Batch { records: Vec::new(), signals: Vec::new() }
    }
    /// An empty batch with room for so many records.
    #[cold]
    pub(crate) fn with_room(room: usize) -> Self {
        Batch { records: Vec::with_capacity(room), signals: Vec::new() }
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.signals.is_empty()
    }
    /// Adds a signal behind the records. It takes the place of one that it makes void.
    pub(crate) fn note(&mut self, signal: Signal) {
        let at = self.records.len();
        if let Some((place, last)) = self.signals.last_mut()
            && *place == at
            && voids(signal, *last)
        {
            *last = signal;
        } else {
            self.signals.push((at, signal));
        }
    }
}

/// Whether `new` makes `old`, with no record in between, void.
fn voids(new: Signal, old: Signal) -> bool {
    match (new, old) {
        (Signal::Time(_), Signal::Time(_)) => true,
        (Signal::Split(_, SplitNews::Reads), Signal::Split(_, SplitNews::Reads)) => true,
        (Signal::Split(a, SplitNews::Promises(_)), Signal::Split(b, SplitNews::Promises(_))) => a == b,
        (new, old) => new == old,
    }
}

/// How many records fill a batch: 16 KiB worth, so that a batch written here is read there from the cache.
pub(crate) const fn capacity<M: Meta, T>() -> usize {
    let fits = match size_of::<Envelope<M, T>>() {
        0 => 1024,
        size => 16 * 1024 / size,
    };
    match fits {
        ..64 => 64,
        64..1024 => fits,
        1024.. => 1024,
    }
}
