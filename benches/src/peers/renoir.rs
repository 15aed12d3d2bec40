//! renoir 0.6: its own operators throughout, batches of 1024 as it comes.
//!
//! How fair: `group_by` routes by renoir's own hash, for which it offers no choice, and keeps state in its own map; both
//! are part of what is measured. It has a thread for each side of an exchange, so that one worker of the keyed workloads
//! uses more than one core: compare its CPU seconds too. A source with nothing due has to block, as it is an iterator, and sleeps 50 µs at a
//! time. In the latency workload the batch mode decides, so there are three: `single` (no batches), `timed` and
//! `adaptive` (1024 records or 1 ms).
//!
//! Its event-time windows give other answers: a key's windows start at its first record's time, and older records are
//! counted nowhere. `w3` therefore has an operator of our own for windows, on renoir's timestamps and watermarks, and
//! queries 5, 7 and 8 are left out.
mod nexmark;
mod windows;

use super::Case;
use crate::tally::{LatencyTally, Tally, now_ns};
use crate::workload::{Workload, mix, pace, share, w2_event};
use ::renoir::prelude::*;
use std::time::Duration;

const LARGEST_BATCH: usize = 1024;
const LINGER: Duration = Duration::from_millis(1);

/// Does the work.
pub(super) fn run(case: &Case, mode: &str) {
    let Case { workload, workers, keys, records } = *case;
    let config = RuntimeConfig::local(workers as u64).expect("as many threads as workers");
    let context = StreamContext::new(config);
    match workload {
        Workload::W1 => chain(&context, records),
        Workload::W2 => summed(&context, records, keys),
        Workload::W3 => windows::counted(&context, records, keys),
        Workload::W6 => paced(&context, records, keys, batches(mode)),
        query => nexmark::run(&context, query),
    }
    context.execute_blocking();
}

fn chain(context: &StreamContext, records: u64) {
    let mut sink = Tally::default();
    context
        .stream_par_iter(move |me: u64, all| share(me, all, records).map(mix))
        .map(|x| x.wrapping_mul(31).wrapping_add(7))
        .filter(|x| x % 3 == 0)
        .map(|x| x ^ (x >> 7))
        .for_each(move |x| sink.put(x));
}

fn summed(context: &StreamContext, records: u64, keys: u64) {
    let mut sink = Tally::default();
    let mut sum = 0;
    context
        .stream_par_iter(move |me: u64, all| share(me, all, records).map(move |i| w2_event(i, keys)))
        .group_by(|record| record.0)
        .rich_map(move |(_, record)| {
            sum += record.1;
            sum
        })
        .drop_key()
        .for_each(move |sum| sink.put(sum));
}

fn paced(context: &StreamContext, records: u64, keys: u64, batches: BatchMode) {
    let start = now_ns() + pace::LEAD_NS;
    let mut sink = LatencyTally::new(start);
    let mut sum = 0;
    context
        .stream_par_iter(move |me: u64, _| Waiting(pace::Schedule::new(me, records, keys, start)))
        .batch_mode(batches)
        .group_by(|record| record.0)
        .rich_map(move |(_, record)| {
            sum += record.1;
            (sum, record.2)
        })
        .drop_key()
        .for_each(move |(sum, due)| sink.put(sum, due));
}

fn batches(mode: &str) -> BatchMode {
    match mode {
        "single" => BatchMode::single(),
        "timed 1 ms" => BatchMode::timed(LARGEST_BATCH, LINGER),
        "adaptive 1 ms" => BatchMode::adaptive(LARGEST_BATCH, LINGER),
        other => panic!("renoir has no batch mode `{other}`"),
    }
}

struct Waiting(pace::Schedule);

impl Iterator for Waiting {
    type Item = (u64, u64, u64);

    fn next(&mut self) -> Option<Self::Item> {
        let due = self.0.next_due()?;
        loop {
            let now = now_ns();
            if now >= due {
                return self.0.take(now);
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}
