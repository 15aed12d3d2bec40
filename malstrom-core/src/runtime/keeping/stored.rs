//! A job that is kept in an object store.
use super::{Found, Operators, Restore, Shelves, Vault, check_name};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Barrier, Outcome, Part, Scope, Shelf};
use crate::coordinator::{Origin, Purpose};
use crate::error::{Error, Result};
use crate::runtime::clock;
use crate::snapshot::{self, Archive, Chunks, Draft, Job, Kind, Location, Request};
use crate::worker::Written;
use std::sync::Arc;
use std::time::Duration;

/// So many bytes are read again after each snapshot, in search of damage.
const SCRUB: u64 = 1 << 20;
/// Garbage is looked for after so many snapshots, since that lists everything.
const COLLECT_EVERY: u64 = 16;
/// So often it is looked for requests from outside where that costs next to nothing, and no more often elsewhere.
const LOOK: Duration = Duration::from_secs(1);

/// Gives numbers that nobody else draws.
pub(crate) type Nonces = Arc<dyn Fn() -> u128 + Send + Sync>;

pub(crate) struct Stored {
    location: Location,
    nonces: Nonces,
    job: Job,
    operators: Operators,
    vault: snapshot::Vault,
    /// What the job was restored from, until it is known that all of it has been taken in.
    restored: Option<snapshot::Restore>,
    /// What processes that do not coordinate the job are to restore.
    point: Option<String>,
    stored: u64,
    /// What could not be stored, of this interval.
    unstored: Option<(u64, snapshot::Unwritten)>,
}
impl Stored {
    /// Claims a location for the job of this name, which is to have so many key groups if somebody has said so. If an entry of the log is given, only while there is none behind it.
    pub(crate) fn open(
        location: Location,
        name: &str,
        operators: Operators,
        (seed, key_groups): (u64, Option<KeyGroups>),
        (behind, nonces): (Option<u64>, Nonces),
    ) -> Result<Self> {
        let coordinator = format!("process {} ({:016x})", std::process::id(), nonces() as u64);
        let job = Job { name: name.to_owned(), key_groups, coordinator };
        let mut vault = match behind {
            None => claimed(&location, &job, &nonces)?,
            Some(head) => {
                let nonces = nonces.clone();
                snapshot::Vault::take_over(&location, job.clone(), head, move || nonces())?
            }
        };
        vault.begin(seed);
        Ok(Stored { location, nonces, job, operators, vault, restored: None, point: None, stored: 0, unstored: None })
    }
}
fn claimed(location: &Location, job: &Job, nonces: &Nonces) -> Result<snapshot::Vault> {
    let nonces = nonces.clone();
    snapshot::Vault::open(location, job.clone(), move || nonces())
}

/// What a process has to restore that does not coordinate the job.
pub(crate) struct Restoring {
    restored: snapshot::Restore,
    operators: Operators,
}
impl Restoring {
    /// Opens the snapshot that the coordinator has found, for a job that has so many key groups: `point` is its number, or the name of
    /// the savepoint.
    pub(crate) fn open(location: &Location, point: &str, operators: &Operators, key_groups: KeyGroups) -> Result<Self> {
        let archive = Archive::open(location)?;
        let saved = archive.find(point)?.ok_or_else(|| {
            Error::snapshot(format!("there are no snapshots at `{location}`, and {point} is to be restored from there"))
        })?;
        Ok(Restoring { restored: archive.restore(&saved)?.split_into(key_groups)?, operators: operators.clone() })
    }
    /// What it has for workers.
    pub(crate) fn shelves(&self) -> Arc<dyn Shelves> {
        let there = self.restored.operators();
        let names = self.operators.names(|id| there.contains(id));
        Arc::new(OfSnapshot { restored: self.restored.clone(), names })
    }
    /// What the workers here have asked for.
    pub(crate) fn claimed(&self) -> Vec<(String, Part)> {
        self.restored.claimed()
    }
}

impl Stored {
    /// What the log has for a coordinator that begins its term, where `found` is what the job is restored from.
    pub(crate) fn origin(&self, found: Option<&Found>) -> Origin {
        let newest = self.vault.archive().list().iter().max_by_key(|saved| saved.interval);
        let outcome = newest.map(|saved| match saved.kind {
            Kind::Snapshot => Outcome::Committed { interval: saved.interval, term: saved.term },
            Kind::Savepoint(_) => Outcome::Saved { interval: saved.interval, term: saved.term },
        });
        // An attempt goes on only if nothing older is to be restored.
        let newest = found.filter(|found| Some(found.interval) == outcome.map(Outcome::interval));
        Origin {
            term: self.vault.term(),
            interval: self.interval(),
            round: found.and_then(|found| found.round),
            attempt: newest.map_or(0, |found| found.attempt),
            outcome: outcome.filter(|_| newest.is_some()),
            ..Origin::default()
        }
    }
    /// Workers of another process have asked for this of what the job is restored from.
    pub(crate) fn claim_parts(&self, parts: Vec<(String, Part)>) {
        if let Some(restored) = &self.restored {
            restored.claim(parts);
        }
    }
    /// The attempt that is under way goes on, and nothing is restored.
    pub(crate) fn goes_on(&mut self, seed: u64) -> Result<()> {
        self.vault.goes_on(seed)
    }
    /// Commits what the processes have written.
    pub(crate) fn commit(&mut self, barrier: Barrier, kind: Kind, written: Vec<snapshot::Written>) -> Result<()> {
        let Barrier { interval, last, .. } = barrier;
        self.vault.commit(Draft { kind, interval, ended: last, written })?;
        Ok(())
    }
    /// What was found to be restored: the number of a snapshot, or the name of a savepoint.
    pub(crate) fn restores(&self) -> Option<String> {
        self.point.clone()
    }
    /// What the hashes of keys are seeded with.
    pub(crate) fn seed(&self) -> u64 {
        self.vault.seed()
    }
    /// How many key groups the job has.
    pub(crate) fn key_groups(&self) -> KeyGroups {
        self.vault.key_groups()
    }
    /// The term of another coordinator that has claimed the log since, if one has.
    pub(crate) fn overtaken(&self) -> Result<Option<u64>> {
        self.vault.overtaken()
    }
}

/// What a purpose is called where snapshots are kept.
pub(crate) fn kind_of(purpose: &Purpose) -> Kind {
    match purpose {
        Purpose::Recovery => Kind::Snapshot,
        Purpose::Savepoint(name) => Kind::Savepoint(name.clone()),
    }
}

impl Vault for Stored {
    fn term(&self) -> u64 {
        self.vault.term()
    }
    fn interval(&self) -> u64 {
        self.vault.next_interval() - 1
    }
    fn claim(&mut self) -> Result<()> {
        // One that was asleep, and wakes up, would take the job from whoever runs it now.
        if let Some(term) = self.vault.overtaken()? {
            return Err(Error::Fenced { term });
        }
        let seed = self.vault.seed();
        self.vault = claimed(&self.location, &self.job, &self.nonces)?;
        self.vault.begin(seed);
        Ok(())
    }
    fn in_attempt(&mut self, attempt: u64) {
        self.vault.in_attempt(attempt);
    }
    fn find(&mut self, restore: &Restore) -> Result<Option<Found>> {
        (self.restored, self.point) = (None, None);
        let Some(saved) = self.vault.archive().find(&restore.to_string())? else { return Ok(None) };
        if self.vault.archive().latest().is_some_and(|latest| latest.interval > saved.interval) {
            tracing::warn!(%saved, "the job goes back: what it has published since is published again");
        }
        let restored = self.vault.restore(&saved)?;
        let manifest = restored.manifest();
        let there = restored.operators();
        let names = self.operators.names(|id| there.contains(id));
        let known = |id: &str| names.iter().chain(&self.operators.dropped).any(|name| name == id);
        let lost: Vec<&str> = there.iter().copied().filter(|id| !known(id)).collect();
        if let Some(first) = lost.first() {
            return Err(unclaimed(&saved.to_string(), &lost, first));
        }
        let round = match &saved.kind {
            // What follows would be written under the new name or of the new groups, and what it is relative to is of the old ones.
            Kind::Snapshot if names == self.operators.ids && restored.key_groups()? == self.vault.key_groups() => {
                Some(manifest.round())
            }
            Kind::Snapshot | Kind::Savepoint(_) => None,
        };
        let shelves = Arc::new(OfSnapshot { restored: restored.clone(), names });
        let found = Found { interval: saved.interval, attempt: manifest.attempt, round, seed: manifest.seed, shelves };
        (self.restored, self.point) = (Some(restored), Some(saved.to_restore()));
        Ok(Some(found))
    }
    fn check_taken_in(&mut self) -> Result<()> {
        self.restored.take().map_or(Ok(()), |restored| restored.refuse_unclaimed(&self.operators.dropped))
    }
    fn check_free(&self, name: &str) -> Result<()> {
        check_name(name).map_err(Error::Config)?;
        self.vault.check_name(name)
    }
    fn looks_every(&self, every: Duration) -> Duration {
        if self.location.is_near() { LOOK } else { every.max(LOOK) }
    }
    fn requests(&self) -> Result<Vec<Request>> {
        self.vault.requests().list()
    }
    fn take(&self, request: &Request) -> Result<()> {
        self.vault.requests().take(request)
    }
    fn answer(&self, name: &str, answer: Result<(), &str>) -> Result<()> {
        self.vault.requests().answer(name, answer)
    }
    fn has(&self, name: &str) -> bool {
        self.vault.archive().list().iter().any(|saved| matches!(&saved.kind, Kind::Savepoint(known) if known == name))
    }
    fn store(&mut self, barrier: Barrier, purpose: &Purpose, written: Vec<Written>) -> Result<u64> {
        let kind = kind_of(purpose);
        let Barrier { interval, scope, .. } = barrier;
        let writer = self.vault.writer(0);
        let part = match self.unstored.take_if(|(before, _)| *before == interval) {
            Some((_, part)) => part,
            None => {
                let mut content = Chunks::default();
                for part in written {
                    content.chunks.extend(part.chunks);
                    content.schemas.extend(part.schemas);
                }
                writer.encode(&kind, interval, scope, &self.operators.ids, content)?
            }
        };
        let stored = writer.put(&part).and_then(|written| {
            let bytes = written.bytes();
            self.commit(barrier, kind, vec![written]).map(|()| bytes)
        });
        // If it is tried again, the workers do not write it again.
        self.unstored = stored.is_err().then_some((interval, part));
        stored
    }
    fn held(&self) -> Option<u64> {
        self.vault.held()
    }
    fn is_open(&self) -> bool {
        self.vault.is_open()
    }
    fn tidy(&mut self) -> Result<()> {
        self.stored += 1;
        let whole = matches!(self.vault.next_scope(), Scope::Changes { round: 0 });
        if whole || self.stored.is_multiple_of(COLLECT_EVERY) {
            let swept = self.vault.collect(self.vault.next_interval())?;
            tracing::debug!(objects = swept.objects, bytes = swept.bytes, "garbage is collected");
            self.vault.requests().sweep(clock::unix_micros())?;
        }
        self.vault.scrub(SCRUB)?;
        Ok(())
    }
}

fn unclaimed(snapshot: &str, lost: &[&str], first: &str) -> Error {
    let names = lost.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    Error::Config(format!(
        "{snapshot} has state of {names}, which the pipeline has no more: if it was renamed, write `as new_name was {}` behind it \
         in the pipeline, and if it is to be lost, start with `--drop-state {first}`",
        first.rsplit('/').next().unwrap_or(first),
    ))
}

/// A snapshot that is being restored.
struct OfSnapshot {
    restored: snapshot::Restore,
    /// The id of each operator in the snapshot.
    names: Arc<[String]>,
}
impl Shelves for OfSnapshot {
    fn shelf(&self, groups: &[u16]) -> Result<Box<dyn Shelf>> {
        let groups = groups.iter().copied().collect();
        Ok(Box::new(self.restored.shelf(self.names.clone(), groups)))
    }
}
