//! What snapshots can be told to lie at.
use crate::error::Result;
use crate::snapshot::Location;
use object_store::ObjectStore;
use std::sync::Arc;

/// Where snapshots lie: a URL, a [`Location`], or an object store.
///
/// ```
/// use malstrom_core::Runtime;
/// use malstrom_core::object_store::{ObjectStore, memory::InMemory};
/// use std::{sync::Arc, time::Duration};
/// let every = Duration::from_secs(10);
/// let runtime = Runtime::builder().snapshots("memory://job", every).build()?;
/// let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
/// let runtime = Runtime::builder().snapshots(store, every).build()?;
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub trait Place {
    /// The location.
    ///
    /// # Errors
    /// If it cannot be understood, or not be set up.
    fn location(self) -> Result<Location>;
}
impl Place for &str {
    fn location(self) -> Result<Location> {
        self.parse()
    }
}
impl Place for String {
    fn location(self) -> Result<Location> {
        self.parse()
    }
}
impl Place for &String {
    fn location(self) -> Result<Location> {
        self.parse()
    }
}
impl Place for Location {
    fn location(self) -> Result<Location> {
        Ok(self)
    }
}
impl<S: ObjectStore> Place for Arc<S> {
    fn location(self) -> Result<Location> {
        Ok(Location::new(self, ""))
    }
}
impl Place for Arc<dyn ObjectStore> {
    fn location(self) -> Result<Location> {
        Ok(Location::new(self, ""))
    }
}
