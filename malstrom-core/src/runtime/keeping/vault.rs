//! What the coordinator asks of the place where a job is kept.
use super::Restore;
use crate::contract::snapshot::{Barrier, Shelf};
use crate::coordinator::Purpose;
use crate::error::Result;
use crate::snapshot::Request;
use crate::worker::Written;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A place where snapshots are kept and committed.
pub(crate) trait Vault: Send {
    /// Whether it keeps anything, so that the job can be restored.
    fn stores(&self) -> bool {
        true
    }
    /// The term of this coordinator.
    fn term(&self) -> u64;
    /// The greatest interval that has a snapshot; 0 if none has.
    fn interval(&self) -> u64;
    /// Begins a new term: whoever held the old one can commit nothing any more.
    fn claim(&mut self) -> Result<()>;
    /// An attempt of this number begins, or goes on.
    fn in_attempt(&mut self, attempt: u64);
    /// What to restore from. `None` if the job begins anew.
    fn find(&mut self, restore: &Restore) -> Result<Option<Found>>;
    /// All workers have taken in what they were restored from: refuses what nobody has asked for.
    fn check_taken_in(&mut self) -> Result<()>;
    /// Refuses a savepoint of this name, if it cannot be taken.
    fn check_free(&self, name: &str) -> Result<()>;
    /// How often it is looked for requests from outside, if a snapshot is taken every so often.
    fn looks_every(&self, every: Duration) -> Duration;
    /// The savepoints that are asked for from outside.
    fn requests(&self) -> Result<Vec<Request>>;
    /// Takes note that a request has been seen.
    fn take(&self, request: &Request) -> Result<()>;
    /// Answers a request: the savepoint is there, or is not and why.
    fn answer(&self, name: &str, answer: Result<(), &str>) -> Result<()>;
    /// Whether there is a savepoint of this name.
    fn has(&self, name: &str) -> bool;
    /// Stores what all workers have written, and commits it. Returns how many bytes that are.
    fn store(&mut self, barrier: Barrier, purpose: &Purpose, written: Vec<Written>) -> Result<u64>;
    /// About how many bytes the job has to keep, as far as that is known.
    fn held(&self) -> Option<u64>;
    /// Whether this coordinator can still commit.
    fn is_open(&self) -> bool;
    /// Does some of the work that can wait: lets go of what is not needed any more, and looks for damage.
    fn tidy(&mut self) -> Result<()>;
}

/// A snapshot to restore from.
pub(crate) struct Found {
    pub(crate) interval: u64,
    /// The attempt that it was taken in; 0 if that is not known.
    pub(crate) attempt: u64,
    /// Its round, if the next snapshot may be written relative to it.
    pub(crate) round: Option<u16>,
    /// What the hashes of keys are seeded with.
    pub(crate) seed: u64,
    pub(crate) shelves: Arc<dyn Shelves>,
}
impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("interval", &self.interval).finish_non_exhaustive()
    }
}

/// What a snapshot has for workers.
pub(crate) trait Shelves: Send + Sync {
    /// For a worker with these key groups.
    fn shelf(&self, groups: &[u16]) -> Result<Box<dyn Shelf>>;
}
