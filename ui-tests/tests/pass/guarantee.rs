//! A pipeline may promise exactly-once where all of its sources and sinks can keep that.
use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::{ExactlyOnce, Guarantee, Result, Sink};
use std::path::PathBuf;
use std::time::Duration;

/// A sink of the user's own.
struct Ledger;
impl Sink for Ledger {
    type In = u64;
    const GUARANTEE: Guarantee = Guarantee::ExactlyOnce;
    fn write(&mut self, batch: &mut Vec<u64>) -> Result<()> {
        batch.clear();
        Ok(())
    }
}
impl ExactlyOnce for Ledger {}

pipeline! {
    /// Adds up.
    #[guarantee(exactly_once)]
    #[allow(dead_code)]
    pub fn sums(lines: PathBuf, out: PathBuf) {
        let words = source(files::lines(lines)) -> map(|line| line.len() as u64);
        let numbers = source(vec![1, 2, 3u64]);
        let further = source(memory::splits(2, |split| 0..split as u64));
        let all = union(words, numbers, further);
        all -> key_by(|n| n % 2) -> sum(|n| *n) -> sink(files::csv_sink(out.join("sums")));
        all -> sink(files::jsonl_sink(out.join("all")));
        all -> sink(Ledger) as ledger;
    }
    #[guarantee(exactly_once)]
    fn typed<T: Clone + 'static>(values: Vec<T>) {
        source(values) -> map(|_| 1u64) -> sink(Ledger);
    }
    // Elsewhere nothing is asked.
    fn printed() {
        source(0..1u64) -> sink(stdout());
    }
}

fn main() {
    let builder = || malstrom::Runtime::builder().workers(1);
    let kept = builder().snapshots("memory://typed", Duration::from_secs(10)).build().unwrap();
    let report = kept.run(|| typed(vec!["a", "b"])).unwrap();
    assert_eq!(report.operator("typed/sink").map(|sink| sink.guarantee), Some(Some(Guarantee::ExactlyOnce)));
    let report = builder().build().unwrap().run(printed).unwrap();
    assert_eq!(report.operator("printed/sink").map(|sink| sink.guarantee), Some(Some(Guarantee::AtLeastOnce)));
    assert_eq!(report.operator("printed/source").map(|source| source.guarantee), Some(None));
}
