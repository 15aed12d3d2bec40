//! The thread of a process that stores what its workers keep: one after the other, since a snapshot may take long and the next one has
//! to wait for it anyway.
use super::Input;
use crate::contract::snapshot::Barrier;
use crate::error::Result;
use crate::runtime::keeping::is_worth_a_restart;
use crate::snapshot::{Chunks, Kind, Location, SegmentWriter};
use crate::worker::Written;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// After so long what could not be stored is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What all workers of a process have written at a barrier, and for whom.
pub(super) struct Part {
    pub(super) term: u64,
    pub(super) process: u32,
    pub(super) attempt: u64,
    pub(super) barrier: Barrier,
    pub(super) kind: Kind,
    /// It is tried until it succeeds: what the barrier changes cannot be taken back.
    pub(super) insists: bool,
    pub(super) written: Vec<Written>,
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
    while let Some(Part { term, process, attempt, barrier, kind, insists, written }) = next.take() {
        let mut content = Chunks::default();
        for worker in written {
            content.chunks.extend(worker.chunks);
            content.schemas.extend(worker.schemas);
        }
        let Barrier { interval, scope, .. } = barrier;
        let writer = writer.of_process(term, process);
        let part = writer.encode(&kind, interval, scope, operators, content).and_then(|part| loop {
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
        let part = part.map(|written| written.encode());
        if inputs.send(Input::Stored { attempt, interval, part }).is_err() {
            return;
        }
        next = next.or_else(|| parts.recv().ok());
    }
}
