//! What can follow `->`: an annotated function, or a fragment.
use super::never::Never;

/// Receives what an operator or a source emits.
pub trait Emit<T, E = Never> {
    /// Takes one record.
    fn emit(&mut self, record: T);
    /// Takes one failure.
    fn fail(&mut self, error: E);
}
