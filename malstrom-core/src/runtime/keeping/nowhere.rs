//! A job that takes no snapshots, and is kept for one reason: so that its key groups can move.
use super::{Found, Keeping, Restore, Settings, Vault};
use crate::contract::snapshot::Barrier;
use crate::coordinator::Purpose;
use crate::error::{Error, Result};
use crate::snapshot::Request;
use crate::worker::Written;
use std::time::Duration;

/// Longer than any job runs, and short enough to be added to what its clock says.
const NEVER: Duration = Duration::from_secs(1 << 40);

/// Keeps nothing. What is not kept cannot be restored either: the first failure ends the job.
#[derive(Debug, Default)]
pub(crate) struct Nowhere {
    interval: u64,
}
impl Nowhere {
    /// A job that begins anew, and whose key groups move by themselves if `rebalance` says so.
    pub(crate) fn keeping(rebalance: bool) -> Keeping {
        let settings = Settings { every: NEVER, timeout: NEVER, restarts: 0, rebalance, key_groups: None };
        Keeping { settings, vault: Box::new(Nowhere::default()), found: None, restore: Restore::Latest }
    }
}
/// What a savepoint is refused with in a job that has no place for one.
pub(crate) fn no_place() -> Error {
    Error::Config("a savepoint needs a place for snapshots: say where by `--snapshots`".into())
}
impl Vault for Nowhere {
    fn stores(&self) -> bool {
        false
    }
    fn term(&self) -> u64 {
        1
    }
    fn interval(&self) -> u64 {
        self.interval
    }
    fn claim(&mut self) -> Result<()> {
        Ok(())
    }
    fn in_attempt(&mut self, _: u64) {}
    fn find(&mut self, _: &Restore) -> Result<Option<Found>> {
        Ok(None)
    }
    fn check_taken_in(&mut self) -> Result<()> {
        Ok(())
    }
    fn check_free(&self, _: &str) -> Result<()> {
        Err(no_place())
    }
    fn looks_every(&self, every: Duration) -> Duration {
        every
    }
    fn requests(&self) -> Result<Vec<Request>> {
        Ok(Vec::new())
    }
    fn take(&self, _: &Request) -> Result<()> {
        Ok(())
    }
    fn answer(&self, _: &str, _: Result<(), &str>) -> Result<()> {
        Ok(())
    }
    fn has(&self, _: &str) -> bool {
        false
    }
    fn store(&mut self, barrier: Barrier, _: &Purpose, _: Vec<Written>) -> Result<u64> {
        self.interval = barrier.interval;
        Ok(0)
    }
    fn held(&self) -> Option<u64> {
        None
    }
    fn is_open(&self) -> bool {
        true
    }
    fn tidy(&mut self) -> Result<()> {
        Ok(())
    }
}
