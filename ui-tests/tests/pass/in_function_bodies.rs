//! Operators, fragments and pipelines inside a function, and `#[cfg]` on operators.
#![deny(unused, unused_qualifications)]

#[malstrom::operator]
#[cfg(any())]
fn chosen(x: Missing) -> Missing {
    x
}
#[malstrom::operator]
#[allow(clippy::non_minimal_cfg)]
#[cfg(all())]
fn chosen(x: u64) -> u64 {
    x
}

fn main() {
    use malstrom::prelude::*;

    #[operator]
    fn double(x: u64) -> u64 {
        2 * x
    }
    pipeline! {
        <u64, u64> fn half() = map(|x| x / 2);
        fn p() {
            source(0..9u64) -> double -> half -> chosen -> sink(stdout());
        }
    }
    assert_eq!(double(2), 4);
    malstrom::Runtime::builder().workers(1).build().unwrap().run(p).unwrap();
}
