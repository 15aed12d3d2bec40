//! What must never happen, whatever the pipeline does and whatever goes wrong.
use crate::error::Error;
use std::fmt;

/// What must hold in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invariant {
    /// The commit log is a chain of hashes with one entry of each number, and nobody acts on a snapshot that has none.
    CommitLog,
    /// On no channel between workers does a watermark go back, does a record follow the watermark that it is at or before, unless some
    /// do where nothing goes wrong, or does anything follow the end.
    Time,
    /// Who is told that there is no room sends nothing more.
    Bound,
    /// A job whose faults are over comes to its end, and nobody sleeps while something waits for it.
    Progress,
}
impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Invariant::CommitLog => "the commit log is not what it must be",
            Invariant::Time => "time goes back",
            Invariant::Bound => "what waits between workers has no bound",
            Invariant::Progress => "the job does not come to its end",
        })
    }
}
/// One of them did not hold. That is a mistake of the engine, and not of a pipeline, unless a source or sink waits for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}
impl Violation {
    /// The violation that a job has ended with, if it has.
    pub(in crate::sim) fn of(error: &Error) -> Option<&Violation> {
        match error {
            Error::Custom(cause) => cause.downcast_ref(),
            _ => None,
        }
    }
}
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}
impl std::error::Error for Violation {}
impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Error::custom(violation)
    }
}
