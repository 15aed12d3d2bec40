//! What the workers of one process send to those of another, and where it waits for a connection.
//!
//! Workers know nothing of connections. What they send is put into the [`Outbox`] of the process that it is for, in the order in which
//! it is to arrive, and taken out by whoever has the connection; what arrives is handed to the [fabric](super::fabric::Fabric).
use super::session::Frame;
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

/// What a [`Message`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A batch: records, and the signals between them.
    Data,
    /// How far the sender of batches may go, in bytes from the beginning.
    Credit,
    /// Which splits a source has.
    Splits,
    /// All workers of a process have said which splits of a source they read first.
    Arrived,
    /// What a worker gains at a barrier that others have: a piece of what one of its segments gets from one of theirs, whose number it is
    /// that stands for the exchange.
    State,
    /// Splits of a source that this process is to read, as of a change.
    Given,
    /// As of a change, a process has no split of a source that has not ended.
    Ended,
}
impl Kind {
    /// Whether it is from one worker for another, and not from a process.
    pub fn is_between_workers(self) -> bool {
        matches!(self, Kind::Data | Kind::Credit | Kind::State)
    }
}
/// One unit of what is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What it has.
    pub kind: Kind,
    /// The exchange, or the source, by its number in the plan.
    pub exchange: u16,
    /// The worker that sends it.
    pub from: u16,
    /// The worker that it is for.
    pub to: u16,
    /// How many barriers the sender has passed, or the barrier or the change that it is about.
    pub interval: u64,
    /// What it has, in bytes.
    pub payload: Bytes,
}
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { kind, exchange, from, to, interval, payload } = self;
        write!(f, "Message({kind:?} {exchange}: {from} to {to} in {interval}, {} bytes)", payload.len())
    }
}
/// What a message takes beside its payload.
pub const HEADER: usize = 32;
impl Frame for Message {
    fn bytes(&self) -> u64 {
        (HEADER + self.payload.len()) as u64
    }
    fn is_control(&self) -> bool {
        !matches!(self.kind, Kind::Data | Kind::State)
    }
}

/// Where messages to one process wait.
#[derive(Default)]
pub struct Outbox {
    waiting: Mutex<VecDeque<Message>>,
    bell: OnceLock<Box<dyn Fn() + Send + Sync>>,
}
impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbox({} messages)", self.lock().len())
    }
}
impl Outbox {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Message>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Has `bell` called whenever there is something where there was nothing. Only the first one that is given is.
    pub fn on_message(&self, bell: impl Fn() + Send + Sync + 'static) {
        let _ = self.bell.set(Box::new(bell));
        self.ring();
    }
    fn ring(&self) {
        if let Some(bell) = self.bell.get() {
            bell();
        }
    }
    /// Adds a message behind all others.
    pub fn put(&self, message: Message) {
        let mut waiting = self.lock();
        let first = waiting.is_empty();
        waiting.push_back(message);
        drop(waiting);
        if first {
            self.ring();
        }
    }
    /// Takes the next one.
    pub fn take(&self) -> Option<Message> {
        self.lock().pop_front()
    }
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
    /// Gives one back that could not be sent now: it is the next one again.
    pub fn give_back(&self, message: Message) {
        self.lock().push_front(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn the_bell_rings_when_there_is_something_again() {
        let outbox = Outbox::default();
        let message = |interval| Message {
            kind: Kind::Data,
            exchange: 0,
            from: 0,
            to: 1,
            interval,
            payload: Bytes::from_static(b"x"),
        };
        outbox.put(message(1));
        let rung = Arc::new(AtomicUsize::new(0));
        let counted = rung.clone();
        outbox.on_message(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(rung.load(Ordering::Relaxed), 1, "there may have been something before");
        outbox.put(message(2));
        assert_eq!(rung.load(Ordering::Relaxed), 1);
        let first = outbox.take().unwrap();
        outbox.give_back(first);
        assert_eq!(
            [outbox.take(), outbox.take(), outbox.take()].map(|m| m.map(|m| m.interval)),
            [Some(1), Some(2), None]
        );
        outbox.put(message(3));
        assert_eq!(rung.load(Ordering::Relaxed), 2);
    }
}
