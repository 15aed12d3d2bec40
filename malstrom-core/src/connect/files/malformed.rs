//! Rows that are not what they should be.

/// A row of a file that is not what it should be.
///
/// ```
/// use malstrom_core::connect::files::Malformed;
/// let bad = Malformed { path: "prices.csv".into(), line: 3, message: "2 fields instead of 3".into() };
/// assert_eq!(bad.to_string(), "prices.csv:3: 2 fields instead of 3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{path}:{line}: {message}")]
pub struct Malformed {
    /// The file.
    pub path: String,
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub message: String,
}

crate::record_by_fields!(Malformed { path: String, line: u64, message: String });
