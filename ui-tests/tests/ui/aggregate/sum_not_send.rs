#![allow(unused)]
use malstrom::prelude::*;

use std::rc::Rc;

#[derive(Clone, Default, PartialEq, PartialOrd)]
pub struct Shared(Rc<u64>);
impl std::ops::AddAssign for Shared {
    fn add_assign(&mut self, other: Shared) {
        self.0 = Rc::new(*self.0 + *other.0);
    }
}

pipeline! {
    fn p() {
        source(0..9u64) -> timestamps(|x| *x as i64) -> key_by(|x| *x) -> window(tumbling(10))? -> sum(|x| Shared(Rc::new(*x)))
            -> map(|w| w.key) -> sink(debug());
    }
}

fn main() {}
