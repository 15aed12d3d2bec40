//! What can be asked of a job that runs.
use super::attempt::Moved;
use super::http::Server;
use super::job::Job;
use super::report::Report;
use crate::error::Result;
use std::net::SocketAddr;
use std::sync::Arc;

/// A running job. Dropping it does not stop the job.
#[derive(Debug)]
pub struct Handle {
    pub(super) job: Arc<Job>,
    pub(super) server: Option<Server>,
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
    /// when all that was to move has moved. The job takes snapshots, or is [elastic](super::RuntimeBuilder::elastic). One that takes
    /// them and fails meanwhile is restored as always, with as many workers as it was to have.
    ///
    /// # Errors
    /// If there are to be none, or more than 64, if the job neither takes snapshots nor is elastic, or if it ends before that.
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
    /// If the job neither takes snapshots nor is elastic, if key groups move already, or if it ends or begins anew before that.
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
