//! How what is kept is written to snapshots and read back.
//!
//! A [`Chapter`] is one part of what one operator keeps: it knows what it is called, how its entries are laid out
//! ([`Layout`]), and whether a committed snapshot has it already. What is written of one key group collects in a [`Draft`].
//! A table writes and reads its own entries (see [`StateTable::track`](super::table::StateTable::track)); what belongs to
//! no key are [`Figures`].
//!
//! An operator with several tables gives them one chapter: it flips all of them with the scope that the chapter says, puts
//! what they write of a group into one draft ([`Draft::section`]), and hands that in when all of them have passed the group.
mod chapter;
mod draft;
mod figures;
mod layout;
#[cfg(test)]
pub(crate) mod model;
pub mod view;

pub use chapter::{Chapter, Owner};
pub use draft::{Change, Changes, Draft};
pub use figures::Figures;
pub use layout::{Edition, Layout};
