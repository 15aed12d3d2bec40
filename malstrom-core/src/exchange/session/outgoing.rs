//! What a session sends: the frames that the peer does not have yet, and how far it may go.
use super::error::{SessionError, Unsent};
use super::packet::{Frame, Hello};
use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct Outgoing<F> {
    /// The frames that come after the last acknowledged one.
    kept: VecDeque<F>,
    /// The number of the last acknowledged frame, and where it ends, in bytes.
    acked: u64,
    acked_position: u64,
    /// Where the last frame ends.
    position: u64,
    /// The number of the frame that is sent next on this connection.
    next: u64,
    /// The number of the last frame that was sent on any.
    sent: u64,
    /// How far the peer lets it go.
    limit: u64,
    /// What may be kept, by the settings of both ends.
    window: u64,
    allowance: u64,
}
impl<F: Frame> Outgoing<F> {
    pub(super) fn new(window: u64, allowance: u64) -> Self {
        Outgoing {
            kept: VecDeque::new(),
            acked: 0,
            acked_position: 0,
            position: 0,
            next: 1,
            sent: 0,
            limit: 0,
            window,
            allowance,
        }
    }
    pub(super) fn has_room(&self, bytes: u64, control: bool) -> bool {
        // A peer that grants too much does not fill the memory of this process.
        let limit = self.limit.min(self.acked_position.saturating_add(self.window));
        // Before the peer has granted anything, it takes no control frames either.
        let further = if control && self.limit > 0 { self.allowance } else { 0 };
        self.position.saturating_add(bytes.max(1)) <= limit.saturating_add(further)
    }
    pub(super) fn accept(&mut self, frame: F) -> Result<(), Unsent<F>> {
        let (bytes, control) = (frame.bytes(), frame.is_control());
        let most = self.window.saturating_add(if control { self.allowance } else { 0 });
        if bytes > most {
            return Err(Unsent::TooLarge { frame, bytes, most });
        }
        if !self.has_room(bytes, control) {
            return Err(Unsent::NoCredit(frame));
        }
        self.position += bytes.max(1);
        self.kept.push_back(frame);
        Ok(())
    }
    /// The next frame of this connection, and its number.
    pub(super) fn next(&mut self) -> Option<(u64, F)> {
        let seq = self.next;
        let at = usize::try_from(seq - self.acked - 1).ok()?;
        let frame = self.kept.get(at)?.clone();
        self.next += 1;
        self.sent = self.sent.max(seq);
        Some((seq, frame))
    }
    pub(super) fn acknowledged(&mut self, peer: u32, received: u64, limit: u64) -> Result<(), SessionError> {
        if received > self.sent {
            return Err(SessionError::NeverSent { peer, received, sent: self.sent });
        }
        if received < self.acked {
            return Err(SessionError::Regressed { peer, what: "frame", had: self.acked, has: received });
        }
        if limit < self.limit {
            return Err(SessionError::Regressed { peer, what: "room up to byte", had: self.limit, has: limit });
        }
        while self.acked < received {
            let Some(frame) = self.kept.pop_front() else { break };
            self.acked += 1;
            self.acked_position += frame.bytes().max(1);
        }
        self.limit = limit;
        Ok(())
    }
    /// On a new connection, goes on behind what the peer has.
    pub(super) fn resume(&mut self, peer: u32, hello: &Hello) -> Result<(), SessionError> {
        self.acknowledged(peer, hello.received, hello.limit)?;
        self.next = self.acked + 1;
        self.window = self.window.min(hello.window);
        self.allowance = self.allowance.min(hello.allowance);
        Ok(())
    }
    pub(super) fn kept(&self) -> u64 {
        self.position - self.acked_position
    }
    /// Nobody will have what is kept.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
        self.acked_position = self.position;
    }
}
