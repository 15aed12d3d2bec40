//! Objects, for threads that wait for them.
//!
//! One thread of the process does all that has to be done while others wait: it is a matter of the connections to a store,
//! which are shared by all who use it and must be served even if the one who opened them has gone.
use super::location::Location;
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::{Path, PathPart};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::task::JoinError;

/// Larger objects are written in parts.
const ONE_PART: usize = 64 << 20;
/// The size of a part, which grows with the object, as a store takes only so many.
const PART: usize = 16 << 20;
const MAX_PARTS: usize = 9_000;
/// How many requests are under way at the same time.
pub(super) const AT_ONCE: usize = 8;

/// What serves connections and timers, for the whole process.
fn runtime() -> Result<Handle> {
    static RUNTIME: Mutex<Option<Handle>> = Mutex::new(None);
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*runtime {
        return Ok(handle.clone());
    }
    let cannot =
        |cause: std::io::Error| Error::Runtime { doing: "start what reads and writes snapshots", cause: cause.into() };
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let handle = own.handle().clone();
    let serve = move || own.block_on(std::future::pending::<()>());
    std::thread::Builder::new().name("malstrom-storage".into()).spawn(serve).map_err(cannot)?;
    Ok(runtime.insert(handle).clone())
}

/// The objects of one location.
#[derive(Clone)]
pub(super) struct Store {
    location: Location,
    objects: Arc<dyn ObjectStore>,
    runtime: Handle,
}
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.location)
    }
}

/// What lies in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    /// Its name, without what all have in front.
    pub(super) object: String,
    /// How many bytes it has.
    pub(super) length: u64,
}

impl Store {
    /// Whether a request costs next to nothing.
    pub(super) fn is_near(&self) -> bool {
        self.location.is_near()
    }
    pub(super) fn open(location: &Location) -> Result<Self> {
        Ok(Store { location: location.clone(), objects: location.objects(), runtime: runtime()? })
    }
    pub(super) fn location(&self) -> &Location {
        &self.location
    }
    /// Waits for something.
    pub(super) fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        if Handle::try_current().is_ok() {
            return Err(Error::Runtime {
                doing: "wait for snapshots",
                cause: "this thread runs asynchronous code: run the job on a thread of its own, as by `tokio::task::spawn_blocking`"
                    .into(),
            });
        }
        self.runtime.block_on(future)
    }
    /// Begins something that is to be waited for later.
    pub(super) fn spawn<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
        &self,
        future: F,
    ) -> impl Future<Output = Result<T>> + use<T, F> {
        let begun = self.runtime.spawn(future);
        let cannot = |cause: JoinError| Error::Runtime { doing: "read or write snapshots", cause: cause.into() };
        async move { begun.await.map_err(cannot)? }
    }
    /// The name of an object in messages.
    pub(super) fn name(&self, object: &str) -> String {
        let url = self.location.to_string();
        format!("{}{}{object}", url, if url.ends_with('/') { "" } else { "/" })
    }
    pub(super) fn damaged(&self, object: &str, message: impl Into<String>) -> Error {
        Error::Damaged { object: self.name(object), message: message.into() }
    }
    fn failed(&self, doing: &'static str, object: &str, cause: object_store::Error) -> Error {
        Error::Storage { doing, object: self.name(object), cause: cause.into() }
    }
    fn path(&self, object: &str) -> Path {
        let below = object.split('/').filter(|part| !part.is_empty()).map(PathPart::from);
        self.location.prefix().parts().chain(below).collect()
    }

    /// The whole of an object, if it is there.
    pub(super) async fn read(&self, object: &str) -> Result<Option<Bytes>> {
        let got = async { self.objects.get(&self.path(object)).await?.bytes().await };
        match got.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(self.failed("read", object, cause)),
        }
    }
    /// A part of an object that is there.
    pub(super) async fn read_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let expected = range.end - range.start;
        match self.objects.get_range(&self.path(object), range).await {
            Ok(bytes) if bytes.len() as u64 == expected => Ok(bytes),
            Ok(_) => Err(self.damaged(object, "it is shorter than it was")),
            Err(object_store::Error::NotFound { .. }) => Err(self.damaged(object, "it is missing")),
            Err(cause) => Err(self.failed("read", object, cause)),
        }
    }
    /// Writes an object of these pieces, one after the other.
    pub(super) async fn write(&self, object: &str, pieces: Vec<Bytes>) -> Result<()> {
        self.try_write(object, pieces).await.map_err(|cause| self.failed("write", object, cause))
    }
    async fn try_write(&self, object: &str, pieces: Vec<Bytes>) -> object_store::Result<()> {
        let path = self.path(object);
        let length: usize = pieces.iter().map(Bytes::len).sum();
        if length <= ONE_PART {
            self.objects.put(&path, PutPayload::from_iter(pieces)).await?;
            return Ok(());
        }
        let upload = self.objects.put_multipart(&path).await?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART.max(length / MAX_PARTS));
        for piece in pieces {
            if let Err(error) = writer.wait_for_capacity(AT_ONCE / 2).await {
                // Parts that lie in a store are paid for, and no listing shows them. The reason of it all is the first error.
                let _ = writer.abort().await;
                return Err(error);
            }
            writer.put(piece);
        }
        writer.finish().await?;
        Ok(())
    }
    /// Creates an object; `false` if there was one. After an error it may be there or not.
    pub(super) async fn create(&self, object: &str, bytes: Bytes) -> Result<bool> {
        let options = PutOptions::from(PutMode::Create);
        match self.objects.put_opts(&self.path(object), bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(cause) => Err(self.failed("create", object, cause)),
        }
    }
    /// What lies below a directory, by name; if `after` is given, only what comes after that object.
    pub(super) async fn list(&self, directory: &str, after: Option<&str>) -> Result<Vec<Listed>> {
        let path = self.path(directory);
        let found = match after {
            Some(after) => self.objects.list_with_offset(Some(&path), &self.path(after)),
            None => self.objects.list(Some(&path)),
        };
        let prefix = self.location.prefix();
        let named = |meta: object_store::ObjectMeta| {
            let parts = meta.location.prefix_match(prefix)?.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>();
            Some(Listed { object: parts.join("/"), length: meta.size })
        };
        let mut all: Vec<Listed> = found
            .try_filter_map(|meta| std::future::ready(Ok(named(meta))))
            .try_collect()
            .await
            .map_err(|cause| self.failed("list", directory, cause))?;
        all.sort();
        Ok(all)
    }
    /// Deletes objects, one after the other in this order where the store can. One that is not there is no trouble.
    pub(super) async fn delete(&self, objects: &[String]) -> Result<()> {
        let paths: Vec<_> = objects.iter().map(|object| Ok(self.path(object))).collect();
        let mut deleted = self.objects.delete_stream(stream::iter(paths).boxed());
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(cause) => {
                    return Err(self.failed("delete", objects.first().map_or("", String::as_str), cause));
                }
            }
        }
        Ok(())
    }
}
