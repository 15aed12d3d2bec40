//! The graph that a `pipeline!` expansion builds, and the segments that run it.
pub mod aggregates;
pub mod build;
pub mod combine;

pub mod fragment;
pub mod head;
mod intake;
pub mod join;
pub mod join_streams;
pub mod names;
pub mod picture;
pub mod policy;
pub mod renamed;
pub mod segment;
pub mod source;
pub mod split;
pub mod taps;
pub mod windows;

pub use build::{Graph, Pipeline};
