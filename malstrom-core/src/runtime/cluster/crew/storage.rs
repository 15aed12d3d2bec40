//! The thread of a process that stores what its workers keep: one after the other, since a snapshot may take long and the next one has
//! to wait for it anyway.
use super::Input;
use crate::contract::snapshot::Barrier;
use crate::error::{Error, Result};
use crate::failpoint::{Failpoint, reach};
use crate::runtime::keeping::is_worth_a_restart;
use crate::snapshot::{Chunks, Kind, Location, SegmentWriter, Unwritten};
use crate::worker;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// After so long what could not be stored is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What all workers of a process have written at a barrier, and for whom.
pub(in super::super) struct Part {
    pub(in super::super) term: u64,
    pub(in super::super) process: u32,
    pub(in super::super) attempt: u64,
    pub(in super::super) barrier: Barrier,
    pub(in super::super) kind: Kind,
    /// It is tried until it is stored: what its barrier changes cannot be taken back.
    pub(in super::super) insists: bool,
    pub(in super::super) written: Vec<worker::Written>,
}
/// See the [module](self). The thread ends when this is dropped, and what it has begun is stored.
pub(super) struct Storage(Sender<Part>);
impl Storage {
    /// Opens the store. What becomes of each part is told by an [`Input::Stored`]; `operators` has the id of each node.
    ///
    /// # Errors
    /// If the store cannot be opened, or there is no thread to be had.
    pub(super) fn start(location: &Location, operators: Arc<[String]>, inputs: Sender<Input>) -> Result<Storage> {
        let writer = SegmentWriter::open(location, 0, 0)?;
        let (parts, received) = channel();
        super::super::spawn("malstrom-upload", move || store(&writer, &operators, &received, &inputs))?;
        Ok(Storage(parts))
    }
    /// Has a part stored, behind those before it.
    pub(super) fn put(&self, part: Part) {
        // The thread ends only after this.
        drop(self.0.send(part));
    }
}
fn store(writer: &SegmentWriter, operators: &[String], parts: &Receiver<Part>, inputs: &Sender<Input>) {
    let mut next = parts.recv().ok();
    while let Some(part) = next.take() {
        let mut storing = Storing::new(writer, operators, part);
        let stored = loop {
            if let Some(stored) = storing.put() {
                break stored;
            }
            match parts.recv_timeout(AGAIN) {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(other) => {
                    // Another attempt has begun.
                    next = Some(other);
                    break storing.give_up();
                }
            }
        };
        if inputs.send(stored).is_err() {
            return;
        }
        next = next.or_else(|| parts.recv().ok());
    }
}
/// A part that is being stored.
pub(in super::super) struct Storing {
    attempt: u64,
    interval: u64,
    insists: bool,
    encoded: Option<(SegmentWriter, Unwritten)>,
    failure: Option<Error>,
}
impl Storing {
    pub(in super::super) fn new(writer: &SegmentWriter, operators: &[String], part: Part) -> Self {
        let Part { term, process, attempt, barrier: Barrier { interval, scope, .. }, kind, insists, written } = part;
        let mut content = Chunks::default();
        for worker in written {
            content.chunks.extend(worker.chunks);
            content.schemas.extend(worker.schemas);
        }
        let writer = writer.of_process(term, process);
        let (encoded, failure) = match writer.encode(&kind, interval, scope, operators, content) {
            Ok(part) => (Some((writer, part)), None),
            Err(error) => (None, Some(error)),
        };
        Storing { attempt, interval, insists, encoded, failure }
    }
    /// Writes it, and says what became of it; `None` if it is to be tried again.
    pub(in super::super) fn put(&mut self) -> Option<Input> {
        let Some((writer, part)) = &self.encoded else { return Some(self.give_up()) };
        reach(Failpoint::Uploading);
        match writer.put(part) {
            Ok(written) => {
                reach(Failpoint::Uploaded);
                Some(self.told(Ok(written.encode())))
            }
            Err(error) => {
                let again = self.insists && is_worth_a_restart(&error);
                if again {
                    let interval = self.interval;
                    tracing::warn!(interval, cause = ?error, "a part of a snapshot could not be stored; it is tried again");
                }
                self.failure = Some(error);
                (!again).then(|| self.give_up())
            }
        }
    }
    /// It is not tried again.
    fn give_up(&mut self) -> Input {
        let failure = self.failure.take().unwrap_or_else(|| Error::custom("nobody waits for it any more"));
        self.told(Err(failure))
    }
    fn told(&self, part: Result<Vec<u8>>) -> Input {
        Input::Stored { attempt: self.attempt, interval: self.interval, part }
    }
}
