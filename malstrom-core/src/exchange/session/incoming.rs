//! What a session receives: which frame comes next, what is acknowledged, and how far the peer may go.
use super::error::SessionError;

#[derive(Debug)]
pub(super) struct Incoming {
    window: u64,
    allowance: u64,
    /// The number of the last frame.
    received: u64,
    /// Where the last frame ends, in bytes, and up to where they are consumed.
    position: u64,
    consumed: u64,
    /// What the peer was told last, of both.
    acked: u64,
    limit: u64,
}
impl Incoming {
    pub(super) fn new(window: u64, allowance: u64) -> Self {
        Incoming { window, allowance, received: 0, position: 0, consumed: 0, acked: 0, limit: 0 }
    }
    /// Whether a frame is new and the next one; one that has come before is not.
    pub(super) fn take(&mut self, peer: u32, seq: u64, bytes: u64, control: bool) -> Result<bool, SessionError> {
        if seq <= self.received {
            return Ok(false);
        }
        let expected = self.received + 1;
        if seq != expected {
            return Err(SessionError::Gap { peer, expected, found: seq });
        }
        let sent = self.position.saturating_add(bytes.max(1));
        let limit = self.limit.saturating_add(if control { self.allowance } else { 0 });
        if sent > limit {
            return Err(SessionError::Overrun { peer, sent, limit });
        }
        self.received = seq;
        self.position = sent;
        Ok(true)
    }
    pub(super) fn consumed(&mut self, bytes: u64) {
        // Not more than there was, or the peer would be given more than a window.
        self.consumed = self.consumed.saturating_add(bytes).min(self.position);
    }
    fn may_send(&self) -> u64 {
        self.consumed.saturating_add(self.window)
    }
    /// Whether the peer should be told something. Of credit only if it is worth it, or there will be no more: a peer that
    /// has been granted a window behind all it has sent can send any frame that is not too large.
    pub(super) fn owes_ack(&self) -> bool {
        let more = self.may_send().saturating_sub(self.limit);
        self.received > self.acked || more > 0 && (more >= self.window / 8 || self.consumed == self.position)
    }
    /// What the peer is told: the last frame that is there, and how far it may go.
    pub(super) fn acknowledge(&mut self) -> (u64, u64) {
        self.acked = self.received;
        self.limit = self.may_send();
        (self.acked, self.limit)
    }
}
