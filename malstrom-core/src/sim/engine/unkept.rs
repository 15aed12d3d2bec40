//! A job that takes no snapshots, and whose workers may all the same become more or fewer.
use super::Keeping;
use super::faulty::StoreFault;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Barrier, Shelf};
use crate::coordinator::{Origin, Purpose};
use crate::error::Result;
use crate::worker::{EmptyShelf, Written};

/// Keeps nothing: no fault that ends the job can be survived, and none is made to happen.
///
/// ```
/// use malstrom_core::sim::engine::{Fault, Schedule, Setup, Unkept, What, live};
/// # use malstrom_core::{Graph, connect::memory, graph::{build, source}};
/// # fn numbers() -> malstrom_core::Pipeline {
/// #     let g = Graph::new("numbers");
/// #     let s = source::source(g.clone(), "source", memory::splits(3, |split| (0..1_000u64).map(move |n| n * 3 + split as u64)));
/// #     build::sink(g.clone(), "sink", memory::collector(), s);
/// #     g.finish()
/// # }
/// let more = Fault { at: 40, what: What::Rescale { workers: 3 } };
/// let setup = Setup { seed: 1, schedule: Schedule { workers: 2, faults: vec![more] }, pace: 4, ..Setup::default() };
/// let lived = live(&setup, Some(&mut Unkept), &numbers)?;
/// assert_eq!((lived.attempts, lived.moves > 0, lived.snapshots), (1, true, 0));
/// # Ok::<(), malstrom_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Unkept;
impl Keeping for Unkept {
    fn stores(&self) -> bool {
        false
    }
    fn claim(&mut self) -> Result<Origin> {
        Ok(Origin { term: 1, ..Origin::default() })
    }
    fn key_groups(&self) -> KeyGroups {
        KeyGroups::DEFAULT
    }
    fn split_into(&mut self, _: KeyGroups) {}
    fn shelf(&self, _: usize, _: usize) -> Result<Box<dyn Shelf + '_>> {
        Ok(Box::new(EmptyShelf))
    }
    fn taken_in(&mut self) -> Result<()> {
        Ok(())
    }
    fn store(&mut self, _: Barrier, _: &Purpose, _: Vec<Written>) -> Result<()> {
        Ok(())
    }
    fn is_open(&self) -> bool {
        true
    }
    fn arm(&mut self, _: StoreFault) {}
}
