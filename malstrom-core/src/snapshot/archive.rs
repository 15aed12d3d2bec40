//! What is committed, for reading.
use super::Location;
use super::ledger::Ledger;
use super::log::{Entry, Record};
use super::manifest::{Kind, Manifest, Saved};
use super::restore::Restore;
use super::segment::Segment;
use super::store::Store;
use crate::error::{Error, Result};
use std::collections::BTreeSet;

/// So many snapshots are kept, besides the savepoints.
pub const KEPT: usize = 3;

/// A manifest, and where the names in it begin.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    base: String,
    pub(super) manifest: Manifest,
}
impl Opened {
    pub(super) fn new(base: String, manifest: Manifest) -> Self {
        Opened { base, manifest }
    }
    /// The object of a segment of it.
    pub(super) fn object(&self, segment: &Segment) -> String {
        format!("{}{}", self.base, segment.object)
    }
    /// The objects of all its segments.
    pub(super) fn objects(&self) -> impl Iterator<Item = String> {
        self.manifest.segments.iter().map(|segment| self.object(segment))
    }
}

/// The snapshots of a location, to look at. Nothing is written, and no coordinator is disturbed.
///
/// ```
/// use malstrom_core::snapshot::{Archive, Location};
/// let location: Location = "memory://nothing_there_yet".parse()?;
/// let archive = Archive::open(&location)?;
/// assert!(archive.list().is_empty());
/// assert!(archive.find("latest")?.is_none());
/// assert!(archive.find("7").is_err());
/// # Ok::<(), malstrom_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Archive {
    pub(super) store: Store,
    /// Oldest first.
    pub(super) saved: Vec<Saved>,
    pub(super) job: Option<String>,
}

impl Archive {
    /// Reads what is committed at a location.
    ///
    /// # Errors
    /// If the store cannot be read, or what is in the log is damaged or was written by a newer release.
    pub fn open(location: &Location) -> Result<Self> {
        let store = Store::open(location)?;
        let (archive, _) = store.wait(Self::load(&store))?;
        Ok(archive)
    }
    pub(super) async fn load(store: &Store) -> Result<(Self, Ledger)> {
        let mut ledger = Ledger::load(store).await?;
        let mut archive = Archive { store: store.clone(), saved: Vec::new(), job: None };
        loop {
            archive.take(ledger.entries());
            let Some(oldest) = archive.saved.first().filter(|oldest| oldest.kind == Kind::Snapshot) else { break };
            // Its manifest tells what was kept before. If it is damaged, what is still in the log has to do; whoever wants to
            // restore it will be told.
            match archive.opened(oldest).await {
                Ok(opened) => {
                    archive.job.get_or_insert(opened.manifest.job);
                    archive.saved.splice(0..0, opened.manifest.live);
                    break;
                }
                Err(Error::Damaged { .. }) if ledger.older().await? => {}
                Err(Error::Damaged { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        archive.saved = kept(&archive.saved, KEPT);
        Ok((archive, ledger))
    }
    /// What these entries of the log, newest first, say is committed.
    fn take(&mut self, entries: &[Entry]) {
        self.saved.clear();
        for Entry { term, record, .. } in entries.iter().rev() {
            let (kind, interval, manifest, checksum) = match record {
                Record::Claim { job, .. } => {
                    self.job = Some(job.clone());
                    continue;
                }
                // It says what is to come, and nothing of what there is.
                Record::Target { .. } => continue,
                Record::Snapshot { interval, manifest, checksum } => (Kind::Snapshot, interval, manifest, checksum),
                Record::Savepoint { name, interval, manifest, checksum } => {
                    (Kind::Savepoint(name.clone()), interval, manifest, checksum)
                }
            };
            let (interval, manifest, checksum) = (*interval, manifest.clone(), *checksum);
            self.saved.push(Saved { kind, interval, term: *term, manifest, checksum });
        }
    }

    /// The job that the location belongs to, if it had one.
    pub fn job(&self) -> Option<&str> {
        self.job.as_deref()
    }
    /// The snapshots and savepoints that are kept, in the order in which they were committed.
    pub fn list(&self) -> &[Saved] {
        &self.saved
    }
    /// The newest snapshot or savepoint.
    pub fn latest(&self) -> Option<&Saved> {
        self.saved.last()
    }
    /// The snapshot that is meant by `latest`, by the number of an interval, or by the name of a savepoint; also of one that
    /// was copied into the directory of savepoints. `None` for `none`, and for `latest` if there is none.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no such snapshot: which there are.
    pub fn find(&self, which: &str) -> Result<Option<Saved>> {
        match which {
            "none" => return Ok(None),
            "latest" => return Ok(self.latest().cloned()),
            _ => {}
        }
        let number = which.parse::<u64>().ok();
        let meant = |saved: &&Saved| match &saved.kind {
            Kind::Savepoint(name) if name == which => true,
            _ => number == Some(saved.interval),
        };
        if let Some(saved) = self.saved.iter().rev().find(meant) {
            return Ok(Some(saved.clone()));
        }
        if check_name(which).is_ok()
            && let Some(saved) = self.store.wait(self.copied(which))?
        {
            return Ok(Some(saved));
        }
        let all: Vec<_> = self.saved.iter().map(|saved| saved.to_restore()).collect();
        Err(Error::Config(format!(
            "there is no snapshot `{which}` at `{}`; there {}",
            self.store.location(),
            if all.is_empty() { "is none".to_owned() } else { format!("are {}", all.join(", ")) }
        )))
    }
    pub(super) async fn copied(&self, name: &str) -> Result<Option<Saved>> {
        let manifest = savepoint_manifest(name);
        let Some(bytes) = self.store.read(&manifest).await? else { return Ok(None) };
        let Manifest { interval, term, .. } =
            Manifest::decode(&bytes, None).map_err(|why| why.of(self.store.name(&manifest)))?;
        let checksum = super::format::checksum(&bytes);
        Ok(Some(Saved { kind: Kind::Savepoint(name.to_owned()), interval, term, manifest, checksum }))
    }

    pub(super) async fn opened(&self, saved: &Saved) -> Result<Opened> {
        let object = &saved.manifest;
        let bytes = self.store.read(object).await?.ok_or_else(|| self.store.damaged(object, "it is missing"))?;
        let manifest = Manifest::decode(&bytes, Some(saved.checksum)).map_err(|why| why.of(self.store.name(object)))?;
        let base = match &saved.kind {
            Kind::Snapshot => String::new(),
            Kind::Savepoint(name) => savepoint(name),
        };
        Ok(Opened { base, manifest })
    }
    /// What a snapshot is of.
    ///
    /// # Errors
    /// If its manifest cannot be read, is damaged, or was written by a newer release.
    pub fn manifest(&self, saved: &Saved) -> Result<Manifest> {
        Ok(self.store.wait(self.opened(saved))?.manifest)
    }
    /// Opens a snapshot for reading.
    ///
    /// # Errors
    /// If it cannot be read or is damaged: what can be done. Never is an older one taken in its place, as what was put out
    /// since then would be put out again.
    pub fn restore(&self, saved: &Saved) -> Result<Restore> {
        let advice = self.advice(saved);
        let restore = self.store.wait(async {
            let opened = self.opened(saved).await?;
            Restore::open(&self.store, opened, advice.clone()).await
        });
        restore.map_err(|error| match error {
            Error::Damaged { .. } => Error::Snapshot { message: advice, cause: Some(Box::new(error)) },
            error => error,
        })
    }
    fn advice(&self, saved: &Saved) -> String {
        let older = self.saved.iter().rev().find(|older| older.interval < saved.interval);
        match older {
            Some(older) => format!(
                "{saved} cannot be restored. An older one can be asked for, as by `--restore {}`, but what was put out since then \
                 and committed may be put out again",
                older.to_restore()
            ),
            None => format!(
                "{saved} cannot be restored, and there is no older one. `--restore none` begins anew, but what was put out and \
                 committed may be put out again"
            ),
        }
    }
}

/// All savepoints, and so many of the newest snapshots. Who deletes a savepoint may give its name to another.
pub(super) fn kept(saved: &[Saved], snapshots: usize) -> Vec<Saved> {
    let (mut names, mut left) = (BTreeSet::new(), snapshots);
    let mut kept: Vec<Saved> = saved
        .iter()
        .rev()
        .filter(|saved| match &saved.kind {
            Kind::Snapshot => {
                let stays = left > 0;
                left -= usize::from(stays);
                stays
            }
            Kind::Savepoint(name) => names.insert(name),
        })
        .cloned()
        .collect();
    kept.reverse();
    kept
}

/// The directory of a savepoint.
pub(super) fn savepoint(name: &str) -> String {
    format!("savepoints/{name}/")
}
pub(super) fn savepoint_manifest(name: &str) -> String {
    format!("{}manifest", savepoint(name))
}

/// Whether a savepoint may have this name.
///
/// # Errors
/// What a name has to be like.
pub(super) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
    let taken = ["latest", "none"].contains(&name) || name.parse::<u64>().is_ok();
    if !(1..=100).contains(&name.len()) || !name.chars().all(plain) || name.starts_with('.') || taken {
        return Err(Error::snapshot(format!(
            "a savepoint cannot have the name `{}`: it has up to 100 letters, digits, `-`, `_` and `.`, does not begin with `.`, and \
             is neither a number nor `latest` nor `none`",
            name.chars().take(100).collect::<String>()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_savepoint_has_a_name_that_means_nothing_else() {
        for good in ["before-1.2", "v2", "2024-01-01", "_"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(101);
        for bad in ["", "12", "latest", "none", "a/b", "..", ".hidden", "é", &long] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
