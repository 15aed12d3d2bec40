//! The thread of a process that stores what its workers keep: one after the other, since a snapshot may take long and the next one has
//! to wait for it anyway.
use super::Input;
use crate::contract::snapshot::Barrier;
use crate::error::Result;
use crate::runtime::keeping::is_worth_a_restart;
use crate::snapshot::{Chunks, Kind, Location, SegmentWriter, Unwritten, Written};
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
        let (attempt, interval, insists) = (part.attempt, part.barrier.interval, part.insists);
        let stored = encode(writer, operators, part).and_then(|(writer, part)| loop {
            match writer.put(&part) {
                Err(error) if insists && is_worth_a_restart(&error) => {
                    tracing::warn!(interval, cause = ?error, "a part of a snapshot could not be stored; it is tried again");
                    match parts.recv_timeout(AGAIN) {
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => return Err(error),
                        Ok(other) => {
                            // Another attempt has begun.
                            next = Some(other);
                            return Err(error);
                        }
                    }
                }
                written => return written,
            }
        });
        if inputs.send(told(attempt, interval, stored)).is_err() {
            return;
        }
        next = next.or_else(|| parts.recv().ok());
    }
}
fn encode(writer: &SegmentWriter, operators: &[String], part: Part) -> Result<(SegmentWriter, Unwritten)> {
    let Part { term, process, barrier: Barrier { interval, scope, .. }, kind, written, .. } = part;
    let mut content = Chunks::default();
    for worker in written {
        content.chunks.extend(worker.chunks);
        content.schemas.extend(worker.schemas);
    }
    let writer = writer.of_process(term, process);
    let part = writer.encode(&kind, interval, scope, operators, content)?;
    Ok((writer, part))
}
fn told(attempt: u64, interval: u64, stored: Result<Written>) -> Input {
    Input::Stored { attempt, interval, part: stored.map(|written| written.encode()) }
}
/// Writes a part, if it can be written now, and says what became of it.
#[cfg(test)]
pub(in super::super) fn write(writer: &SegmentWriter, operators: &[String], part: Part) -> Input {
    let (attempt, interval) = (part.attempt, part.barrier.interval);
    let stored = encode(writer, operators, part).and_then(|(writer, part)| writer.put(&part));
    told(attempt, interval, stored)
}
