//! Key groups move between the workers that there are, when some have more to do than others: because somebody asks for it, or because
//! somebody wants that to happen by itself.
use super::attempt::Moved;
use super::scalers::{Scalers, Wish};
use crate::coordinator::{Balance, Coordinator, Event};
use crate::error::{Error, Result};
use crate::exchange::layout::{Change, Layout};
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
        let change = Change::between(layout.clone(), next);
        let groups: Vec<(usize, usize)> = change.groups().map(|moved| (moved.what, moved.to)).collect();
        (!groups.is_empty()).then(|| {
            self.rest(now);
            Event::Move { groups, splits: Vec::new() }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinator::{Origin, Policy, Report};
    use proptest::prelude::*;
    use std::sync::mpsc::channel;

    const GROUPS: usize = 128;
    const SECOND: Duration = Duration::from_secs(1);

    /// One of two workers, who are at work.
    fn running() -> Coordinator {
        let (mut coordinator, _) = Coordinator::new(Policy { workers: 2, groups: GROUPS, ..Policy::default() });
        let now = Duration::ZERO;
        coordinator.on(now, Event::Claimed(Origin { term: 1, ..Origin::default() }));
        (0..2).for_each(|worker| drop(coordinator.on(now, Event::Joined { worker, standing: None })));
        for worker in 0..2 {
            coordinator.on(now, Event::Report { worker, attempt: 1, report: Report::Ready });
        }
        assert!(coordinator.can_move());
        coordinator
    }
    /// Worker 0 has ten times as much to do as worker 1.
    fn skewed() -> Vec<u64> {
        (0..GROUPS).map(|group| if group < GROUPS / 2 { 1000 } else { 100 }).collect()
    }
    /// Asks for equal shares: what the coordinator is to be told, and the answer if there is one at once.
    fn ask(balancing: &mut Balancing, coordinator: &Coordinator) -> (Option<Event>, Option<Result<Moved>>) {
        let (reply, answer) = channel();
        let mut scalers = Scalers::default();
        let event = balancing.ask(SECOND, coordinator, &mut scalers, reply);
        (event, answer.try_recv().ok())
    }

    #[test]
    fn who_asks_is_answered_at_once_if_nothing_is_to_move_or_can() {
        let mut balancing = Balancing::new(Duration::ZERO, false);
        let (idle, _) = Coordinator::new(Policy::default());
        let (event, answer) = ask(&mut balancing, &idle);
        assert!(event.is_none() && answer.is_some_and(|answer| answer.is_err()));
        let mut coordinator = running();
        let (event, answer) = ask(&mut balancing, &coordinator);
        let moved = answer.and_then(Result::ok).map(|moved| (moved.workers, moved.groups));
        assert_eq!((event, moved), (None, Some((2, 0))), "nothing is known of any group");

        balancing.note(&skewed());
        let (event, answer) = ask(&mut balancing, &coordinator);
        assert!(answer.is_none());
        coordinator.on(SECOND, event.expect("something is to move"));
        assert!(coordinator.is_moving());
        let (event, answer) = ask(&mut balancing, &coordinator);
        let why = answer.and_then(Result::err).map(|why| why.to_string());
        assert!(event.is_none() && why.is_some_and(|why| why.contains("key groups move already")));
    }
    #[test]
    fn key_groups_move_by_themselves_only_if_that_is_wanted_and_can_be() {
        let moved = |by_itself: bool, coordinator: &Coordinator| {
            let mut balancing = Balancing::new(Duration::ZERO, by_itself);
            (1..=4).find(|look| {
                balancing.note(&skewed());
                balancing.look(10 * *look * SECOND, coordinator).is_some()
            })
        };
        let coordinator = running();
        assert_eq!((moved(true, &coordinator), moved(false, &coordinator)), (Some(3), None));
        let mut stays = running();
        stays.stay();
        assert_eq!(moved(true, &stays), None, "the job is about to end");
    }
    proptest! {
        /// Whatever number of samples somebody says there were: what is to move goes to who takes part, and no share grows by that.
        #[test]
        fn any_samples_will_do(said in prop::collection::vec(prop::collection::vec(any::<u64>(), GROUPS), 0..4)) {
            let (mut balancing, coordinator) = (Balancing::new(Duration::ZERO, true), running());
            said.iter().for_each(|samples| balancing.note(samples));
            balancing.look(10 * SECOND, &coordinator);
            if let (Some(Event::Move { groups, .. }), _) = ask(&mut balancing, &coordinator) {
                let loads = balancing.balance.loads();
                let (before, after) = (coordinator.layout().loads(&loads), coordinator.layout().moved(&groups, &[]).loads(&loads));
                prop_assert!(groups.iter().all(|(group, to)| *group < GROUPS && *to < 2));
                prop_assert!(after.values().max() <= before.values().max());
            }
        }
    }
}
