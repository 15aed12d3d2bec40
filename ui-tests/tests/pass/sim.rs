//! Simulated tests, with and without options.
#![deny(unused)]
use malstrom::prelude::*;
use malstrom::sim;

pipeline! {
    fn numbers(out: sim::Output<u64>) {
        source(0..10u64) -> sink(out);
    }
}
#[malstrom::sim_test]
fn plain() -> malstrom::Pipeline {
    numbers(sim::output())
}
#[malstrom::sim_test(workers = 2, crashes = 1, rescales = 0, seeds = 3..5, pauses = 0, savepoints = 0, store_faults = 1, clock_jumps = 1)]
#[ignore = "it takes long"]
fn all_options() -> malstrom::Pipeline {
    numbers(sim::output())
}

fn main() {
    let survived = sim::Sim::new(|| numbers(sim::output())).seeds(0..2).run().unwrap();
    assert_eq!(survived.seeds, 2);
}
