//! What a coordinator does with the commit log and the store.
use super::{AGAIN, Leader, NUMBERED};
use crate::contract::snapshot::Barrier;
use crate::coordinator::{Event, Purpose};
use crate::error::{Error, Result};
use crate::exchange::layout::Change;
use crate::failpoint::{Failpoint, reach};
use crate::runtime::cluster::words::Order;
use crate::runtime::keeping::{Restore, Vault, is_worth_a_restart, kind_of};
use crate::snapshot::{self, Kind};

impl Leader {
    /// Somebody else shows itself: whether it has taken over is for the log to say.
    pub(super) fn overtaken(&mut self) {
        match self.vault.overtaken() {
            Ok(Some(term)) => self.over = Some(Err(Error::Fenced { term })),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(cause = ?error, "it cannot be seen whether another coordinator has taken over")
            }
        }
    }
    /// Begins a term.
    pub(super) fn claim(&mut self) {
        self.begun = false;
        let claimed = match std::mem::take(&mut self.claimed) {
            true => Ok(()),
            false => {
                let claimed = self.vault.claim();
                claimed.and_then(|()| {
                    self.found = self.vault.find(&self.restore)?;
                    Ok(())
                })
            }
        };
        match claimed {
            Ok(()) => {
                let origin = self.vault.origin(self.found.as_ref());
                self.outside.leads(origin.term);
                self.askers.answer_those_there(&self.vault);
                self.parts.retain(|interval, _| *interval > origin.interval);
                self.count();
                self.numbered_at = self.outside.now() + NUMBERED;
                self.on(Event::Claimed(origin));
                self.processes.all().into_iter().for_each(|process| self.lead(process));
            }
            Err(error @ Error::Fenced { .. }) => self.over = Some(Err(error)),
            Err(error) if is_worth_a_restart(&error) => {
                tracing::warn!(cause = ?error, "the commit log cannot be claimed; it is tried again");
                self.claim_again = Some(self.outside.now() + AGAIN);
            }
            Err(error) => self.over = Some(Err(error)),
        }
    }
    /// Stores a snapshot of which all processes have written their parts.
    pub(super) fn store(&mut self, barrier: Barrier, purpose: &Purpose, change: Option<&Change>) {
        let interval = barrier.interval;
        self.parts = self.parts.split_off(&interval);
        // They are needed again if it is tried again.
        let parts = self.parts.get(&interval).cloned().unwrap_or_default();
        let writers = change.map_or_else(|| self.coordinator.layout().clone(), |change| change.old.clone());
        let members = self.processes_of(writers.members());
        let written: Vec<_> = members.iter().filter_map(|process| parts.get(process).cloned()).collect();
        let kind = kind_of(purpose);
        if written.len() < members.len() || written.iter().any(|part| *part.kind() != kind) {
            // They wrote it for another coordinator, and for something else.
            self.on(Event::Failed { interval });
            return;
        }
        let bytes = written.iter().map(snapshot::Written::bytes).sum();
        match self.commit(barrier, kind, written) {
            Ok(()) => {
                reach(if change.is_some() { Failpoint::Sealed } else { Failpoint::Logged });
                self.parts.remove(&interval);
                self.restore = Restore::Latest;
                self.lead.committed(interval, bytes);
                self.outside.committed();
                if let Purpose::Savepoint(name) = purpose {
                    self.askers.answer(&self.vault, name, || Ok(()));
                }
                self.vault.held().into_iter().for_each(|bytes| self.coordinator.holds(bytes));
                self.on(Event::Committed { interval });
                // What follows may take a while.
                self.tell_how_it_is();
                if let Err(error) = self.vault.tidy() {
                    tracing::warn!(cause = ?error, "what is not needed any more cannot be deleted, or something is damaged");
                }
                self.let_go();
            }
            Err(Error::Fenced { .. }) => self.on(Event::Fenced),
            Err(error) if !is_worth_a_restart(&error) => self.over = Some(Err(error)),
            Err(error) => {
                tracing::warn!(interval, cause = ?error, "snapshot could not be stored");
                if self.vault.is_open() {
                    self.on(Event::Failed { interval });
                } else {
                    self.lead.note(|state| state.survived.given_up += 1);
                    self.on(Event::Uncertain);
                }
            }
        }
    }
    fn commit(&mut self, barrier: Barrier, kind: Kind, written: Vec<snapshot::Written>) -> Result<()> {
        if !self.begun {
            let seed = self.seeds.get(&self.coordinator.attempt()).copied();
            self.vault.goes_on(seed.unwrap_or_else(|| self.vault.seed()))?;
        }
        self.vault.in_attempt(self.coordinator.attempt());
        self.vault.commit(barrier, kind, written)
    }
    /// Those leave who would like to, as there is a snapshot.
    fn let_go(&mut self) {
        // Those who have the last snapshot publish what it has.
        if !self.coordinator.is_running() {
            return;
        }
        if self.leaving.is_empty() {
            return;
        }
        // One that has said so before the job was running has not been reckoned with.
        self.count();
        let gone: Vec<u32> = self.leaving.iter().copied().filter(|process| !self.can_be_drained(*process)).collect();
        for process in gone {
            self.tell(process, &Order::End(None));
            let workers = self.processes.forget(process);
            self.lose(process, workers);
        }
        self.on(Event::Tick);
    }
}
