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

#[test]
fn what_a_batch_claims_is_looked_at() {
    let records = ["a", "b"].map(|key| envelope::<Text, _>(key.to_owned(), 5, 1u64)).into();
    let barrier = Barrier { interval: 3, scope: Scope::Changes { round: 1 }, last: false };
    let signals = vec![(1, Signal::Barrier(barrier)), (2, Signal::End(End::Complete))];
    let wire = super::records::<Text, u64>(7);
    let mut bytes = Vec::new();
    wire.write(&Batch { records, signals }, &mut bytes).unwrap();
    // Where the first of the two signals lies.
    let first = bytes.len() - 2 * 24;
    let refusal = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = bytes.clone();
        change(&mut changed);
        wire.read(&changed, &mut Batch::new()).err().map_or("nothing".to_owned(), |error| error.to_string())
    };
    assert_eq!(refusal(&|_| {}), "nothing");
    let many = u32::try_from(MOST + 1).unwrap().to_le_bytes();
    assert!(refusal(&|bytes| bytes[..4].copy_from_slice(&many)).contains("are the most"));
    assert!(refusal(&|bytes| bytes[..4].copy_from_slice(&1u32.to_le_bytes())).contains("there are to be 1 values"));
    assert_eq!(refusal(&|bytes| bytes.push(0)), "there is something behind a batch");
    let unordered = "the signals of a batch are not in order";
    assert_eq!(refusal(&|bytes| bytes[first + 24] = 0), unordered, "one stands before the one that comes before it");
    assert_eq!(refusal(&|bytes| bytes[first + 24] = 3), unordered, "one stands behind more records than there are");
    let unknown = "a batch has a signal that is none";
    assert_eq!(refusal(&|bytes| bytes[first + 4] = 12), unknown, "its kind");
    assert_eq!(refusal(&|bytes| bytes[first + 5] = 2), unknown, "whether it is the last");
    assert_eq!(refusal(&|bytes| bytes[first + 6] = 16), unknown, "its round");
    let last = bytes.len() - 1;
    assert_eq!(refusal(&|bytes| bytes.truncate(last)), unknown, "its end");
}
/// Whether each lies in as many bytes as the others or not.
#[test]
fn as_many_keys_and_records_come_as_are_announced() {
    fn refusal<M: Meta<Key: PartitionKey>, T: Record>(records: Vec<Envelope<M, T>>, count: u32) -> String {
        let (wire, mut bytes) = (super::records::<M, T>(7), Vec::new());
        wire.write(&Batch { records, signals: Vec::new() }, &mut bytes).unwrap();
        bytes[..4].copy_from_slice(&count.to_le_bytes());
        wire.read(&bytes, &mut Batch::new()).err().map_or("nothing".to_owned(), |error| error.to_string())
    }
    let numbers = || [1, 2].map(|key| envelope::<Number, _>(key, 0, key)).into();
    let texts = || ["a", "b"].map(|key| envelope::<Under<String, ()>, _>(key.to_owned(), 0, key.to_owned())).into();
    assert_eq!((refusal(numbers(), 2), refusal(texts(), 2)), ("nothing".to_owned(), "nothing".to_owned()));
    for count in [1, 3] {
        let why = format!("there are to be {count} values, and there are 2");
        assert_eq!((refusal(numbers(), count), refusal(texts(), count)), (why.clone(), why));
    }
}
#[test]
fn what_partial_results_claim_is_looked_at() {
    let record = envelope::<Number, _>(9, 0, Part::<u64, u64>::Record(1));
    let wire = parts(7, Code::<u64>::of(), OfRecord::<u64>::new());
    let mut bytes = Vec::new();
    wire.write(&Batch { records: vec![record], signals: Vec::new() }, &mut bytes).unwrap();
    // A head of sixteen bytes, a key of eight and as many to the next multiple of sixteen, and then the length of the value.
    let refusal = |length: u32, written: u32| {
        let mut changed = bytes.clone();
        changed[32..36].copy_from_slice(&length.to_le_bytes());
        changed[12..16].copy_from_slice(&written.to_le_bytes());
        changed.resize(32 + written as usize, 0);
        wire.read(&changed, &mut Batch::new()).err().map_or("nothing".to_owned(), |error| error.to_string())
    };
    assert_eq!(refusal(8, 20), "nothing");
    assert_eq!(refusal(9, 20), "a batch ends within a value");
    assert_eq!(refusal(8, 21), "there is something behind the values of a batch");
    assert_eq!(refusal(8, 11), "a batch ends within a value");
}
