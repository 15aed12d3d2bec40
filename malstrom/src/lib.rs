//! Distributed, stateful stream processing.
pub use malstrom_core::*;
