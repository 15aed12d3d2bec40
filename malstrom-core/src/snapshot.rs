//! Snapshots in an object store, and the log that commits them.
//!
//! State is seen here only as chunks: bytes with the id of an operator, a [`Part`](crate::contract::snapshot::Part) and a
//! key group. Each process writes the chunks of its workers as one *segment* ([`SegmentWriter`]); the coordinator names the
//! segments in a *manifest* and commits it by an entry in the *commit log* ([`Vault`]); workers read back the chunks of their
//! key groups, whoever wrote them ([`Restore`]). Everybody else looks ([`Archive`]).
//!
//! Objects are written once, under names that nobody else gives, but for the heartbeat and requests:
//!
//! | object | |
//! |---|---|
//! | `log/{seq:020}` | an entry of the commit log, see [`log`] |
//! | `manifests/{term:010}-{interval:020}` | the manifest of a snapshot |
//! | `segments/{term:010}-{interval:020}-{process}` | what one process has written for it |
//! | `savepoints/{name}/manifest`, `savepoints/{name}/segments/..` | a savepoint: everything it needs, so that the directory can be copied |
//! | `heartbeat` | overwritten: that the coordinator is there, see [`Heartbeats`] |
//! | `requests/savepoint-{name}` | while somebody waits for a savepoint: a request for it, see [`Requests`] |
//! | `requests/failed-{name}` | until whoever has asked reads it: why the savepoint was not taken |
//! | `probe/{nonce:032x}` | for a moment, when a coordinator starts: whether the store can hold a log |
//!
//! In a directory, a name with `#` and a number behind it is that of a file which is not complete; what a process that died has
//! left of them is removed when the job is run again.
//!
//! # Formats
//!
//! All numbers are little endian; a *text* is its length in bytes as `u32` and UTF-8; a *list* is its length as `u32` and its
//! elements. Checksums are xxh3-64. Each object has a magic number and a format, which grows with every change: what a newer
//! release has written is told from what is damaged, and refused. Where the checksum, the magic number and the format lie never
//! changes. Every byte of every object is covered by a checksum, except for requests, which only ask.
//!
//! **Segment**, format 1: the chunks one after the other; the footer; the trailer.
//!
//! | footer | |
//! |---|---|
//! | list of texts | the ids of operators |
//! | list of 28 bytes per chunk | operator (`u32`, in that list), part (`u8`), whether it is full (`u8`), key group or `0xffff` (`u16`), entries (`u32`), length (`u64`), checksum (`u64`). A chunk begins where the one before it ends |
//!
//! | trailer | |
//! |---|---|
//! | `u64`, `u64` | where the footer begins, its checksum |
//! | `u32`, 4 bytes | format, `MSSG` |
//!
//! **Manifest**, format 1:
//!
//! | | |
//! |---|---|
//! | 8 bytes, `u32` | `MALSTRMS`, format |
//! | text, `u32`, `u64` | the job, its key groups, the seed of the hash of its keys |
//! | `u64`, `u64` | interval, term |
//! | `u8`, text | 0; or 1 and the name of the savepoint |
//! | `u16`, `u8` | scope (the round, or `0xffff` for everything), whether the job has ended |
//! | list | layouts: operator (text), part (`u8`), since which interval (`u64`), version (`u32`), description (text) |
//! | list | segments, oldest first: name (text), interval (`u64`), scope (`u16`), length, where the footer begins, its checksum (`u64` each) |
//! | list | the other snapshots and savepoints that are kept, oldest first: kind as above, interval, term (`u64` each), manifest (text), its checksum (`u64`) |
//! | `u64` | the checksum of all before |
//!
//! **Entry**, format 1, at most 1 KiB:
//!
//! | | |
//! |---|---|
//! | 4 bytes, `u32` | `MSLG`, format |
//! | `u8`, `u64`, `u64` | kind, number, term |
//! | `u128`, `u128` | nonce, xxh3-128 of the entry before |
//! | kind 0, claim | job (text), who (text) |
//! | kind 1, snapshot | interval (`u64`), manifest (text), checksum of the whole manifest (`u64`) |
//! | kind 2, savepoint | name (text), and as a snapshot |
//! | `u64` | the checksum of all before |
//!
//! **Heartbeat**, format 1:
//!
//! | | |
//! |---|---|
//! | 4 bytes, `u32` | `MSHB`, format |
//! | `u64`, `u64`, `u8` | term, how often it was written, whether the job goes on (0), is done (1) or has failed (2) |
//! | `u64` | the checksum of all before |
//!
//! **Request** and its answer, in JSON: `until` (when nobody waits any more, in microseconds since 1970), `taken` (whether a
//! coordinator has seen it), `why` (it was not taken). What cannot be read has ended long ago.
//!
//! # What a snapshot consists of
//!
//! A snapshot is written relative to the one before, so its manifest lists the segments of as many committed snapshots as it
//! takes to find every key group in full, which is at most the last 16 ([`Scope`](crate::contract::snapshot::Scope)). The content
//! of a key group is what the newest interval that has it in full has, and all that later ones have of it. Of what belongs to no
//! key group only the snapshot's own segments count.
//!
//! # What is deleted
//!
//! The last [`KEPT`] snapshots are kept, and all savepoints. [`Vault::collect`] deletes what they do not need, and
//! all but the last 1000 entries of the log. The manifest of a snapshot names everything that was kept when it was committed, so
//! what is deleted of the log is known from its rest. A request is deleted by whoever asked, or once it is answered or has ended; an
//! answer that nobody has read is deleted an hour after that by [`Requests::sweep`].
//!
//! # Trouble
//!
//! What is damaged is never passed over in silence: to restore an older snapshot repeats what sinks have put out since, so that
//! has to be asked for. A coordinator that loses the log, or does not know whether it has committed, stops.
mod archive;
mod commit;
mod format;
mod heartbeat;
mod ledger;
mod location;
pub mod log;
mod manifest;
mod probe;
mod requests;
mod restore;
mod retention;
mod scrub;
mod segment;
mod store;
mod vault;
mod writer;

#[cfg(test)]
mod fuzz;

pub use archive::{Archive, KEPT};
pub use commit::{Committed, Draft};
pub use heartbeat::{End, Heartbeat, Heartbeats, Sign};
pub use location::Location;
pub use manifest::{Kind, Layout, Manifest, Saved};
pub use requests::{Request, Requests};
pub use restore::{Restore, WorkerShelf};
pub use retention::Swept;
pub use scrub::{Checked, Damage};
pub use vault::{Job, Vault};
pub(crate) use writer::Unwritten;
pub use writer::{Chunks, SegmentWriter, Written};
