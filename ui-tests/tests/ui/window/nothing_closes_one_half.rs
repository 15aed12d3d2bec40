#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        let (small, large) = source(0..9u64) -> key_by(|x| *x) -> window(counted(3)) -> split(|x| *x < 3);
        small -> count() -> sink(debug());
        large -> filter(|x| x % 2 == 0) -> sink(debug());
    }
}

fn main() {}
