//! What the simulator has found, for people.
use super::engine::{Schedule, Violation};
use crate::error::Error;
use std::fmt::{self, Display};

/// No more of a trace is printed.
const PRINTED: usize = 40;

/// What is wrong with a pipeline. It prints as a report, also by `Debug`, so that a test that returns it reads well.
pub struct Finding {
    pub(super) what: Box<What>,
    pub(super) seed: Option<u64>,
    pub(super) schedule: Option<Schedule>,
    pub(super) trace: Vec<String>,
}
pub(super) enum What {
    /// It cannot be simulated.
    Unusable(Error),
    /// It fails even on one worker.
    Fails(Error),
    /// It fails where things go wrong that should not matter.
    Broken(Error),
    /// Something did not hold that must, whatever the pipeline does.
    Violates(Violation),
    /// What comes out differs.
    Differs(String),
    /// A run was not the same when it was repeated.
    Varies { operators: Vec<String> },
}
impl Finding {
    pub(super) fn new(what: What) -> Self {
        Finding { what: Box::new(what), seed: None, schedule: None, trace: Vec::new() }
    }
    /// A run that should not have failed has. What must always hold is not the pipeline's to break.
    pub(super) fn failed(error: Error, otherwise: impl FnOnce(Error) -> What) -> What {
        match Violation::of(&error) {
            Some(violation) => What::Violates(violation.clone()),
            None => otherwise(error),
        }
    }
    /// The seed, if it takes one.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }
    /// What it takes: as few workers, and as little that goes wrong, as were found to be enough.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_ref()
    }
    /// What did not hold of what must hold in every run, whatever the pipeline does. `None` if it is not that.
    pub fn violation(&self) -> Option<&Violation> {
        match &*self.what {
            What::Violates(violation) => Some(violation),
            _ => None,
        }
    }
    /// The operators that may be the ones that give other results for the same input, most likely first. Empty if it is not that.
    pub fn operators(&self) -> &[String] {
        match &*self.what {
            What::Varies { operators } => operators,
            _ => &[],
        }
    }
    /// What happened, step by step.
    pub fn trace(&self) -> &[String] {
        &self.trace
    }
}
impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seed) = self.seed {
            write!(f, "seed {seed}: ")?;
        }
        match &*self.what {
            What::Unusable(error) => write!(f, "the pipeline cannot be simulated: {error:?}")?,
            What::Fails(error) => write!(f, "the pipeline fails on one worker where nothing goes wrong: {error:?}")?,
            What::Broken(error) => {
                write!(f, "the job fails, and on one worker where nothing goes wrong it does not: {error:?}")?
            }
            What::Violates(violation) => write!(f, "{violation}")?,
            What::Differs(how) => f.write_str(how)?,
            What::Varies { operators } => {
                match &operators[..] {
                    [] => f.write_str("the pipeline is not deterministic")?,
                    [one] => write!(f, "`{one}` is not deterministic")?,
                    [first, others @ ..] => {
                        let others: Vec<_> = others.iter().map(|id| format!("`{id}`")).collect();
                        write!(
                            f,
                            "`{first}`, or else one of those before it ({}), is not deterministic",
                            others.join(", ")
                        )?;
                    }
                }
                f.write_str(
                    ": two runs of the same input in the same order differ. Does it read a clock, draw a random number, share \
                     something with other workers, or go through a `HashMap`, whose order is another one each time?",
                )?;
            }
        }
        if let Some(schedule) = &self.schedule {
            f.write_str("\nthis is enough for it:")?;
            schedule.to_string().lines().try_for_each(|line| write!(f, "\n  {line}"))?;
            if schedule.faults.is_empty() && schedule.workers > 1 {
                f.write_str(
                    "\n  so it depends on how the input is divided among workers, or on which of them is faster",
                )?;
            }
        }
        if !self.trace.is_empty() {
            f.write_str("\nwhat happened:")?;
            let left_out = self.trace.len().saturating_sub(PRINTED);
            if left_out > 0 {
                write!(f, "\n  ({left_out} lines before these)")?;
            }
            self.trace.iter().skip(left_out).try_for_each(|line| write!(f, "\n  {line}"))?;
        }
        match self.seed {
            Some(seed) => {
                let end = seed.saturating_add(1);
                write!(f, "\n`.seeds({seed}..{end})` or {}={seed}..{end} runs it again", super::seeds::VARIABLE)
            }
            None => Ok(()),
        }
    }
}
impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}
impl std::error::Error for Finding {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.what {
            What::Unusable(error) | What::Fails(error) | What::Broken(error) => Some(error),
            What::Violates(_) | What::Differs(_) | What::Varies { .. } => None,
        }
    }
}
