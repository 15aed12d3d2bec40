//! The workloads: pure functions of a record's number, so that every peer works on the same input and nothing has to
//! be loaded; but for Nexmark's queries, whose events lie in memory (see [`nexmark`](crate::nexmark)). All results are
//! compared by their count and by the exclusive or of all values that reached the sink.
//!
//! Neither depends on the order of arrival: in the keyed workloads a record's value is a function of its key, so
//! the running sums of a key are the same numbers however its records are interleaved.
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Pseudo-random number `i` (splitmix64 started at 0).
#[inline(always)]
pub(crate) fn mix(i: u64) -> u64 {
    let z = i.wrapping_add(1).wrapping_mul(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The value that every record of this key carries: 16 bits, never 0.
#[inline(always)]
pub(crate) fn val_of(key: u64) -> u64 {
    (key.wrapping_mul(GOLDEN) >> 48) | 1
}

/// Keyed record `i`: a key below `keys`, evenly spread, and its value.
#[inline(always)]
pub(crate) fn w2_event(i: u64, keys: u64) -> (u64, u64) {
    let key = ((mix(i) >> 32) * keys) >> 32;
    (key, val_of(key))
}

/// How much older than the latest of its source before it a record of `w3` may be, in milliseconds.
pub(crate) const OUT_OF_ORDER_MS: u64 = 100;
/// The length of the windows of `w3`, which are aligned to 0.
pub(crate) const WINDOW_MS: u64 = 1_000;

/// Timed record `i`: a key below `keys`, evenly spread, and its time in milliseconds, of which each has a thousand
/// records; out of order by up to 100 ms.
#[inline(always)]
pub(crate) fn w3_event(i: u64, keys: u64) -> (u64, u64) {
    let random = mix(i);
    let early = ((random & 0xffff) * (OUT_OF_ORDER_MS + 1)) >> 16;
    (((random >> 32) * keys) >> 32, i / 1_000 + OUT_OF_ORDER_MS - early)
}

/// The watermark of a source of `w3`: no record before this time follows one of the time `latest`.
#[inline(always)]
pub(crate) fn w3_bound(latest: u64) -> u64 {
    latest.saturating_sub(OUT_OF_ORDER_MS)
}

/// What reaches the sink of `w3`: a key, the number of its window, and how many records it had.
#[inline(always)]
pub(crate) fn w3_value(key: u64, window: u64, count: u64) -> u64 {
    mix(key ^ (window << 32) ^ (count << 48))
}

/// The worker that owns a key is this modulo the workers, in the peers that let us choose.
#[inline(always)]
pub(crate) fn route(key: u64) -> u64 {
    key.wrapping_mul(GOLDEN) >> 32
}

/// The share of the numbers `0..records` that one of the workers generates.
pub(crate) fn share(worker: u64, workers: u64, records: u64) -> Range<u64> {
    records * worker / workers..records * (worker + 1) / workers
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Workload {
    /// Stateless chain: generate -> multiply and add -> keep every third -> xor -> sink
    W1,
    /// Keyed running sum: generate (key, value) -> exchange by key -> sum per key -> sink
    W2,
    /// Windows: generate (key, time) -> exchange by key -> count per key and window of 1 s -> sink
    W3,
    /// Latency: 200k records/s, paced, through the keyed exchange of w2 with 1k keys at 2 workers
    W6,
    /// Nexmark: bids in another currency
    Q1,
    /// Nexmark: bids for every 123rd auction
    Q2,
    /// Nexmark: people of three states joined with the auctions of category 10 that they open
    Q3,
    /// Nexmark: the auction with the most bids in each 10 s, every 2 s
    Q5,
    /// Nexmark: the highest bid of each 10 s
    Q7,
    /// Nexmark: people joined with the auctions that they open within the same 10 s
    Q8,
}

impl Workload {
    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::W1 => "w1",
            Self::W2 => "w2",
            Self::W3 => "w3",
            Self::W6 => "w6",
            Self::Q1 => "q1",
            Self::Q2 => "q2",
            Self::Q3 => "q3",
            Self::Q5 => "q5",
            Self::Q7 => "q7",
            Self::Q8 => "q8",
        }
    }

    /// How many records, unless the command line says. One size for all peers, or their checksums could not agree: on
    /// a 2 GHz core the quickest need some 0.3 s, the slowest 2.5 s; Nexmark's queries, whose events must fit into
    /// memory, 0.03 s to 0.2 s.
    pub(crate) fn records(self) -> u64 {
        match self {
            Self::W1 => 200_000_000,
            Self::W2 | Self::W3 => 40_000_000,
            Self::W6 => 8 * pace::PER_SECOND,
            Self::Q1 | Self::Q2 | Self::Q3 | Self::Q5 | Self::Q7 | Self::Q8 => 4_000_000,
        }
    }

    /// Whether it is one of Nexmark's queries.
    pub(crate) fn is_query(self) -> bool {
        matches!(self, Self::Q1 | Self::Q2 | Self::Q3 | Self::Q5 | Self::Q7 | Self::Q8)
    }
}

/// When the records of the latency workload are due.
pub(crate) mod pace {
    /// By both workers together.
    pub(crate) const PER_SECOND: u64 = 200_000;
    /// Workers, each with a source of its own.
    pub(crate) const WORKERS: u64 = 2;
    /// Between two records of one worker.
    const PERIOD_NS: u64 = 1_000_000_000 * WORKERS / PER_SECOND;
    /// From building the dataflow until the first record is due.
    pub(crate) const LEAD_NS: u64 = 200_000_000;
    /// Records due sooner after the first are not counted.
    pub(crate) const WARM_UP_NS: u64 = 2_000_000_000;

    /// A worker's paced records: what has fallen due, and when the next one will.
    #[derive(Clone, Debug)]
    pub(crate) struct Schedule {
        start_ns: u64,
        first: u64,
        emitted: u64,
        records: u64,
        keys: u64,
    }

    impl Schedule {
        /// The share of one of the workers; its first record is due at `start_ns`.
        pub(crate) fn new(worker: u64, records: u64, keys: u64, start_ns: u64) -> Self {
            let records = records / WORKERS;
            Self { start_ns, first: worker * records, emitted: 0, records, keys }
        }

        /// When the next record is due, or `None` after the last one.
        #[inline(always)]
        pub(crate) fn next_due(&self) -> Option<u64> {
            (self.emitted < self.records).then(|| self.start_ns + self.emitted * PERIOD_NS)
        }

        /// The next record (key, value, when it was due) if that is not after `now_ns`.
        #[inline(always)]
        pub(crate) fn take(&mut self, now_ns: u64) -> Option<(u64, u64, u64)> {
            let due = self.next_due().filter(|due| *due <= now_ns)?;
            let (key, value) = super::w2_event(self.first + self.emitted, self.keys);
            self.emitted += 1;
            Some((key, value, due))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the peers measured before this benchmark was written: results stay comparable.
    #[test]
    fn records_are_what_they_always_were() {
        let expected = [
            (0, 0xe220_a839_7b1d_cdaf, (883, 47_449), (883_310, 39_493)),
            (1, 0x6e78_9e6a_a1b9_65f4, (431, 24_421), (431_527, 23_139)),
            (12_345_678_901, 0x18b0_b211_ea8a_f97f, (96, 21_709), (96_446, 59_381)),
        ];
        for (i, mixed, thousand, million) in expected {
            assert_eq!((mix(i), w2_event(i, 1_000), w2_event(i, 1_000_000)), (mixed, thousand, million));
        }
        assert_eq!([1, 999, 123_456].map(route), [2_654_435_769, 1_786_512_095, 17_674_250]);
        assert_eq!(val_of(0), 1);
    }

    #[test]
    fn a_time_is_at_most_100_ms_behind() {
        let mut latest = 0;
        let mut furthest = 0;
        for i in 0..1_000_000 {
            let (key, at) = w3_event(i, 10_000);
            assert!(at >= w3_bound(latest) && key == w2_event(i, 10_000).0);
            latest = latest.max(at);
            furthest = furthest.max(latest - at);
        }
        assert_eq!((furthest, latest), (100, 1_099));
        assert_eq!([0, 1, 12_345_678_901].map(|i| w3_event(i, 1_000)), [(883, 19), (431, 60), (96, 12_345_680)]);
    }

    #[test]
    fn shares_cover_everything_once() {
        let all: Vec<u64> = (0..3).flat_map(|worker| share(worker, 3, 10)).collect();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_schedule_gives_only_what_is_due() {
        let mut schedule = pace::Schedule::new(1, 4, 1_000, 500);
        assert_eq!(schedule.take(499), None);
        let (key, value) = w2_event(2, 1_000);
        assert_eq!(schedule.take(500), Some((key, value, 500)));
        assert_eq!(schedule.next_due(), Some(10_500));
        assert!(schedule.take(u64::MAX).is_some());
        assert_eq!((schedule.next_due(), schedule.take(u64::MAX)), (None, None));
    }
}
