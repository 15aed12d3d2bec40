//! Somebody who looks at what crosses exchanges: to find out whether two runs of a job do the same, and whether what must hold there
//! does. Where nobody looks, each batch costs one comparison.
use super::batch::Batch;
use crate::contract::form::{Meta, Stamp};
use crate::contract::record::{CodecError, Description, Record};
use crate::stream::signal::Signal;
use std::rc::Rc;

/// What leads from one worker to another, or to itself, through the exchange of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel {
    /// The operator, by its place in the plan.
    pub node: usize,
    /// Who sends.
    pub from: usize,
    /// Who receives.
    pub to: usize,
}
/// Is shown what is handed over to a channel, in order, and how much waits where.
pub trait Watch {
    /// Whether it wants to know what is in records.
    fn wants_content(&self) -> bool;
    /// A record is handed over, with its time and its content, as far as it has any and somebody knows how it is written.
    fn record(&self, channel: Channel, time: Option<i64>, content: Option<&[u8]>);
    /// A signal is handed over.
    fn signal(&self, channel: Channel, signal: Signal);
    /// The sending end on a worker is asked whether it can take more: so many records wait there, and with them it is over its
    /// limit or not.
    fn asked(&self, node: usize, worker: usize, records: usize, over: bool);
    /// There is a receiving end on a worker, where so many batches wait as `waiting` will say.
    fn receives(&self, node: usize, worker: usize, waiting: Box<dyn Fn() -> usize>);
}
/// How a record is written, as bytes that are the same for equal ones.
type Content<T> = Box<dyn Fn(&T) -> Option<Vec<u8>>>;

/// Looks at what the sending end of an exchange hands over.
pub(crate) struct Look<T> {
    pub(super) watch: Rc<dyn Watch>,
    pub(super) node: usize,
    pub(super) worker: usize,
    /// `None` if nobody wants to know, or can.
    pub(super) content: Option<Content<T>>,
}
impl<T> Look<T> {
    /// A batch is handed over to a worker.
    pub(super) fn at<M: Meta>(&self, to: usize, batch: &Batch<M, T>) {
        let channel = Channel { node: self.node, from: self.worker, to };
        let mut signals = batch.signals.iter().peekable();
        for (at, envelope) in batch.records.iter().enumerate() {
            while let Some((_, signal)) = signals.next_if(|(before, _)| *before <= at) {
                self.watch.signal(channel, *signal);
            }
            // What cannot be encoded is found out where it has to be.
            let content = self.content.as_ref().and_then(|content| content(&envelope.record));
            self.watch.record(channel, envelope.stamp.ticks(), content.as_deref());
        }
        signals.for_each(|(_, signal)| self.watch.signal(channel, *signal));
    }
    /// The end is asked whether it can take more.
    pub(super) fn asked(&self, records: usize, over: bool) {
        self.watch.asked(self.node, self.worker, records, over);
    }
}

/// Gives the content of records: the same bytes for equal records, in whatever order their maps and sets are.
///
/// ```
/// use malstrom_core::exchange::watch::content;
/// use std::collections::HashSet;
/// let content = content::<HashSet<u64>>();
/// let (a, b): (HashSet<u64>, HashSet<u64>) = ((0..100).collect(), (0..100).rev().collect());
/// assert_eq!(content(&a)?, content(&b)?);
/// # Ok::<(), malstrom_core::CodecError>(())
/// ```
pub fn content<T: Record>() -> impl Fn(&T) -> Result<Vec<u8>, CodecError> + Copy {
    let ordered = is_ordered(&format!("{:?}", Description::by(T::describe)));
    move |record| {
        if !ordered {
            return Ok(record.to_json().to_string().into_bytes());
        }
        let mut bytes = Vec::new();
        record.encode(&mut bytes)?;
        Ok(bytes)
    }
}
/// Whether what this describes has one order. Of what only serde knows, nobody can say.
pub(crate) fn is_ordered(description: &str) -> bool {
    !["\"Map\"", "\"Set\"", "serde"].iter().any(|name| description.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashMap};

    #[test]
    fn maps_and_sets_have_no_order_of_their_own() {
        let described = |describe: fn(&mut crate::contract::record::Describe) -> crate::contract::record::TypeRef| {
            format!("{:?}", Description::by(describe))
        };
        assert!(is_ordered(&described(Vec::<(u64, String)>::describe)));
        assert!(!is_ordered(&described(HashMap::<u64, u64>::describe)));
        assert!(!is_ordered(&described(Option::<BTreeMap<u64, u64>>::describe)));
    }
}
