//! Pipelines and operators that a `macro_rules!` writes, wholly or in part.
#![deny(unused)]
use malstrom::prelude::*;

macro_rules! adder {
    ($name:ident, $n:expr) => {
        #[operator]
        fn $name(x: u64) -> u64 {
            x + $n
        }
    };
}
adder!(one, 1);
adder!(two, 2);

macro_rules! simple {
    ($name:ident: $($stage:ident),* => $stream:ident) => {
        pipeline! {
            fn $name(input: Vec<u64>) {
                let $stream = source(input) $(-> $stage)* -> filter(|x| *x > 1);
                $stream -> map(|x| x + 1) -> sink(stdout());
                $stream -> key_by(|x| *x) -> count() -> sink(debug());
            }
        }
    };
}
simple!(p: one, two => all);

macro_rules! fragment {
    ($name:ident, $t:ty, $stage:ident) => {
        pipeline! {
            <$t, $t> fn $name(least: $t) = $stage -> filter(move |x| *x > least);
        }
    };
}
fragment!(piece, u64, one);

pipeline! {
    fn q(input: Vec<u64>) {
        source(input) -> piece(1) -> sink(stdout());
    }
}

fn main() {
    let runtime = || malstrom::Runtime::builder().workers(1).build().unwrap();
    runtime().run(|| p(vec![1, 2])).unwrap();
    runtime().run(|| q(vec![1, 2])).unwrap();
}
