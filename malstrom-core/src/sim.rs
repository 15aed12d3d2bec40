//! A simulator.
pub mod engine;
