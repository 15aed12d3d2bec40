//! State: entries laid out flat per operator and worker, addressed by key group.
pub mod table;
