//! One node, as the network sees it.
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) dead: bool,
    /// How often it has crashed.
    pub(super) life: u64,
    /// Until when it takes in a message only each `pace`, and the next one not before `free`.
    slow: Duration,
    pace: Duration,
    free: Duration,
}
impl Node {
    /// It stops, and when it starts again it is as quick as any other.
    pub(super) fn crash(&mut self) {
        *self = Node { dead: true, life: self.life + 1, ..Node::default() };
    }
    /// From `now` on it is a slow reader.
    pub(super) fn slow(&mut self, now: Duration, until: Duration, pace: Duration) {
        (self.slow, self.pace, self.free) = (until, pace, now + pace);
    }
    /// When a message has to wait for its turn, until then.
    pub(super) fn turn(&mut self, at: Duration, had: bool) -> Option<Duration> {
        if had || at >= self.slow {
            return None;
        }
        let turn = self.free.max(at);
        self.free = turn + self.pace;
        Some(turn)
    }
}
