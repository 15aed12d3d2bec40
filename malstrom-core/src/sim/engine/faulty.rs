//! A store in memory in which writes fail when they are told to.
use super::random::Random;
use super::violation::{Invariant, Violation};
use crate::snapshot::Location;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    /// It is taken, and then the store cannot be reached until the job is started again. By then the write is lost: its disk had not
    /// synced it. (What a store has confirmed is not lost, or it is no store. Of a directory that is true since each write is
    /// synced before it is confirmed.)
    Lost,
    /// It takes long: up to 40 milliseconds.
    Slow,
    /// It is refused, and so are some of the reads and writes behind it, as by a store that is asked too much.
    Throttled,
}
/// No write that takes long takes longer.
const SLOWEST: Duration = Duration::from_millis(40);
/// No more reads and writes than these are refused one after the other.
const REFUSED: u64 = 12;
impl StoreFault {
    /// All of them.
    pub const ALL: [StoreFault; 7] = [
        StoreFault::Before,
        StoreFault::After,
        StoreFault::Twice,
        StoreFault::Gone,
        StoreFault::Lost,
        StoreFault::Slow,
        StoreFault::Throttled,
    ];
}
impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreFault::Before => "the store refuses a write",
            StoreFault::After => "the store does a write, and says that it has failed",
            StoreFault::Twice => "the store is told a write twice",
            StoreFault::Gone => "the store cannot be reached after a write, until the job is started again",
            StoreFault::Lost => "the store loses a write, and cannot be reached until the job is started again",
            StoreFault::Slow => "the store takes long for a write",
            StoreFault::Throttled => "the store refuses reads and writes for a while",
        })
    }
}

/// What is to go wrong.
#[derive(Debug)]
struct Plan {
    /// Each with the number of writes before it.
    armed: VecDeque<(u64, StoreFault)>,
    gone: bool,
    /// So many reads and writes are refused.
    refused: u64,
    /// For how long it has kept somebody waiting.
    took: Duration,
    undisturbed: bool,
    /// What was created in the commit log.
    log: BTreeMap<u64, Bytes>,
    /// The entry that was created again, with something else.
    overwritten: Option<u64>,
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
        let plan = Plan {
            armed: VecDeque::new(),
            gone: false,
            refused: 0,
            took: Duration::ZERO,
            undisturbed: false,
            log: BTreeMap::new(),
            overwritten: None,
            random,
        };
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
    /// For how long it has kept somebody waiting since it was asked last.
    pub(super) fn took(&self) -> Duration {
        std::mem::take(&mut self.plan().took)
    }
    /// Does something while nothing goes wrong.
    pub(super) fn undisturbed<T>(&self, f: impl FnOnce() -> T) -> T {
        let before = std::mem::replace(&mut self.plan().undisturbed, true);
        let done = f();
        self.plan().undisturbed = before;
        done
    }
    /// The commit log as it has been written, by the numbers of its entries.
    pub(super) fn log(&self) -> BTreeMap<u64, Bytes> {
        self.plan().log.clone()
    }
    /// Whether an entry of it was written twice.
    pub(super) fn overwritten(&self) -> Option<Violation> {
        let seq = self.plan().overwritten?;
        let what = format!("entry {seq} was written twice, each time with something else");
        Some(Violation { invariant: Invariant::CommitLog, what })
    }
    /// Takes note of what was written.
    fn wrote(&self, path: &Path, payload: &PutPayload) {
        let mut names = path.parts().skip_while(|part| part.as_ref() != "log").skip(1);
        let Some(seq) = names.next().and_then(|name| name.as_ref().parse().ok()) else { return };
        let bytes: Bytes = payload.iter().flatten().copied().collect();
        let mut plan = self.plan();
        if plan.log.insert(seq, bytes.clone()).is_some_and(|before| before != bytes) {
            plan.overwritten.get_or_insert(seq);
        }
    }
    /// What goes wrong with this write.
    fn write(&self) -> Result<Option<StoreFault>> {
        self.read()?;
        let mut plan = self.plan();
        if plan.undisturbed {
            return Ok(None);
        }
        let Some((after, fault)) = plan.armed.front_mut() else { return Ok(None) };
        if *after > 0 {
            *after -= 1;
            return Ok(None);
        }
        let fault = *fault;
        plan.armed.pop_front();
        match fault {
            StoreFault::Gone => plan.gone = true,
            StoreFault::Lost => {
                plan.gone = true;
                return Err(failed());
            }
            StoreFault::Slow => {
                let slowest = SLOWEST.as_micros() as u64;
                let takes = 1 + plan.random.below(slowest);
                plan.took += Duration::from_micros(takes);
            }
            StoreFault::Throttled => {
                plan.refused = plan.random.below(REFUSED);
                return Err(failed());
            }
            StoreFault::Before => return Err(failed()),
            StoreFault::After | StoreFault::Twice => {}
        }
        Ok(Some(fault))
    }
    fn read(&self) -> Result<()> {
        let mut plan = self.plan();
        if plan.undisturbed {
            return Ok(());
        }
        let refused = plan.refused > 0;
        plan.refused = plan.refused.saturating_sub(1);
        if plan.gone || refused { Err(failed()) } else { Ok(()) }
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
        let put = self.inner.put_opts(path, payload.clone(), options.clone()).await?;
        self.wrote(path, &payload);
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
