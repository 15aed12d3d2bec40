//! Options that there are not, and values that they cannot have.
use malstrom::Pipeline;

#[malstrom::sim_test(worker = 2, seeds = "all", crashes = many)]
fn options() -> Pipeline {
    todo!()
}

#[malstrom::sim_test(seeds = ..=17)]
fn half_a_range() -> Pipeline {
    todo!()
}

fn main() {}
