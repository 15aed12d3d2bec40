#![allow(unused)]
use malstrom::prelude::*;

use malstrom::{Emit, Read, Source, SplitReader};

pub struct Broken(u64);
pub struct Clicks;
impl Source for Clicks {
    type Out = u64;
    type Error = Broken;
    type Split = ();
    type Position = ();
    type Reader = Clicks;
    fn splits(&mut self) -> malstrom::Result<Vec<()>> {
        Ok(vec![])
    }
    fn open(&mut self, split: (), position: Option<()>) -> malstrom::Result<Clicks> {
        Ok(Clicks)
    }
}
impl SplitReader for Clicks {
    type Out = u64;
    type Error = Broken;
    type Position = ();
    fn read(&mut self, max: usize, out: &mut impl Emit<u64, Broken>) -> malstrom::Result<Read> {
        Ok(Read::End)
    }
    fn position(&self) {}
}

pipeline! {
    fn p() {
        source(Clicks) -> sink(stdout());
    }
}

fn main() {}
