//! A simulated test has no parameters, and returns its pipeline.
use malstrom::Pipeline;

#[malstrom::sim_test(workers = 2)]
fn with_input(numbers: Vec<u64>) -> Pipeline {
    drop(numbers);
    todo!()
}

#[malstrom::sim_test]
fn without_pipeline() {}

#[malstrom::sim_test]
struct NoFunction;

fn main() {}
