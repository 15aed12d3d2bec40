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

/// Numbers `0..to` in `splits` splits. At each of the `gates` a split stands still until `open` says that it may pass.
#[derive(Clone)]
pub struct Gated<F> {
    pub to: u64,
    pub splits: u64,
    pub gates: Vec<u64>,
    pub open: F,
}
pub struct GatedReader<F> {
    next: u64,
    gated: Gated<F>,
}
impl<F: Fn(u64) -> bool + Clone + 'static> Source for Gated<F> {
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = GatedReader<F>;
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok((0..self.splits).collect())
    }
    fn open(&mut self, split: u64, next: Option<u64>) -> Result<GatedReader<F>> {
        Ok(GatedReader { next: next.unwrap_or(split), gated: self.clone() })
    }
}
impl<F: Fn(u64) -> bool + Clone + 'static> SplitReader for GatedReader<F> {
    type Out = u64;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, max: usize, out: &mut impl Emit<u64, Never>) -> Result<Read> {
        let Gated { to, splits, gates, open } = &self.gated;
        for _ in 0..max {
            if self.next >= *to {
                return Ok(Read::End);
            }
            let gate = gates.iter().find(|gate| (self.next..self.next + splits).contains(gate));
            if gate.is_some_and(|gate| !open(*gate)) {
                return Ok(Read::After(std::time::Duration::from_millis(1)));
            }
            out.emit(self.next);
            self.next += splits;
        }
        Ok(Read::More)
    }
    fn position(&self) -> u64 {
        self.next
    }
}
