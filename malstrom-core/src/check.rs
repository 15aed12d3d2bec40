//! The sentences of compile errors, one trait each.
pub mod field;
pub mod fresh;
pub mod migrate;
