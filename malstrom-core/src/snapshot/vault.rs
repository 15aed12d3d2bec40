//! The coordinator's side: claims the log, writes segments and commits snapshots.
use super::Location;
use super::archive::{Archive, Opened, check_name, savepoint, savepoint_manifest};
use super::ledger::Ledger;
use super::log::Record;
use super::manifest::{Kind, Saved};
use super::probe::probe;
use super::requests::Requests;
use super::restore::Restore;
use super::scrub::Cursor;
use super::store::Store;
use super::writer::SegmentWriter;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::Scope;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::fmt;

/// How often the log is read and claimed anew if the one who holds it goes on writing.
const CLAIMS: u32 = 10;

/// Whose snapshots they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The name of the job.
    pub name: String,
    /// How many key groups it is to have. If nobody has asked for a number, as many as what it is restored from, and
    /// [`KeyGroups::DEFAULT`] if that is nothing.
    pub key_groups: Option<KeyGroups>,
    /// Who the coordinator is, for people who read the log. No other one is called so, at any time.
    pub coordinator: String,
}

/// Where a coordinator keeps the snapshots of its job. It waits for the store, so it lives on a thread that may.
///
/// ```
/// use malstrom_core::contract::snapshot::{Chunk, Head, Part, Schema, Shelf};
/// use malstrom_core::snapshot::{Chunks, Draft, Job, Kind, Vault};
/// let location = "memory://vault_example".parse()?;
/// let job = Job { name: "counts".into(), key_groups: None, coordinator: "here".into() };
/// # let mut last = 0;
/// # let mut random = move || { last += 1; last };
/// let mut vault = Vault::open(&location, job, random)?;
/// vault.begin(42);
///
/// // Each process writes what its workers keep, and says what it has written.
/// let operators = ["count".to_owned()];
/// let head = Head { node: 0, part: Part::State, group: 7, full: true, entries: 1 };
/// let chunks = vec![Chunk { head, bytes: b"a: 1".to_vec() }];
/// let schemas = vec![(0, Part::State, Schema { version: 1, description: "text".into() })];
/// let (kind, interval, scope) = (Kind::Snapshot, vault.next_interval(), vault.next_scope());
/// let written = vault.writer(0).write(&kind, interval, scope, &operators, Chunks { chunks, schemas })?;
///
/// // Then sinks may publish.
/// let committed = vault.commit(Draft { kind, interval, ended: false, written: vec![written] })?;
/// assert_eq!((committed.permit().interval(), committed.permit().term()), (1, 1));
/// vault.collect(vault.next_interval())?;
///
/// // And back. Each worker gives the groups that it has, whoever had them before.
/// let saved = vault.archive().find("latest")?.expect("it was just committed");
/// let restore = vault.restore(&saved)?;
/// let shelf = restore.shelf(operators.into(), [7, 8].into_iter().collect());
/// assert_eq!(shelf.chunks(0, Part::State)?[0].bytes, "a: 1");
/// restore.refuse_unclaimed(&[])?;
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub struct Vault {
    pub(super) archive: Archive,
    pub(super) ledger: Ledger,
    pub(super) job: Job,
    pub(super) seed: u64,
    pub(super) key_groups: KeyGroups,
    /// The attempt that is under way; 0 if nobody has said.
    pub(super) attempt: u64,
    /// What the next snapshot is written relative to.
    pub(super) parent: Option<Opened>,
    /// What the job was restored from, until the first commit.
    pub(super) restored: Option<Restore>,
    /// The snapshots that are kept, by their manifests' names.
    pub(super) opened: HashMap<String, Opened>,
    /// The newest interval that it has tried to commit, and the checksum of its manifest.
    pub(super) tried: (u64, u64),
    /// Whether leftovers of savepoints were looked for.
    pub(super) tidied: bool,
    pub(super) cursor: Cursor,
    pub(super) nonces: Box<dyn FnMut() -> u128 + Send>,
}
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("job", &self.job).field("term", &self.term()).finish_non_exhaustive()
    }
}

impl Vault {
    /// Claims a location for a job. Whoever held it before cannot commit any more. `nonces` gives numbers that nobody else
    /// draws, now or ever.
    ///
    /// # Errors
    /// [`Error::Config`] if the location belongs to another job; if what lies there was written by a newer release; if the log is damaged; if the
    /// store lets an object be created twice; [`Fenced`](Error::Fenced) if another coordinator starts at the same time.
    pub fn open(location: &Location, job: Job, nonces: impl FnMut() -> u128 + Send + 'static) -> Result<Self> {
        Self::claim(location, job, None, nonces)
    }
    /// The same, if the newest entry of the log has the number `head` still: for who takes over because nothing has changed.
    ///
    /// # Errors
    /// As for [`open`](Self::open); [`Fenced`](Error::Fenced) if somebody has written to the log since.
    pub fn take_over(
        location: &Location,
        job: Job,
        head: u64,
        nonces: impl FnMut() -> u128 + Send + 'static,
    ) -> Result<Self> {
        Self::claim(location, job, Some(head), nonces)
    }
    fn claim(
        location: &Location,
        job: Job,
        behind: Option<u64>,
        nonces: impl FnMut() -> u128 + Send + 'static,
    ) -> Result<Self> {
        let mut nonces = Box::new(nonces);
        if job.name.is_empty() || job.name.len() > super::log::MAX_TEXT {
            return Err(Error::Config(format!("the name of a job has 1 to {} bytes", super::log::MAX_TEXT)));
        }
        let store = Store::open(location)?;
        let (archive, ledger) = store.wait(async {
            let mut probed = false;
            for _ in 0..CLAIMS {
                let (archive, mut ledger) = Archive::load(&store).await?;
                same_job(&store, archive.job(), &job.name)?;
                if behind.is_some_and(|head| head != ledger.head()) {
                    break;
                }
                if !std::mem::replace(&mut probed, true) {
                    probe(&store, nonces()).await?;
                }
                if ledger.claim(&job.name, &job.coordinator, nonces()).await? {
                    return Ok((archive, ledger));
                }
            }
            Err(Error::Fenced { term: Ledger::load(&store).await?.term() })
        })?;
        location.clear_half_written()?;
        let (parent, restored, opened, tidied, cursor) = (None, None, HashMap::new(), false, Cursor::default());
        Ok(Vault {
            archive,
            ledger,
            key_groups: job.key_groups.unwrap_or_default(),
            job,
            seed: 0,
            attempt: 0,
            tried: (0, 0),
            parent,
            restored,
            opened,
            tidied,
            cursor,
            nonces,
        })
    }

    /// The term of this coordinator.
    pub fn term(&self) -> u64 {
        self.ledger.term()
    }
    /// What is committed. A clone can be read from on other threads.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }
    /// What is asked for from outside.
    pub fn requests(&self) -> Requests {
        Requests::of(self.archive.store.clone())
    }
    /// Whether it can still commit. If not, the job has to be restored, with a vault that is opened anew.
    pub fn is_open(&self) -> bool {
        self.ledger.is_open()
    }
    /// The term of another coordinator that has claimed the log since, if one has. Who finds out by this that it was overtaken has no
    /// reason to take over in its turn.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn overtaken(&self) -> Result<Option<u64>> {
        let store = &self.archive.store;
        let newest = store.wait(Ledger::load(store))?;
        // A claim of its own may have been made without its knowing.
        let mine = newest.entries().iter().find_map(|entry| match &entry.record {
            Record::Claim { id, .. } => Some(*id == self.job.coordinator),
            _ => None,
        });
        Ok((newest.term() > self.term() && mine != Some(true)).then_some(newest.term()))
    }
    /// Begins without a snapshot, with this seed for the hash of keys.
    pub fn begin(&mut self, seed: u64) {
        (self.seed, self.key_groups) = (seed, self.job.key_groups.unwrap_or_default());
        self.parent = None;
        self.restored = None;
    }
    /// Begins with a snapshot. Snapshots are then written relative to it, unless it is a savepoint, which somebody may delete, or the
    /// job is to have more key groups: then each of the snapshot's is split into as many as it takes.
    ///
    /// # Errors
    /// [`Error::Config`] if it is of another job, or has more key groups than the job is to have; if it cannot be read or is damaged.
    pub fn restore(&mut self, saved: &Saved) -> Result<Restore> {
        let restore = match self.archive.restore(saved) {
            Ok(restore) => restore,
            Err(error) => return Err(self.archive.store.wait(async { Ok(self.ledger.suspect(error).await) })?),
        };
        let manifest = restore.manifest();
        same_job(&self.archive.store, Some(&manifest.job), &self.job.name)?;
        let (seed, theirs) = (manifest.seed, manifest.key_groups);
        let ours = self.job.key_groups.map_or_else(|| restore.key_groups(), Ok)?;
        let restore = restore.split_into(ours).map_err(|error| match error {
            Error::Config(why) => Error::Config(format!("{saved} cannot be restored: {why}")),
            error => error,
        })?;
        (self.seed, self.key_groups) = (seed, ours);
        self.parent = match saved.kind {
            Kind::Snapshot if theirs as usize == ours.count() => Some(restore.opened().clone()),
            Kind::Snapshot | Kind::Savepoint(_) => None,
        };
        self.restored = Some(restore.clone());
        Ok(restore)
    }
    /// The job goes on with what it has in memory, with this seed for the hash of keys: nothing of what there is was dropped. What it
    /// writes may be relative to the newest snapshot, also where a savepoint was taken since.
    ///
    /// # Errors
    /// If that snapshot cannot be read or is damaged.
    pub fn goes_on(&mut self, seed: u64) -> Result<()> {
        if self.parent.is_none()
            && let Some(newest) = self.archive.saved.iter().rfind(|saved| saved.kind == Kind::Snapshot)
        {
            let newest = self.archive.restore(newest)?;
            // What it has of other groups is nothing that anything could be relative to.
            self.parent = Some(newest.opened().clone()).filter(|_| newest.key_groups().ok() == Some(self.key_groups));
        }
        (self.restored, self.seed) = (None, seed);
        Ok(())
    }
    /// The attempt of this number is under way: what is committed from now on was taken in it.
    pub fn in_attempt(&mut self, attempt: u64) {
        self.attempt = attempt;
    }
    /// The seed of the hash of keys.
    pub fn seed(&self) -> u64 {
        self.seed
    }
    /// How many key groups the job has.
    pub fn key_groups(&self) -> KeyGroups {
        self.key_groups
    }
    /// A number for the next interval: higher than that of any snapshot, and of any that this coordinator has tried to commit.
    /// Intervals that were aborted before are for the caller to count: no number is to be used twice.
    pub fn next_interval(&self) -> u64 {
        let newest = self.archive.saved.iter().map(|saved| saved.interval).max();
        newest.max(Some(self.tried.0)).unwrap_or_default().saturating_add(1)
    }
    /// What writes the segments of a process.
    pub fn writer(&self, process: u32) -> SegmentWriter {
        SegmentWriter::of(self.archive.store.clone(), self.term(), process)
    }
    /// What the next snapshot has to have.
    pub fn next_scope(&self) -> Scope {
        self.parent.as_ref().map_or(Scope::Whole, |parent| parent.manifest.next_scope())
    }
    /// How many bytes the snapshot has that the next one is relative to, with what that is relative to itself; `None` if there is
    /// none.
    pub fn held(&self) -> Option<u64> {
        Some(self.parent.as_ref()?.manifest.segments().map(|(_, bytes)| bytes).sum())
    }
    /// Whether a savepoint can have this name.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check_name(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let store = &self.archive.store;
        if store.wait(store.read(&savepoint_manifest(name)))?.is_some() {
            return Err(Error::snapshot(format!(
                "there is a savepoint `{name}` already: choose another name, or delete `{}`",
                store.name(&savepoint(name))
            )));
        }
        Ok(())
    }
}

fn same_job(store: &Store, theirs: Option<&str>, ours: &str) -> Result<()> {
    match theirs {
        Some(theirs) if theirs != ours => Err(Error::Config(format!(
            "`{}` has the snapshots of the job `{theirs}`, and this job is `{ours}`: give each job a location of its own, or this one its \
             old name",
            store.location()
        ))),
        _ => Ok(()),
    }
}
