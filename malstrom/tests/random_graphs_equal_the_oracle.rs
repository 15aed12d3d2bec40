//! Random chains, keyings, splits and unions over random input come to what a sequential interpreter says, on any number
//! of workers.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use proptest::prelude::*;
use support::oracle;

fn input() -> impl Strategy<Value = Vec<Vec<i64>>> {
    // Around the sizes of batches and chunks, and beyond what fits into channels.
    let length = prop_oneof![0..4usize, 500..700usize, 1020..1030usize, 2000..4000usize, Just(12_000usize)];
    (1..4usize, length, any::<u64>(), prop_oneof![Just(10u64), Just(1_000), Just(u64::MAX)]).prop_map(
        |(splits, length, seed, range)| {
            let mut random = support::scrambled(seed);
            let mut split = || (0..length / splits).map(|_| (random() % range) as i64).collect();
            (0..splits).map(|_| split()).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn on_one_to_four_workers(input in input(), program in oracle::steps()) {
        for workers in 1..=4 {
            oracle::check(workers, &input, &program);
        }
    }
}
