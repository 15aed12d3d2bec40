//! A union takes records of all its inputs, whenever they end, and reports them.
#![allow(clippy::unwrap_used)]
use malstrom::connect::memory;
use malstrom::prelude::*;

pipeline! {
    fn united(out: memory::Collector<u64>) {
        let few = source(0..3u64);
        let none = source(0..0u64);
        let many = source(100..5_000u64);
        union(few, none, many) -> sink(out);
    }
}

#[test]
fn all_inputs_arrive_and_are_counted() {
    for workers in [1, 2, 4] {
        let out = memory::collector();
        let into = out.clone();
        let runtime = malstrom::Runtime::builder().workers(workers).build().unwrap();
        let report = runtime.run(move || united(into.clone())).unwrap();
        let mut all = out.take();
        all.sort_unstable();
        assert_eq!(all, (0..3).chain(100..5_000).collect::<Vec<u64>>());
        let union = report.operator("united/union").unwrap();
        assert_eq!((union.records_in, union.records_out), (4_903, 4_903));
        assert_eq!(report.records_read(), 4_903);
    }
}
