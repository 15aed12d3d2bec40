//! One attempt of a job: all its workers on threads of this process, or those that are in it, from a common beginning to the end or to
//! the first failure.
mod driving;
mod moved;

pub use moved::Moved;
pub(crate) use moved::{Moves, Rescaled};

use super::clock::Clock;
use super::http::PlanView;
use super::keeping::Shelves;
use super::load::Load;
use super::parking::Dormitory;
use super::report::Figures;
use crate::contract::extract::time::Watermark;
use crate::contract::key::KeyGroups;
use crate::contract::source::Progress;
use crate::error::{Error, Result};
use crate::exchange::fabric::{Fabric, Limits, Wake};
use crate::exchange::layout::Change;
use crate::exchange::near::Waiting;
use crate::exchange::places::Places;
use crate::graph::Pipeline;
use crate::stream::env::Saving;
use crate::worker::{Command, Handed, Scaling, Settings, Written, panic_message};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Builds the pipeline on a worker.
pub(crate) type Make = Arc<dyn Fn() -> Pipeline + Send + Sync>;

/// How often a busy worker publishes its figures.
const PUBLISH: Duration = Duration::from_millis(100);
/// How many workers an attempt may come to have that can have more.
pub(super) const MOST: usize = 64;
/// For how long a worker that has just been busy looks for more before it sleeps: waking it costs about as much.
const SPIN: Duration = Duration::from_micros(5);

/// How an attempt begins that somebody coordinates.
#[derive(Clone)]
pub(crate) struct Beginning {
    /// The term of the coordinator, and the interval that begins.
    pub(crate) term: u64,
    pub(crate) interval: u64,
    /// Whether snapshots are stored: if not, barriers only move key groups.
    pub(crate) stores: bool,
    /// What it is restored from.
    pub(crate) shelves: Option<Arc<dyn Shelves>>,
    /// Is told what workers do.
    pub(crate) tell: Arc<dyn Fn(News) + Send + Sync>,
}
/// What a worker tells the coordinator.
#[derive(Debug)]
pub(crate) enum News {
    /// It has taken in what it was restored from.
    Loaded(usize),
    /// It has written its part of a snapshot.
    Written(usize, Written),
    /// It has nothing left to do but to take the last snapshot.
    Finished(usize),
    /// The barrier of a change has passed it, and all is there that it has gained.
    Installed(usize, Handed),
    /// It has left the others.
    Left(usize),
    /// Somebody wants so many workers.
    Rescale(usize, Sender<Result<Moved>>),
    /// Somebody wants all workers to have as much to do as each other.
    Rebalance(Sender<Result<Moved>>),
    /// All workers have ended.
    Ended,
    /// Somebody asks for a savepoint of this name.
    Savepoint(String, Sender<Result<()>>),
    /// The job is told to stop.
    Stop,
}
/// What is the same in every attempt.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) make: Make,
    pub(crate) workers: usize,
    /// Whether their number may change while they are at work. It takes a coordinator.
    pub(crate) elastic: bool,
    pub(crate) linger: Duration,
    pub(crate) seed: u64,
    pub(crate) key_groups: KeyGroups,
    pub(crate) clock: Clock,
    /// When the clock began, in microseconds since 1970.
    pub(crate) started: i64,
}

pub(crate) struct Attempt {
    fabric: Arc<Fabric>,
    plan: Plan,
    /// The places for workers here, by their numbers among all.
    here: Range<usize>,
    /// How many workers there were at first, in all processes.
    workers: usize,
    beds: Arc<Dormitory>,
    clock: Clock,
    /// One of the workers has failed: the others give up.
    cancelled: AtomicBool,
    /// Which of the places have a worker.
    present: Vec<AtomicBool>,
    /// What each worker here last published, and what those did who have left.
    live: Vec<Mutex<Live>>,
    past: Mutex<Figures>,
    /// How many workers have taken in what they were restored from, if anything.
    loaded: AtomicUsize,
    /// What the pipeline is like, once a worker has built it.
    view: OnceLock<PlanView>,
    mail: Vec<Mail>,
    state: Mutex<State>,
    changed: Condvar,
    beginning: Option<Beginning>,
}
impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt").field("state", &self.state).finish_non_exhaustive()
    }
}
#[derive(Debug, Default)]
struct Live {
    figures: Figures,
    progress: Vec<Progress>,
    sight: Sight,
}
/// What a worker shows of how it is doing.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    pub(super) load: Load,
    /// How far event time has come at each operator.
    pub(super) watermarks: Vec<Watermark>,
    /// What waits at the exchanges of operators.
    pub(super) waiting: Vec<(usize, Waiting)>,
}
/// What a worker is asked to do.
#[derive(Debug, Default)]
struct Mail {
    any: AtomicBool,
    commands: Mutex<Vec<Command>>,
}
#[derive(Debug)]
struct State {
    running: usize,
    failure: Option<Error>,
    /// When the last worker ended.
    ended: Option<Duration>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes here guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A panic outside of any operator's work: a source or sink that is dropped, for one.
fn nobodys_panic(payload: &(dyn std::any::Any + Send)) -> Error {
    Error::Panic { operator: "unknown".into(), message: panic_message(payload) }
}

impl Attempt {
    /// Starts all workers, in this process.
    pub(crate) fn start(plan: &Plan, beginning: Option<Beginning>) -> Result<Arc<Attempt>> {
        Self::among(plan, Places::alone(plan.workers), beginning, None)
    }
    /// Starts those workers that are in this process. If it joins others that are at work, they do at the barrier that will carry this
    /// change.
    pub(crate) fn among(
        plan: &Plan,
        places: Places,
        beginning: Option<Beginning>,
        joins: Option<Arc<Change>>,
    ) -> Result<Arc<Attempt>> {
        let first = places.here();
        let workers = joins.as_ref().map_or(places.workers(), |change| change.old.members().len());
        let elastic = plan.elastic && beginning.is_some();
        let here = if elastic && places.is_alone() { first.start..first.end.max(MOST) } else { first.clone() };
        let scaling = match joins {
            Some(change) => Scaling::Joins(change),
            None if elastic => Scaling::Elastic,
            None => Scaling::Fixed,
        };
        let beds = Arc::new(Dormitory::new(workers.max(here.end)));
        let attempt = Arc::new(Attempt {
            plan: plan.clone(),
            fabric: Fabric::among(places, beds.clone(), Limits::default()),
            here: here.clone(),
            workers,
            beds,
            clock: plan.clock,
            cancelled: AtomicBool::new(false),
            present: here.clone().map(|_| AtomicBool::new(false)).collect(),
            live: here.clone().map(|_| Mutex::default()).collect(),
            past: Mutex::default(),
            loaded: AtomicUsize::new(0),
            view: OnceLock::new(),
            mail: here.clone().map(|_| Mail::default()).collect(),
            state: Mutex::new(State { running: first.len(), failure: None, ended: None }),
            changed: Condvar::new(),
            beginning,
        });
        for worker in first.clone() {
            if let Err(failure) = attempt.clone().spawn(worker, scaling.clone()) {
                attempt.leave(worker, Err(failure));
                lock(&attempt.state).running -= first.end - worker - 1;
                attempt.wait();
                return Err(attempt.failure().unwrap_or_else(|| Error::custom("no thread could be started")));
            }
        }
        Ok(attempt)
    }
    /// One more worker joins those that are at work, at the barrier that will carry this change.
    pub(super) fn join(self: Arc<Self>, worker: usize, change: Arc<Change>) -> Result<()> {
        if !self.here.contains(&worker) {
            return Err(Error::Config(format!("a job has at most {MOST} workers in one process")));
        }
        let before = std::mem::take(&mut *lock(self.live(worker)));
        lock(&self.past).merge(&before.figures);
        lock(&self.mail[worker - self.here.start].commands).clear();
        lock(&self.state).running += 1;
        let begun = self.clone().spawn(worker, Scaling::Joins(change));
        if begun.is_err() {
            lock(&self.state).running -= 1;
        }
        begun
    }
    fn spawn(self: Arc<Self>, worker: usize, scaling: Scaling) -> Result<()> {
        let Plan { linger, seed, key_groups, started, .. } = self.plan;
        let joins = matches!(scaling, Scaling::Joins(_));
        let saving = |begin: &Beginning| Saving {
            term: begin.term,
            interval: begin.interval,
            // A job that begins anew beside its own snapshots leaves alone what these have staged.
            cleans: worker == 0 && !joins && (begin.shelves.is_some() || begin.interval == 1),
        };
        let saving = self.beginning.as_ref().filter(|begin| begin.stores).map(saving);
        let workers = self.workers;
        let settings = Settings { worker, workers, seed, key_groups, started, linger, saving, scaling };
        let present = self.clone();
        present.present(worker).store(true, Ordering::SeqCst);
        let thread = std::thread::Builder::new().name(format!("malstrom-worker-{worker}"));
        let begun = thread.spawn(move || {
            self.beds.move_in(worker);
            // Whatever happens, the worker must be seen to leave: others wait for that.
            let result = catch_unwind(AssertUnwindSafe(|| self.drive(&self.plan.make, &settings)));
            self.leave(worker, result.unwrap_or_else(|payload| Err(nobodys_panic(&*payload))));
        });
        if begun.is_err() {
            present.present(worker).store(false, Ordering::SeqCst);
        }
        begun.map(drop).map_err(|cause| Error::Runtime { doing: "start a worker thread", cause: cause.into() })
    }

    fn present(&self, worker: usize) -> &AtomicBool {
        &self.present[worker - self.here.start]
    }
    /// Whether this worker is at work.
    pub(super) fn has(&self, worker: usize) -> bool {
        self.here.contains(&worker) && self.present(worker).load(Ordering::SeqCst)
    }
    /// The places that have a worker.
    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.here.clone().filter(|worker| self.present(*worker).load(Ordering::SeqCst))
    }
    fn live(&self, worker: usize) -> &Mutex<Live> {
        &self.live[worker - self.here.start]
    }
    /// A worker has ended.
    fn leave(&self, worker: usize, result: Result<()>) {
        let failed = result.is_err();
        self.present(worker).store(false, Ordering::SeqCst);
        let mut state = lock(&self.state);
        if let Err(error) = result {
            // The first failure is the cause of the others.
            state.failure.get_or_insert(error);
        }
        state.running -= 1;
        let ended = state.running == 0;
        if ended {
            state.ended = Some(self.clock.now());
        }
        drop(state);
        self.changed.notify_all();
        if failed {
            self.cancel();
        }
        if let Some(beginning) = &self.beginning {
            if !failed {
                (beginning.tell)(News::Left(worker));
            }
            if ended {
                (beginning.tell)(News::Ended);
            }
        }
    }
    /// Has all workers give up.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.places().for_each(|worker| self.beds.wake(worker));
    }
    /// Asks all workers to do something.
    pub(crate) fn command(&self, command: Command) {
        self.places().for_each(|worker| self.command_one(worker, command.clone()));
    }
    /// Asks one of them.
    pub(crate) fn command_one(&self, worker: usize, command: Command) {
        let Some(mail) = worker.checked_sub(self.here.start).and_then(|at| self.mail.get(at)) else { return };
        lock(&mail.commands).push(command);
        mail.any.store(true, Ordering::Release);
        self.beds.wake(worker);
    }
    /// What connects its workers with those of other processes.
    pub(crate) fn fabric(&self) -> &Arc<Fabric> {
        &self.fabric
    }
    /// Ends the sources.
    pub(crate) fn stop(&self) {
        self.fabric.stop();
    }
    /// Waits until all workers have ended.
    pub(crate) fn wait(&self) {
        let mut state = lock(&self.state);
        while state.running > 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    /// Waits for `at_most`; `true` if all workers have ended.
    pub(crate) fn wait_for(&self, at_most: Duration) -> bool {
        let state = lock(&self.state);
        let waited = self.changed.wait_timeout_while(state, at_most, |state| state.running > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.running == 0
    }
    /// What went wrong, if something did; to be asked once.
    pub(crate) fn failure(&self) -> Option<Error> {
        lock(&self.state).failure.take()
    }
    /// When the last worker ended.
    pub(crate) fn ended(&self) -> Option<Duration> {
        lock(&self.state).ended
    }
    pub(crate) fn figures(&self) -> Figures {
        let mut figures = lock(&self.past).clone();
        self.live.iter().for_each(|live| figures.merge(&lock(live).figures));
        figures
    }
    /// How each worker is doing.
    pub(super) fn sights(&self) -> Vec<Sight> {
        self.places().map(|worker| lock(self.live(worker)).sight.clone()).collect()
    }
    /// How many workers it has here.
    pub(super) fn workers(&self) -> usize {
        self.places().count()
    }
    /// How many workers it has begun with, in all processes.
    pub(super) fn began_with(&self) -> usize {
        self.workers
    }
    /// How many workers have taken in what they were restored from.
    pub(super) fn loaded(&self) -> usize {
        self.loaded.load(Ordering::Relaxed)
    }
    /// Whether they are restored from something.
    pub(super) fn is_restored(&self) -> bool {
        self.beginning.as_ref().is_some_and(|beginning| beginning.shelves.is_some())
    }
    /// Whether one of its workers has failed, or it was given up.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
    pub(super) fn view(&self) -> Option<&PlanView> {
        self.view.get()
    }
    /// The splits that are being read.
    pub(crate) fn progress(&self) -> Vec<Progress> {
        self.live.iter().flat_map(|live| lock(live).progress.clone()).collect()
    }
}
