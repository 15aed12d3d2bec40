//! Key groups move between the workers of a process, when some have more to do than others.
use super::Run;
use crate::error::Result;
use crate::runtime::attempt::Moved;
use std::sync::mpsc::Sender;

impl Run<'_> {
    /// Takes note of what was sent of each key group.
    pub(super) fn count(&mut self) {
        if let Some(attempt) = &self.attempt {
            self.balancing.note(&attempt.fabric().loads().take(self.job.plan().key_groups));
        }
    }
    /// Looks at what the workers have to do, if it is time for that.
    pub(super) fn look_at_loads(&mut self) {
        let now = self.now();
        if self.balancing.due() > now {
            return;
        }
        self.count();
        if let Some(event) = self.balancing.look(now, &self.coordinator) {
            self.on(event);
        }
    }
    /// Somebody wants all workers to have as much to do as each other.
    pub(super) fn rebalance(&mut self, reply: Sender<Result<Moved>>) {
        self.count();
        let now = self.now();
        if let Some(event) = self.balancing.ask(now, &self.coordinator, &mut self.scalers, reply) {
            self.on(event);
        }
    }
}
