//! A sink that publishes what is committed, and only that, into memory that outlives the job.
use malstrom::{Begin, CommitPermit, Guarantee, Interval, Record, Result, Sink};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Published<T> {
    records: Vec<T>,
    /// What was published: by its interval, worker and part.
    known: BTreeSet<(u64, usize, u64)>,
}
pub struct TwoPhase<T> {
    published: Arc<Mutex<Published<T>>>,
    /// Which of several sinks that publish into the same memory.
    part: u64,
    /// Is told which interval is committed.
    hook: Arc<dyn Fn(u64) + Send + Sync>,
    worker: usize,
    written: Vec<T>,
    staged: Vec<T>,
}
pub fn two_phase<T>() -> TwoPhase<T> {
    two_phase_telling(|_| ())
}
/// The same, and says which interval is committed.
pub fn two_phase_telling<T>(hook: impl Fn(u64) + Send + Sync + 'static) -> TwoPhase<T> {
    let published = Arc::new(Mutex::new(Published { records: Vec::new(), known: BTreeSet::new() }));
    TwoPhase { published, part: 0, hook: Arc::new(hook), worker: 0, written: Vec::new(), staged: Vec::new() }
}
impl<T> TwoPhase<T> {
    /// How many snapshots have published something so far.
    pub fn commits(&self) -> usize {
        let published = self.published.lock().unwrap();
        published.known.iter().map(|(interval, ..)| interval).collect::<BTreeSet<_>>().len()
    }
    /// What was published so far.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.published.lock().unwrap().records)
    }
    /// One of several sinks that publish into the same memory.
    pub fn part(&self, part: u64) -> TwoPhase<T> {
        TwoPhase { part, ..self.clone() }
    }
    fn publish(&self, interval: u64, worker: usize, records: impl IntoIterator<Item = T>) {
        let mut published = self.published.lock().unwrap();
        if published.known.insert((interval, worker, self.part)) {
            published.records.extend(records);
        }
    }
}
impl<T> Clone for TwoPhase<T> {
    fn clone(&self) -> Self {
        let TwoPhase { published, part, hook, .. } = self;
        let (published, hook) = (published.clone(), hook.clone());
        TwoPhase { published, part: *part, hook, worker: 0, written: Vec::new(), staged: Vec::new() }
    }
}
impl<T: Record + Clone> Sink for TwoPhase<T> {
    type In = T;
    const GUARANTEE: Guarantee = Guarantee::ExactlyOnce;
    fn open(&mut self, worker: usize, _: usize) -> Result<()> {
        self.worker = worker;
        Ok(())
    }
    fn write(&mut self, batch: &mut Vec<T>) -> Result<()> {
        self.written.append(batch);
        Ok(())
    }
    fn begin(&mut self, begin: Begin) -> Result<()> {
        for staged in begin.staged.unwrap_or_default() {
            let (interval, worker, records) = <(u64, u64, Vec<T>)>::decode(&staged).unwrap();
            self.publish(interval, worker as usize, records);
        }
        Ok(())
    }
    fn pre_commit(&mut self, interval: Interval) -> Result<Vec<u8>> {
        self.staged.append(&mut self.written);
        let mut bytes = Vec::new();
        (interval.number, self.worker as u64, self.staged.clone()).encode(&mut bytes).unwrap();
        Ok(bytes)
    }
    fn commit(&mut self, permit: CommitPermit) -> Result<()> {
        (self.hook)(permit.interval());
        let staged = std::mem::take(&mut self.staged);
        self.publish(permit.interval(), self.worker, staged);
        Ok(())
    }
}
