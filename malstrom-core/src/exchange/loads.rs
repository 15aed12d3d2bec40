//! How many records are of which key group, as far as samples tell.
//!
//! Whoever sends records by their keys looks at one in some 64 of them, batch by batch: so little that it cannot be measured. What all
//! workers of a process have seen is counted in one place.
use super::batch::Envelope;
use crate::contract::form::Meta;
use crate::contract::key::KeyGroups;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One in so many records is looked at, on average.
pub const ONE_IN: usize = 64;

/// What the samples of a process are of. There is room for all key groups that there can be.
pub struct Loads(Box<[AtomicU64]>);
impl std::fmt::Debug for Loads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: u64 = self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        write!(f, "Loads({all} samples)")
    }
}
impl Default for Loads {
    fn default() -> Self {
        Loads(KeyGroups::MOST.all().map(|_| AtomicU64::new(0)).collect())
    }
}
impl Loads {
    fn note(&self, group: u64) {
        if let Some(count) = self.0.get(group as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// How many samples were of each key group, since this was last asked.
    pub(crate) fn take(&self, key_groups: KeyGroups) -> Vec<u64> {
        self.0.iter().take(key_groups.count()).map(|count| count.swap(0, Ordering::Relaxed)).collect()
    }
}

/// Looks at some of the records that a sender sends.
pub(crate) struct Sampler {
    loads: Arc<Loads>,
    /// The number of a group is what is left of a hash without so many low bits.
    shift: u32,
    /// So many are not looked at.
    skip: usize,
    state: u32,
}
impl Sampler {
    pub(crate) fn new(loads: Arc<Loads>, shift: u32) -> Self {
        Sampler { loads, shift, skip: ONE_IN, state: 0x9e37_79b9 }
    }
    /// These are sent.
    pub(crate) fn look<M: Meta, T>(&mut self, records: &[Envelope<M, T>]) {
        while let Some(envelope) = records.get(self.skip) {
            self.loads.note(envelope.hash >> self.shift);
            self.skip += self.step();
        }
        self.skip -= records.len();
    }
    /// How far it is to the next. Never the same twice in a row: keys that come in turn are all seen in the end.
    fn step(&mut self) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        ONE_IN / 2 + self.state as usize % (ONE_IN + 1)
    }
}

/// What loads the samples tell of, in any unit: what may well be chance is left out. If it were believed, those groups would be moved of which
/// there were many samples by chance.
///
/// Samples of a group whose share stays the same deviate by the root of their number. If all groups together deviate by hardly more,
/// all have the same load. Otherwise the load of each is the mean of those that differ by no more than three deviations: so what stands
/// out is what was counted, and what is in a crowd is as the crowd.
///
/// ```
/// use malstrom_core::exchange::loads::likely;
/// let (even, hot): (Vec<u64>, Vec<u64>) = (0..100).map(|group| (100 + group % 20, if group == 7 { 5000 } else { 100 })).unzip();
/// assert!(likely(&even).iter().all(|load| *load == likely(&even)[0]));
/// assert!(likely(&hot)[7] > 49 * likely(&hot)[8]);
/// ```
pub fn likely(samples: &[u64]) -> Vec<u64> {
    /// So many deviations may be chance.
    const WIDTH: f64 = 3.0;
    /// On this scale numbers of samples deviate by one, however many they are (that of Anscombe).
    fn level(n: u64) -> f64 {
        2.0 * (n as f64 + 0.375).sqrt()
    }
    /// One sample has this load.
    const UNIT: f64 = 1024.0;
    let groups = samples.len().max(1) as f64;
    let mean = samples.iter().map(|n| *n as f64).sum::<f64>() / groups;
    let variance = samples.iter().map(|n| (*n as f64 - mean).powi(2)).sum::<f64>() / groups;
    // Four times as much as it deviates by chance, and in any case not what is hardly worth it.
    let chance = f64::max(0.1, 4.0 * ((1.0 / mean + 2.0) / groups).sqrt());
    if mean == 0.0 || variance / mean - 1.0 < chance {
        return vec![UNIT as u64; samples.len()];
    }
    let mut crowd: BTreeMap<u64, f64> = BTreeMap::new();
    samples.iter().for_each(|n| *crowd.entry(*n).or_default() += 1.0);
    let load = |n: u64| {
        let number = |level: f64| (level / 2.0).max(0.0).powi(2) as u64;
        let near = crowd.range(number(level(n) - WIDTH)..=number(level(n) + WIDTH));
        let (all, weight) =
            near.fold((0.0, 0.0), |(all, weight), (other, groups)| (all + groups * *other as f64, weight + groups));
        (all / weight * UNIT).round() as u64
    };
    let loads: BTreeMap<u64, u64> = crowd.keys().map(|n| (*n, load(*n))).collect();
    samples.iter().map(|n| loads.get(n).copied().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ops::Range;

    const KEY_GROUPS: KeyGroups = KeyGroups::DEFAULT;
    const SHIFT: u32 = u64::BITS - KEY_GROUPS.bits();
    type Sent = Envelope<crate::contract::form::Under<u64, ()>, ()>;
    fn sent(groups: impl IntoIterator<Item = u64>) -> Vec<Sent> {
        let hash = |group| group << SHIFT;
        groups.into_iter().map(|group| Envelope { hash: hash(group), stamp: (), key: group, record: () }).collect()
    }
    fn counted(batches: impl IntoIterator<Item = Vec<Sent>>) -> Vec<u64> {
        let loads = Arc::new(Loads::default());
        let mut sampler = Sampler::new(loads.clone(), SHIFT);
        batches.into_iter().for_each(|batch| sampler.look(&batch));
        loads.take(KEY_GROUPS)
    }
    fn near(count: u64, expected: u64, by: f64) -> bool {
        (count as f64 - expected as f64).abs() <= expected as f64 * by
    }

    /// However batches are cut, and in whatever turn keys come, each group is seen as often as it has records.
    #[test]
    fn samples_are_as_many_as_records_whatever_the_batches() {
        const RECORDS: u64 = 1_000_000;
        for (batch, groups) in [(1, 4), (3, 2), (64, 8), (64, 64), (1024, 64), (1000, 7), (128, 3)] {
            let batches = (0..RECORDS / batch).map(|n| sent((n * batch..(n + 1) * batch).map(|n| n % groups)));
            let counts = counted(batches);
            let (theirs, others) = counts.split_at(groups as usize);
            for (group, count) in theirs.iter().copied().enumerate() {
                let expected = RECORDS / groups / ONE_IN as u64;
                let chance = 5.0 / (expected as f64).sqrt();
                assert!(near(count, expected, chance), "{count} of group {group}, not {expected}: {batch}, {groups}");
            }
            assert_eq!(others.iter().sum::<u64>(), 0);
        }
    }
    #[test]
    fn what_was_taken_is_not_there_any_more() {
        let loads = Loads::default();
        loads.note(u64::MAX >> SHIFT);
        assert_eq!([(); 2].map(|()| loads.take(KEY_GROUPS)[4095]), [1, 0]);
    }
    /// Samples of records whose groups are drawn with these chances.
    fn drawn(seed: u32, samples: Range<usize>, group: impl Fn(u64) -> usize) -> Vec<u64> {
        let (mut counts, mut state) = (vec![0; KEY_GROUPS.count()], u64::from(seed) | 1);
        for _ in samples {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            counts[group(state >> 33)] += 1;
        }
        counts
    }
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]
        /// Chance alone makes no group heavier than another.
        #[test]
        fn loads_of_even_keys_are_equal(seed: u32, samples in prop_oneof![0usize..1000, 0usize..200_000]) {
            let loads = likely(&drawn(seed, 0..samples, |random| random as usize % KEY_GROUPS.count()));
            prop_assert!(loads.iter().all(|load| *load == loads[0]));
        }
        /// What has a quarter of all records, or none, is seen as that.
        #[test]
        fn loads_of_hot_groups_are_what_was_counted(seed: u32, samples in 20_000usize..200_000) {
            let loads = likely(&drawn(seed, 0..samples, |random| if random % 4 == 0 { 7 } else { 1000 + random as usize % 1000 }));
            let all: u64 = loads.iter().sum();
            prop_assert!(near(loads[7], all / 4, 0.05), "{} of {}", loads[7], all);
            prop_assert!(loads[..7].iter().sum::<u64>() < all / 1000);
        }
        /// Those that have as much as each other are told apart from those that have nothing, but hardly from each other.
        #[test]
        fn loads_of_a_crowd_are_alike(seed: u32, hot in 100usize..1000, of_each in 15usize..200) {
            let loads = likely(&drawn(seed, 0..hot * of_each, |random| random as usize % hot));
            let mean = loads[..hot].iter().sum::<u64>() / hot as u64;
            let within = loads[..hot].iter().filter(|load| near(**load, mean, 0.12)).count();
            prop_assert!(within * 20 > hot * 19, "{} of {} are within 12 % of {}", within, hot, mean);
            prop_assert!(loads[hot..].iter().all(|load| *load * 10 < mean));
        }
    }
}
