//! The macros of Malstrom.
