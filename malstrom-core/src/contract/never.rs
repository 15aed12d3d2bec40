//! The error of what cannot fail.

/// The error type of an operator or a source that cannot fail. It has no values.
///
/// ```
/// use malstrom_core::Never;
/// fn handled(error: Never) -> ! {
///     match error {}
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Never {}
