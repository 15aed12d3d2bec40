//! What is known of a job of several processes where its coordinator runs: for its report, for who watches it, and for who asks it for
//! something.
use super::leader::Input;
use super::processes::ProcessStatus;
use crate::contract::source::Progress;
use crate::error::{Error, Result};
use crate::runtime::attempt::{Moved, Moves, lock};
use crate::runtime::clock::Clock;
use crate::runtime::http::PlanView;
use crate::runtime::progress::Watched;
use crate::runtime::report::{Figures, Report, Survived, Taken};
use crate::runtime::signals::Stop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How a job stands.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Whether another process coordinates the job, and this one stands by; and why it was not needed, once it has ended.
    pub(crate) standby: bool,
    pub(crate) relieved: Option<&'static str>,
    pub(crate) workers: usize,
    /// And how many there are to be.
    pub(crate) target: usize,
    /// How many key groups there are; 0 as long as it stands by.
    pub(crate) key_groups: usize,
    /// Whether an attempt has begun since this coordinator is there.
    begun: bool,
    /// Whether an attempt is under way in which all have begun, and whether there ever was one.
    pub(crate) running: bool,
    pub(crate) has_run: bool,
    /// Whether the last snapshot is committed, and what it has is being published.
    pub(crate) ending: bool,
    pub(crate) stopping: bool,
    pub(crate) waits_for: String,
    pub(crate) processes: Vec<ProcessStatus>,
    pub(crate) survived: Survived,
    /// What the attempt has done that is under way or was last, and what those before it have counted.
    pub(crate) figures: Figures,
    pub(crate) past: Figures,
    pub(crate) splits: Vec<Progress>,
    /// The snapshot that was begun last, and when.
    triggered: Option<(u64, Duration)>,
    /// What came of it, and when.
    over: Option<Option<Error>>,
    ended: Option<Duration>,
    /// Whether it came to nothing good.
    pub(crate) failed: bool,
}
impl State {
    /// Whether there is nothing to do any more.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_some()
    }
}

/// What came of a coordinator.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The job has ended.
    Ended(Box<Report>),
    /// It has stood by, and was not needed: why.
    Relieved(&'static str),
}

/// See the [module](self).
pub(crate) struct Lead {
    clock: Clock,
    location: String,
    fresh: Figures,
    plan: PlanView,
    /// How many processes with workers there are to be.
    wanted: AtomicUsize,
    state: Mutex<State>,
    changed: Condvar,
    inputs: Mutex<Sender<Input>>,
}
impl std::fmt::Debug for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lead").field("state", &self.state).finish_non_exhaustive()
    }
}
impl Lead {
    pub(super) fn new(
        clock: Clock,
        (location, wanted): (String, usize),
        (fresh, plan): (Figures, PlanView),
        standby: bool,
        inputs: Sender<Input>,
    ) -> Self {
        let (figures, past) = (fresh.clone(), fresh.clone());
        let state = Mutex::new(State { standby, figures, past, ..State::default() });
        let (changed, inputs) = (Condvar::new(), Mutex::new(inputs));
        let wanted = AtomicUsize::new(wanted);
        Lead { clock, location, fresh, plan, wanted, state, changed, inputs }
    }
    /// What the pipeline is like.
    pub(crate) fn stages(&self) -> &PlanView {
        &self.plan
    }
    /// How many processes with workers there are to be.
    pub(crate) fn wanted(&self) -> usize {
        self.wanted.load(Ordering::Relaxed)
    }
    pub(super) fn wants(&self, processes: usize) {
        self.wanted.store(processes, Ordering::Relaxed);
    }
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }
    pub(super) fn location(&self) -> &str {
        &self.location
    }
    pub(super) fn fresh_figures(&self) -> &Figures {
        &self.fresh
    }
    pub(super) fn note(&self, note: impl FnOnce(&mut State)) {
        note(&mut lock(&self.state));
    }
    /// How the job stands.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }
    /// An attempt begins.
    pub(super) fn begins(&self, restored_from: Option<u64>) {
        self.note(|state| {
            state.survived.restarts += u64::from(state.begun || state.has_run);
            (state.survived.restored_from, state.begun) = (restored_from, true);
            let before = std::mem::replace(&mut state.figures, self.fresh.clone());
            state.past.absorb(before);
        });
    }
    pub(super) fn triggered(&self, interval: u64) {
        let now = self.now();
        self.note(|state| state.triggered = Some((interval, now)));
    }
    pub(super) fn committed(&self, interval: u64, bytes: u64) {
        let now = self.now();
        self.note(|state| {
            state.survived.snapshots += 1;
            let since = state.triggered.filter(|(begun, _)| *begun == interval).map_or(now, |(_, at)| at);
            state.survived.last = Some(Taken { interval, bytes, took: now.saturating_sub(since), at: now });
        });
    }
    pub(super) fn end(&self, failure: Option<Error>) {
        let now = self.now();
        self.note(|state| {
            state.failed = failure.is_some();
            (state.over, state.ended) = (Some(failure), Some(now));
        });
        self.changed.notify_all();
    }

    fn tell(&self, input: Input) -> bool {
        lock(&self.inputs).send(input).is_ok()
    }
    /// Takes a savepoint, and waits until it is there.
    pub(crate) fn savepoint(&self, name: &str) -> Result<()> {
        let (reply, answer) = channel();
        let gone = || Error::Config(format!("the job has ended, so there is nothing to save as `{name}`"));
        if !self.tell(Input::Savepoint(name.to_owned(), reply)) {
            return Err(gone());
        }
        answer.recv().unwrap_or_else(|_| Err(gone()))
    }
    /// Has the job have so many workers. What it comes to is told to whoever waits for `reply`.
    pub(crate) fn rescale(&self, workers: usize, reply: Sender<Result<Moved>>) -> Result<()> {
        let ended = || Error::Config("the job has ended, and has no workers any more".into());
        if self.tell(Input::Rescale(workers, reply)) { Ok(()) } else { Err(ended()) }
    }
    /// Has all workers have as much to do as each other, and waits until they have.
    pub(crate) fn rebalance(&self) -> Result<Moved> {
        let (reply, answer) = channel();
        let gone = || Error::Config("the job has ended, so no key groups can be moved".into());
        if !self.tell(Input::Rebalance(reply)) {
            return Err(gone());
        }
        answer.recv().unwrap_or_else(|_| Err(gone()))
    }
    /// What came of the job, once it has ended.
    pub(crate) fn outcome(&self) -> Result<Outcome> {
        let mut state = lock(&self.state);
        let (failure, relieved) = (state.over.as_mut().and_then(Option::take), state.relieved);
        drop(state);
        match (failure, relieved) {
            (Some(failure), _) => Err(failure),
            (None, Some(why)) => Ok(Outcome::Relieved(why)),
            (None, None) => Ok(Outcome::Ended(Box::new(self.report()))),
        }
    }
}
impl Stop for Lead {
    /// Ends the sources, drains what is under way, takes a last snapshot and ends the job.
    fn stop(&self) {
        self.note(|state| state.stopping = true);
        self.tell(Input::Stop);
    }
    fn is_stopping(&self) -> bool {
        self.look(|state| state.stopping)
    }
}
impl Watched for Lead {
    fn wait(&self) {
        while !self.wait_for(Duration::from_secs(3600)) {}
    }
    fn wait_for(&self, at_most: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.state), at_most, |state| state.over.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.over.is_some()
    }
    fn report(&self) -> Report {
        self.look(|state| {
            let elapsed = state.ended.unwrap_or_else(|| self.now());
            Report::new(state.figures.clone(), state.workers, elapsed, state.stopping, state.survived)
        })
    }
    fn progress(&self) -> Vec<Progress> {
        self.look(|state| state.splits.clone())
    }
    fn moves(&self) -> Moves {
        self.look(|state| state.survived.moves)
    }
}
