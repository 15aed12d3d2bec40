//! Whose directory it is.
//!
//! Where snapshots are on, a sink removes what is left of lower terms and not in its snapshot. Of a second sink of the same job
//! that would be output that is not published yet. So two of them in one directory are refused before they write.
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The directory, the ending of the files, the worker and the term. With the term, a worker of a former attempt that is not
/// gone yet does not keep the job from being restored.
type Place = (PathBuf, &'static str, usize, u64);
static CLAIMED: Mutex<BTreeSet<Place>> = Mutex::new(BTreeSet::new());

/// A place of which this process has one sink. It is given up when this is dropped.
#[derive(Debug)]
pub(super) struct Claim(Place);

impl Claim {
    pub(super) fn of(directory: &Path, extension: &'static str, worker: usize, term: u64) -> Result<Claim> {
        let whole = directory.canonicalize().map_err(Error::file("read", directory))?;
        let place = (whole, extension, worker, term);
        if claimed().insert(place.clone()) {
            return Ok(Claim(place));
        }
        let directory = directory.display();
        Err(Error::Config(format!(
            "two sinks of this job write `.{extension}` files into `{directory}`: where snapshots are on, each needs a directory \
             of its own"
        )))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        claimed().remove(&self.0);
    }
}

/// Nothing can panic while it is changed, so a poisoned lock is as good as any.
fn claimed() -> MutexGuard<'static, BTreeSet<Place>> {
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner)
}
