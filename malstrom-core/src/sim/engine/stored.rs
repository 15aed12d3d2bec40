//! Snapshots in an object store, behind the commit log, as the runtime keeps them.
use super::audit::{Acted, audit};
use super::faulty::{Faulty, StoreFault};
use super::random::Random;
use super::violation::{Invariant, Violation};
use super::{Keeping, SEED};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Barrier, Scope, Shelf};
use crate::coordinator::{Origin, Purpose};
use crate::error::{Error, Result};
use crate::exchange::route::RouteTable;
use crate::graph::Pipeline;
use crate::runtime::Restore;
use crate::runtime::keeping::{self, Operators, Shelves, Vault};
use crate::worker::{EmptyShelf, Written};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many snapshots are stored until a coordinator wakes up that has been asleep.
const WAKES: u64 = 3;

/// Keeps the snapshots of a job as the runtime does, in a store in memory that fails when it is told to.
pub struct Stored {
    store: Faulty,
    name: String,
    operators: Operators,
    nonces: Arc<Mutex<Random>>,
    /// `None` before it is claimed for the first time.
    vault: Option<keeping::Stored>,
    /// The one of an attempt before, which has only been asleep: it does not know that others have taken over.
    asleep: Option<keeping::Stored>,
    wakes: Random,
    violation: Option<Violation>,
    shelves: Option<Arc<dyn Shelves>>,
    key_groups: KeyGroups,
}
impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("job", &self.name).finish_non_exhaustive()
    }
}
impl Stored {
    /// An empty store for the job of this pipeline. Where a fault strikes, follows from the seed.
    ///
    /// # Errors
    /// If the pipeline cannot be kept: its stages have no names by which snapshots could find what they keep.
    pub fn new(seed: u64, pipeline: &Pipeline) -> Result<Self> {
        keeping::check_names(pipeline.plan())?;
        let operators = Operators::of(pipeline.plan(), Vec::new());
        operators.check()?;
        let random = Random::new(seed);
        Ok(Stored {
            store: Faulty::new(random.branch("store")),
            name: pipeline.name().to_owned(),
            operators,
            nonces: Arc::new(Mutex::new(random.branch("nonces"))),
            vault: None,
            asleep: None,
            wakes: random.branch("wakes"),
            violation: None,
            shelves: None,
            key_groups: KeyGroups::DEFAULT,
        })
    }
}
impl Stored {
    /// The coordinator of an attempt before wakes up, and goes on with what it was about to do: it commits a snapshot. That must fail.
    fn wake(&mut self) {
        let Some(mut vault) = self.asleep.take() else { return };
        let interval = vault.interval() + 1;
        let barrier = Barrier { interval, scope: Scope::Whole, last: false };
        let stored = self.store.undisturbed(|| vault.store(barrier, &Purpose::Recovery, Vec::new()));
        if stored.is_ok() {
            let what = format!("a coordinator that others have taken over from has committed snapshot {interval}");
            self.violation = Some(Violation { invariant: Invariant::CommitLog, what });
        }
    }
}
impl Keeping for Stored {
    fn claim(&mut self) -> Result<Origin> {
        self.store.recover();
        self.shelves = None;
        self.asleep = self.vault.take().filter(|vault| vault.is_open());
        let nonces = self.nonces.clone();
        let nonce = move || {
            let mut nonces = nonces.lock().unwrap_or_else(PoisonError::into_inner);
            u128::from(nonces.next()) << 64 | u128::from(nonces.next())
        };
        let (location, operators) = (self.store.location(), self.operators.clone());
        let vault = keeping::Stored::open(
            location,
            &self.name,
            operators,
            (SEED, Some(self.key_groups)),
            (None, Arc::new(nonce)),
        )?;
        let vault = self.vault.insert(vault);
        let found = vault.find(&Restore::Latest)?;
        let round = found.as_ref().and_then(|found| found.round);
        self.shelves = found.map(|found| found.shelves);
        Ok(Origin { term: vault.term(), interval: vault.interval(), round, ..Origin::default() })
    }
    fn key_groups(&self) -> KeyGroups {
        self.key_groups
    }
    fn split_into(&mut self, key_groups: KeyGroups) {
        self.key_groups = key_groups;
    }
    fn shelf(&self, worker: usize, workers: usize) -> Result<Box<dyn Shelf + '_>> {
        match &self.shelves {
            Some(shelves) => {
                let groups: Vec<u16> = RouteTable::even(workers, self.key_groups).groups_of(worker).collect();
                shelves.shelf(&groups)
            }
            None => Ok(Box::new(EmptyShelf)),
        }
    }
    fn taken_in(&mut self) -> Result<()> {
        self.vault.as_mut().map_or(Ok(()), Vault::check_taken_in)
    }
    fn store(&mut self, barrier: Barrier, purpose: &Purpose, written: Vec<Written>) -> Result<()> {
        if self.wakes.one_in(WAKES) {
            self.wake();
        }
        let Some(vault) = &mut self.vault else { return Err(Error::custom("nobody has claimed the store")) };
        vault.store(barrier, purpose, written)?;
        // As in the runtime, what can wait need not succeed.
        let _ = vault.tidy();
        Ok(())
    }
    fn is_open(&self) -> bool {
        self.vault.as_ref().is_some_and(Vault::is_open)
    }
    fn arm(&mut self, fault: StoreFault) {
        self.store.arm(fault);
    }
    fn took(&mut self) -> Duration {
        self.store.took()
    }
    fn audit(&self, acted: &[Acted]) -> Result<()> {
        if let Some(violation) = self.violation.clone().or_else(|| self.store.overwritten()) {
            return Err(violation.into());
        }
        Ok(audit(&self.store.log(), acted)?)
    }
}
