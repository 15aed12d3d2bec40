//! Numbers that follow from a seed, and look random.
use std::ops::Range;
use std::time::Duration;

/// SplitMix64, by Steele, Lea and Flood.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);
impl Random {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        random.next();
        random
    }
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }
    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
    pub(super) fn of(&mut self, all: Range<u64>) -> u64 {
        all.start + self.below(all.end - all.start)
    }
    /// A time between so many milliseconds.
    pub(super) fn ms(&mut self, all: Range<u64>) -> Duration {
        Duration::from_micros(self.of(all.start * 1000..all.end * 1000))
    }
}
