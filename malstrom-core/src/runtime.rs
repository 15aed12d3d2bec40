//! Runs pipelines on threads: the environment layer, which owns the clock, the threads, the signals and the terminal.
pub mod args;
mod attempt;
mod clock;
mod job;
mod keeping;
pub mod log;
mod parking;
mod progress;
pub mod report;
mod signals;

pub use args::{RuntimeArgs, run};
pub use keeping::Restore;
pub use report::{OperatorReport, Report};

use crate::error::{Error, Result};
use crate::graph::Pipeline;
use crate::state::key_group::KEY_GROUPS;
use attempt::Plan;
use clock::Clock;
use job::Job;
use std::sync::Arc;
use std::time::Duration;

/// How long a record may wait for others to share a batch with, while its worker has other work.
/// An idle worker never lets one wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Latency {
    /// 10 ms.
    Throughput,
    /// 1 ms.
    #[default]
    Balanced,
    /// Not at all: each worker hands on what it has after every step.
    Low,
}
impl Latency {
    fn linger(self) -> Duration {
        match self {
            Latency::Throughput => Duration::from_millis(10),
            Latency::Balanced => Duration::from_millis(1),
            Latency::Low => Duration::ZERO,
        }
    }
}

/// Runs pipelines inside a program. Programs that are nothing but a pipeline call [`run`] instead.
///
/// ```
/// use malstrom_core::Runtime;
/// # use malstrom_core::{Graph, connect::memory, graph::{build, source}};
/// # fn squares(into: memory::Collector<u64>) -> malstrom_core::Pipeline {
/// #     let g = Graph::new("squares");
/// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new(1..=3u64));
/// #     let s = build::map(g.clone(), "map", s, |x| x * x);
/// #     build::sink(g.clone(), "sink", into, s);
/// #     g.finish()
/// # }
/// let results = memory::collector::<u64>();
/// let sink = results.clone();
/// let report = Runtime::builder().workers(1).build()?.run(move || squares(sink.clone()))?;
/// assert_eq!(results.take(), [1, 4, 9]);
/// assert_eq!(report.operator("squares/map").map(|op| op.records_out), Some(3));
/// # Ok::<(), malstrom_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Runtime {
    workers: usize,
    latency: Latency,
    seed: Option<u64>,
}

/// Settings of a [`Runtime`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct RuntimeBuilder {
    workers: Option<usize>,
    latency: Latency,
    seed: Option<u64>,
}
impl RuntimeBuilder {
    /// How many workers (threads) to run; by default as many as there are cores.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }
    /// How latency is traded for throughput.
    pub fn latency(mut self, latency: Latency) -> Self {
        self.latency = latency;
        self
    }
    /// What key hashes are seeded with. By default it is drawn at random, so that nobody outside can aim for collisions.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
    /// The runtime.
    ///
    /// # Errors
    /// [`Error::Config`] if the number of workers is 0, or more than there are key groups.
    pub fn build(self) -> Result<Runtime> {
        let workers = self.workers.unwrap_or_else(clock::cores);
        if workers == 0 {
            return Err(Error::Config("a job needs at least one worker: set `workers` to 1 or more".into()));
        }
        if workers > KEY_GROUPS {
            return Err(Error::Config(format!(
                "{workers} workers are more than the {KEY_GROUPS} key groups that can be shared out: set `workers` to {KEY_GROUPS} or less"
            )));
        }
        Ok(Runtime { workers, latency: self.latency, seed: self.seed })
    }
}

impl Runtime {
    /// Settings to start from.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }
    /// Runs the pipeline to its end. The function is called once per worker, on its thread.
    ///
    /// # Errors
    /// What ended the job before its input did.
    pub fn run(&self, pipeline: impl Fn() -> Pipeline + Send + Sync + 'static) -> Result<Report> {
        self.start(pipeline)?.join()
    }
    /// Starts the pipeline and returns at once.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn start(&self, pipeline: impl Fn() -> Pipeline + Send + Sync + 'static) -> Result<Handle> {
        let seed = self.seed.unwrap_or_else(clock::random);
        let plan = Plan {
            make: Arc::new(pipeline),
            workers: self.workers,
            linger: self.latency.linger(),
            seed,
            clock: Clock::start(),
            started: clock::unix_micros(),
        };
        Ok(Handle { job: Job::start(plan, None)? })
    }
}

/// A running job. Dropping it does not stop the job.
#[derive(Debug)]
pub struct Handle {
    job: Arc<Job>,
}
impl Handle {
    /// Ends the sources, drains what is under way and waits until all is done. What went wrong is for
    /// [`join`](Handle::join) to tell.
    ///
    /// # Errors
    /// None so far.
    pub fn stop(&self) -> Result<()> {
        self.job.stop();
        self.job.wait();
        Ok(())
    }
    /// What the job has done so far; figures are up to 100 ms old.
    pub fn report(&self) -> Report {
        self.job.report()
    }
    /// Waits for the end of the job.
    ///
    /// # Errors
    /// What ended the job before its input did.
    pub fn join(self) -> Result<Report> {
        self.job.wait();
        self.job.outcome()
    }
}
