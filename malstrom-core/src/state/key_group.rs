//! The hash of a key's canonical bytes, whose top bits are its [key group](crate::contract::key::KeyGroups).
//!
//! Up to 16 bytes are hashed by one folded multiplication. Both factors contain the key: with a constant as one factor,
//! one job in some hundreds draws a seed with which evenly spaced integers crowd into a few groups (up to 150 times the
//! mean, measured); then one more multiplication carries every bit to the top. Longer keys are hashed by xxh3-64.
//!
//! The seed is drawn once per job, so nobody outside can aim for one group. The hash is part of the data format: it
//! never changes.
use crate::contract::key::{KeyWriter, PartitionKey};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Hashes keys.
///
/// ```
/// use malstrom_core::contract::key::KeyGroups;
/// use malstrom_core::state::key_group::KeyHasher;
/// let mut hasher = KeyHasher::new(42);
/// let hash = hasher.hash(&"anna".to_owned());
/// assert_eq!(hash, hasher.hash(&"anna".to_owned()));
/// assert!(usize::from(KeyGroups::DEFAULT.of(hash)) < 4096);
/// ```
#[derive(Clone, Debug)]
pub struct KeyHasher {
    first: u64,
    second: u64,
    seed: u64,
    long: Vec<u8>,
}

impl KeyHasher {
    /// A hasher with the seed of the job.
    pub const fn new(seed: u64) -> Self {
        KeyHasher { first: mix(seed ^ FIRST), second: mix(seed ^ SECOND), seed, long: Vec::new() }
    }

    /// The hash of `key`.
    #[inline(always)]
    pub fn hash<K: PartitionKey>(&mut self, key: &K) -> u64 {
        let KeyHasher { first, second, seed, long } = self;
        let mut writer = KeyWriter::new(long);
        key.write_key(&mut writer);
        match writer.finish() {
            Ok((low, high, len)) => {
                let second = *second ^ (len as u64).wrapping_mul(SECOND);
                let product = u128::from(low ^ *first) * u128::from(high ^ low.rotate_left(32) ^ second);
                (product as u64 ^ (product >> 64) as u64).wrapping_mul(GOLDEN)
            }
            Err(bytes) => xxh3_64_with_seed(bytes, *seed),
        }
    }
}

// The fractions of pi and of the golden ratio.
const FIRST: u64 = 0x243f_6a88_85a3_08d3;
const SECOND: u64 = 0x1319_8a2e_0370_7345;
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads the seed over all bits (the finalizer of splitmix64).
const fn mix(seed: u64) -> u64 {
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}
