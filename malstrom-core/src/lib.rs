//! The runtime of Malstrom. Programs use the `malstrom` crate, which re-exports what they need.
pub mod check;
pub mod connect;
pub mod contract;
pub mod error;
pub mod state;

pub use contract::key::PartitionKey;
pub use contract::never::Never;
pub use contract::record::{CodecError, Record};
pub use contract::sink::Sink;
pub use contract::source::{Progress, Read, Source, SplitReader};
pub use contract::stage::Emit;
pub use contract::state::KeyedState;
pub use error::{Error, Result};

/// Crates that expansions name; users need not depend on them.
#[doc(hidden)]
pub mod reexport {
    pub use serde;
}
