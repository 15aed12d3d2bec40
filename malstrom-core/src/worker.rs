//! A worker: a whole copy of the graph, driven by [`step`](Worker::step).
//!
//! It has no clock, no thread and no randomness of its own: who drives it gives the time, sleeps for it and wakes it.
//! The thread runtime does so with a loop per thread; a simulator can do it with any interleaving it likes.
mod handover;
mod snapshots;

pub use handover::Handed;
use handover::Handover;
use snapshots::Snapshots;
pub use snapshots::{Command, EmptyShelf, Written};

use crate::contract::extract::time::Watermark;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::Shelf;
use crate::contract::source::Progress;
use crate::error::{Error, Result};
use crate::exchange::changes::Changes;
use crate::exchange::fabric::{Fabric, Links};
use crate::exchange::layout::Change;
use crate::exchange::near::Waiting;
use crate::exchange::route::RouteTable;
use crate::exchange::watch::Watch;
use crate::graph::Pipeline;
use crate::metrics::Metric;
use crate::state::table::Ranks;
use crate::stream::env::{Counts, Env, Saving};
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
    /// How many key groups there are; as many for all workers of a job.
    pub key_groups: KeyGroups,
    /// When the job began, in microseconds since 1970: what operators see as the time of the machine starts from it.
    pub started: i64,
    /// For how long a partial batch may wait while there is other work.
    pub linger: Duration,
    /// How snapshots are taken, if they are. Without, barriers come only to move key groups.
    pub saving: Option<Saving>,
    /// Whether the number of workers may change.
    pub scaling: Scaling,
}
/// Whether the number of workers may change while they are at work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scaling {
    /// It stays as it is.
    #[default]
    Fixed,
    /// It may.
    Elastic,
    /// It does: this worker joins the others at the barrier that carries this.
    Joins(Arc<Change>),
}

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    Busy,
    /// There is nothing to do until it is woken, or until this time if one is given.
    Idle(Option<Duration>),
    /// All input has ended, everything has been handed on, and where snapshots are taken the last of them is committed.
    Done,
}

/// A whole copy of the graph and a share of the key groups and splits.
pub struct Worker {
    env: Env,
    /// Upstream first.
    segments: Vec<Place>,
    open: usize,
    /// How far it is with barriers, if there are any. What is done is then kept for the last of them.
    snapshots: Option<Snapshots>,
    linger: Duration,
    flushed: Duration,
    /// In the last step a segment had input and those downstream no room for it.
    held_back: bool,
}
struct Place {
    segment: Box<dyn Segment>,
    done: bool,
    /// It stands still behind a barrier.
    stands: bool,
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
    /// Makes the segments of `pipeline` on this worker. Where snapshots are taken, they take in what is on the `shelf`.
    ///
    /// # Errors
    /// If a sink cannot be opened, if the workers' pipelines differ, if the pipeline promises what it cannot keep, if what was
    /// kept cannot be used, or if snapshots are taken and a stage keeps what cannot be written to one.
    pub fn new(pipeline: Pipeline, settings: &Settings, fabric: Arc<Fabric>, shelf: &dyn Shelf) -> Result<Self> {
        Self::watched(pipeline, settings, fabric, shelf, None)
    }
    /// The same, where somebody may look at what crosses exchanges.
    ///
    /// # Errors
    /// As for [`new`](Worker::new).
    pub fn watched(
        pipeline: Pipeline,
        settings: &Settings,
        fabric: Arc<Fabric>,
        shelf: &dyn Shelf,
        watch: Option<Rc<dyn Watch>>,
    ) -> Result<Self> {
        let (route, members) = match &settings.scaling {
            Scaling::Joins(change) => (RouteTable::of(&change.new), change.old.members().to_vec()),
            Scaling::Fixed | Scaling::Elastic => {
                (RouteTable::even(settings.workers, settings.key_groups), (0..settings.workers).collect())
            }
        };
        let (route, elastic) = (Rc::new(route), settings.scaling != Scaling::Fixed);
        let joins = match &settings.scaling {
            Scaling::Joins(change) => Some(change.clone()),
            Scaling::Fixed | Scaling::Elastic => None,
        };
        let changes = Changes::new(elastic, joins);
        let ranks = match &settings.scaling {
            // It owns nothing before it has taken it in.
            Scaling::Joins(_) => Ranks::of(settings.key_groups, std::iter::empty()),
            _ if settings.workers == 1 => Ranks::all(settings.key_groups),
            _ => Ranks::of(settings.key_groups, route.groups_of(settings.worker)),
        };
        let plan = pipeline.plan();
        let ids = (plan.ids().map(Arc::from).collect(), plan.ticks().collect(), pipeline.timed());
        let slice = fabric.limits().slice;
        let handover = elastic.then(|| Handover::new(settings.worker, fabric.clone(), changes.clone()));
        fabric.joined_by(settings.worker);
        let links = Rc::new(Links::new(fabric, route, members, changes, watch));
        let seed = (settings.seed, settings.started);
        let env = Env::new((settings.worker, settings.workers), seed, ranks, ids, settings.saving, links);
        if elastic {
            env.set_elastic();
        }
        let recipes = pipeline.into_recipes(settings.saving.is_some())?;
        let made = catch_unwind(AssertUnwindSafe(|| {
            let made = recipes.into_iter().map(|make| make(&env)).collect::<Result<Vec<_>>>()?;
            let segments = made.into_iter().flatten().map(|segment| Place { segment, done: false, stands: false });
            let mut segments: Vec<Place> = segments.collect();
            if settings.saving.is_some() {
                snapshots::load(&mut segments, shelf)?;
            }
            Ok(segments)
        }));
        let segments = made.map_err(|payload| panicked(&env, &*payload))?;
        let segments = match env.take_failure() {
            Some(failure) => Err(failure),
            None => segments,
        }?;
        let kept = settings.saving.is_some();
        let snapshots = (kept || elastic).then(|| Snapshots::new((slice, kept), handover));
        let open = segments.len();
        Ok(Worker {
            env,
            segments,
            open,
            snapshots,
            linger: settings.linger,
            flushed: Duration::ZERO,
            held_back: false,
        })
    }

    /// Does a bounded amount of work at time `now`, which must not go backwards.
    ///
    /// # Errors
    /// What ended the job, if it happened on this worker: a failure that nothing handles, a source or sink that failed,
    /// or a panic of user code. The worker must not be stepped again.
    pub fn step(&mut self, now: Duration) -> Result<Step> {
        let done = catch_unwind(AssertUnwindSafe(|| self.turn(now)));
        let done = done.unwrap_or_else(|payload| Err(self.panicked(&*payload)));
        if let Some(failure) = self.env.take_failure() {
            return Err(failure);
        }
        done
    }
    /// Does what it is asked to. Without snapshots nothing.
    ///
    /// # Errors
    /// As for [`step`](Worker::step).
    pub fn command(&mut self, command: Command) -> Result<()> {
        let Worker { snapshots, segments, env, .. } = self;
        let Some(snapshots) = snapshots else { return Ok(()) };
        if let Command::Change(barrier, change) = &command
            && !change.new.has(env.worker())
        {
            env.leaves().set(barrier.interval);
        }
        let done = catch_unwind(AssertUnwindSafe(|| snapshots.command(command, segments)));
        done.map_err(|payload| self.panicked(&*payload))?;
        self.env.take_failure().map_or(Ok(()), Err)
    }
    /// What it has written for a snapshot, once that is complete.
    pub fn written(&mut self) -> Option<Written> {
        self.snapshots.as_mut().and_then(Snapshots::take)
    }
    /// The barrier of a change behind which it now has all that it has gained, once.
    pub fn installed(&mut self) -> Option<u64> {
        self.snapshots.as_mut().and_then(Snapshots::installed)
    }
    /// What it has handed over and taken in for the last change, as far as it is at `now`.
    pub fn handed(&self, now: Duration) -> Handed {
        self.snapshots.as_ref().map(|snapshots| snapshots.handed(now)).unwrap_or_default()
    }
    /// Whether it was told to leave, and has.
    pub fn has_left(&self) -> bool {
        self.snapshots.as_ref().is_some_and(Snapshots::has_left)
    }
    /// Whether all input has ended and everything has been handed on. Where snapshots are taken, a last one is to follow.
    pub fn has_finished(&self) -> bool {
        self.open == 0
    }
    /// A panic of user code that this worker called.
    pub(crate) fn panicked(&self, payload: &(dyn std::any::Any + Send)) -> Error {
        panicked(&self.env, payload)
    }

    fn turn(&mut self, now: Duration) -> Result<Step> {
        self.env.set_now(now);
        let (mut busy, mut due) = (false, None::<Duration>);
        self.held_back = false;
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.begin(&mut self.segments);
            busy |= snapshots.hand_over(&mut self.segments, &self.env)?;
        }
        // Downstream first: what is under way goes out before anything new comes in.
        for place in self.segments.iter_mut().rev() {
            if place.done {
                continue;
            }
            match place.segment.run(now) {
                Turn::Busy => busy = true,
                Turn::Idle(None) => {}
                Turn::HeldBack(None) => self.held_back = true,
                Turn::HeldBack(Some(later)) => {
                    self.held_back = true;
                    due = Some(due.map_or(later, |due| due.min(later)));
                }
                Turn::Idle(Some(later)) => due = Some(due.map_or(later, |due| due.min(later))),
                Turn::Done => {
                    place.done = true;
                    self.open -= 1;
                    busy = true;
                }
            }
            if self.env.has_failed() {
                return Ok(Step::Busy);
            }
        }
        match &mut self.snapshots {
            Some(snapshots) => {
                busy |= snapshots.hand_over(&mut self.segments, &self.env)?;
                busy |= snapshots.write(&mut self.segments, &self.env)?;
                if snapshots.is_over() {
                    return Ok(Step::Done);
                }
            }
            None => {
                self.segments.retain(|place| !place.done);
                if self.open == 0 {
                    return Ok(Step::Done);
                }
            }
        }
        if !busy || now.saturating_sub(self.flushed) >= self.linger {
            self.flushed = now;
            for place in self.segments.iter_mut().rev().filter(|place| !place.done && !place.stands) {
                busy |= place.segment.flush();
            }
        }
        Ok(if busy { Step::Busy } else { Step::Idle(due) })
    }

    /// What each operator has done here so far, in the order of the plan.
    pub fn counts(&self) -> impl Iterator<Item = Counts> + '_ {
        self.env.counts()
    }
    /// The metrics that each operator keeps, in the order of the plan.
    pub fn metrics(&self) -> impl Iterator<Item = Vec<(&'static str, Metric)>> + '_ {
        self.env.metrics()
    }
    /// Whether in the last step a segment had input that it could do nothing with, since those downstream had no room.
    pub(crate) fn is_held_back(&self) -> bool {
        self.held_back
    }
    /// How far event time has come at each operator, in the order of the plan. Only where times are those of the calendar.
    pub(crate) fn watermarks(&self) -> impl Iterator<Item = Watermark> + '_ {
        self.env.watermarks()
    }
    /// Adds what waits here at the exchanges of operators, which go by their places in the plan.
    pub(crate) fn waiting(&self, into: &mut Vec<(usize, Waiting)>) {
        if let Some(links) = self.env.links::<Links>() {
            links.waiting(into);
        }
    }
    /// What it has not done yet, for people.
    pub fn left(&self) -> String {
        let mut left = match self.open {
            0 => "has nothing left to do".to_owned(),
            open => format!("has not come to the end of {open} of its segments"),
        };
        if let Some((interval, behind)) =
            self.snapshots.as_ref().and_then(|snapshots| snapshots.running(&self.segments))
        {
            left += &match behind {
                0 => format!(", and writes snapshot {interval}"),
                behind => format!(", and barrier {interval} has not passed {behind} of its segments"),
            };
        }
        left
    }
    /// The splits that are being read here.
    pub fn progress(&self) -> Vec<Progress> {
        let mut progress = Vec::new();
        self.segments.iter().for_each(|place| place.segment.progress(&mut progress));
        progress
    }
}
