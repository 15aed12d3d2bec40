//! A store in memory that does what a test wants it to.
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use malstrom_core::snapshot::Location;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;

/// What is done instead of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Nothing is done, and an error returned.
    Before,
    /// It is done, and an error returned.
    After,
    /// It is done twice, and what comes of it is what comes of the second time.
    Twice,
    /// It is done, whatever was there.
    Overwrite,
    /// The last byte is not read.
    Short,
}
/// Whether something is written, read (or listed), and where: what to do.
pub type Plan = dyn Fn(bool, &str) -> Fault + Send + Sync;

pub struct Faulty {
    inner: Arc<InMemory>,
    plan: Box<Plan>,
}
impl Faulty {
    pub fn location(inner: &Arc<InMemory>, plan: impl Fn(bool, &str) -> Fault + Send + Sync + 'static) -> Location {
        Location::new(Arc::new(Faulty { inner: Arc::clone(inner), plan: Box::new(plan) }), "some/prefix")
    }
    fn read(&self, path: &str) -> Result<()> {
        if (self.plan)(false, path) == Fault::None { Ok(()) } else { Err(failed()) }
    }
}
fn failed() -> Error {
    Error::Generic { store: "Faulty", source: "the store has failed".into() }
}
impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}
impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        match (self.plan)(true, path.as_ref()) {
            Fault::None => self.inner.put_opts(path, payload, options).await,
            Fault::Before => Err(failed()),
            Fault::After => {
                self.inner.put_opts(path, payload, options).await?;
                Err(failed())
            }
            Fault::Twice => {
                self.inner.put_opts(path, payload.clone(), options.clone()).await?;
                self.inner.put_opts(path, payload, options).await
            }
            Fault::Overwrite | Fault::Short => self.inner.put_opts(path, payload, PutOptions::default()).await,
        }
    }
    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }
    async fn get_opts(&self, path: &Path, mut options: GetOptions) -> Result<GetResult> {
        match ((self.plan)(false, path.as_ref()), &mut options.range) {
            (Fault::Short, Some(GetRange::Bounded(range))) => range.end -= 1,
            (Fault::None, _) => {}
            _ => return Err(failed()),
        }
        self.inner.get_opts(path, options).await
    }
    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.read(prefix.map_or("", |prefix| prefix.as_ref())) {
            Ok(()) => self.inner.list(prefix),
            Err(error) => Box::pin(futures_util::stream::iter([Err(error)])),
        }
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
