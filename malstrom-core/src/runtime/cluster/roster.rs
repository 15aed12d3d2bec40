//! What is known of the workers of one process of a job that has several: for who asks this process how it stands.
use crate::runtime::attempt::{Attempt, lock};
use crate::runtime::clock::Clock;
use crate::runtime::http::PlanView;
use crate::runtime::report::Figures;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How they stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// The number of this process, once it has one.
    pub(crate) process: Option<u32>,
    /// Whether the coordinator is within reach.
    pub(crate) connected: bool,
    /// Whether it has not been for so long that the sources are not read any more.
    pub(crate) fenced: bool,
    pub(crate) term: u64,
    /// The number of the attempt that is under way, or was last; 0 before the first.
    pub(crate) number: u64,
    pub(crate) attempt: Option<Arc<Attempt>>,
    /// How many have begun here.
    pub(crate) begun: u64,
    /// What those counted that are over.
    pub(crate) past: Figures,
    pub(crate) stopping: bool,
    pub(crate) over: bool,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Roster {
    clock: Clock,
    plan: PlanView,
    workers: usize,
    coordinator: Vec<String>,
    state: Mutex<State>,
}
impl Roster {
    pub(super) fn new(
        clock: Clock,
        (fresh, plan): (Figures, PlanView),
        workers: usize,
        coordinator: Vec<String>,
    ) -> Self {
        let state = State { past: fresh, ..State::default() };
        Roster { clock, plan, workers, coordinator, state: Mutex::new(state) }
    }
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }
    /// What the pipeline is like.
    pub(crate) fn stages(&self) -> &PlanView {
        &self.plan
    }
    /// How many workers this process has.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }
    /// Where the coordinator may be.
    pub(crate) fn coordinator(&self) -> String {
        self.coordinator.join(" or ")
    }
    pub(crate) fn glance(&self) -> State {
        lock(&self.state).clone()
    }
    pub(super) fn note(&self, note: impl FnOnce(&mut State)) {
        note(&mut lock(&self.state));
    }
    /// An attempt begins.
    pub(super) fn begins(&self, term: u64, number: u64, attempt: Arc<Attempt>) {
        self.note(|state| {
            (state.term, state.number, state.attempt) = (term, number, Some(attempt));
            state.begun += 1;
        });
    }
    /// It is over.
    pub(super) fn ends(&self) {
        self.note(|state| {
            if let Some(attempt) = state.attempt.take() {
                state.past.absorb(attempt.figures());
            }
        });
    }
}
