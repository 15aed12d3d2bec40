//! Self-fencing: a process that has had no coordinator for long reads no more of its sources, and keeps what it has.
//!
//! Whoever has lost its coordinator may have been replaced meanwhile. Nothing that it does is committed any more, but a sink that publishes
//! at once shows what its successor shows as well; so that comes to an end by itself.
use std::time::Duration;

/// For how long there has been no coordinator, and whether the sources are read.
#[derive(Debug)]
pub(super) struct Fence {
    after: Duration,
    alone: Option<Duration>,
    closed: bool,
}
impl Fence {
    /// One that closes after so long.
    pub(super) fn new(after: Duration) -> Self {
        Fence { after, alone: None, closed: false }
    }
    /// After how long it closes.
    pub(super) fn after(&self) -> Duration {
        self.after
    }
    /// There is no coordinator, from now on if there was one.
    pub(super) fn lost(&mut self, now: Duration) {
        self.alone.get_or_insert(now);
    }
    /// Whether the sources are not to be read any more, which is said once.
    pub(super) fn closes(&mut self, now: Duration) -> bool {
        let due = self.alone.is_some_and(|since| now.saturating_sub(since) >= self.after);
        due && !std::mem::replace(&mut self.closed, true)
    }
    /// A coordinator has said something. Whether the sources are to be read again.
    pub(super) fn opens(&mut self) -> bool {
        self.alone = None;
        std::mem::take(&mut self.closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_closes_once_and_opens_once() {
        let mut fence = Fence::new(60 * SECOND);
        assert!(!fence.closes(1000 * SECOND), "there is a coordinator");
        fence.lost(1000 * SECOND);
        assert!(!fence.closes(1059 * SECOND));
        assert!(fence.closes(1060 * SECOND));
        assert!(!fence.closes(1061 * SECOND), "it is closed");
        assert!(fence.opens());
        assert!(!fence.opens() && !fence.closes(2000 * SECOND));
    }
    #[test]
    fn a_connection_on_which_nobody_says_anything_is_no_coordinator() {
        let mut fence = Fence::new(2 * SECOND);
        fence.lost(SECOND);
        // There was one in between.
        fence.lost(2 * SECOND);
        assert!(fence.closes(3 * SECOND));
        assert!(fence.opens());
        fence.lost(10 * SECOND);
        assert!(!fence.closes(11 * SECOND), "and from then on it is counted anew");
        assert!(fence.closes(12 * SECOND));
    }
}
