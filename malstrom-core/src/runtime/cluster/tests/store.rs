//! The store of a simulated job: each process sees it through a view of its own, which fails when it is told to. All that is written to
//! the commit log is looked at.
use super::random::Random;
use crate::snapshot::Location;
use crate::snapshot::log::{Entry, Record};
use async_trait::async_trait;
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

/// A lock that a panic of a test has left as it was.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What goes wrong with one write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mishap {
    /// It is refused.
    Refused,
    /// It is done, and said not to be: the next one to the log.
    Unsaid,
    /// It takes so long.
    Slow(Duration),
}
/// What is in the commit log, as whoever reads all of it sees it.
#[derive(Debug, Default)]
pub(super) struct Log {
    seq: u64,
    term: u64,
    /// The intervals of the snapshots and savepoints.
    pub(super) committed: BTreeMap<u64, u64>,
    /// What is wrong with it.
    pub(super) wrong: Option<String>,
}
impl Log {
    fn append(&mut self, seq: u64, bytes: &[u8]) {
        let entry = match Entry::decode(seq, bytes) {
            Ok(entry) => entry,
            Err(why) => return self.complain(format!("entry {seq} cannot be read: {why:?}")),
        };
        if seq != self.seq + 1 {
            self.complain(format!("entry {seq} comes after entry {}", self.seq));
        }
        let claims = matches!(entry.record, Record::Claim { .. });
        if if claims { entry.term <= self.term } else { entry.term != self.term } {
            self.complain(format!("entry {seq} is of term {}, and term {} has begun", entry.term, self.term));
        }
        (self.seq, self.term) = (seq, entry.term);
        if let Record::Snapshot { interval, .. } | Record::Savepoint { interval, .. } = entry.record {
            if self.committed.keys().next_back().is_some_and(|newest| *newest >= interval) {
                self.complain(format!("interval {interval} is committed behind a later one"));
            }
            self.committed.insert(interval, entry.term);
        }
    }
    fn complain(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
}
/// How long a process lives, in things that it does to others: what it says, and what it writes.
#[derive(Debug, Default)]
pub(super) struct Fate {
    /// It dies with the last of them.
    left: Option<u64>,
    dead: bool,
    mishaps: VecDeque<Mishap>,
    /// Nothing can be read or written.
    unreachable: bool,
    /// For how long it has waited.
    waited: Duration,
}
impl Fate {
    /// It does something. Whether it comes to that.
    pub(super) fn acts(&mut self) -> bool {
        if let Some(left) = &mut self.left {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => self.dead = true,
            }
        }
        !self.dead
    }
    pub(super) fn dies_after(&mut self, acts: u64) {
        self.left.get_or_insert(acts);
    }
    pub(super) fn is_dead(&self) -> bool {
        self.dead
    }
    pub(super) fn will(&mut self, mishap: Mishap) {
        self.mishaps.push_back(mishap);
    }
    pub(super) fn unreachable(&mut self, unreachable: bool) {
        self.unreachable = unreachable;
    }
    /// For how long it has waited for the store in all.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }
}

/// What all processes see.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    objects: Arc<InMemory>,
    pub(super) log: Arc<Mutex<Log>>,
}
impl Shared {
    /// The view of a process.
    pub(super) fn view(&self, fate: &Arc<Mutex<Fate>>, random: Random) -> Location {
        let (shared, fate, random) = (self.clone(), fate.clone(), Mutex::new(random));
        Location::new(Arc::new(View { shared, fate, random }), "simulated")
    }
}
#[derive(Debug)]
struct View {
    shared: Shared,
    fate: Arc<Mutex<Fate>>,
    random: Mutex<Random>,
}
impl View {
    fn read(&self) -> Result<()> {
        let fate = lock(&self.fate);
        if fate.dead || fate.unreachable { Err(failed()) } else { Ok(()) }
    }
}
fn failed() -> Error {
    Error::Generic { store: "simulation", source: "the store has failed, as the seed says".into() }
}
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulation")
    }
}
#[async_trait]
impl ObjectStore for View {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.read()?;
        let parts: Vec<_> = path.parts().collect();
        let seq: Option<u64> = match &parts[..] {
            [.., directory, name] if directory.as_ref() == "log" => name.as_ref().parse().ok(),
            _ => None,
        };
        let mut says = Ok(());
        {
            let mut fate = lock(&self.fate);
            if !fate.acts() {
                // It dies before or behind the write.
                says = Err(failed());
                if lock(&self.random).one_in(2) {
                    return Err(failed());
                }
            } else if !matches!(fate.mishaps.front(), Some(Mishap::Unsaid) if seq.is_none()) {
                match fate.mishaps.pop_front() {
                    Some(Mishap::Refused) => return Err(failed()),
                    Some(Mishap::Unsaid) => says = Err(failed()),
                    Some(Mishap::Slow(time)) => fate.waited += time,
                    None => {}
                }
            }
        }
        let put = self.shared.objects.put_opts(path, payload.clone(), options).await?;
        if let Some(seq) = seq {
            let bytes: Vec<u8> = payload.iter().flatten().copied().collect();
            lock(&self.shared.log).append(seq, &bytes);
        }
        says.map(|()| put)
    }
    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.shared.objects.put_multipart_opts(path, options).await
    }
    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.read()?;
        self.shared.objects.get_opts(path, options).await
    }
    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.read() {
            Ok(()) => self.shared.objects.delete_stream(paths),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.read() {
            Ok(()) => self.shared.objects.list(prefix),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.read()?;
        self.shared.objects.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.read()?;
        self.shared.objects.copy_opts(from, to, options).await
    }
}
