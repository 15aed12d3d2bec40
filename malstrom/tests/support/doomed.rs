//! Ends the process before or after the n-th write to a place.
use futures_util::stream::BoxStream;
use malstrom::object_store::local::LocalFileSystem;
use malstrom::object_store::path::Path;
use malstrom::object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// When the process ends, if it does.
#[derive(Clone, Debug, Default)]
pub struct Doom(Option<Arc<(String, AtomicU64)>>);
impl Doom {
    pub fn from_variables() -> Doom {
        let (Ok(place), Ok(nth)) = (std::env::var("KILL_AT"), std::env::var("KILL_NTH")) else { return Doom(None) };
        Doom(Some(Arc::new((place, AtomicU64::new(nth.parse().unwrap())))))
    }
    fn comes(&self, when: &str, place: &str) {
        if let Some(doom) = &self.0
            && doom.0.split_once(' ') == Some((when, place))
            && doom.1.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
    pub fn around<R>(&self, place: &str, write: impl FnOnce() -> R) -> R {
        self.comes("before", place);
        let result = write();
        self.comes("after", place);
        result
    }
}

/// A store on disk whose writes may be the last thing that the process does.
pub struct DoomedStore {
    inner: LocalFileSystem,
    doom: Doom,
}
impl DoomedStore {
    pub fn on_disk(directory: &std::path::Path, doom: Doom) -> DoomedStore {
        std::fs::create_dir_all(directory).unwrap();
        DoomedStore { inner: LocalFileSystem::new_with_prefix(directory).unwrap().with_fsync(true), doom }
    }
}
impl fmt::Debug for DoomedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DoomedStore")
    }
}
impl fmt::Display for DoomedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DoomedStore")
    }
}
#[async_trait::async_trait]
impl ObjectStore for DoomedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let place = location.as_ref().split('/').rev().nth(1).unwrap_or_default().to_owned();
        self.doom.comes("before", &place);
        let result = self.inner.put_opts(location, payload, opts).await;
        self.doom.comes("after", &place);
        result
    }
    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }
    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
