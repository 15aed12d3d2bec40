//! Malstrom: the pipelines as a user would write them, with the runtime's defaults and without snapshots.
//!
//! How fair: the exchange hashes with Malstrom's own stable hash and keeps state by key group, neither of which can be
//! chosen; both are part of what is measured. The throughput pipelines use built-in stages only; the latency one reads
//! from a source of its own, which says when it wants to be asked again, so an idle worker sleeps. Windows and queries
//! are stated as such, without counting in panes or the best of each worker by hand.
mod nexmark;
mod windows;

pub(crate) use nexmark::BY_REFERENCE;

use super::Case;
use crate::tally::{LatencyTally, Tally, now_ns};
use crate::workload::{Workload, mix, pace, share, w2_event};
use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use malstrom::{Emit, Latency, Never, Read, Runtime, Source, SplitReader};
use std::time::Duration;

/// Does the work.
pub(super) fn run(case: &Case, mode: &str) {
    work(case, mode.to_owned()).expect("the job runs to its end");
}

fn work(case: &Case, mode: String) -> malstrom::Result<()> {
    let Case { workload, workers, keys, records } = *case;
    let start = now_ns() + pace::LEAD_NS;
    let runtime = Runtime::builder().workers(workers);
    match workload {
        Workload::W1 => runtime.build()?.run(move || chain(workers, records))?,
        Workload::W2 => runtime.build()?.run(move || summed(workers, records, keys))?,
        Workload::W3 => runtime.build()?.run(move || windows::counted(workers, records, keys))?,
        Workload::W6 => runtime.latency(Latency::Low).build()?.run(move || paced(records, keys, start))?,
        query => runtime.build()?.run(move || nexmark::query(query, workers, &mode))?,
    };
    Ok(())
}

pipeline! {
    fn chain(workers: usize, records: u64) {
        source(memory::splits(workers, move |split: usize| share(split as u64, workers as u64, records).map(mix)))
            -> map(|x: u64| x.wrapping_mul(31).wrapping_add(7))
            -> filter(|x: &u64| x.is_multiple_of(3))
            -> map(|x: u64| x ^ (x >> 7))
            -> sink(for_each(tally()));
    }

    fn summed(workers: usize, records: u64, keys: u64) {
        source(memory::splits(workers, move |split: usize| {
            share(split as u64, workers as u64, records).map(move |i| w2_event(i, keys))
        }))
            -> key_by(|record: &(u64, u64)| record.0)
            -> sum(|record: &(u64, u64)| record.1)
            -> sink(for_each(tally_of_sums()));
    }

    fn paced(records: u64, keys: u64, start: u64) {
        source(Paced { records, keys, start })
            -> key_by(|record: &(u64, u64, u64)| record.0)
            -> add
            -> sink(for_each(latency_tally(start)));
    }
}

#[keyed_state(key = u64)]
#[derive(Default)]
struct Sum {
    total: u64,
}

/// As `sum`, but the time at which the record was due travels with the result.
#[operator]
fn add(sum: &mut Sum, record: (u64, u64, u64)) -> (u64, u64) {
    sum.total += record.1;
    (sum.total, record.2)
}

fn tally() -> impl FnMut(u64) + 'static {
    let mut sink = Tally::default();
    move |x| sink.put(x)
}

fn tally_of_sums() -> impl FnMut((u64, u64)) + 'static {
    let mut sink = Tally::default();
    move |(_, sum)| sink.put(sum)
}

fn latency_tally(start: u64) -> impl FnMut((u64, u64)) + 'static {
    let mut sink = LatencyTally::new(start);
    move |(sum, due)| sink.put(sum, due)
}

/// A split for each worker, paced by the clock.
struct Paced {
    records: u64,
    keys: u64,
    start: u64,
}

impl Source for Paced {
    type Out = (u64, u64, u64);
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = PacedReader;

    fn splits(&mut self) -> malstrom::Result<Vec<u64>> {
        Ok((0..pace::WORKERS).collect())
    }

    fn open(&mut self, split: u64, _: Option<u64>) -> malstrom::Result<PacedReader> {
        let schedule = pace::Schedule::new(split, self.records, self.keys, self.start);
        Ok(PacedReader { schedule, emitted: 0 })
    }
}

struct PacedReader {
    schedule: pace::Schedule,
    emitted: u64,
}

impl SplitReader for PacedReader {
    type Out = (u64, u64, u64);
    type Error = Never;
    type Position = u64;

    fn read(&mut self, max: usize, out: &mut impl Emit<Self::Out, Never>) -> malstrom::Result<Read> {
        let now = now_ns();
        for _ in 0..max {
            let Some(record) = self.schedule.take(now) else { break };
            out.emit(record);
            self.emitted += 1;
        }
        Ok(match self.schedule.next_due() {
            None => Read::End,
            Some(due) if due <= now => Read::More,
            Some(due) => Read::After(Duration::from_nanos(due - now)),
        })
    }

    fn position(&self) -> u64 {
        self.emitted
    }
}
