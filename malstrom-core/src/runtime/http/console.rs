//! What there is to ask of a job.
use super::views::{Gauges, PlanView, StatusView};
use crate::error::Result;
use crate::runtime::attempt::Moved;

/// A job, as the server sees it. All but `savepoint` and `rebalance` answer at once.
pub(crate) trait Console: Send + Sync {
    /// What it is doing.
    fn status(&self) -> StatusView;
    /// Its stages; none as long as they are not built.
    fn plan(&self) -> PlanView;
    /// Where savepoints are to be asked for, and the order to stop, if that is elsewhere.
    fn only_elsewhere(&self) -> Option<String> {
        None
    }
    /// Takes a savepoint, and waits until it is committed.
    fn savepoint(&self, name: &str) -> Result<()>;
    /// Has it run with so many workers from now on.
    fn target(&self, workers: usize) -> Result<()>;
    /// Has all workers have as much to do as each other, and waits until they have.
    fn rebalance(&self) -> Result<Moved>;
    /// Ends the sources; what is under way is drained, and nobody waits for that here.
    fn stop(&self) -> Result<()>;
    /// Whether it is worth being left alone; if not, it should be restarted from outside.
    fn healthy(&self) -> bool;
    /// Whether it does what it is for.
    fn ready(&self) -> bool;
    /// Whether it has ended, so that there will be nothing to ask any more.
    fn is_over(&self) -> bool;
    /// Its figures.
    fn gather(&self) -> Gauges;
}
