//! A source that has given all its records and stays, as if more might come.
use malstrom::{Emit, Never, Read, Record, Result, Runtime, Source, SplitReader};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// One split; its position is the number of records taken.
#[derive(Clone)]
pub struct Staying<T>(pub Arc<[T]>);
pub fn staying<T>(records: impl IntoIterator<Item = T>) -> Staying<T> {
    Staying(records.into_iter().collect())
}
pub struct StayingReader<T> {
    records: Arc<[T]>,
    next: u64,
}
impl<T: Record + Clone + Sync> Source for Staying<T> {
    type Out = T;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = StayingReader<T>;
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok(vec![0])
    }
    fn open(&mut self, _: u64, next: Option<u64>) -> Result<StayingReader<T>> {
        Ok(StayingReader { records: self.0.clone(), next: next.unwrap_or(0) })
    }
}
impl<T: Clone + 'static> SplitReader for StayingReader<T> {
    type Out = T;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, max: usize, out: &mut impl Emit<T, Never>) -> Result<Read> {
        let left = self.records.get(self.next as usize..).unwrap_or_default();
        for record in left.iter().take(max) {
            out.emit(record.clone());
            self.next += 1;
        }
        Ok(Read::After(Duration::from_millis(1)))
    }
    fn position(&self) -> u64 {
        self.next
    }
}

/// A runtime whose job takes no snapshot but those that it is asked for, and the last one.
pub fn kept(at: &Path) -> malstrom_core::runtime::RuntimeBuilder {
    Runtime::builder().workers(2).snapshots(url(at), Duration::from_secs(3600)).restarts(0)
}
pub fn url(at: &Path) -> String {
    format!("file://{}", at.display())
}
