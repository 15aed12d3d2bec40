//! Latencies by size: 64 buckets for each power of two, so a percentile is at most 1.6 % too low, and counting one costs
//! a few instructions and no memory.
use serde::{Deserialize, Serialize};

const BITS: u32 = 6;
const PER_POWER: usize = 1 << BITS;
const BUCKETS: usize = (64 - BITS as usize + 1) * PER_POWER;

/// How often each latency was seen.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    largest: u64,
}

/// What is reported of a histogram of nanoseconds, in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Histogram {
    /// With nothing in it.
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS], largest: 0 }
    }

    /// Counts one value.
    #[inline(always)]
    pub(crate) fn record(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.largest = self.largest.max(value);
    }

    /// Adds another's counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, theirs)| *mine += theirs);
        self.largest = self.largest.max(other.largest);
    }

    /// Of nanoseconds; `None` if nothing was counted.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        let micros = |ns: u64| ns as f64 / 1_000.0;
        let at = |part| self.quantile(part).map(micros);
        Some(Percentiles { p50: at(0.5)?, p99: at(0.99)?, p999: at(0.999)?, max: micros(self.largest) })
    }

    fn quantile(&self, part: f64) -> Option<u64> {
        let total: u64 = self.counts.iter().sum();
        let mut left = (total as f64 * part) as u64;
        let found = self.counts.iter().position(|&count| {
            let here = count > left;
            left = left.saturating_sub(count);
            here
        });
        found.map(lower_bound)
    }
}

/// Below 64 a bucket for each number; above, the number's power of two and the six bits after the leading one.
#[inline(always)]
fn bucket(value: u64) -> usize {
    let power = value.max(PER_POWER as u64).ilog2();
    let shift = power - BITS;
    // the leading one itself adds one more row of buckets
    shift as usize * PER_POWER + (value >> shift) as usize
}

fn lower_bound(bucket: usize) -> u64 {
    let shift = (bucket / PER_POWER).saturating_sub(1);
    ((bucket - shift * PER_POWER) as u64) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_in_order_and_narrow() {
        for value in (0..5_000).chain((0..58).map(|power| 77 << power)).chain([u64::MAX]) {
            let low = lower_bound(bucket(value));
            assert!(low <= value && value - low <= value / 64, "{value} in a bucket from {low}");
            assert!(bucket(value) <= bucket(value.saturating_add(1)) && bucket(value) < BUCKETS);
        }
    }

    #[test]
    fn percentiles_of_known_values() {
        let (mut odd, mut even) = (Histogram::new(), Histogram::new());
        assert!(odd.percentiles().is_none());
        (0..1_000).for_each(|i| if i % 2 == 0 { even.record(i * 1_000) } else { odd.record(i * 1_000) });
        odd.merge(&even);
        let found = odd.percentiles().expect("not empty");
        for (found, expected) in [(found.p50, 500.0), (found.p99, 990.0), (found.p999, 999.0), (found.max, 999.0)] {
            assert!(found <= expected && found > expected * 0.984, "{found} for {expected}");
        }
    }
}
