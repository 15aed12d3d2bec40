//! Key groups move between the workers that there are, when some have more to do than others.
use super::Run;
use crate::coordinator::Event;
use crate::error::{Error, Result};
use crate::exchange::layout::{Change, Layout};
use crate::runtime::attempt::Moved;
use crate::runtime::scalers::Wish;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

impl Run<'_> {
    /// Takes note of what was sent of each key group.
    fn count(&mut self) {
        if let Some(attempt) = &self.attempt {
            self.balance.note(&attempt.fabric().loads().take(self.job.plan().key_groups));
        }
    }
    /// Has the next change of the number of workers go by what key groups have to do.
    pub(super) fn weigh(&mut self) {
        self.count();
        self.coordinator.weigh(self.balance.loads());
    }
    /// Looks at what the workers have to do, if it is time for that, and moves key groups if that helps and is wanted.
    pub(super) fn look_at_loads(&mut self) {
        let now = self.now();
        if self.balance.due() > now {
            return;
        }
        self.count();
        if self.coordinator.is_moving() || !self.coordinator.is_running() {
            self.balance.rest(now);
        }
        let layout = self.coordinator.layout().clone();
        let next = self.balance.look(now, &layout);
        if let Some(next) = next.filter(|_| self.rebalance) {
            tracing::info!("one worker has more to do than the others, and gives some of that away");
            self.share_out(&layout, next);
        }
    }
    /// Somebody wants all workers to have as much to do as each other.
    pub(super) fn rebalance(&mut self, reply: Sender<Result<Moved>>) {
        if self.coordinator.is_moving() || !self.coordinator.is_running() {
            let why = "key groups move already, or the job is not running: ask again when it is";
            // Whoever has asked may be gone.
            let _ = reply.send(Err(Error::custom(why)));
            return;
        }
        self.weigh();
        let layout = self.coordinator.layout().clone();
        let next = layout.spread_by_load(layout.members(), &self.balance.loads());
        let since = self.now();
        self.scalers.ask(Wish::Balance, since, reply);
        if !self.share_out(&layout, next) {
            self.scalers.answer(layout.members().len(), None, since);
        }
    }
    /// Moves key groups to who has them in `next`. Whether there is anything to move.
    fn share_out(&mut self, layout: &Arc<Layout>, next: Layout) -> bool {
        let change = Change { old: layout.clone(), new: Arc::new(next), bases: BTreeMap::new() };
        let groups: Vec<(usize, usize)> = change.groups().map(|moved| (moved.what, moved.to)).collect();
        let any = !groups.is_empty();
        if any {
            self.balance.rest(self.now());
            self.on(Event::Move { groups, splits: Vec::new() });
        }
        any
    }
}
