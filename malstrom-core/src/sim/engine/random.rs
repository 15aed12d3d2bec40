//! Numbers that look random and are the same each time.
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A source of numbers that follow from a seed. What is decided for different reasons is drawn from different
/// [branches](Random::branch), so that one more draw of one kind leaves the others as they were.
///
/// ```
/// use malstrom_core::sim::engine::Random;
/// let seed = Random::new(7);
/// assert_eq!(seed.branch("crashes").next(), seed.branch("crashes").next());
/// assert_ne!(seed.branch("crashes").next(), seed.branch("order").next());
/// ```
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The root of a tree.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }
    /// The branch of this name. It takes no number from this one.
    pub fn branch(&self, name: &str) -> Self {
        Random(xxh3_64_with_seed(name.as_bytes(), self.0))
    }
    /// A number.
    #[allow(clippy::should_implement_trait, reason = "it has no end, and is not iterated over")]
    pub fn next(&mut self) -> u64 {
        // SplitMix64, by Steele, Lea and Flood.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }
    /// Whether it is one of `many` times; never if that is 0.
    pub fn one_in(&mut self, many: u64) -> bool {
        self.next().checked_rem(many) == Some(0)
    }
    /// One of the numbers below `end`, as an index.
    pub(crate) fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or(0)
    }
}
