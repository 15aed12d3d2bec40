//! The runtime of Malstrom. Programs use the `malstrom` crate, which re-exports what they need.
//!
//! Modules depend on each other in one direction only: `runtime` → `worker` → `graph`, `exchange` → `stream` → `check` →
//! `contract`. `state` uses only `contract`; `connect` also `check`, as its printing sinks take what can be printed;
//! `snapshot`, which knows state only as bytes, `contract` and `error`; `net`, between processes, `exchange`. `sim`, which is behind a feature, drives them all.
//! `tests/modules_depend_downwards.rs` says it in full.
pub mod check;
pub mod connect;
pub mod contract;
pub mod coordinator;
pub mod error;
pub mod exchange;
mod failpoint;
pub mod graph;
pub mod metrics;
pub mod net;
pub mod runtime;
pub mod schema;
#[cfg(feature = "sim")]
pub mod sim;
pub mod snapshot;
pub mod state;
pub mod stream;
pub mod testing;
pub mod worker;

pub use contract::extract::time::{EventTime, ProcessingTimers, Timers, Watermark};
pub use contract::extract::{Context, Extract, Key, Metrics, Output};
pub use contract::key::PartitionKey;
pub use contract::never::Never;
pub use contract::record::{CodecError, Record};
pub use contract::sink::{Begin, CommitPermit, ExactlyOnce, Interval, Sink};
pub use contract::snapshot::Guarantee;
pub use contract::source::{Progress, Read, Replays, Source, SplitReader};
pub use contract::stage::{Emit, Failure};
pub use contract::state::KeyedState;
pub use contract::time::{Durations, InvalidTimestamp, Span, Time, Timestamp};
pub use contract::window::{Late, Window, Windowed};
pub use error::{Error, Result};
pub use graph::{Graph, Pipeline};
pub use runtime::{
    Environment, Handle, Latency, Moved, Report, Restore, Role, Runtime, RuntimeArgs, SnapshotCommand, run,
};

/// The crate of the object stores in which snapshots can lie.
pub use object_store;

/// Crates that expansions name; users need not depend on them.
#[doc(hidden)]
pub mod reexport {
    pub use serde;
}
