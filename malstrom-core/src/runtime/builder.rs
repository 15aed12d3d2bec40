//! How a runtime is set up.
use super::cluster::Security;
use super::keeping::{self, Restore};
use super::place::Place;
use super::{Latency, RESTARTS, Runtime, SNAPSHOT_TIMEOUT, Snapshots, clock, http};
use crate::contract::key::KeyGroups;
use crate::error::{Error, Result};
use crate::snapshot::Location;
use std::time::Duration;

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
    /// Lets the number of workers change while the job runs ([`Handle::rescale`](super::Handle::rescale)) without snapshots. With them it always may. All state must
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
    /// Moves key groups by themselves from a worker that has far more to do than the others, as [`Handle::rebalance`](super::Handle::rebalance) does when it is asked to:
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
    /// savepoints and the order to stop. [`Handle::http`](super::Handle::http) says where it listens. An address that others can reach needs a
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
