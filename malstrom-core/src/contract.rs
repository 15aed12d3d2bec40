//! What expansions and connectors implement. Everything else in this crate is built on these traits and nothing in
//! here knows how a pipeline runs.
pub mod asks;
pub mod code;
pub mod crossing;
pub mod extract;
pub mod form;
pub mod iter;
pub mod join;
pub mod kept;
pub mod key;
pub mod keying;
pub mod never;
pub mod number;
pub mod record;
pub mod shape;
pub mod sink;
pub mod snapshot;
pub mod source;
pub mod stage;
pub mod state;
pub mod time;
pub mod typed;
pub mod window;
pub mod windows;
