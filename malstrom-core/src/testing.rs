//! What tests of plain functions need: the parameters that the engine would pass.
use crate::contract::extract::{Context, Key, Metrics, Output};
use crate::contract::stage::SideBuffer;
use crate::metrics::{Metric, Registry};
use std::any::Any;
use std::cell::OnceCell;
use std::fmt;

/// Gives a test what an operator asks for after its record, and keeps what the operator does with it.
///
/// ```
/// use malstrom_core::{Key, Output, testing::Bench};
/// fn route(amount: u64, key: Key<'_, String>, large: Output<'_, (String, u64)>) -> Option<u64> {
///     if amount > 100 {
///         large.push((key.clone(), amount));
///         return None;
///     }
///     Some(amount)
/// }
/// let bench = Bench::new();
/// let key = "card".to_owned();
/// assert_eq!(route(500, bench.key(&key), bench.output()), None);
/// assert_eq!(bench.pushed::<(String, u64)>(), [("card".to_owned(), 500)]);
/// ```
#[derive(Default)]
pub struct Bench {
    metrics: Registry,
    outputs: Outputs,
}

/// A list that grows behind a shared reference: one buffer per type of side output.
#[derive(Default)]
struct Outputs(OnceCell<Box<(Box<dyn Any>, Outputs)>>);
impl Outputs {
    fn of<T: 'static>(&self) -> &SideBuffer<T> {
        let mut place = self;
        loop {
            let (buffer, next) =
                &**place.0.get_or_init(|| Box::new((Box::new(SideBuffer::<T>::default()), Outputs::default())));
            match buffer.downcast_ref() {
                Some(buffer) => return buffer,
                None => place = next,
            }
        }
    }
}

impl Bench {
    /// A bench.
    pub fn new() -> Self {
        Bench::default()
    }
    /// The key of the record.
    pub fn key<'a, K>(&self, key: &'a K) -> Key<'a, K> {
        Key::new(key)
    }
    /// A side output for records of type `T`.
    pub fn output<T: 'static>(&self) -> Output<'_, T> {
        Output::new(self.outputs.of())
    }
    /// Takes what was pushed to the side output for records of type `T`.
    pub fn pushed<T: 'static>(&self) -> Vec<T> {
        self.outputs.of().take()
    }
    /// The operator's metrics.
    pub fn metrics(&self) -> Metrics<'_> {
        Metrics::new(&self.metrics)
    }
    /// What a metric has come to.
    pub fn metric(&self, name: &str) -> Option<Metric> {
        self.metrics.read().into_iter().find(|(known, _)| *known == name).map(|(_, metric)| metric)
    }
    /// A context, for extractors of your own; it has no key.
    pub fn context(&self) -> Context<'_> {
        Context::new(None, "bench", &self.metrics)
    }
}
impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}
