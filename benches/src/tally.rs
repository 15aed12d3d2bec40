//! What a sink does in every peer: count the records and fold their values into a checksum; and, in the latency
//! workload, note how late each one is. A worker does so in variables of its own, which are added up when the sink is
//! dropped, that is, when the peer has shut down.
use crate::histogram::Histogram;
use crate::workload::pace;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

static COUNT: AtomicU64 = AtomicU64::new(0);
static XOR: AtomicU64 = AtomicU64::new(0);
static LATENCIES: LazyLock<Mutex<Histogram>> = LazyLock::new(|| Mutex::new(Histogram::new()));
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds since the first call in this process.
#[inline(always)]
pub(crate) fn now_ns() -> u64 {
    EPOCH.elapsed().as_nanos() as u64
}

/// Two peers did the same work if these agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) count: u64,
    pub(crate) xor: u64,
}

/// Of all sinks that were dropped.
pub(crate) fn checksum() -> Checksum {
    Checksum { count: COUNT.load(Relaxed), xor: XOR.load(Relaxed) }
}

/// Of all latency sinks that were dropped.
pub(crate) fn latencies() -> Histogram {
    LATENCIES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A sink's count and checksum. A clone starts from nothing.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    count: u64,
    xor: u64,
}

impl Tally {
    /// Takes one value.
    #[inline(always)]
    pub(crate) fn put(&mut self, value: u64) {
        self.count += 1;
        self.xor ^= value;
    }
}

impl Clone for Tally {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        COUNT.fetch_add(self.count, Relaxed);
        XOR.fetch_xor(self.xor, Relaxed);
    }
}

/// The sink of the latency workload. A clone starts from nothing.
#[derive(Debug)]
pub(crate) struct LatencyTally {
    tally: Tally,
    histogram: Histogram,
    counted_from_ns: u64,
}

impl LatencyTally {
    /// For records of which the first is due at `start_ns`.
    pub(crate) fn new(start_ns: u64) -> Self {
        let counted_from_ns = start_ns + pace::WARM_UP_NS;
        Self { tally: Tally::default(), histogram: Histogram::new(), counted_from_ns }
    }

    /// Takes one value, which has just arrived.
    #[inline(always)]
    pub(crate) fn put(&mut self, value: u64, due_ns: u64) {
        self.tally.put(value);
        if due_ns >= self.counted_from_ns {
            self.histogram.record(now_ns().saturating_sub(due_ns));
        }
    }
}

impl Clone for LatencyTally {
    fn clone(&self) -> Self {
        Self { tally: Tally::default(), histogram: Histogram::new(), counted_from_ns: self.counted_from_ns }
    }
}

impl Drop for LatencyTally {
    fn drop(&mut self) {
        LATENCIES.lock().unwrap_or_else(PoisonError::into_inner).merge(&self.histogram);
    }
}
