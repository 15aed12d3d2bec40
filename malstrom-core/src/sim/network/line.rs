//! One direction between two nodes.
use std::collections::VecDeque;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Line<M> {
    /// The connection that the sender believes to have.
    pub(super) open: Option<u64>,
    /// Nothing arrives before then.
    pub(super) cut: Duration,
    /// What is on its way on the connection.
    waiting: VecDeque<M>,
    /// When the last of it arrives.
    last: Duration,
}
impl<M> Default for Line<M> {
    fn default() -> Self {
        Line { open: None, cut: Duration::ZERO, waiting: VecDeque::new(), last: Duration::ZERO }
    }
}
impl<M> Line<M> {
    /// There is a new connection, on which nothing arrives before this time.
    pub(super) fn begin(&mut self, at: Duration) {
        self.last = at;
    }
    /// A message is on its way; when it is there. Never before those that were sent before it.
    pub(super) fn push(&mut self, at: Duration, message: M) -> Duration {
        self.waiting.push_back(message);
        self.last = self.last.max(at);
        self.last
    }
    pub(super) fn pop(&mut self) -> Option<M> {
        self.waiting.pop_front()
    }
    /// What is on its way is lost.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}
