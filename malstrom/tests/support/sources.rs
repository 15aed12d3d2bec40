//! Sources made of one closure per split.
use malstrom::{Emit, Never, Read, Result, Source, SplitReader};

/// A source of `n` splits; `read` is given the split, how often it was called before for that split, and the output.
pub struct ByCalls<F> {
    pub splits: u64,
    pub read: F,
}
pub struct Reader<F> {
    split: u64,
    calls: u64,
    read: F,
}

impl<F> Source for ByCalls<F>
where
    F: FnMut(u64, u64, &mut dyn FnMut(u64)) -> Result<Read> + Clone + 'static,
{
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Reader<F>;
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok((0..self.splits).collect())
    }
    fn open(&mut self, split: u64, calls: Option<u64>) -> Result<Reader<F>> {
        Ok(Reader { split, calls: calls.unwrap_or(0), read: self.read.clone() })
    }
}
impl<F> SplitReader for Reader<F>
where
    F: FnMut(u64, u64, &mut dyn FnMut(u64)) -> Result<Read> + 'static,
{
    type Out = u64;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, _: usize, out: &mut impl Emit<u64, Never>) -> Result<Read> {
        self.calls += 1;
        (self.read)(self.split, self.calls - 1, &mut |record| out.emit(record))
    }
    fn position(&self) -> u64 {
        self.calls
    }
}
