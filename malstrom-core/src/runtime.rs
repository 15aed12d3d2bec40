//! Runs pipelines on threads: the environment layer, which owns the clock, the threads, the signals and the terminal.
pub mod args;
mod asking;
mod attempt;
mod balancing;
mod builder;
pub(crate) mod clock;
mod cluster;
mod environment;
mod handle;
pub(crate) mod http;
mod inside;
mod job;
pub(crate) mod keeping;
mod load;
pub mod log;
mod parking;
mod place;
mod progress;
pub mod report;
mod scalers;
mod signals;

pub use args::{Look, RuntimeArgs, SnapshotCommand, run};
pub use attempt::Moved;
pub use builder::RuntimeBuilder;
pub use environment::{Environment, Role};
pub use handle::Handle;
pub use keeping::Restore;
pub(crate) use keeping::check_name;
pub use place::Place;
pub use report::{OperatorReport, Report};

use crate::contract::key::KeyGroups;
use crate::error::{Error, Result};
use crate::graph::Pipeline;
use crate::snapshot::Location;
use attempt::Plan;
use clock::Clock;
use cluster::{Cluster, Gone, Lead, Outcome, Security};
use http::Server;
use job::Job;
use keeping::Nowhere;
use progress::Watched;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// After this time a snapshot that is not complete is given up, unless the program says otherwise.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(600);
/// How often in a row a job is restarted, unless the program says otherwise.
const RESTARTS: u32 = 3;
/// After a failure it is so long until the next attempt, and twice as long each further time, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How often the last snapshot of a job is tried.
const LAST_TRIES: u32 = 5;

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
    key_groups: Option<KeyGroups>,
    snapshots: Option<Snapshots>,
    /// Whether the number of workers may change where no snapshots are taken, and key groups move by themselves there.
    elastic: bool,
    rebalance: bool,
    security: Security,
    http: Option<http::Settings>,
}

/// Where and when snapshots are taken, and what becomes of them.
#[derive(Clone, Debug)]
struct Snapshots {
    location: Location,
    restore: Restore,
    drop_state: Vec<String>,
    keeping: keeping::Settings,
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
    fn plan(&self, make: attempt::Make) -> Plan {
        Plan {
            make,
            workers: self.workers,
            elastic: self.elastic || self.snapshots.is_some(),
            linger: self.latency.linger(),
            seed: self.seed.unwrap_or_else(clock::random),
            key_groups: self.key_groups.unwrap_or_default(),
            clock: Clock::start(),
            started: clock::unix_micros(),
        }
    }
    /// Plays the part of this process in a job that has several, to the end: its [environment](Environment) says which part that is. What
    /// the job has done, if it is the coordinator and has not only stood by. The function is called once per worker, on its thread, and once to look at the
    /// pipeline.
    ///
    /// ```no_run
    /// use malstrom_core::{Environment, Role, Runtime};
    /// use std::time::Duration;
    /// # fn my_pipeline() -> malstrom_core::Pipeline { malstrom_core::Graph::new("p").finish() }
    /// struct Alone;
    /// impl Environment for Alone {
    ///     fn role(&self) -> Role {
    ///         Role::Coordinator
    ///     }
    ///     fn processes(&self) -> usize {
    ///         1
    ///     }
    ///     fn coordinator(&self) -> Vec<String> {
    ///         Vec::new()
    ///     }
    /// }
    /// let every = Duration::from_secs(10);
    /// let report = Runtime::builder().snapshots("file:///var/lib/job", every).build()?.run_in(Alone, my_pipeline)?;
    /// # Ok::<(), malstrom_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if the job takes no snapshots, or none where all processes reach them; if the part cannot be played; what ended
    /// the job before its input did.
    pub fn run_in(
        &self,
        environment: impl Environment,
        pipeline: impl Fn() -> Pipeline + Send + Sync + 'static,
    ) -> Result<Option<Report>> {
        match self.start_in(Arc::new(environment), Arc::new(pipeline), |_| {})? {
            Begun::Coordinator(lead, server) => {
                Watched::wait(&*lead);
                server.iter().for_each(Server::stop);
                Ok(match lead.outcome()? {
                    Outcome::Ended(report) => Some(*report),
                    Outcome::Relieved(_) => None,
                })
            }
            Begun::Done(_) => Ok(None),
        }
    }
    /// As [`run_in`](Runtime::run_in); a coordinator is there when this returns. `serves` is told where this process answers over HTTP, if
    /// it does.
    fn start_in(
        &self,
        environment: Arc<dyn Environment>,
        make: attempt::Make,
        serves: impl FnOnce(SocketAddr),
    ) -> Result<Begun> {
        let Snapshots { location, restore, drop_state, keeping } =
            shared(self.snapshots.as_ref(), |snapshots| &snapshots.location)?.clone();
        let bound = self.http.clone().map(http::bind).transpose()?;
        let (plan, security) = (self.plan(make), self.security.clone());
        let serve = |console: Arc<dyn http::Console>| {
            let server = bound.map(|bound| Server::start(bound, console)).transpose()?;
            if let Some(server) = &server {
                serves(server.address());
            }
            Ok(server)
        };
        let role = environment.role();
        let cluster = Cluster { plan, location, restore, drop_state, keeping, security, environment };
        match role {
            Role::Coordinator => {
                let lead = cluster.coordinate()?;
                let served = serve(lead.clone());
                let server = served.inspect_err(|_| signals::Stop::stop(&*lead))?;
                Ok(Begun::Coordinator(lead, server))
            }
            Role::Worker => cluster.work(|roster| serve(roster)).map(Begun::Done),
            Role::All => Err(Error::Config(
                "a process of a cluster is its coordinator, or has workers, which could take it with them: start two processes".into(),
            )),
        }
    }
    /// Starts the pipeline and returns at once.
    ///
    /// # Errors
    /// [`Error::Config`] if the pipeline cannot be kept, or there is not what it is to be restored from; if snapshots cannot be
    /// read; if threads cannot be started.
    pub fn start(&self, pipeline: impl Fn() -> Pipeline + Send + Sync + 'static) -> Result<Handle> {
        let bound = self.http.clone().map(http::bind).transpose()?;
        let mut plan = self.plan(Arc::new(pipeline));
        let keeping = match self.snapshots.clone() {
            Some(Snapshots { location, restore, drop_state, keeping }) => {
                Some(keeping::open(&mut plan, location, &restore, drop_state, keeping)?)
            }
            None if self.elastic => Some(Nowhere::keeping(self.rebalance)),
            None => None,
        };
        let job = Job::start(plan, keeping)?;
        let served = bound.map(|bound| Server::start(bound, job.clone())).transpose();
        let server = served.inspect_err(|_| job.stop())?;
        Ok(Handle { job, server })
    }
}

/// What says where snapshots are kept, if all processes of a job can reach that place.
fn shared<T>(kept: Option<T>, location: impl Fn(&T) -> &Location) -> Result<T> {
    let kept = kept.ok_or_else(|| {
        let why =
            "a job of several processes needs a place for snapshots that all of them reach: say where by `--snapshots`";
        Error::Config(why.into())
    })?;
    match location(&kept) {
        location if !location.is_shared() => Err(Error::Config(format!(
            "`{location}` is seen by one process only: give a job of several a place for snapshots that all of them reach"
        ))),
        _ => Ok(kept),
    }
}
/// What became of a process of a job that has several.
enum Begun {
    /// It coordinates the job.
    Coordinator(Arc<Lead>, Option<Server>),
    /// It had workers, and there is nothing to do for them any more.
    Done(Gone),
}
