//! A job: one attempt, or where snapshots are taken as many as it needs.
use super::attempt::{Attempt, MOST, Moved, Moves, News, Plan, lock};
use super::http::PlanView;
use super::keeping::{self, Keeping, no_place};
use super::progress::Watched;
use super::report::{Figures, Report, Survived};
use super::signals::Stop;
use crate::contract::source::Progress;
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

pub(crate) struct Job {
    plan: Plan,
    stopped: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    /// Where the coordinator listens, if there is one, and whether it stores snapshots.
    coordinator: Option<Mutex<Sender<News>>>,
    stores: bool,
}
impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("state", &self.state).finish_non_exhaustive()
    }
}
#[derive(Debug)]
struct State {
    attempt: Option<Arc<Attempt>>,
    survived: Survived,
    /// What was counted by attempts that are over.
    past: Figures,
    /// What came of it, where there is a coordinator that says so.
    over: Option<Option<Error>>,
    /// Whether it came to nothing good.
    failed: bool,
}
/// What is known of a job at a moment.
pub(super) struct Glance {
    pub(super) attempt: Option<Arc<Attempt>>,
    pub(super) survived: Survived,
    pub(super) past: Figures,
    pub(super) over: bool,
    pub(super) failed: bool,
}

fn ended() -> Error {
    Error::Config("the job has ended, so the number of its workers cannot be changed".into())
}

impl Stop for Job {
    fn stop(&self) {
        Job::stop(self);
    }
    fn is_stopping(&self) -> bool {
        Job::is_stopping(self)
    }
}
impl Watched for Job {
    fn wait(&self) {
        Job::wait(self);
    }
    fn wait_for(&self, at_most: Duration) -> bool {
        Job::wait_for(self, at_most)
    }
    fn report(&self) -> Report {
        Job::report(self)
    }
    fn progress(&self) -> Vec<Progress> {
        Job::progress(self)
    }
    fn moves(&self) -> Moves {
        lock(&self.state).survived.moves
    }
}
impl Job {
    pub(crate) fn start(plan: Plan, keeping: Option<Keeping>) -> Result<Arc<Job>> {
        tracing::info!(workers = plan.workers, "job starts");
        let Some(keeping) = keeping else {
            let attempt = Attempt::start(&plan, None)?;
            return Ok(Arc::new(Job::new(plan, Some(attempt), None, false)));
        };
        let (coordinator, news) = channel();
        let stores = keeping.vault.stores();
        let job = Arc::new(Job::new(plan, None, Some(Mutex::new(coordinator.clone())), stores));
        let mine = job.clone();
        let thread = std::thread::Builder::new().name("malstrom-coordinator".into());
        let begun = thread.spawn(move || {
            let outcome = keeping::keep(&mine, keeping, &coordinator, &news);
            mine.end(outcome.err());
        });
        begun.map_err(|cause| Error::Runtime { doing: "start the coordinator thread", cause: cause.into() })?;
        Ok(job)
    }
    fn new(plan: Plan, attempt: Option<Arc<Attempt>>, coordinator: Option<Mutex<Sender<News>>>, stores: bool) -> Job {
        let survived = Survived { attempt: u64::from(attempt.is_some()), ..Survived::default() };
        let state = State { attempt, survived, past: Figures::default(), over: None, failed: false };
        let (stopped, changed) = (AtomicBool::new(false), Condvar::new());
        Job { plan, stopped, state: Mutex::new(state), changed, coordinator, stores }
    }
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }
    /// An attempt begins.
    pub(super) fn begin(&self, attempt: Arc<Attempt>) {
        {
            let mut state = lock(&self.state);
            if let Some(before) = state.attempt.replace(attempt.clone()) {
                state.past.absorb(before.figures());
            }
        }
        if self.is_stopping() {
            attempt.stop();
        }
    }
    /// Takes note of what the job has survived.
    pub(super) fn note(&self, note: impl FnOnce(&mut Survived)) {
        note(&mut lock(&self.state).survived);
    }
    fn end(&self, failure: Option<Error>) {
        {
            let mut state = lock(&self.state);
            state.failed = failure.is_some();
            state.over = Some(failure);
        }
        self.changed.notify_all();
    }
    fn attempt(&self) -> Option<Arc<Attempt>> {
        lock(&self.state).attempt.clone()
    }

    pub(crate) fn stop(&self) {
        if !self.stopped.swap(true, Ordering::SeqCst) {
            tracing::info!("job is stopping");
            // An attempt that begins after this sees that the job is stopping.
            if let Some(attempt) = self.attempt() {
                attempt.stop();
            }
            self.tell(News::Stop);
        }
    }
    fn tell(&self, news: News) -> bool {
        self.coordinator.as_ref().is_some_and(|coordinator| lock(coordinator).send(news).is_ok())
    }
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
    /// Takes a savepoint, and waits until it is there.
    pub(crate) fn savepoint(&self, name: &str) -> Result<()> {
        let (reply, answer) = channel();
        if !self.stores {
            return Err(no_place());
        }
        let gone = || Error::Config(format!("the job has ended, so there is nothing to save as `{name}`"));
        if !self.tell(News::Savepoint(name.to_owned(), reply)) {
            return Err(gone());
        }
        answer.recv().unwrap_or_else(|_| Err(gone()))
    }
    /// Gives the job so many workers, and waits until it has them.
    pub(crate) fn rescale(&self, workers: usize) -> Result<Moved> {
        let (reply, answer) = channel();
        self.ask_for(workers, reply)?;
        answer.recv().unwrap_or_else(|_| Err(ended()))
    }
    /// Has all workers have as much to do as each other, and waits until they have.
    pub(crate) fn rebalance(&self) -> Result<Moved> {
        if self.coordinator.is_none() {
            return Err(Error::Config(
                "this job keeps its key groups where they are: say where snapshots go by `--snapshots`, or that they may move without by `--elastic`"
                    .into(),
            ));
        }
        let (reply, answer) = channel();
        let gone = || Error::Config("the job has ended, so no key groups can be moved".into());
        if !self.tell(News::Rebalance(reply)) {
            return Err(gone());
        }
        answer.recv().unwrap_or_else(|_| Err(gone()))
    }
    /// The same as [`rescale`](Job::rescale), without waiting.
    pub(super) fn aim_at(&self, workers: usize) -> Result<()> {
        if !(1..=MOST).contains(&workers) {
            let why = format!("a job has 1 to {MOST} workers in one process, and cannot have {workers}");
            return Err(Error::Config(why));
        }
        self.ask_for(workers, channel().0)
    }
    fn ask_for(&self, workers: usize, reply: Sender<Result<Moved>>) -> Result<()> {
        if self.coordinator.is_none() {
            return Err(Error::Config(
                "this job keeps the workers that it has: say where snapshots go by `--snapshots`, or that their number may change without by \
                 `--elastic`"
                    .into(),
            ));
        }
        if self.tell(News::Rescale(workers, reply)) { Ok(()) } else { Err(ended()) }
    }
    /// Waits until all is done.
    pub(crate) fn wait(&self) {
        if self.coordinator.is_none() {
            if let Some(attempt) = self.attempt() {
                attempt.wait();
            }
            return;
        }
        let mut state = lock(&self.state);
        while state.over.is_none() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    /// Waits for `at_most`; `true` if all is done.
    pub(crate) fn wait_for(&self, at_most: Duration) -> bool {
        if self.coordinator.is_none() {
            return self.attempt().is_none_or(|attempt| attempt.wait_for(at_most));
        }
        let waited = self.changed.wait_timeout_while(lock(&self.state), at_most, |state| state.over.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.over.is_some()
    }
    /// What came of the job, once it has ended.
    pub(crate) fn outcome(&self) -> Result<Report> {
        // Told here and not by the workers: a subscriber that panics must leave nobody waiting for one of them.
        let failure = match &self.coordinator {
            Some(_) => lock(&self.state).over.as_mut().and_then(Option::take),
            None => self.attempt().and_then(|attempt| attempt.failure()),
        };
        match failure {
            Some(failure) => {
                // No more than `info`: the program gets the failure, and so it is for the program to report it.
                tracing::info!(cause = %failure, "job fails");
                Err(failure)
            }
            None => {
                tracing::info!("job ends");
                Ok(self.report())
            }
        }
    }
    pub(crate) fn report(&self) -> Report {
        let (attempt, survived) = {
            let state = lock(&self.state);
            (state.attempt.clone(), state.survived)
        };
        let ended = attempt.as_ref().and_then(|attempt| attempt.ended());
        let figures = attempt.map(|attempt| attempt.figures()).unwrap_or_default();
        let elapsed = ended.unwrap_or_else(|| self.plan.clock.now());
        Report::new(figures, self.plan.workers, elapsed, self.is_stopping(), survived)
    }
    /// Whether anybody coordinates it, so that key groups can move.
    pub(super) fn is_kept(&self) -> bool {
        self.coordinator.is_some()
    }
    /// Whether snapshots are taken.
    pub(super) fn stores(&self) -> bool {
        self.stores
    }
    /// What the pipeline is like; nothing as long as no worker has built it.
    pub(super) fn plan_view(&self) -> PlanView {
        self.attempt().and_then(|attempt| attempt.view().cloned()).unwrap_or_default()
    }
    pub(super) fn glance(&self) -> Glance {
        let state = lock(&self.state);
        let (attempt, survived, past) = (state.attempt.clone(), state.survived, state.past.clone());
        let (mut over, mut failed) = (state.over.is_some(), state.failed);
        drop(state);
        if let Some(attempt) = attempt.as_ref().filter(|_| !self.is_kept()) {
            over = attempt.ended().is_some();
            failed = over && attempt.is_cancelled();
        }
        Glance { attempt, survived, past, over, failed }
    }
    /// The splits that are being read.
    pub(crate) fn progress(&self) -> Vec<Progress> {
        self.attempt().map(|attempt| attempt.progress()).unwrap_or_default()
    }
}
