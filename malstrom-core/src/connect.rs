//! Sources and sinks. They use only the contract, as a program's own do, so each is also an example of how to write one.
mod call;
pub mod files;
pub mod memory;
pub mod print;

pub use crate::contract::iter;
pub use call::{ForEach, for_each};
pub use iter::FromIter;
pub use print::{Debugged, OutputClosed, Stdout, debug, output_closed, stdout};
