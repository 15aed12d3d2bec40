//! Whatever keys people use, each key group gets about the same number of them.
#![allow(clippy::unwrap_used)]
use malstrom_core::PartitionKey;
use malstrom_core::contract::key::KeyGroups;
use malstrom_core::state::key_group::KeyHasher;

/// The plain seeds, and some that the golden ratio draws.
fn seeds() -> impl Iterator<Item = u64> {
    [0, 1, u64::MAX].into_iter().chain((1..4u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// Chi-square per degree of freedom is 1 ± 0.022 for random hashes; 1.25 is over ten deviations away.
fn check<K: PartitionKey>(what: &str, keys: &[K]) {
    for seed in seeds() {
        let mut hasher = KeyHasher::new(seed);
        let hashes: Vec<u64> = keys.iter().map(|key| hasher.hash(key)).collect();
        let mut counts = vec![0u32; KeyGroups::DEFAULT.count()];
        hashes.iter().for_each(|&hash| counts[usize::from(KeyGroups::DEFAULT.of(hash))] += 1);
        let mean = keys.len() as f64 / KeyGroups::DEFAULT.count() as f64;
        let chi = counts.iter().map(|&n| (f64::from(n) - mean).powi(2) / mean).sum::<f64>()
            / (KeyGroups::DEFAULT.count() - 1) as f64;
        assert!(chi < 1.25, "{what}, seed {seed:#x}: chi² {chi:.2}");
        let most = *counts.iter().max().unwrap();
        assert!(f64::from(most) < mean + 8.0 * mean.sqrt(), "{what}, seed {seed:#x}: {most} in a group, mean {mean}");
        // The state table goes by the top 32 bits: of n random ones about n²/2³³ pairs are equal.
        let mut tops: Vec<u32> = hashes.iter().map(|hash| (hash >> 32) as u32).collect();
        tops.sort_unstable();
        let equal = tops.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let expected = (keys.len() as f64).powi(2) / 2f64.powi(33);
        assert!(equal as f64 <= expected * 2.0 + 12.0, "{what}, seed {seed:#x}: {equal} equal, expected {expected:.1}");
    }
}

const N: u64 = 16 * KeyGroups::DEFAULT.count() as u64;

#[test]
fn sequential_and_strided_integers() {
    for shift in [0, 1, 2, 3, 4, 7, 8, 12, 16, 20, 24, 31, 32, 33, 40, 47] {
        check(&format!("u64 << {shift}"), &(0..N).map(|i| i << shift).collect::<Vec<_>>());
    }
    for stride in [3, 7, 10, 100, 1_000, 4_095, 4_097, 86_400, 1_000_000] {
        check(&format!("u64 * {stride}"), &(0..N).map(|i| i * stride).collect::<Vec<_>>());
    }
    check("from 1.7e18", &(0..N).map(|i| 1_700_000_000_000_000_000 + i * 1_000).collect::<Vec<_>>());
    check("u32", &(0..N as u32).collect::<Vec<_>>());
    check("negative i64", &(0..N as i64).map(|i| -i).collect::<Vec<_>>());
    check("u128, high half", &(0..u128::from(N)).map(|i| i << 64).collect::<Vec<_>>());
}

#[test]
fn small_tuples() {
    let pairs = || (0..N).map(|i| (i % 256, i / 256));
    check("(u64, u64)", &pairs().collect::<Vec<_>>());
    check("(u32, u32)", &pairs().map(|(a, b)| (a as u32, b as u32)).collect::<Vec<_>>());
    check("(u8, u64)", &pairs().map(|(a, b)| (a as u8, b)).collect::<Vec<_>>());
    check("(x, x)", &(0..N).map(|i| (i, i)).collect::<Vec<_>>());
    check(
        "(bool, Option<u32>)",
        &pairs().map(|(a, b)| (a % 2 == 0, Some((b * 128 + a / 2) as u32))).collect::<Vec<_>>(),
    );
}

#[test]
fn strings() {
    check("decimal", &(0..N).map(|i| i.to_string()).collect::<Vec<_>>());
    check("hex, 8 long", &(0..N).map(|i| format!("{i:08x}")).collect::<Vec<_>>());
    check("long", &(0..N).map(|i| format!("customer-number-{i}")).collect::<Vec<_>>());
}
