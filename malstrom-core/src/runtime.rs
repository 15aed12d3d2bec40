//! Runs pipelines on threads: the environment layer, which owns the clock, the threads, the signals and the terminal.
pub mod args;
mod asking;
mod attempt;
mod balancing;
pub(crate) mod clock;
mod cluster;
mod environment;
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
pub use environment::{Environment, Role};
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

/// Settings of a [`Runtime`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct RuntimeBuilder {
    workers: Option<usize>,
    latency: Latency,
    seed: Option<u64>,
    key_groups: Option<usize>,
    snapshots: Option<(Result<Location, String>, Duration)>,
    timeout: Option<Duration>,
    restore: Restore,
    restarts: Option<u32>,
    elastic: bool,
    rebalance: bool,
    drop_state: Vec<String>,
    security: Security,
    /// Where, and unless that follows from the environment, how.
    http: Option<(String, Option<http::Settings>)>,
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
    /// How many key groups the job has, which is the most workers that it can ever have: a power of two from 128 to 32768. By default
    /// as many as the snapshot has that it is restored from, and 4096 if there is none. If the snapshot has fewer, each of its groups is
    /// split, and the snapshots to come have as many as this says; they are never put together again.
    ///
    /// ```
    /// use malstrom_core::Runtime;
    /// use std::time::Duration;
    /// let every = Duration::from_secs(10);
    /// Runtime::builder().workers(1).snapshots("memory://many", every).key_groups(8192).build()?;
    /// assert!(Runtime::builder().workers(1).key_groups(5000).build().is_err());
    /// # Ok::<(), malstrom_core::Error>(())
    /// ```
    pub fn key_groups(mut self, key_groups: usize) -> Self {
        self.key_groups = Some(key_groups);
        self
    }
    /// Takes a snapshot every so often, and keeps it at this place: a URL (`file:///dir`, `s3://bucket/prefix`,
    /// `memory://name`), or a store. A job that fails is restarted from the last snapshot, in this process or when it is run
    /// again.
    ///
    /// ```
    /// use malstrom_core::Runtime;
    /// # use malstrom_core::{Graph, connect::memory, graph::{build, source}};
    /// # fn squares(into: memory::Collector<u64>) -> malstrom_core::Pipeline {
    /// #     let g = Graph::new("squares");
    /// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new(1..=3u64));
    /// #     build::sink(g.clone(), "sink", into, s);
    /// #     g.finish()
    /// # }
    /// # let results = memory::collector::<u64>();
    /// use std::time::Duration;
    /// let runtime = Runtime::builder().workers(1).snapshots("memory://squares", Duration::from_secs(10)).build()?;
    /// let report = runtime.run(move || squares(results.clone()))?;
    /// assert_eq!(report.snapshots(), 1); // the one at the end
    /// # Ok::<(), malstrom_core::Error>(())
    /// ```
    pub fn snapshots(mut self, place: impl Place, every: Duration) -> Self {
        self.snapshots = Some((place.location().map_err(|error| format!("{error:?}")), every));
        self
    }
    /// For how long a snapshot may take until it is given up, which costs nothing but the work. The default is 10 minutes.
    pub fn snapshot_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
    /// What the job is restored from; by default the newest snapshot, if there is one.
    pub fn restore(mut self, restore: Restore) -> Self {
        self.restore = restore;
        self
    }
    /// How often in a row the job is restarted after a failure, if it does not get as far as the next snapshot. The default
    /// is 3.
    pub fn restarts(mut self, restarts: u32) -> Self {
        self.restarts = Some(restarts);
        self
    }
    /// Lets the number of workers change while the job runs ([`Handle::rescale`]) without snapshots. With them it always may. All state must
    /// be of types that can be written then, since it goes from one worker to another. The first failure ends such a job.
    ///
    /// ```
    /// use malstrom_core::Runtime;
    /// # use malstrom_core::{Graph, connect::memory, graph::{build, source}};
    /// # fn squares(into: memory::Collector<u64>) -> malstrom_core::Pipeline {
    /// #     let g = Graph::new("squares");
    /// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new(1..));
    /// #     build::sink(g.clone(), "sink", into, s);
    /// #     g.finish()
    /// # }
    /// # let results = memory::collector::<u64>();
    /// let job = Runtime::builder().workers(1).elastic(true).build()?.start(move || squares(results.clone()))?;
    /// assert_eq!(job.rescale(2)?.workers, 2);
    /// job.stop();
    /// job.join()?;
    /// # Ok::<(), malstrom_core::Error>(())
    /// ```
    pub fn elastic(mut self, elastic: bool) -> Self {
        self.elastic = elastic;
        self
    }
    /// Moves key groups by themselves from a worker that has far more to do than the others, as [`Handle::rebalance`] does when it is asked to:
    /// when the busiest worker gets more than 1.25 times the mean of records for half a minute, if that lowers what it gets by a fifth at
    /// least, and not more than once a minute. The job takes snapshots or is [elastic](Self::elastic). If it has several processes, this is
    /// for its coordinator to know.
    ///
    /// ```
    /// use malstrom_core::Runtime;
    /// use std::time::Duration;
    /// let runtime = Runtime::builder().workers(2).rebalance(true);
    /// assert!(runtime.clone().build().is_err(), "key groups move with snapshots, or in a job that is elastic");
    /// runtime.snapshots("memory://balanced", Duration::from_secs(10)).build()?;
    /// # Ok::<(), malstrom_core::Error>(())
    /// ```
    pub fn rebalance(mut self, rebalance: bool) -> Self {
        self.rebalance = rebalance;
        self
    }
    /// Lets go of the state that a snapshot has of this operator (`fraud/score`), which the pipeline has no more.
    pub fn drop_state(mut self, operator: impl Into<String>) -> Self {
        self.drop_state.push(operator.into());
        self
    }
    /// How the processes of a job speak to each other.
    pub(crate) fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }
    /// Answers over HTTP at this address (`127.0.0.1:8080`; port 0 takes one that is free) what the job does, and takes
    /// savepoints and the order to stop. [`Handle::http`] says where it listens. An address that others can reach needs a
    /// token, which `MALSTROM_HTTP_TOKEN` holds. Of a job that has [several processes](Runtime::run_in) the coordinator answers so,
    /// and one with workers says what these do.
    ///
    /// ```
    /// use malstrom_core::Runtime;
    /// # use malstrom_core::{Graph, connect::memory, graph::{build, source}};
    /// # fn squares(into: memory::Collector<u64>) -> malstrom_core::Pipeline {
    /// #     let g = Graph::new("squares");
    /// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new(1..=3u64));
    /// #     build::sink(g.clone(), "sink", into, s);
    /// #     g.finish()
    /// # }
    /// # let results = memory::collector::<u64>();
    /// let job = Runtime::builder().workers(1).http("127.0.0.1:0").build()?.start(move || squares(results.clone()))?;
    /// assert!(job.http().is_some_and(|address| address.port() > 0));
    /// job.join()?;
    /// # Ok::<(), malstrom_core::Error>(())
    /// ```
    pub fn http(mut self, address: impl Into<String>) -> Self {
        self.http = Some((address.into(), None));
        self
    }
    /// The same, with a token in a file and the leave to go without one. For the command line.
    pub(crate) fn http_with(mut self, settings: http::Settings) -> Self {
        self.http = Some((settings.address.clone(), Some(settings)));
        self
    }
    /// The runtime.
    ///
    /// # Errors
    /// [`Error::Config`] if the number of workers is 0, or more than there are key groups; if there cannot be so many of these; if snapshots cannot be kept
    /// where they should be.
    pub fn build(self) -> Result<Runtime> {
        #[cfg(feature = "failpoints")]
        clock::arm_failpoint()?;
        let workers = self.workers.unwrap_or_else(clock::cores);
        if workers == 0 {
            return Err(Error::Config("a job needs at least one worker: set `workers` to 1 or more".into()));
        }
        let key_groups = self.key_groups.map(KeyGroups::new).transpose();
        let key_groups =
            key_groups.map_err(|error| Error::Config(format!("{error}: set `--key-groups` to one of these")))?;
        let shares = key_groups.unwrap_or_default();
        if workers > shares.count() {
            return Err(Error::Config(format!(
                "{workers} workers are more than the {shares} key groups that can be shared out: set `workers` to {shares} or less, or ask \
                 for more groups by `--key-groups`"
            )));
        }
        let (restore, drop_state) = (self.restore, self.drop_state);
        let snapshots = match self.snapshots {
            None if restore != Restore::Latest || !drop_state.is_empty() => {
                return Err(Error::Config(format!(
                    "there is nothing to restore {restore} from: say where snapshots lie by `--snapshots`"
                )));
            }
            None if self.rebalance && !self.elastic => {
                return Err(Error::Config(
                    "key groups cannot move in this job: say where snapshots go by `--snapshots`, or that they may move without by \
                     `--elastic`, or leave out `--rebalance`"
                        .into(),
                ));
            }
            None => None,
            Some((_, every)) if every.is_zero() => {
                return Err(Error::Config("snapshots need time in between: set `every` to more than 0".into()));
            }
            Some((location, every)) => {
                let location = location.map_err(Error::Config)?;
                let timeout = self.timeout.unwrap_or(SNAPSHOT_TIMEOUT);
                let (restarts, rebalance) = (self.restarts.unwrap_or(RESTARTS), self.rebalance);
                let keeping = keeping::Settings { every, timeout, restarts, rebalance, key_groups };
                Some(Snapshots { location, restore, drop_state, keeping })
            }
        };
        let http = match self.http {
            Some((_, Some(settings))) => Some(settings),
            Some((address, None)) => Some(http::Settings::read(address, None, false)?),
            None => None,
        };
        let (latency, seed, security) = (self.latency, self.seed, self.security);
        let (elastic, rebalance) = (self.elastic, self.rebalance);
        Ok(Runtime { workers, latency, seed, key_groups, snapshots, elastic, rebalance, security, http })
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
/// A running job. Dropping it does not stop the job.
#[derive(Debug)]
pub struct Handle {
    job: Arc<Job>,
    server: Option<Server>,
}
impl Handle {
    /// Where the job answers over HTTP, if it does.
    pub fn http(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(Server::address)
    }
    /// Ends the sources, drains what is under way and waits until all is done. Where snapshots are taken, a last one is, from
    /// which the job goes on when it is run again. What went wrong is for [`join`](Handle::join) to tell.
    ///
    /// # Errors
    /// None so far.
    pub fn stop(&self) -> Result<()> {
        self.job.stop();
        self.job.wait();
        Ok(())
    }
    /// Takes a savepoint: a snapshot that is complete in itself, has a name and is never deleted. Returns when it is
    /// committed.
    ///
    /// # Errors
    /// If there is one of that name, if the job takes no snapshots, or if it could not be stored.
    pub fn savepoint(&self, name: &str) -> Result<()> {
        self.job.savepoint(name)
    }
    /// Gives the job so many workers, while it goes on: nothing stops, and no record is lost, counted twice or late because of it. Returns
    /// when all that was to move has moved. It takes snapshots, since key groups move with one. A job that fails meanwhile is
    /// restored as always, with as many workers as it was to have.
    ///
    /// # Errors
    /// If there are to be none, or more than 64, if the job takes no snapshots, or if it ends before that.
    ///
    /// ```
    /// # use malstrom_core::{Graph, Runtime, connect::memory, graph::{build, source}};
    /// # use std::time::Duration;
    /// # fn numbers(into: memory::Collector<u64>) -> malstrom_core::Pipeline {
    /// #     let g = Graph::new("numbers");
    /// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new((0..u64::MAX).inspect(|_| std::thread::sleep(Duration::from_micros(50)))));
    /// #     build::sink(g.clone(), "sink", into, s);
    /// #     g.finish()
    /// # }
    /// # let results = memory::collector::<u64>();
    /// let snapshots = tempfile::tempdir().map_err(malstrom_core::Error::custom)?;
    /// let runtime = Runtime::builder().workers(1).snapshots(format!("file://{}", snapshots.path().display()), Duration::from_secs(1));
    /// let job = runtime.build()?.start(move || numbers(results.clone()))?;
    /// let moved = job.rescale(2)?;
    /// assert_eq!((moved.workers, moved.groups), (2, 2048));
    /// job.stop()?;
    /// # Ok::<(), malstrom_core::Error>(())
    /// ```
    pub fn rescale(&self, workers: usize) -> Result<Moved> {
        self.job.rescale(workers)
    }
    /// Moves key groups from workers that have much to do to those that have little, while the job goes on, so that all have as much; as few
    /// move as it takes. What groups have to do is known from samples of the records that were sent, of the last minute or so. Returns when
    /// all that was to move has, which may be nothing.
    ///
    /// A key that alone has more records than a worker can do is not helped by that: it stays where it is, and has the worker to itself.
    ///
    /// # Errors
    /// If the job takes no snapshots, if key groups move already, or if it ends before that.
    ///
    /// ```
    /// # use malstrom_core::{Graph, Runtime, connect::memory, graph::{build, source}};
    /// # use std::time::Duration;
    /// # fn numbers(into: memory::Collector<u64>) -> malstrom_core::Pipeline {
    /// #     let g = Graph::new("numbers");
    /// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new((0..u64::MAX).inspect(|_| std::thread::sleep(Duration::from_micros(50)))));
    /// #     build::sink(g.clone(), "sink", into, s);
    /// #     g.finish()
    /// # }
    /// # let results = memory::collector::<u64>();
    /// let snapshots = tempfile::tempdir().map_err(malstrom_core::Error::custom)?;
    /// let runtime = Runtime::builder().workers(2).snapshots(format!("file://{}", snapshots.path().display()), Duration::from_secs(1));
    /// let job = runtime.build()?.start(move || numbers(results.clone()))?;
    /// # while job.report().records_read() == 0 { std::thread::sleep(Duration::from_millis(1)) }
    /// let moved = job.rebalance()?;
    /// assert_eq!((moved.workers, moved.groups), (2, 0)); // it has no keys
    /// job.stop()?;
    /// # Ok::<(), malstrom_core::Error>(())
    /// ```
    pub fn rebalance(&self) -> Result<Moved> {
        self.job.rebalance()
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
        if let Some(server) = &self.server {
            server.stop();
        }
        self.job.outcome()
    }
}
