//! draft
mod format;
pub mod log;
