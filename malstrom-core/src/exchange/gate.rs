//! When a receiver takes in what a sender sends: barriers of an exchange whose workers may change.
//!
//! Every frame says in which interval its sender was. A receiver takes in frames of the interval that it is in itself; a sender that
//! has passed a barrier has to wait until the receiver has, which it does when all who were to bring that barrier have. That closes a
//! channel behind its barrier. And it holds back a worker that has joined: it has no barrier to bring, so that nothing else would keep
//! its first records, which lie behind the cut, from those who have not come to the cut.
use super::layout::Change;
use std::collections::BTreeSet;
use std::sync::Arc;
use thiserror::Error;

/// What must not be received. The attempt cannot go on: records may be missing, or there twice.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GateError {
    /// A frame of an interval that has ended.
    #[error(
        "worker {from} sends a frame of interval {interval}, which has ended here: interval {here} is under way. The attempt is to be restored"
    )]
    Stale {
        /// Who sent it.
        from: usize,
        /// Its interval.
        interval: u64,
        /// The interval that is under way here.
        here: u64,
    },
    /// A barrier that nobody expects of this worker.
    #[error(
        "worker {from} brings barrier {interval}, but it has no part in it or has brought it before. The attempt is to be restored"
    )]
    Unexpected {
        /// Who brought it.
        from: usize,
        /// The interval that it ends.
        interval: u64,
    },
}

/// How far one receiver of an exchange is.
///
/// ```
/// use malstrom_core::exchange::gate::Gate;
/// let mut gate = Gate::new(1, [0, 1]);
/// assert!(gate.arrive(0, 1, None)?.is_none());
/// assert!(!gate.admits(0, 2)? && gate.admits(1, 1)?, "0 is ahead");
/// assert_eq!(gate.arrive(1, 1, None)?.map(|passed| passed.interval), Some(1));
/// assert!(gate.admits(0, 2)?);
/// # Ok::<(), malstrom_core::exchange::gate::GateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    interval: u64,
    /// Whose barrier ends it.
    members: BTreeSet<usize>,
    missing: BTreeSet<usize>,
    change: Option<Arc<Change>>,
}
/// A barrier that all have brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The interval that has ended.
    pub interval: u64,
    /// What has changed with it.
    pub change: Option<Arc<Change>>,
}
impl Gate {
    /// A receiver in this interval, which these senders end.
    pub fn new(interval: u64, senders: impl IntoIterator<Item = usize>) -> Self {
        let members: BTreeSet<usize> = senders.into_iter().collect();
        Gate { interval, missing: members.clone(), members, change: None }
    }
    /// The interval that is under way here.
    pub fn interval(&self) -> u64 {
        self.interval
    }
    /// Whether a frame is taken in now. If not, it and what follows it on its channel wait for the next barrier.
    ///
    /// # Errors
    /// If it comes too late.
    pub fn admits(&self, from: usize, interval: u64) -> Result<bool, GateError> {
        if interval < self.interval {
            return Err(GateError::Stale { from, interval, here: self.interval });
        }
        Ok(interval == self.interval)
    }
    /// A sender has brought the barrier that ends its interval. Returns the barrier if it was the last to do so.
    ///
    /// # Errors
    /// If it was not expected to.
    pub fn arrive(
        &mut self,
        from: usize,
        interval: u64,
        change: Option<Arc<Change>>,
    ) -> Result<Option<Passed>, GateError> {
        if interval != self.interval || !self.missing.remove(&from) {
            return Err(GateError::Unexpected { from, interval });
        }
        self.change = self.change.take().or(change);
        if !self.missing.is_empty() {
            return Ok(None);
        }
        let change = self.change.take();
        if let Some(change) = &change {
            self.members = change.new.members().iter().copied().collect();
        }
        self.missing.clone_from(&self.members);
        self.interval += 1;
        Ok(Some(Passed { interval, change }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::layout::Layout;

    #[test]
    fn who_joins_is_held_back_and_who_leaves_is_not_waited_for() {
        let old = Arc::new(Layout::even(&[0, 1], 8, 2));
        let change = Arc::new(Change::between(old.clone(), old.spread(&[1, 2])));
        let mut gate = Gate::new(5, [0, 1]);
        assert_eq!(gate.admits(2, 6), Ok(false), "the joiner is behind the cut");
        assert_eq!(gate.arrive(0, 5, Some(change.clone())), Ok(None));
        assert_eq!(gate.arrive(1, 5, Some(change.clone())), Ok(Some(Passed { interval: 5, change: Some(change) })));
        assert_eq!((gate.admits(2, 6), gate.admits(1, 6)), (Ok(true), Ok(true)));
        assert_eq!(gate.arrive(2, 6, None), Ok(None));
        assert_eq!(gate.arrive(1, 6, None).map(|passed| passed.map(|p| p.interval)), Ok(Some(6)), "0 has left");
    }
    #[test]
    fn what_comes_too_late_or_twice_is_an_error() {
        let mut gate = Gate::new(3, [0, 1]);
        assert_eq!(gate.admits(1, 2), Err(GateError::Stale { from: 1, interval: 2, here: 3 }));
        assert_eq!(gate.arrive(0, 3, None), Ok(None));
        assert_eq!(gate.arrive(0, 3, None), Err(GateError::Unexpected { from: 0, interval: 3 }));
        assert_eq!(gate.arrive(7, 3, None), Err(GateError::Unexpected { from: 7, interval: 3 }));
        assert_eq!(gate.arrive(1, 4, None), Err(GateError::Unexpected { from: 1, interval: 4 }));
    }
}
