use super::*;
use crate::contract::code::{Code, OfRecord};
use crate::contract::form::Under;
use crate::contract::snapshot::{Barrier, Scope};
use crate::stream::combine::Part;
use crate::stream::signal::{End, Mark, Signal, SplitNews};
use proptest::prelude::*;

type Text = Under<String, i64>;
type Number = Under<u64, ()>;

fn signal() -> impl Strategy<Value = Signal> {
    let news = prop_oneof![
        Just(SplitNews::Opens),
        Just(SplitNews::Reads),
        any::<i64>().prop_map(SplitNews::Promises),
        Just(SplitNews::Silent),
        Just(SplitNews::Rests),
        Just(SplitNews::Ends),
        Just(SplitNews::Holds),
    ];
    let scope = prop_oneof![Just(Scope::Whole), (0..16u16).prop_map(|round| Scope::Changes { round })];
    prop_oneof![
        (any::<u64>(), news).prop_map(|(split, news)| Signal::Split(split, news)),
        any::<i64>().prop_map(|time| Signal::Time(Mark::At(time))),
        any::<i64>().prop_map(|time| Signal::Time(Mark::Idle(time))),
        (any::<u64>(), scope, any::<bool>()).prop_map(|(interval, scope, last)| Signal::Barrier(Barrier {
            interval,
            scope,
            last
        })),
        Just(Signal::End(End::Complete)),
        Just(Signal::End(End::Stopped)),
    ]
}
/// Signals behind none to all of `records` records, in order.
fn signals(records: usize) -> impl Strategy<Value = Vec<(usize, Signal)>> {
    prop::collection::vec((0..=records, signal()), 0..6).prop_map(|mut signals| {
        signals.sort_by_key(|(at, _)| *at);
        signals
    })
}
fn envelope<M: Meta<Key: PartitionKey>, T>(key: M::Key, time: i64, record: T) -> Envelope<M, T> {
    Envelope { hash: KeyHasher::new(7).hash(&key), stamp: M::Stamp::of(time), key, record }
}
fn parts_of<M: Meta, T: Clone>(batch: &Batch<M, T>) -> (Vec<(u64, M::Key, Option<i64>, T)>, Vec<(usize, Signal)>) {
    let records = batch.records.iter();
    let records = records.map(|e| (e.hash, e.key.clone(), e.stamp.ticks(), e.record.clone())).collect();
    (records, batch.signals.clone())
}
/// What comes back of a batch, from bytes that lie `shift` bytes behind where they could be read in place.
fn there_and_back<M: Meta<Key: Record>, T>(wire: &Wire<M, T>, batch: &Batch<M, T>, shift: usize) -> Batch<M, T> {
    let mut bytes = Vec::new();
    wire.write(batch, &mut bytes).unwrap();
    let shifted = [vec![0; shift], bytes].concat();
    let mut read = Batch::new();
    wire.read(&shifted[shift..], &mut read).unwrap();
    read
}

proptest! {
    #[test]
    fn batches_come_back(
        (records, signals) in prop::collection::vec((".{0,9}", any::<i64>(), prop::collection::vec(".{0,5}", 0..3)), 0..40)
            .prop_flat_map(|records| { let n = records.len(); (Just(records), signals(n)) }),
        shift in 0..16usize,
    ) {
        let records = records.into_iter().map(|(key, time, record)| envelope::<Text, _>(key, time, record)).collect();
        let batch = Batch { records, signals };
        let read = there_and_back(&super::records(7), &batch, shift);
        prop_assert_eq!(parts_of(&read), parts_of(&batch));
    }
    #[test]
    fn batches_without_times_come_back(keys in prop::collection::vec(any::<u64>(), 0..100), shift in 0..16usize) {
        let records = keys.into_iter().map(|key| envelope::<Number, _>(key, 0, (key, 1u8))).collect();
        let batch = Batch { records, signals: Vec::new() };
        let read = there_and_back(&super::records(7), &batch, shift);
        prop_assert_eq!(parts_of(&read), parts_of(&batch));
    }
    #[test]
    fn partial_results_come_back(keys in prop::collection::vec((any::<u64>(), any::<bool>()), 0..50), shift in 0..16usize) {
        let part = |(key, gathered): (u64, bool)| {
            let part = if gathered {
                Part::Gathered { kept: format!("{key}"), records: key.max(1) }
            } else {
                Part::Record(vec![key])
            };
            envelope::<Number, _>(key, 0, part)
        };
        let batch = Batch { records: keys.iter().copied().map(part).collect(), signals: Vec::new() };
        let wire = parts(7, Code::<Vec<u64>>::of(), OfRecord::<String>::new());
        let read = there_and_back(&wire, &batch, shift);
        prop_assert_eq!(read.records.len(), keys.len());
        for (envelope, (key, gathered)) in read.records.iter().zip(keys) {
            prop_assert_eq!(envelope.key, key);
            match &envelope.record {
                Part::Record(record) => prop_assert!(!gathered && *record == [key]),
                Part::Gathered { kept, records } => {
                    prop_assert!(gathered && *kept == key.to_string() && *records == key.max(1));
                }
            }
        }
    }
    /// Bytes from elsewhere are no reason to panic, nor to take much memory.
    #[test]
    fn what_is_no_batch_is_an_error(
        keys in prop::collection::vec(".{0,5}", 1..8),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let records = keys.into_iter().map(|key| envelope::<Text, _>(key.clone(), 5, vec![key])).collect();
        let batch = Batch { records, signals: vec![(0, Signal::Time(Mark::At(5)))] };
        let wire = super::records::<Text, Vec<String>>(7);
        let mut bytes = Vec::new();
        wire.write(&batch, &mut bytes).unwrap();
        let cut = cut.index(bytes.len());
        prop_assert!(wire.read(&bytes[..cut], &mut Batch::new()).is_err());
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        // What is valid after all is something else, or the same.
        let mut read = Batch::new();
        if wire.read(&bytes, &mut read).is_ok() {
            prop_assert!(read.records.len() <= MOST);
        }
    }
}
