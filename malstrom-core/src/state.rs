//! State: entries laid out flat per operator and worker, addressed by key group.
pub mod key_group;
pub mod prefetch;
pub mod table;
