//! A store in memory in which writes fail when they are told to.
use super::random::Random;
use crate::snapshot::Location;
use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFault {
    /// It is not done, and fails.
    Before,
    /// It is done, and fails all the same.
    After,
    /// It is done twice, as by a client that has not heard of the first time. Who wants to create the object is told that there is
    /// one.
    Twice,
    /// It is done, and then the store cannot be reached until the job is started again.
    Gone,
}
impl StoreFault {
    /// All of them.
    pub const ALL: [StoreFault; 4] = [StoreFault::Before, StoreFault::After, StoreFault::Twice, StoreFault::Gone];
}
impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreFault::Before => "the store refuses a write",
            StoreFault::After => "the store does a write, and says that it has failed",
            StoreFault::Twice => "the store is told a write twice",
            StoreFault::Gone => "the store cannot be reached after a write, until the job is started again",
        })
    }
}

/// What is to go wrong.
#[derive(Debug)]
struct Plan {
    /// Each with the number of writes before it.
    armed: VecDeque<(u64, StoreFault)>,
    gone: bool,
    random: Random,
}
/// The store. Its clones are one store.
#[derive(Clone, Debug)]
pub(super) struct Faulty {
    inner: Arc<InMemory>,
    plan: Arc<Mutex<Plan>>,
}
impl Faulty {
    pub(super) fn new(random: Random) -> Self {
        let plan = Plan { armed: VecDeque::new(), gone: false, random };
        Faulty { inner: Arc::default(), plan: Arc::new(Mutex::new(plan)) }
    }
    pub(super) fn location(&self) -> Location {
        Location::new(Arc::new(self.clone()), "snapshots")
    }
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// One of the next writes fails.
    pub(super) fn arm(&self, fault: StoreFault) {
        let mut plan = self.plan();
        // A snapshot writes a segment, a manifest and an entry of the log.
        let after = plan.random.below(4);
        plan.armed.push_back((after, fault));
    }
    /// It can be reached again.
    pub(super) fn recover(&self) {
        self.plan().gone = false;
    }
    /// What goes wrong with this write.
    fn write(&self) -> Result<Option<StoreFault>> {
        let mut plan = self.plan();
        if plan.gone {
            return Err(failed());
        }
        let Some((after, fault)) = plan.armed.front_mut() else { return Ok(None) };
        if *after > 0 {
            *after -= 1;
            return Ok(None);
        }
        let fault = *fault;
        plan.armed.pop_front();
        plan.gone = fault == StoreFault::Gone;
        Ok(Some(fault))
    }
    fn read(&self) -> Result<()> {
        if self.plan().gone { Err(failed()) } else { Ok(()) }
    }
}
fn failed() -> Error {
    Error::Generic { store: "simulation", source: "the simulated store has failed, as the schedule says".into() }
}
impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulation")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let fault = self.write()?;
        if fault == Some(StoreFault::Before) {
            return Err(failed());
        }
        let put = self.inner.put_opts(path, payload.clone(), options.clone()).await?;
        match fault {
            Some(StoreFault::After | StoreFault::Gone) => Err(failed()),
            Some(StoreFault::Twice) => self.inner.put_opts(path, payload, options).await,
            _ => Ok(put),
        }
    }
    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.read()?;
        self.inner.put_multipart_opts(path, options).await
    }
    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.read()?;
        self.inner.get_opts(path, options).await
    }
    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.read() {
            Ok(()) => self.inner.delete_stream(paths),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.read() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.read()?;
        self.inner.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.read()?;
        self.inner.copy_opts(from, to, options).await
    }
}
