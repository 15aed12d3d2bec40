//! State by key: key groups, the flat table, timers, expiry, and how all of that is saved.
pub mod key_group;
pub mod keyed;
mod pages;
pub mod prefetch;
pub mod saved;
pub mod table;
pub mod timers;
