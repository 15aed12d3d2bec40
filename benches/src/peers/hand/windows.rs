//! `w3`: a map for each open window, of which there are at most two. With two workers batches carry the sender's
//! watermark.
use super::{BATCH, Batch, Duplex, duplex};
use crate::nexmark::Map;
use crate::tally::Tally;
use crate::workload::{WINDOW_MS, route, w3_bound, w3_event, w3_value};
use crossbeam_channel::TrySendError;
use std::collections::VecDeque;

/// Does the work.
pub(super) fn run(workers: usize, records: u64, keys: u64) {
    if workers == 1 {
        return alone(records, keys);
    }
    let (left, right) = duplex();
    std::thread::scope(|threads| {
        threads.spawn(move || exchanged(0, records, keys, left));
        threads.spawn(move || exchanged(1, records, keys, right));
    });
}

#[derive(Default)]
struct Windows {
    open: VecDeque<Map<u64, u64>>,
    /// The number of the first of them.
    first: u64,
    sink: Tally,
}

impl Windows {
    #[inline(always)]
    fn add(&mut self, (key, at): (u64, u64)) {
        let window = (at / WINDOW_MS - self.first) as usize;
        while self.open.len() <= window {
            self.open.push_back(Map::default());
        }
        *self.open[window].entry(key).or_insert(0) += 1;
    }

    /// Closes the windows that end at or before `bound`.
    #[inline(always)]
    fn close(&mut self, bound: u64) {
        while (self.first + 1) * WINDOW_MS <= bound {
            let Some(counts) = self.open.pop_front() else { return };
            counts.into_iter().for_each(|(key, count)| self.sink.put(w3_value(key, self.first, count)));
            self.first += 1;
        }
    }
}

fn alone(records: u64, keys: u64) {
    let mut windows = Windows::default();
    let mut latest = 0;
    for i in 0..records {
        let record = w3_event(i, keys);
        windows.add(record);
        if record.1 > latest {
            latest = record.1;
            windows.close(w3_bound(latest));
        }
    }
    windows.close(u64::MAX);
}

/// Records, and the sender's watermark after them.
type Timed = (Batch, u64);

fn exchanged(me: u64, records: u64, keys: u64, link: Duplex<Timed>) {
    let Duplex { full_out, full_in, empty_out, empty_in } = link;
    let mut windows = Windows::default();
    let (mut latest, mut theirs) = (0, 0);
    let absorb = |(mut batch, bound): Timed, windows: &mut Windows, theirs: &mut u64| {
        batch.drain(..).for_each(|record| windows.add(record));
        *theirs = bound;
        // the other worker is gone, or has buffers enough
        let _ = empty_out.try_send(batch);
    };
    // Never waits without taking in what arrives, or both would wait for each other.
    let send = |mut timed: Timed, windows: &mut Windows, theirs: &mut u64| {
        while let Err(TrySendError::Full(back)) = full_out.try_send(timed) {
            timed = back;
            match full_in.try_recv() {
                Ok(arrived) => absorb(arrived, windows, theirs),
                Err(_) => std::thread::yield_now(),
            }
        }
    };
    let mut filling = Vec::with_capacity(BATCH);
    for i in (me..records).step_by(2) {
        let record = w3_event(i, keys);
        latest = latest.max(record.1);
        if route(record.0) & 1 == me {
            windows.add(record);
            continue;
        }
        filling.push(record);
        if filling.len() == BATCH {
            let empty = empty_in.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH));
            let mine = w3_bound(latest);
            send((std::mem::replace(&mut filling, empty), mine), &mut windows, &mut theirs);
            full_in.try_iter().for_each(|timed| absorb(timed, &mut windows, &mut theirs));
            windows.close(mine.min(theirs));
        }
    }
    send((filling, u64::MAX), &mut windows, &mut theirs);
    drop(full_out);
    for timed in &full_in {
        absorb(timed, &mut windows, &mut theirs);
        windows.close(theirs);
    }
    windows.close(u64::MAX);
}
