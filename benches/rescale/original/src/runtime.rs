//! A runtime in place of the original's `MultiThreadRuntime`, whose `rescale` never starts one of the new workers: it takes the
//! thread of the coordinator for one. All else is the original's: its coordinator, its workers, and channels like its own.
use async_trait::async_trait;
use flume::{Receiver, Sender, TryRecvError};
use malstrom::coordinator::{Coordinator, CoordinatorApi, CoordinatorRequestError};
use malstrom::runtime::communication::{
    BiStreamTransport, CommunicationBackendError, CoordinatorWorkerComm, TransportError, WorkerCoordinatorComm,
};
use malstrom::runtime::{CommunicationError, OperatorOperatorComm, RuntimeFlavor};
use malstrom::snapshot::PersistenceBackend;
use malstrom::types::{OperatorId, WorkerId};
use malstrom::worker::{StreamProvider, WorkerBuilder};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

type Build = fn(&mut dyn StreamProvider);
/// For each pair of workers and operator the ends of the lower and of the higher one.
type Pairs = Arc<Mutex<HashMap<(WorkerId, WorkerId, OperatorId), (End, End)>>>;

const COORDINATOR: WorkerId = WorkerId::MAX;

/// What a worker, or the coordinator, has of a job.
#[derive(Clone)]
struct Place {
    id: WorkerId,
    pairs: Pairs,
}
impl Place {
    fn end(&self, other: WorkerId, operator: OperatorId) -> Box<dyn BiStreamTransport> {
        let (low, high) = (self.id.min(other), self.id.max(other));
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let (of_low, of_high) = pairs.entry((low, high, operator)).or_insert_with(|| {
            let (down, up) = (flume::unbounded(), flume::unbounded());
            (End { to: up.0, from: down.1 }, End { to: down.0, from: up.1 })
        });
        Box::new(if self.id == low { of_low.clone() } else { of_high.clone() })
    }
}
impl OperatorOperatorComm for Place {
    fn operator_to_operator(
        &self,
        to_worker: WorkerId,
        operator: OperatorId,
    ) -> Result<Box<dyn BiStreamTransport>, CommunicationBackendError> {
        Ok(self.end(to_worker, operator))
    }
}
impl WorkerCoordinatorComm for Place {
    fn worker_to_coordinator(&self) -> Result<Box<dyn BiStreamTransport>, CommunicationBackendError> {
        Ok(self.end(COORDINATOR, 0))
    }
}
impl CoordinatorWorkerComm for Place {
    fn coordinator_to_worker(
        &self,
        worker_id: WorkerId,
    ) -> Result<Box<dyn BiStreamTransport>, CommunicationBackendError> {
        Ok(self.end(worker_id, 0))
    }
}
impl RuntimeFlavor for Place {
    type Communication = Place;

    fn communication(&mut self) -> Result<Place, CommunicationError> {
        Ok(self.clone())
    }
    fn this_worker_id(&self) -> u64 {
        self.id
    }
}

#[derive(Clone)]
struct End {
    to: Sender<Vec<u8>>,
    from: Receiver<Vec<u8>>,
}
#[async_trait]
impl BiStreamTransport for End {
    fn send(&self, msg: Vec<u8>) -> Result<(), TransportError> {
        self.to.send(msg).map_err(|cause| TransportError::SendError(Box::new(cause)))
    }
    fn recv(&self) -> Result<Option<Vec<u8>>, TransportError> {
        match self.from.try_recv() {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Ok(None),
        }
    }
    async fn recv_async(&self) -> Result<Vec<u8>, TransportError> {
        self.from.recv_async().await.map_err(|cause| TransportError::RecvError(Box::new(cause)))
    }
}

/// A job whose workers are threads.
pub(crate) struct Threads<P> {
    build: Build,
    persistence: P,
    pairs: Pairs,
    api: CoordinatorApi,
    /// How many of them there are.
    workers: u64,
    coordinator: thread::JoinHandle<()>,
}
impl<P: PersistenceBackend + Clone + Send + Sync> Threads<P> {
    pub(crate) fn start(build: Build, workers: u64, persistence: P, snapshots: Option<Duration>) -> Self {
        let pairs = Pairs::default();
        let (coordinator, api) = Coordinator::new();
        let (backend, place) = (persistence.clone(), Place { id: COORDINATOR, pairs: pairs.clone() });
        let coordinator = thread::spawn(move || {
            if let Err(cause) = coordinator.execute(workers, snapshots, backend, place) {
                eprintln!("the coordinator failed: {cause:?}");
            }
        });
        let mut threads = Threads { build, persistence, pairs, api, workers: 0, coordinator };
        threads.spawn(workers);
        threads
    }
    fn spawn(&mut self, workers: u64) {
        for id in self.workers..workers {
            let (build, persistence) = (self.build, self.persistence.clone());
            let place = Place { id, pairs: self.pairs.clone() };
            thread::spawn(move || {
                let mut worker = WorkerBuilder::new(place, persistence);
                build(&mut worker);
                if let Err(cause) = worker.execute() {
                    eprintln!("worker {id} failed: {cause:?}");
                }
            });
        }
        self.workers = workers;
    }
    /// Blocks until all workers say that they are done with it.
    pub(crate) fn rescale(&mut self, workers: u64) -> Result<(), CoordinatorRequestError> {
        self.spawn(workers);
        futures::executor::block_on(self.api.rescale(workers))
    }
    /// Blocks until all workers are done.
    pub(crate) fn join(self) {
        if self.coordinator.join().is_err() {
            eprintln!("the coordinator panicked");
        }
    }
}
