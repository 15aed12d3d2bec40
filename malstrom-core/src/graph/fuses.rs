//! Streams that come right out of an exchange which is still to be made: a stage behind it can begin before it.
use super::build::Graph;
use crate::contract::typed::{MetaOf, Typed};
use crate::stream::env::Env;
use crate::stream::windows::late::OnLate;
use crate::stream::{Push, Stream};

/// What takes the late records of a stream that is cut into windows, and the number of that stage.
pub type LateOf<U> = (usize, Box<dyn OnLate<MetaOf<U>, <U as Typed>::Item>>);
/// A stream that comes right out of an exchange which is still to be made.
pub trait Fuses: Stream {
    /// Whether each late record is wanted.
    fn wants_late(&self) -> bool;
    /// Ends the segment before the exchange in what `end` makes, which is given the records with their keys. Returns what
    /// takes late records, if the stream is cut into windows.
    fn end_in<P: Push<MetaOf<Self>, Self::Item>>(
        self,
        graph: &Graph,
        end: impl FnOnce(&Env) -> crate::Result<P> + 'static,
    ) -> Option<LateOf<Self>>;
}
