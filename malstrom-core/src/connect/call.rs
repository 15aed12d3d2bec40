//! A closure as a sink.
use crate::contract::sink::Sink;
use crate::error::Result;
use std::fmt;
use std::marker::PhantomData;

/// A sink that hands every record to a closure. The type of the record must be written.
///
/// It is at-least-once where snapshots are on: after a failure, the closure is called again with what it was called with since the
/// last snapshot.
///
/// ```
/// use malstrom_core::Sink;
/// use malstrom_core::connect::for_each;
/// let mut sink = for_each(|n: u32| println!("{n}"));
/// sink.write(&mut vec![1, 2, 3])?;
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn for_each<T: 'static, F: FnMut(T) + 'static>(call: F) -> ForEach<F, T> {
    ForEach { call, takes: PhantomData }
}

/// The sink that [`for_each`] makes. The closure runs inside the fused loop, without a batch in between.
pub struct ForEach<F, T> {
    call: F,
    takes: PhantomData<fn(T)>,
}

impl<F, T> fmt::Debug for ForEach<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForEach").finish_non_exhaustive()
    }
}

impl<F: FnMut(T) + 'static, T: 'static> Sink for ForEach<F, T> {
    type In = T;
    const RECORD_BY_RECORD: bool = true;

    fn write(&mut self, batch: &mut Vec<T>) -> Result<()> {
        batch.drain(..).for_each(&mut self.call);
        Ok(())
    }

    #[inline(always)]
    fn accept(&mut self, record: T, _batch: &mut Vec<T>) {
        (self.call)(record);
    }
}
