#![allow(unused)]
use malstrom::{Never, Result, prelude::*};

struct Ticks;
impl malstrom::Source for Ticks {
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Ticks;
    const REPLAYS: bool = false;
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok(vec![0])
    }
    fn open(&mut self, _: u64, _: Option<u64>) -> Result<Ticks> {
        Ok(Ticks)
    }
}
impl malstrom::SplitReader for Ticks {
    type Out = u64;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, _: usize, _: &mut impl malstrom::Emit<u64, Never>) -> Result<malstrom::Read> {
        Ok(malstrom::Read::End)
    }
    fn position(&self) -> u64 {
        0
    }
}

pipeline! {
    #[guarantee(exactly_once)]
    fn p(out: std::path::PathBuf) {
        source(Ticks) -> sink(files::csv_sink(out));
    }
    fn promises_nothing(out: std::path::PathBuf) {
        source(Ticks) -> sink(files::csv_sink(out));
    }
}

fn main() {}
