//! What a coordinator tells the processes of its job, and those who look at it.
use super::Leader;
use crate::contract::snapshot::Outcome;
use crate::coordinator::member::Command;
use crate::runtime::cluster::words::{self, Order, Setup, process_of};
use std::collections::BTreeSet;

impl Leader {
    pub(super) fn processes_of(&self, workers: &[usize]) -> BTreeSet<u32> {
        workers.iter().map(|worker| process_of(*worker)).collect()
    }
    pub(super) fn command(&mut self, to: &BTreeSet<u32>, command: Command) {
        let mut setup = None;
        let savepoint = match &command {
            Command::Begin { attempt, layout, .. } => {
                let restored_from = self.found.as_ref().map(|found| found.interval);
                self.lead.begins(restored_from);
                (self.failure, self.anew) = (None, false);
                self.begun = true;
                self.seeds.clear();
                self.parts.clear();
                self.processes.begin(*attempt);
                let restore = self.found.as_ref().and_then(|_| self.vault.restores());
                tracing::info!(attempt, workers = layout.members().len(), restored_from, "attempt begins");
                self.seats.clear(*attempt);
                let (now, workers) = (self.outside.now(), layout.members().len());
                self.scalers.begun(workers, now);
                setup = Some(Setup { restore, seed: self.vault.seed(), ..self.seated(None) });
                // All are told with how they begin.
                self.stop_due = false;
                None
            }
            Command::Prepare { change, .. } => {
                setup = Some(self.seated(Some(change)));
                None
            }
            Command::Trigger { barrier, change } => {
                tracing::debug!(interval = barrier.interval, "snapshot begins");
                self.lead.triggered(barrier.interval);
                if let Some(change) = change {
                    setup = Some(self.seated(Some(change)));
                }
                self.coordinator.savepoint_under_way().map(str::to_owned)
            }
            Command::Settle(Outcome::Aborted { interval }) => {
                self.parts.remove(interval);
                None
            }
            _ => None,
        };
        let order = Order::Tell { term: self.coordinator.term(), command, setup, savepoint };
        to.iter().for_each(|process| self.tell(*process, &order));
    }
    pub(super) fn tell(&self, process: u32, order: &Order) {
        let Some(connection) = self.processes.connection(process) else { return };
        match words::write(order) {
            // Who cannot be reached is found to be lost, or comes back and says how it stands.
            Ok(bytes) => self.outside.send(connection, bytes),
            Err(error) => tracing::error!(cause = ?error, "an order cannot be written"),
        }
    }
    pub(super) fn tell_all(&self, order: &Order) {
        self.processes.all().into_iter().for_each(|process| self.tell(process, order));
    }
    pub(super) fn tell_how_it_is(&mut self) {
        if self.lead.look(|state| state.survived.attempt) != self.coordinator.attempt() {
            // Some may have told what they do in this one before it was known here that it goes on.
            self.tell_figures();
        }
        let workers = self.coordinator.layout().members().len();
        let target = match self.coordinator.is_running() {
            true => self.coordinator.target(),
            false => workers,
        };
        let key_groups = self.coordinator.layout().groups();
        let (there, wanted) = (self.processes.count().0, self.wanted.processes);
        let waits_for = match self.coordinator.is_running() || self.coordinator.is_ending() || there >= wanted {
            true => self.coordinator.waits_for(),
            // How many workers they have, they will say.
            false => format!("for {wanted} processes with workers, of which {there} are there"),
        };
        let (term, attempt, interval) =
            (self.coordinator.term(), self.coordinator.attempt(), self.coordinator.interval());
        self.lead.note(|state| {
            let survived = &mut state.survived;
            (survived.term, survived.attempt, survived.interval) = (term, attempt, interval);
            survived.moves.under_way = self.coordinator.moving();
            state.target = target;
            state.key_groups = key_groups;
            state.waits_for = waits_for;
            state.workers = workers;
            (state.running, state.ending) = (self.coordinator.is_running(), self.coordinator.is_ending());
            state.has_run |= state.running;
            state.processes = self.processes.status(self.outside.now());
        });
    }
}
