//! What leads to another worker of the same process, and how much waits there.
use super::batch::{Batch, Envelope};
use crate::contract::form::Meta;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What waits at an exchange to be received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) batches: usize,
    /// What has come from another process takes so many bytes as it came; of what has not, this is the room that the records
    /// themselves take, without what they point to.
    pub(crate) bytes: usize,
}
impl Add for Waiting {
    type Output = Waiting;
    fn add(self, other: Waiting) -> Waiting {
        Waiting { batches: self.batches + other.batches, bytes: self.bytes + other.bytes }
    }
}
/// How many bytes so many records take, without what they point to.
pub(super) const fn bytes<M: Meta, T>(records: usize) -> usize {
    records * size_of::<Envelope<M, T>>()
}

/// The two channels to and from one other worker, and those on which emptied batches go back.
pub(crate) struct Near<M: Meta, T> {
    tx: Sender<Batch<M, T>>,
    rx: Receiver<Batch<M, T>>,
    /// How many records are in each of them.
    sent: Arc<AtomicUsize>,
    come: Arc<AtomicUsize>,
    spare_rx: Receiver<Batch<M, T>>,
    spare_tx: Sender<Batch<M, T>>,
}
impl<M: Meta, T> Near<M, T> {
    /// Both ends of what is between two workers, with room for so many batches in each direction.
    pub(super) fn pair(room: usize) -> [Self; 2] {
        let (there, back) = (bounded(room), bounded(room));
        let [sent, come] = [0; 2].map(|none| Arc::new(AtomicUsize::new(none)));
        // Room for all that may be under way, so that none is dropped.
        let (there_spare, back_spare) = (bounded(2 * room), bounded(2 * room));
        let (mine, theirs) = ((sent.clone(), come.clone()), (come, sent));
        [
            Near {
                tx: there.0,
                rx: back.1,
                sent: mine.0,
                come: mine.1,
                spare_rx: there_spare.1,
                spare_tx: back_spare.0,
            },
            Near {
                tx: back.0,
                rx: there.1,
                sent: theirs.0,
                come: theirs.1,
                spare_rx: back_spare.1,
                spare_tx: there_spare.0,
            },
        ]
    }
    /// Sends a batch, if there is room for it and somebody who could take it.
    pub(super) fn send(&self, batch: Batch<M, T>) -> Result<(), TrySendError<Batch<M, T>>> {
        let records = batch.records.len();
        // Before whoever takes it can subtract it.
        self.sent.fetch_add(records, Ordering::Relaxed);
        self.tx.try_send(batch).inspect_err(|_| {
            self.sent.fetch_sub(records, Ordering::Relaxed);
        })
    }
    /// The next batch that has come.
    pub(super) fn take(&self) -> Option<Batch<M, T>> {
        let batch = self.rx.try_recv().ok()?;
        self.come.fetch_sub(batch.records.len(), Ordering::Relaxed);
        Some(batch)
    }
    /// An empty batch.
    pub(super) fn empty(&self, room: usize) -> Batch<M, T> {
        self.spare_rx.try_recv().unwrap_or_else(|_| Batch::with_room(room))
    }
    /// Gives an emptied one back.
    pub(super) fn recycle(&self, batch: Batch<M, T>) {
        // A full return channel means that there are batches enough.
        drop(self.spare_tx.try_send(batch));
    }
    /// What has come and was not taken.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting { batches: self.rx.len(), bytes: bytes::<M, T>(self.come.load(Ordering::Relaxed)) }
    }
    /// How many batches those are.
    pub(super) fn len(&self) -> usize {
        self.rx.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::form::Under;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    type M = Under<u64, ()>;
    fn batch(records: usize) -> Batch<M, u64> {
        let envelope = |at: usize| Envelope { hash: 0, stamp: (), key: at as u64, record: 0 };
        Batch { records: (0..records).map(envelope).collect(), signals: Vec::new() }
    }

    proptest! {
        /// As a queue of numbers has it.
        #[test]
        fn what_waits_is_what_was_sent_and_not_taken(steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0..9usize), 0..60)) {
            let ends = Near::<M, u64>::pair(3);
            let mut model = [VecDeque::new(), VecDeque::new()];
            for (end, sends, records) in steps {
                let (me, other) = (usize::from(end), usize::from(!end));
                if sends {
                    prop_assert_eq!(ends[me].send(batch(records)).is_ok(), model[other].len() < 3);
                    if model[other].len() < 3 {
                        model[other].push_back(records);
                    }
                } else {
                    prop_assert_eq!(ends[me].take().map(|batch| batch.records.len()), model[me].pop_front());
                }
                for (end, model) in ends.iter().zip(&model) {
                    let bytes = model.iter().sum::<usize>() * size_of::<Envelope<M, u64>>();
                    prop_assert_eq!(end.waiting(), Waiting { batches: model.len(), bytes });
                }
            }
        }
    }
}
