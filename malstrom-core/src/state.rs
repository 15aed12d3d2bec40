//! State by key: key groups, the flat table, timers, expiry.
pub mod key_group;
pub mod keyed;
pub mod prefetch;
pub mod table;
pub mod timers;
