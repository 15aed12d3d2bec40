//! Return shapes. `#[operator]` picks the shape from the tokens of the return type and hands the value over; what a
//! shape means is decided here.
use super::stage::Emit;

/// How a returned value becomes emitted records.
pub trait Shape<V, T, E> {
    /// Emits what `value` stands for.
    fn emit(value: V, out: &mut impl Emit<T, E>);
}

/// `U`: one record.
#[derive(Debug)]
pub struct Map;
impl<T, E> Shape<T, T, E> for Map {
    #[inline(always)]
    fn emit(value: T, out: &mut impl Emit<T, E>) {
        out.emit(value);
    }
}

/// `Option<U>`: one record or none.
#[derive(Debug)]
pub struct FilterMap;
impl<T, E> Shape<Option<T>, T, E> for FilterMap {
    #[inline(always)]
    fn emit(value: Option<T>, out: &mut impl Emit<T, E>) {
        if let Some(record) = value {
            out.emit(record);
        }
    }
}

/// `impl Iterator<Item = U>`: any number of records.
#[derive(Debug)]
pub struct FlatMap;
impl<I: IntoIterator, E> Shape<I, I::Item, E> for FlatMap {
    #[inline(always)]
    fn emit(value: I, out: &mut impl Emit<I::Item, E>) {
        value.into_iter().for_each(|record| out.emit(record));
    }
}

/// `()` beside an `on_..`: nothing.
#[derive(Debug)]
pub struct Nothing;
impl<T, E> Shape<(), T, E> for Nothing {
    #[inline(always)]
    fn emit(_: (), _: &mut impl Emit<T, E>) {}
}

/// `Result` around any other shape.
#[derive(Debug)]
pub struct Try<Inner>(Inner);
impl<V, T, E, Inner: Shape<V, T, E>> Shape<Result<V, E>, T, E> for Try<Inner> {
    #[inline(always)]
    fn emit(value: Result<V, E>, out: &mut impl Emit<T, E>) {
        match value {
            Ok(value) => Inner::emit(value, out),
            Err(error) => out.fail(error),
        }
    }
}

/// Takes a `Result` alias apart (`io::Result<T>`).
pub trait ResultType {
    /// What it holds when all is well.
    type Ok;
    /// What it holds otherwise.
    type Err;
}
impl<T, E> ResultType for Result<T, E> {
    type Ok = T;
    type Err = E;
}

/// Takes an iterator type apart whose item the signature does not spell out.
pub type ItemOf<I> = <I as IntoIterator>::Item;
/// Takes an `Option` alias apart.
pub trait OptionType {
    /// What it may hold.
    type Some;
}
impl<T> OptionType for Option<T> {
    type Some = T;
}
