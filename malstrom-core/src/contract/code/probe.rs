//! How an expansion finds out whether a type is a record, without asking that it is one.
use super::Code;
use crate::contract::record::Record;
use std::fmt;
use std::marker::PhantomData;

/// What is known of `T` where an expansion stands. `code` is found on this type if `T` is a record, and in [`Unwritten`]
/// otherwise.
///
/// ```
/// use malstrom_core::contract::code::{Probe, Unwritten as _};
/// assert!(Probe::<u64>::new().code().is_some());
/// assert!(Probe::<std::rc::Rc<u64>>::new().code().is_none());
/// ```
pub struct Probe<T>(PhantomData<fn() -> T>);
impl<T> Probe<T> {
    /// That of a type which can be named.
    pub const fn new() -> Self {
        Probe(PhantomData)
    }
    /// That of the type of a value.
    pub const fn of(_: &Option<T>) -> Self {
        Probe(PhantomData)
    }
}
impl<T> Default for Probe<T> {
    fn default() -> Self {
        Self::new()
    }
}
impl<T> fmt::Debug for Probe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}
impl<T: Record> Probe<T> {
    /// How it is written.
    pub fn code(&self) -> Option<Code<T>> {
        Some(Code::of())
    }
}
/// What is no record, or not known to be one.
pub trait Unwritten<T> {
    /// It cannot be written.
    fn code(&self) -> Option<Code<T>> {
        None
    }
}
impl<T> Unwritten<T> for Probe<T> {}
