//! A chain of more than 32 stages is cut into segments, which changes nothing that a user would notice.
#![allow(clippy::unwrap_used)]
use malstrom::connect::memory;
use malstrom::prelude::*;

macro_rules! seventy {
    ($($plus:ident)*) => {
        pipeline! {
            fn long(n: u64, out: memory::Collector<u64>) {
                source(0..n) $(-> $plus(|x| x + 1))* -> sink(out);
            }
        }
    };
}
seventy!(
    map map map map map map map map map map map map map map map map map map map map map map map map map map map map map
    map map map map map map map map map map map map map map map map map map map map map map map map map map map map map
    map map map map map map map map map map map map
);

#[test]
fn seventy_stages_add_up_and_keep_the_order() {
    let out = memory::collector();
    let into = out.clone();
    let runtime = malstrom::Runtime::builder().workers(1).build().unwrap();
    let report = runtime.run(move || long(10_000, into.clone())).unwrap();
    assert_eq!(out.take(), (70..10_070).collect::<Vec<u64>>());
    assert_eq!(report.operator("long/map_70").map(|op| op.records_out), Some(10_000));
}
