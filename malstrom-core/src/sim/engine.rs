//! The engine in a simulator: workers, exchange, coordinator, snapshots and commit log of one job on one thread, in an order, at a
//! pace and with faults that follow from one seed.
//!
//! Nothing in the engine knows of it. Workers are [stepped](crate::worker::Worker::step) as by the threads of the runtime; the
//! coordinator is the one of the runtime; snapshots go through the same commit log, into a [store](Stored) that fails when the
//! schedule says so, or are [kept in memory](Memory), which takes a tenth of the time. Time is virtual: it advances with the
//! steps, and jumps to what is waited for when there is nothing else to do.
//!
//! ```
//! use malstrom_core::sim::engine::{Fault, Memory, Schedule, Setup, What, live};
//! # use malstrom_core::{Graph, connect::memory, graph::{build, source}};
//! # fn numbers() -> malstrom_core::Pipeline {
//! #     let g = Graph::new("numbers");
//! #     let s = source::source(g.clone(), "source", memory::splits(3, |split| (0..100u64).map(move |n| n * 3 + split as u64)));
//! #     build::sink(g.clone(), "sink", memory::collector(), s);
//! #     g.finish()
//! # }
//! let crash = Fault { at: 40, what: What::Crash { then: Some(3) } };
//! let setup = Setup { seed: 1, schedule: Schedule { workers: 2, faults: vec![crash] }, pace: 4, ..Setup::default() };
//! let lived = live(&setup, Some(&mut Memory::default()), &numbers)?;
//! assert_eq!((lived.attempts, lived.crashes), (2, 1));
//! # Ok::<(), malstrom_core::Error>(())
//! ```
mod attempt;
mod audit;
mod faulty;
mod guard;
mod life;
mod memory;
mod processes;
mod random;
mod schedule;
mod stored;
mod unkept;
mod violation;
mod witness;

pub use audit::Acted;
pub use faulty::StoreFault;
pub(super) use life::live_watched;
pub use life::{Lived, Setup, live};
pub use memory::Memory;
pub use random::Random;
pub use schedule::{Fault, Schedule, What};
pub use stored::Stored;
pub use unkept::Unkept;
pub use violation::{Invariant, Violation};
pub(super) use witness::{Aspect, Note, Witness};

use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Barrier, Shelf};
use crate::coordinator::{Origin, Purpose};
use crate::error::Result;
use crate::worker::Written;
use std::time::Duration;

/// What key hashes are seeded with.
pub(crate) const SEED: u64 = 7;

/// Where the snapshots of a simulated job are kept.
pub trait Keeping {
    /// Whether there are any: if not, the job cannot be restored.
    fn stores(&self) -> bool {
        true
    }
    /// An attempt begins: whoever held the snapshots before can commit nothing any more. Where the job goes on.
    ///
    /// # Errors
    /// If what is there cannot be had or used.
    fn claim(&mut self) -> Result<Origin>;
    /// How many key groups the job has in its next attempt.
    fn key_groups(&self) -> KeyGroups;
    /// From its next attempt on it has so many, which are no fewer than there have been.
    fn split_into(&mut self, key_groups: KeyGroups);
    /// What there is for worker `worker` of `workers`.
    ///
    /// # Errors
    /// As for [`claim`](Keeping::claim).
    fn shelf(&self, worker: usize, workers: usize) -> Result<Box<dyn Shelf + '_>>;
    /// All workers have taken in what there is for them.
    ///
    /// # Errors
    /// If something was left.
    fn taken_in(&mut self) -> Result<()>;
    /// Stores what all workers have written, and commits it.
    ///
    /// # Errors
    /// If it is not committed, or nobody knows. Whether the job can go on, [`is_open`](Keeping::is_open) says.
    fn store(&mut self, barrier: Barrier, purpose: &Purpose, written: Vec<Written>) -> Result<()>;
    /// Whether it can still commit.
    fn is_open(&self) -> bool;
    /// Something is to go wrong with what is written next.
    fn arm(&mut self, fault: StoreFault);
    /// For how long it has kept those waiting who asked for something, since it was asked this last.
    fn took(&mut self) -> Duration {
        Duration::ZERO
    }
    /// Looks at what is committed from outside, whether workers have acted on these snapshots with good reason.
    ///
    /// # Errors
    /// What is wrong: a [`Violation`].
    fn audit(&self, _acted: &[Acted]) -> Result<()> {
        Ok(())
    }
}
