//! Where snapshots lie: a URL, or an object store that the program brings along.
//!
//! | URL | |
//! |---|---|
//! | `file:///dir`, `file://./dir` | a directory, which is created; written so that it outlives a power cut |
//! | `memory://name` | in this process; every job that gives the same name sees the same |
//! | `memory://` | in this process, and for this job alone |
//! | `s3://bucket/prefix` | with feature `s3`; the variables `AWS_*` say how to get there |
//! | `gs://bucket/prefix` | with feature `gcs`; the variables `GOOGLE_*` |
//! | `az://container/prefix` | with feature `azure`; the variables `AZURE_*` |
mod cloud;

use crate::error::{Error, Result};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Where snapshots lie.
///
/// ```
/// use malstrom_core::snapshot::Location;
/// let location: Location = "memory://sketch".parse()?;
/// assert_eq!(location.to_string(), "memory://sketch");
/// assert!("snapshots".parse::<Location>().unwrap_err().to_string().contains("file://./snapshots"));
/// # Ok::<(), malstrom_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Location {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    /// For messages, without a `/` at the end, except behind `//`.
    url: String,
    /// Where a crash may leave half-written files that no listing shows.
    directory: Option<PathBuf>,
    near: bool,
}

impl Location {
    /// Snapshots lie in this store, below this prefix. The store must refuse to create an object twice
    /// ([`PutMode::Create`](object_store::PutMode::Create)) and list what was created just before. If it has connections, they
    /// are best not shared with an asynchronous runtime that may end before the job.
    pub fn new(objects: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        let prefix = Path::from(prefix);
        Location { url: format!("{objects}/{prefix}"), objects, prefix, directory: None, near: false }
    }
    /// What a URL says, with these variables in place of those of the process.
    ///
    /// # Errors
    /// If the URL cannot be understood or the store not be set up. Whether it can be reached is found out when it is used.
    pub fn parse(url: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(Error::Config(format!(
                "snapshots lie at a URL, and `{url}` is a path: write `{}`",
                as_url(url)
            )));
        };
        match scheme {
            "file" => Self::file(rest),
            "memory" => Self::memory(rest),
            "s3" | "gs" | "az" => cloud::parse(scheme, rest, variables.into_iter().collect()),
            _ => Err(Error::Config(format!(
                "snapshots cannot lie at `{scheme}://..`: write `file:///dir`, `s3://bucket/prefix`, `gs://bucket/prefix`, \
                 `az://container/prefix` or `memory://name`"
            ))),
        }
    }

    fn file(rest: &str) -> Result<Self> {
        let absolute = rest.starts_with('/');
        if !(absolute || [".", ".."].contains(&rest.split('/').next().unwrap_or_default())) {
            return Err(Error::Config(format!(
                "`file://{rest}` names a host: write `file:///{rest}` for a directory from the root, or `file://./{rest}` for \
                 one below the working directory"
            )));
        }
        let path = std::path::absolute(rest).map_err(Error::file("find", rest))?;
        create(&path).map_err(Error::file("create", &path))?;
        let objects = LocalFileSystem::new_with_prefix(&path).map_err(|cause| Error::Storage {
            doing: "open",
            object: format!("file://{rest}"),
            cause: cause.into(),
        })?;
        Ok(Location {
            objects: Arc::new(objects.with_fsync(true)),
            prefix: Path::default(),
            url: format!("file://{}", rest.trim_end_matches('/')),
            directory: Some(path),
            near: true,
        })
    }

    fn memory(name: &str) -> Result<Self> {
        static STORES: OnceLock<Mutex<HashMap<String, Arc<InMemory>>>> = OnceLock::new();
        let stores = STORES.get_or_init(Mutex::default);
        let mut stores = stores.lock().unwrap_or_else(PoisonError::into_inner);
        let objects = match name {
            "" => Arc::default(),
            name => Arc::clone(stores.entry(name.to_owned()).or_default()),
        };
        Ok(Location { objects, prefix: Path::default(), url: format!("memory://{name}"), directory: None, near: true })
    }

    /// Whether it costs next to nothing to look there often: a directory, or memory.
    pub fn is_near(&self) -> bool {
        self.near
    }
    /// Whether other processes can reach it too: anything but memory.
    pub fn is_shared(&self) -> bool {
        !self.url.starts_with("memory://")
    }
    pub(super) fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }
    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }
    /// Removes what others were writing into a directory when they died, which is not to be called while anybody writes
    /// whose work counts. A listing does not show it, so nothing else would ever remove it.
    pub(super) fn clear_half_written(&self) -> Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let mut left = vec![directory.clone()];
        while let Some(directory) = left.pop() {
            for entry in std::fs::read_dir(&directory).map_err(Error::file("list", &directory))? {
                let path = entry.map_err(Error::file("list", &directory))?.path();
                if path.is_dir() {
                    left.push(path);
                } else if is_half_written(&path) {
                    // Somebody else may have been faster.
                    let _ = std::fs::remove_file(&path);
                }
            }
        }
        Ok(())
    }
}
impl std::str::FromStr for Location {
    type Err = Error;
    /// What a URL says, and the variables of the process.
    fn from_str(url: &str) -> Result<Self> {
        // Others are none of the store's business, and need not be text.
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::parse(url, std::env::vars_os().filter_map(text))
    }
}
impl fmt::Display for Location {
    /// The URL, without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// Creates a directory that outlives a power cut: whoever holds the name of a new one has to be on disk.
fn create(path: &FilePath) -> std::io::Result<()> {
    let missing: Vec<_> = path.ancestors().take_while(|path| !path.exists()).collect();
    std::fs::create_dir_all(path)?;
    if cfg!(unix) {
        for parent in missing.iter().filter_map(|path| path.parent()) {
            std::fs::File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}

/// Until it is complete, a file has a `#` and a number behind its name.
fn is_half_written(path: &FilePath) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit_once('#'));
    name.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()))
}

fn as_url(path: &str) -> String {
    let below = |path: &str| format!("file://./{}", path.trim_start_matches("./"));
    if path.starts_with('/') || path.starts_with("../") { format!("file://{path}") } else { below(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        Location::parse(url, []).expect_err(url).to_string()
    }

    #[test]
    fn a_path_is_refused_with_the_url_to_write() {
        assert!(refused("/var/snapshots").ends_with("write `file:///var/snapshots`"));
        assert!(refused("snapshots").ends_with("write `file://./snapshots`"));
        assert!(refused("./snapshots").ends_with("write `file://./snapshots`"));
        assert!(refused("../snapshots").ends_with("write `file://../snapshots`"));
        assert!(refused("file://snapshots/a").contains("write `file:///snapshots/a`"));
        assert!(refused("http://example.org").contains("write `file:///dir`"));
    }

    #[test]
    fn a_directory_is_created() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        let location: Location = format!("file://{}/", below.display()).parse().unwrap();
        assert!(below.is_dir());
        assert_eq!(location.to_string(), format!("file://{}", below.display()));
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(refused(&format!("file://{}/file", dir.path().display())).starts_with("cannot create"));
    }

    /// A write that was confirmed is not lost when the power fails.
    #[test]
    fn a_directory_is_synced() {
        let dir = tempfile::tempdir().unwrap();
        let location: Location = format!("file://{}", dir.path().display()).parse().unwrap();
        let objects = format!("{:?}", location.objects);
        assert!(objects.contains("fsync: true"), "{objects}");
    }

    #[test]
    fn a_name_in_memory_is_one_store() {
        let store = |url: &str| Location::parse(url, []).unwrap().objects;
        assert!(Arc::ptr_eq(&store("memory://one_store"), &store("memory://one_store")));
        assert!(!Arc::ptr_eq(&store("memory://one_store"), &store("memory://another")));
    }
}
