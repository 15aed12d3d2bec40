//! A stage that writes down what it sees of time.
use malstrom::prelude::*;
use malstrom::{Context, Extract, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a stage saw with one record.
#[derive(Clone, Debug)]
pub struct Sight {
    pub stage: String,
    pub worker: String,
    pub at: i64,
    pub watermark: Watermark,
}
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<Sight>>>);

/// Operators take their configuration by `Into`.
impl From<&Log> for Log {
    fn from(log: &Log) -> Log {
        log.clone()
    }
}

/// The name of an operator in its pipeline.
pub struct Id(String);
impl<'a> Extract<'a> for Id {
    fn extract(context: &'a Context<'a>) -> Self {
        let id = context.operator();
        Id(id.rsplit('/').next().unwrap_or(id).to_owned())
    }
}

#[operator]
pub fn probe<T: 'static>(record: T, at: EventTime<i64>, watermark: Watermark, id: Id, #[arg] log: &Log) -> T {
    log.see(&id.0, *at, watermark);
    record
}
/// How far a watermark promises; `None` for those that are no time.
fn promised(watermark: Watermark) -> Option<i64> {
    watermark.time().map(Timestamp::as_micros)
}

impl Log {
    pub fn see(&self, stage: &str, at: i64, watermark: Watermark) {
        let worker = std::thread::current().name().unwrap_or_default().to_owned();
        self.0.lock().unwrap().push(Sight { stage: stage.to_owned(), worker, at, watermark });
    }
    /// What was seen, in order.
    pub fn take(&self) -> Vec<Sight> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
    /// Per stage and worker: no watermark goes back, and no record is at or behind one.
    pub fn check(&self) -> BTreeMap<String, usize> {
        let (mut last, mut seen): (BTreeMap<(String, String), i64>, BTreeMap<String, usize>) = Default::default();
        for sight in self.take() {
            *seen.entry(sight.stage.clone()).or_default() += 1;
            let last = last.entry((sight.stage.clone(), sight.worker.clone())).or_insert(i64::MIN);
            if let Some(now) = promised(sight.watermark) {
                assert!(now >= *last, "time goes back from {last}: {sight:?}");
                *last = now;
            }
            assert!(sight.at > *last, "a record at or behind {last}: {sight:?}");
        }
        seen
    }
}
