//! Hand-written loops: the yardstick.
//!
//! One fused loop per worker over the plain functions, nothing dynamic, nothing allocated per record. With two workers
//! the keyed sum sends the records of the other worker over in batches whose buffers come back for reuse.
//!
//! How fair: these are the loops one writes first, record by record. (`black_box` keeps the generator of `w1` from being
//! vectorised with the rest: a source yields one record at a time.) They are no upper bound. The keyed sum is quicker if
//! records are generated a block ahead, as then the processor waits for several keys' memory at once; that is measured
//! beside it as "hand, in blocks", with one worker. The two-worker exchange has been tuned by hand only so far. In the
//! latency workload a worker looks for work every 50 µs and sleeps in between. Of Nexmark's queries only those without
//! an exchange have been written for two workers; beside the others' two workers stands the loop of one, "alone".
mod nexmark;
mod windows;

use super::Case;
use crate::tally::{LatencyTally, Tally, now_ns};
use crate::workload::{Workload, mix, pace, route, share, w2_event};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use fxhash::FxBuildHasher;
use hashbrown::HashMap;
use std::hint::black_box;
use std::time::Duration;

/// Records that go to the other worker together.
const BATCH: usize = 2048;
/// Batches on their way to a worker.
const IN_FLIGHT: usize = 16;
/// Records generated ahead by the loop in blocks.
const BLOCK: u64 = 256;

/// The setting under which the keyed sum works in blocks.
pub(super) const IN_BLOCKS: &str = "in blocks";

/// The setting under which one worker does the work of two.
pub(super) const ALONE: &str = "alone";

/// A running sum per key, as timely keeps it too.
pub(super) type Sums = HashMap<u64, u64, FxBuildHasher>;

/// Does the work.
pub(super) fn run(case: &Case, mode: &str) {
    let Case { workload, workers, keys, records } = *case;
    match (workload, workers) {
        (Workload::W1, 1) => chain(0, 1, records),
        (Workload::W1, _) => std::thread::scope(|threads| {
            for worker in 0..workers as u64 {
                threads.spawn(move || chain(worker, workers as u64, records));
            }
        }),
        (Workload::W2, 1) if mode == IN_BLOCKS => sums_in_blocks(records, keys),
        (Workload::W2, 1) => {
            let mut sums = Summing::default();
            (0..records).map(|i| w2_event(i, keys)).for_each(|record| sums.add(record));
        }
        (Workload::W2, _) => {
            let (left, right) = duplex();
            std::thread::scope(|threads| {
                threads.spawn(move || exchanged_sums(0, records, keys, left));
                threads.spawn(move || exchanged_sums(1, records, keys, right));
            });
        }
        (Workload::W3, _) => windows::run(workers, records, keys),
        (Workload::W6, _) => {
            let start = now_ns() + pace::LEAD_NS;
            let ((to_left, left), (to_right, right)) = (unbounded(), unbounded());
            std::thread::scope(|threads| {
                threads.spawn(move || paced_sums(0, records, keys, start, to_right, left));
                threads.spawn(move || paced_sums(1, records, keys, start, to_left, right));
            });
        }
        (query, _) => nexmark::run(query, workers),
    }
}

fn chain(worker: u64, workers: u64, records: u64) {
    let mut sink = Tally::default();
    for i in share(worker, workers, records) {
        let x = black_box(mix(i)).wrapping_mul(31).wrapping_add(7);
        if x.is_multiple_of(3) {
            sink.put(x ^ (x >> 7));
        }
    }
}

#[derive(Default)]
struct Summing {
    sums: Sums,
    sink: Tally,
}

impl Summing {
    #[inline(always)]
    fn add(&mut self, (key, value): (u64, u64)) {
        let sum = self.sums.entry(key).or_insert(0);
        *sum += value;
        self.sink.put(*sum);
    }
}

fn sums_in_blocks(records: u64, keys: u64) {
    let mut sums = Summing::default();
    let mut block = Vec::with_capacity(BLOCK as usize);
    for start in (0..records).step_by(BLOCK as usize) {
        block.extend((start..records.min(start + BLOCK)).map(|i| w2_event(i, keys)));
        block.drain(..).for_each(|record| sums.add(record));
    }
}

type Batch = Vec<(u64, u64)>;

/// One worker's end of a connection in both directions. A message is or holds a full buffer;
/// emptied ones go back to who filled them.
struct Duplex<M> {
    full_out: Sender<M>,
    full_in: Receiver<M>,
    empty_out: Sender<Batch>,
    empty_in: Receiver<Batch>,
}

fn duplex<M>() -> (Duplex<M>, Duplex<M>) {
    let (to_left, at_left) = bounded(IN_FLIGHT);
    let (to_right, at_right) = bounded(IN_FLIGHT);
    let (back_to_left, back_at_left) = bounded(4 * IN_FLIGHT);
    let (back_to_right, back_at_right) = bounded(4 * IN_FLIGHT);
    let left = Duplex { full_out: to_right, full_in: at_left, empty_out: back_to_right, empty_in: back_at_left };
    let right = Duplex { full_out: to_left, full_in: at_right, empty_out: back_to_left, empty_in: back_at_right };
    (left, right)
}

fn exchanged_sums(me: u64, records: u64, keys: u64, link: Duplex<Batch>) {
    let Duplex { full_out, full_in, empty_out, empty_in } = link;
    let mut mine = Summing::default();
    let absorb = |mut batch: Batch, mine: &mut Summing| {
        batch.drain(..).for_each(|record| mine.add(record));
        // the other worker is gone, or has buffers enough
        let _ = empty_out.try_send(batch);
    };
    // Never waits without taking in what arrives, or both would wait for each other.
    let send = |mut batch: Batch, mine: &mut Summing| {
        while let Err(TrySendError::Full(back)) = full_out.try_send(batch) {
            batch = back;
            match full_in.try_recv() {
                Ok(arrived) => absorb(arrived, mine),
                Err(_) => std::thread::yield_now(),
            }
        }
    };
    let mut filling = Vec::with_capacity(BATCH);
    for i in share(me, 2, records) {
        let record = w2_event(i, keys);
        if route(record.0) & 1 == me {
            mine.add(record);
            continue;
        }
        filling.push(record);
        if filling.len() == BATCH {
            let empty = empty_in.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH));
            send(std::mem::replace(&mut filling, empty), &mut mine);
            full_in.try_iter().for_each(|batch| absorb(batch, &mut mine));
        }
    }
    send(filling, &mut mine);
    drop(full_out);
    full_in.iter().for_each(|batch| absorb(batch, &mut mine));
}

type Paced = Vec<(u64, u64, u64)>;

/// What is due is sent at once, however little it is.
fn paced_sums(me: u64, records: u64, keys: u64, start: u64, to: Sender<Paced>, from: Receiver<Paced>) {
    let mut schedule = pace::Schedule::new(me, records, keys, start);
    let mut sums = Sums::default();
    let mut sink = LatencyTally::new(start);
    let mut add = |(key, value, due): (u64, u64, u64)| {
        let sum = sums.entry(key).or_insert(0);
        *sum += value;
        sink.put(*sum, due);
    };
    let mut to = Some(to);
    loop {
        let now = now_ns();
        let (mut idle, mut away) = (true, Vec::new());
        while let Some(record) = schedule.take(now) {
            idle = false;
            if route(record.0) & 1 == me { add(record) } else { away.push(record) }
        }
        if let Some(open) = to.as_ref().filter(|_| !away.is_empty()) {
            // it waits for the end of this sender, so it is there
            let _ = open.send(away);
        }
        if schedule.next_due().is_none() {
            to = None;
        }
        let over = loop {
            match from.try_recv() {
                Ok(batch) => batch.into_iter().for_each(&mut add),
                Err(gone) => break gone.is_disconnected(),
            }
            idle = false;
        };
        if over && to.is_none() {
            return;
        }
        if idle {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}
