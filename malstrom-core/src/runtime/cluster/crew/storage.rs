//! The thread of a process that stores what its workers keep: one after the other, since a snapshot may take long and the next one has
//! to wait for it anyway.
use super::Input;
use crate::contract::snapshot::Barrier;
use crate::error::Result;
use crate::snapshot::{Chunks, Kind, Location, SegmentWriter};
use crate::worker::Written;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// What all workers of a process have written at a barrier, and for whom.
pub(in super::super) struct Part {
    pub(in super::super) term: u64,
    pub(in super::super) process: u32,
    pub(in super::super) attempt: u64,
    pub(in super::super) barrier: Barrier,
    pub(in super::super) kind: Kind,
    pub(in super::super) written: Vec<Written>,
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
    for part in parts {
        if inputs.send(write(writer, operators, part)).is_err() {
            return;
        }
    }
}
/// Writes a part, and says what became of it.
pub(in super::super) fn write(writer: &SegmentWriter, operators: &[String], part: Part) -> Input {
    let Part { term, process, attempt, barrier: Barrier { interval, scope, .. }, kind, written } = part;
    let mut content = Chunks::default();
    for worker in written {
        content.chunks.extend(worker.chunks);
        content.schemas.extend(worker.schemas);
    }
    let written = writer.of_process(term, process).write(&kind, interval, scope, operators, content);
    Input::Stored { attempt, interval, part: written.map(|written| written.encode()) }
}
