//! What comes out of a simulated pipeline: a sink that is exactly-once, and that the simulator looks into.
use crate::contract::record::Record;
use crate::contract::sink::{Begin, CommitPermit, ExactlyOnce, Interval, Sink};
use crate::contract::snapshot::Guarantee;
use crate::error::{Error, Result};
use crate::exchange::watch::content;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::{self, Debug};
use std::rc::Rc;

/// What of an output must be the same however a job fares.
type KeyOf<T> = Rc<dyn Fn(&T) -> String>;
enum Order<T> {
    /// The records, in whatever order.
    None,
    /// The records of each key, in their order.
    PerKey(KeyOf<T>),
    /// The last record of each key.
    Last(KeyOf<T>),
}
impl<T> Clone for Order<T> {
    fn clone(&self) -> Self {
        match self {
            Order::None => Order::None,
            Order::PerKey(key) => Order::PerKey(key.clone()),
            Order::Last(key) => Order::Last(key.clone()),
        }
    }
}

/// A sink for [`Sim`](super::Sim): what is written to it must be the same in every run. It takes the place of the sink that the
/// pipeline has in production. See [`Output`] for what *the same* can mean.
pub fn output<T: Record + Debug>() -> Output<T> {
    Output { order: Order::None, number: 0, worker: 0, saves: false, written: Vec::new(), staged: Vec::new() }
}
/// The sink that [`output`] makes. It is exactly-once: it shows what a committed snapshot has, and nothing else.
///
/// Records are compared by the content that is [encoded](Record::encode), that of maps and sets in whatever order. By default they are the same if there are as many of each, in
/// whatever order: that is what two workers, or two splits that are read side by side, can promise. If all records of a key
/// come from one split, their order is a promise too, and [`in_order_per`](Output::in_order_per) holds the pipeline to it. If they
/// come from several, then a running aggregate of them has other values on its way each time, and ends with the same:
/// [`last_per`](Output::last_per) looks at that.
pub struct Output<T> {
    order: Order<T>,
    /// Which one of the pipeline it is.
    number: usize,
    worker: usize,
    /// Whether snapshots are taken.
    saves: bool,
    /// Since the last barrier, encoded.
    written: Vec<Vec<u8>>,
    staged: Vec<Vec<u8>>,
}
impl<T> Output<T> {
    /// The records of one key must come in the same order as well.
    #[must_use]
    pub fn in_order_per<K: Debug>(self, key: impl Fn(&T) -> K + 'static) -> Self {
        Output { order: Order::PerKey(Rc::new(move |record| format!("{:?}", key(record)))), ..self }
    }
    /// Only the last record of each key must be the same.
    #[must_use]
    pub fn last_per<K: Debug>(self, key: impl Fn(&T) -> K + 'static) -> Self {
        Output { order: Order::Last(Rc::new(move |record| format!("{:?}", key(record)))), ..self }
    }
}
impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        let (written, staged) = (Vec::new(), Vec::new());
        Output { order: self.order.clone(), number: 0, worker: 0, saves: false, written, staged }
    }
}
impl<T> Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("number", &self.number).finish_non_exhaustive()
    }
}

/// How records of an output are read, whatever their type.
pub(super) struct Reader {
    /// What is compared of a record.
    pub(super) content: Box<dyn Fn(&[u8]) -> Vec<u8>>,
    pub(super) show: Box<dyn Fn(&[u8]) -> String>,
    /// The key of a record, where that matters.
    pub(super) key: Option<Box<dyn Fn(&[u8]) -> String>>,
    pub(super) last: bool,
}
impl Reader {
    fn of<T: Record + Debug>(order: &Order<T>) -> Self {
        let unreadable = || "a record that cannot be decoded".to_owned();
        let show = move |bytes: &[u8]| T::decode(bytes).map_or_else(|_| unreadable(), |record| format!("{record:?}"));
        let content = content::<T>();
        let content = move |bytes: &[u8]| {
            let content = T::decode(bytes).and_then(|record| content(&record));
            content.unwrap_or_else(|_| bytes.to_vec())
        };
        let key = match order {
            Order::None => None,
            Order::PerKey(key) | Order::Last(key) => Some(key.clone()),
        };
        let key = key.map(|key| -> Box<dyn Fn(&[u8]) -> String> {
            Box::new(move |bytes| T::decode(bytes).map_or_else(|_| unreadable(), |record| key(&record)))
        });
        Reader { content: Box::new(content), show: Box::new(show), key, last: matches!(order, Order::Last(_)) }
    }
}
/// What has come out at one place in one run.
pub(super) struct Seen {
    pub(super) name: String,
    /// The type of its records.
    pub(super) record: &'static str,
    pub(super) reader: Reader,
    /// In the order in which they were published, encoded.
    pub(super) records: Vec<Vec<u8>>,
    /// What is compared of them.
    pub(super) contents: Vec<Vec<u8>>,
    /// What was published: by its interval and worker.
    known: BTreeSet<(u64, u64)>,
}
impl Seen {
    fn read_all(mut self) -> Self {
        self.contents = self.records.iter().map(|record| (self.reader.content)(record)).collect();
        self
    }
}
impl Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("name", &self.name).field("records", &self.records.len()).finish_non_exhaustive()
    }
}
/// Records that the simulator was given.
pub(super) fn seen<T: Record + Debug>(name: &str, records: &[T]) -> Result<Seen> {
    let encoded = records.iter().map(encoded).collect::<Result<_>>()?;
    let record = std::any::type_name::<T>();
    let (reader, known) = (Reader::of::<T>(&Order::None), BTreeSet::new());
    Ok(Seen { name: name.to_owned(), record, reader, records: encoded, contents: Vec::new(), known }.read_all())
}
fn encoded<T: Record>(record: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes).map_err(Error::custom)?;
    Ok(bytes)
}

/// What is staged at a barrier: the interval, the worker, and records with their lengths.
fn packed(interval: u64, worker: u64, records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = [interval.to_le_bytes(), worker.to_le_bytes()].concat();
    for record in records {
        bytes.extend((record.len() as u64).to_le_bytes());
        bytes.extend(record);
    }
    bytes
}
fn unpacked(mut bytes: &[u8]) -> Option<(u64, u64, Vec<Vec<u8>>)> {
    let number = |bytes: &mut &[u8]| bytes.split_off(..8)?.try_into().ok().map(u64::from_le_bytes);
    let (interval, worker) = (number(&mut bytes)?, number(&mut bytes)?);
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let length = usize::try_from(number(&mut bytes)?).ok()?;
        records.push(bytes.split_off(..length)?.to_vec());
    }
    Some((interval, worker, records))
}

thread_local! {
    /// What comes out of the run that is under way on this thread.
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}
#[derive(Default)]
struct World {
    outputs: Vec<Seen>,
    /// How many outputs of the worker that is being made are open.
    open: usize,
}
/// A run begins; what comes out of it is what [`end`] returns.
pub(super) fn begin() {
    WORLD.set(Some(World::default()));
}
/// The pipeline of another worker is made.
pub(super) fn next_worker() {
    WORLD.with_borrow_mut(|world| world.iter_mut().for_each(|world| world.open = 0));
}
/// The run has ended.
pub(super) fn end() -> Vec<Seen> {
    WORLD.take().into_iter().flat_map(|world| world.outputs).map(Seen::read_all).collect()
}

impl<T: Record> Output<T> {
    fn publish(&self, interval: u64, worker: u64, records: Vec<Vec<u8>>) {
        WORLD.with_borrow_mut(|world| {
            let seen = world.as_mut().and_then(|world| world.outputs.get_mut(self.number));
            if let Some(seen) = seen.filter(|seen| !seen.known.contains(&(interval, worker))) {
                seen.known.insert((interval, worker));
                seen.records.extend(records);
            }
        });
    }
}
impl<T: Record + Debug> ExactlyOnce for Output<T> {}
impl<T: Record + Debug> Sink for Output<T> {
    type In = T;
    const GUARANTEE: Guarantee = Guarantee::ExactlyOnce;

    fn open(&mut self, worker: usize, _: usize) -> Result<()> {
        self.worker = worker;
        WORLD.with_borrow_mut(|world| {
            let Some(world) = world else {
                return Err(Error::Config(
                    "a `sim::output()` is for the simulator: run the pipeline with `Sim`".into(),
                ));
            };
            self.number = world.open;
            world.open += 1;
            if self.number == world.outputs.len() {
                let name = format!("output {}", self.number + 1);
                let (record, reader) = (std::any::type_name::<T>(), Reader::of(&self.order));
                world.outputs.push(Seen {
                    name,
                    record,
                    reader,
                    records: Vec::new(),
                    contents: Vec::new(),
                    known: BTreeSet::new(),
                });
            }
            Ok(())
        })
    }
    fn write(&mut self, batch: &mut Vec<T>) -> Result<()> {
        for record in batch.drain(..) {
            self.written.push(encoded(&record)?);
        }
        Ok(())
    }
    fn flush(&mut self) -> Result<()> {
        if !self.saves {
            let written = std::mem::take(&mut self.written);
            WORLD.with_borrow_mut(|world| {
                let seen = world.as_mut().and_then(|world| world.outputs.get_mut(self.number));
                seen.into_iter().for_each(|seen| seen.records.extend(written.iter().cloned()));
            });
        }
        Ok(())
    }
    fn begin(&mut self, begin: Begin) -> Result<()> {
        self.saves = true;
        for staged in begin.staged.unwrap_or_default() {
            let broken = || Error::custom("what was staged is not what was written");
            let (interval, worker, records) = unpacked(&staged).ok_or_else(broken)?;
            self.publish(interval, worker, records);
        }
        Ok(())
    }
    fn pre_commit(&mut self, interval: Interval) -> Result<Vec<u8>> {
        self.staged.append(&mut self.written);
        Ok(packed(interval.number, self.worker as u64, &self.staged))
    }
    fn commit(&mut self, permit: CommitPermit) -> Result<()> {
        let staged = std::mem::take(&mut self.staged);
        self.publish(permit.interval(), self.worker as u64, staged);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::compare::{difference, first_other};

    type Pair = (u64, u64);
    /// What has come out of such an output.
    fn came(output: &Output<Pair>, records: &[Pair]) -> Vec<Seen> {
        let reader = Reader::of(&output.order);
        vec![Seen { reader, ..seen("out", records).unwrap() }.read_all()]
    }
    #[test]
    fn what_is_the_same_is_what_the_output_says() {
        let expected: [Pair; 4] = [(1, 1), (2, 5), (1, 2), (1, 3)];
        let other_order = [(1, 2), (1, 1), (1, 3), (2, 5)];
        let other_keys_first = [(2, 5), (1, 1), (1, 2), (1, 3)];
        let differs = |output: Output<Pair>, got: &[Pair]| difference(&came(&output, &expected), &came(&output, got));
        let (any, ordered) = (output, || output().in_order_per(|pair: &Pair| pair.0));
        let last = || output().last_per(|pair: &Pair| pair.0);
        assert_eq!(differs(any(), &other_order), None);
        assert!(differs(any(), &expected[1..]).unwrap().contains("missing: (1, 1)"));
        assert!(differs(any(), &[&expected[..], &[(2, 5)]].concat()).unwrap().contains("too many: (2, 5)"));
        assert_eq!(differs(ordered(), &other_keys_first), None);
        assert!(differs(ordered(), &other_order).unwrap().contains("of key 1, behind 0 that are the same"));
        assert!(differs(ordered(), &expected[..3]).unwrap().contains("expected: (1, 3)"));
        assert_eq!(differs(last(), &[(1, 9), (2, 5), (1, 3)]), None, "only the last ones count");
        assert!(differs(last(), &[(1, 3), (2, 5), (1, 2)]).unwrap().contains("came:     (1, 2)"));
        assert!(difference(&came(&any(), &expected), &[]).unwrap().contains("was not opened"));
        assert_eq!(difference(&came(&any(), &[]), &[]), None, "and had nothing to show");
    }
    #[test]
    fn two_runs_of_a_seed_are_the_same_in_order_too() {
        let (a, b) = (came(&output(), &[(1, 1), (1, 2)]), came(&output(), &[(1, 2), (1, 1)]));
        assert_eq!((first_other(&a, &a), first_other(&a, &b), first_other(&a, &[])), (None, Some(0), Some(0)));
    }

    #[test]
    fn an_output_is_of_no_use_outside_of_the_simulator() {
        let error = output::<u64>().open(0, 1).unwrap_err().to_string();
        assert!(error.contains("run the pipeline with `Sim`"), "{error}");
    }
}
