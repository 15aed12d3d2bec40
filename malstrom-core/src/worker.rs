//! A worker: a whole copy of the graph, driven by [`step`](Worker::step).
//!
//! It has no clock, no thread and no randomness of its own: who drives it gives the time, sleeps for it and wakes it.
//! The thread runtime does so with a loop per thread; a simulator can do it with any interleaving it likes.
use crate::contract::source::Progress;
use crate::error::{Error, Result};
use crate::exchange::fabric::{Fabric, Links};
use crate::exchange::route::RouteTable;
use crate::graph::Pipeline;
use crate::metrics::Metric;
use crate::state::table::Ranks;
use crate::stream::env::{Counts, Env};
use crate::stream::{Segment, Turn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What a worker is told when it is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its number.
    pub worker: usize,
    /// How many there are.
    pub workers: usize,
    /// What key hashes are seeded with; the same for all workers of a job.
    pub seed: u64,
    /// When the job began, in microseconds since 1970: what operators see as the time of the machine starts from it.
    pub started: i64,
    /// For how long a partial batch may wait while there is other work.
    pub linger: Duration,
    /// Whether snapshots are taken.
    pub saves: bool,
}

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    Busy,
    /// There is nothing to do until it is woken, or until this time if one is given.
    Idle(Option<Duration>),
    /// All input has ended and everything has been handed on.
    Done,
}

/// A whole copy of the graph and a share of the key groups and splits.
pub struct Worker {
    env: Env,
    /// Upstream first; `None` where one is done.
    segments: Vec<Option<Box<dyn Segment>>>,
    open: usize,
    linger: Duration,
    flushed: Duration,
}
impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Worker({:?}, {} of {} segments open)", self.env, self.open, self.segments.len())
    }
}

/// The text of a panic.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    }
}

fn panicked(env: &Env, payload: &(dyn std::any::Any + Send)) -> Error {
    let operator = env.take_panicked().map_or_else(|| "unknown".to_owned(), |id| id.to_string());
    Error::Panic { operator, message: panic_message(payload) }
}

impl Worker {
    /// Makes the segments of `pipeline` on this worker.
    ///
    /// # Errors
    /// If a sink cannot be opened, if the workers' pipelines differ, or if snapshots are taken and a stage keeps what cannot
    /// be written to one.
    pub fn new(pipeline: Pipeline, settings: &Settings, fabric: Arc<Fabric>) -> Result<Self> {
        let route = Rc::new(RouteTable::even(settings.workers));
        let ranks = if settings.workers == 1 { Ranks::all() } else { Ranks::of(route.groups_of(settings.worker)) };
        let plan = pipeline.plan();
        let ids = (plan.ids().map(Arc::from).collect(), plan.ticks().collect(), pipeline.timed());
        let links = Rc::new(Links::new(fabric, route));
        let seed = (settings.seed, settings.started);
        let env = Env::new((settings.worker, settings.workers), seed, ranks, ids, settings.saves, links);
        let recipes = pipeline.into_recipes()?;
        let made =
            catch_unwind(AssertUnwindSafe(|| recipes.into_iter().map(|make| make(&env)).collect::<Result<Vec<_>>>()));
        let segments = made.map_err(|payload| panicked(&env, &*payload))??;
        if let Some(failure) = env.take_failure() {
            return Err(failure);
        }
        let open = segments.iter().flatten().count();
        Ok(Worker { env, segments, open, linger: settings.linger, flushed: Duration::ZERO })
    }

    /// Does a bounded amount of work at time `now`, which must not go backwards.
    ///
    /// # Errors
    /// What ended the job, if it happened on this worker: a failure that nothing handles, a source or sink that failed,
    /// or a panic of user code. The worker must not be stepped again.
    pub fn step(&mut self, now: Duration) -> Result<Step> {
        let done = catch_unwind(AssertUnwindSafe(|| self.turn(now)));
        if let Some(failure) = self.env.take_failure() {
            return Err(failure);
        }
        done.map_err(|payload| self.panicked(&*payload))
    }
    /// A panic of user code that this worker called.
    pub(crate) fn panicked(&self, payload: &(dyn std::any::Any + Send)) -> Error {
        panicked(&self.env, payload)
    }

    fn turn(&mut self, now: Duration) -> Step {
        self.env.set_now(now);
        let (mut busy, mut due) = (false, None::<Duration>);
        // Downstream first: what is under way goes out before anything new comes in.
        for place in self.segments.iter_mut().rev() {
            let Some(segment) = place else { continue };
            match segment.run(now) {
                Turn::Busy => busy = true,
                Turn::Idle(None) => {}
                Turn::Idle(Some(later)) => due = Some(due.map_or(later, |due| due.min(later))),
                Turn::Done => {
                    *place = None;
                    self.open -= 1;
                    busy = true;
                }
            }
            if self.env.has_failed() {
                return Step::Busy;
            }
        }
        if self.open == 0 {
            return Step::Done;
        }
        if !busy || now.saturating_sub(self.flushed) >= self.linger {
            self.flushed = now;
            for segment in self.segments.iter_mut().rev().flatten() {
                busy |= segment.flush();
            }
        }
        if busy { Step::Busy } else { Step::Idle(due) }
    }

    /// What each operator has done here so far, in the order of the plan.
    pub fn counts(&self) -> impl Iterator<Item = Counts> + '_ {
        self.env.counts()
    }
    /// The metrics that each operator keeps, in the order of the plan.
    pub fn metrics(&self) -> impl Iterator<Item = Vec<(&'static str, Metric)>> + '_ {
        self.env.metrics()
    }
    /// The splits that are being read here.
    pub fn progress(&self) -> Vec<Progress> {
        let mut progress = Vec::new();
        self.segments.iter().flatten().for_each(|segment| segment.progress(&mut progress));
        progress
    }
}
