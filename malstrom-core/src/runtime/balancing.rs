//! Key groups move between the workers that there are, when some have more to do than others: because somebody asks for it, or because
//! somebody wants that to happen by itself.
use super::attempt::Moved;
use super::scalers::{Scalers, Wish};
use crate::coordinator::{Balance, Coordinator, Event};
use crate::error::{Error, Result};
use crate::exchange::layout::{Change, Layout};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// What key groups have to do, and whether they move because of it.
#[derive(Debug)]
pub(crate) struct Balancing {
    balance: Balance,
    /// Whether they do without being asked for it.
    by_itself: bool,
}
impl Balancing {
    pub(crate) fn new(now: Duration, by_itself: bool) -> Self {
        Balancing { balance: Balance::new(now), by_itself }
    }
    /// When it is to be looked at again.
    pub(crate) fn due(&self) -> Duration {
        self.balance.due()
    }
    /// So many more samples are of each key group.
    pub(crate) fn note(&mut self, samples: &[u64]) {
        self.balance.note(samples);
    }
    /// Something moves, whoever wants that.
    pub(crate) fn rest(&mut self, now: Duration) {
        self.balance.rest(now);
    }
    /// Has the next change of the number of workers go by what key groups have to do.
    pub(crate) fn weigh(&self, coordinator: &mut Coordinator) {
        coordinator.weigh(self.balance.loads());
    }
    /// Looks at what the workers have to do. What the coordinator is to be told, if something is to move because of that.
    pub(crate) fn look(&mut self, now: Duration, coordinator: &Coordinator) -> Option<Event> {
        if !coordinator.can_move() {
            self.rest(now);
        }
        let next = self.balance.look(now, coordinator.layout()).filter(|_| self.by_itself)?;
        tracing::info!("one worker has more to do than the others, and gives some of that away");
        self.to(now, coordinator.layout(), next)
    }
    /// Somebody wants all workers to have as much to do as each other. What the coordinator is to be told; whoever has asked is answered
    /// at once if nothing is to move.
    pub(crate) fn ask(
        &mut self,
        now: Duration,
        coordinator: &Coordinator,
        scalers: &mut Scalers,
        reply: Sender<Result<Moved>>,
    ) -> Option<Event> {
        if !coordinator.can_move() {
            let why = "key groups move already, or the job is not running: ask again when it is";
            // Whoever has asked may be gone.
            let _ = reply.send(Err(Error::custom(why)));
            return None;
        }
        let layout = coordinator.layout();
        let event = self.to(now, layout, layout.spread_by_load(layout.members(), &self.balance.loads()));
        scalers.ask(Wish::Balance, now, reply);
        if event.is_none() {
            scalers.answer(layout.members().len(), None, now);
        }
        event
    }
    /// What has key groups be with who has them in `next`, if any are to move.
    fn to(&mut self, now: Duration, layout: &Arc<Layout>, next: Layout) -> Option<Event> {
        let change = Change { old: layout.clone(), new: Arc::new(next), bases: BTreeMap::new() };
        let groups: Vec<(usize, usize)> = change.groups().map(|moved| (moved.what, moved.to)).collect();
        (!groups.is_empty()).then(|| {
            self.rest(now);
            Event::Move { groups, splits: Vec::new() }
        })
    }
}
