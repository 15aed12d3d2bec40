//! Edges between segments: queues within a worker, and the exchange that repartitions records between workers.
//!
//! Records move in batches as they are; nothing is encoded inside a process. Emptied batches go back to where they came
//! from, so that a running job allocates nothing.
pub mod batch;
pub(crate) mod changes;
pub mod fabric;
pub mod gate;
pub mod handover;
pub mod inlet;
pub mod layout;
pub mod lines;
pub mod loads;
pub mod message;
pub(crate) mod near;
pub mod outlet;
pub(crate) mod parcels;
pub mod places;
pub mod queue;
pub mod route;
pub(crate) mod said;
pub mod session;
pub(crate) mod sources;
pub mod watch;
pub(crate) mod wire;
