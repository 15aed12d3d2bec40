//! The parts of a directory that a file sink writes, hidden until they are whole.
//!
//! Where snapshots are off, a part is published when it is full or the job has ended, and removed if the job fails.
//!
//! Where they are on, a part that is finished waits under its hidden name until a snapshot that lists it is committed. A part
//! may lie in several intervals: each snapshot then has the length that it had at the barrier. After a failure what the
//! snapshot lists is published, an unfinished part up to that length, and what else a lower term has left is removed.
//! Whatever a snapshot lists is on the disk before the snapshot is written, and each step may be done again.
mod claim;
mod disk;
mod name;
mod publish;
mod staged;
#[cfg(test)]
mod tests;

use crate::contract::sink::{Begin, CommitPermit, Interval};
use crate::error::{Error, Result};
use claim::Claim;
use name::Name;
use staged::{Staged, StagedPart};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// At which size a part is published and the next one begun, unless the program says otherwise.
const ROLL_AT: u64 = 256 << 20;
/// At which age.
const ROLL_EVERY: Duration = Duration::from_secs(60);
/// How much a sink collects before it writes.
pub(super) const BUFFER: usize = 256 << 10;

/// What one worker writes into a directory.
#[derive(Debug)]
pub(super) struct Parts {
    directory: PathBuf,
    extension: &'static str,
    roll_at: u64,
    roll_every: Duration,
    worker: usize,
    /// The number of the next part.
    next: u64,
    part: Option<Part>,
    kept: Option<Kept>,
}

/// What waits for a snapshot.
#[derive(Debug)]
struct Kept {
    term: u64,
    /// The interval that goes on, and when it began.
    interval: u64,
    since: Duration,
    /// Each with the interval in which it was finished.
    finished: Vec<(u64, StagedPart)>,
    /// Whether the directory has names that are not durable.
    named: bool,
    _claim: Claim,
}

impl Parts {
    pub(super) fn new(directory: &Path, extension: &'static str) -> Self {
        let directory = directory.to_path_buf();
        let (roll_at, roll_every) = (ROLL_AT, ROLL_EVERY);
        Parts { directory, extension, roll_at, roll_every, worker: 0, next: 0, part: None, kept: None }
    }

    pub(super) fn roll_at(&mut self, bytes: u64) {
        self.roll_at = bytes;
    }

    pub(super) fn roll_every(&mut self, age: Duration) {
        self.roll_every = age;
    }

    /// Makes the directory, and finds out what is in it.
    pub(super) fn open(&mut self, worker: usize) -> Result<()> {
        self.worker = worker;
        disk::create_directory(&self.directory).map_err(Error::file("create", &self.directory))?;
        let failed = |cause| Error::file("read", &self.directory)(cause);
        let mut next = 0;
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(number) = name.to_str().and_then(|name| self.number(name)) {
                next = next.max(number.saturating_add(1));
            }
        }
        self.next = next;
        Ok(())
    }

    /// The number of this worker's part of that name, where snapshots are off.
    fn number(&self, name: &str) -> Option<u64> {
        let (worker, number) = name.strip_prefix("part-")?.split_once('-')?;
        let number = number.strip_suffix(self.extension)?.strip_suffix('.')?;
        (worker.parse() == Ok(self.worker)).then(|| number.parse().ok())?
    }

    /// Snapshots are on.
    pub(super) fn begin(&mut self, begin: &Begin) -> Result<()> {
        let Begin { term, interval, staged, .. } = begin;
        let claim = Claim::of(&self.directory, self.extension, self.worker, *term)?;
        if let Some(staged) = staged {
            publish::restore(&self.directory, self.extension, *term, staged)?;
        }
        self.next = 0;
        self.kept = Some(Kept {
            term: *term,
            interval: *interval,
            since: Duration::ZERO,
            finished: Vec::new(),
            named: false,
            _claim: claim,
        });
        Ok(())
    }

    /// Whether a part that is not finished has anything written.
    pub(super) fn is_open(&self) -> bool {
        self.part.is_some()
    }

    /// Whether the part would be full with this many bytes more.
    #[inline]
    pub(super) fn is_full_with(&self, bytes: usize) -> bool {
        self.part.as_ref().map_or(0, |part| part.size) + bytes as u64 >= self.roll_at
    }

    /// Writes what was encoded to the current part.
    pub(super) fn write(&mut self, encoded: &mut Vec<u8>) -> Result<()> {
        if encoded.is_empty() {
            return Ok(());
        }
        let part = match &mut self.part {
            Some(part) => part,
            none => none.insert(Part::create(
                &self.directory,
                self.extension,
                self.worker,
                &mut self.next,
                self.kept.as_mut(),
            )?),
        };
        disk::write(&mut part.file, &part.hidden, encoded).map_err(Error::file("write to", &part.hidden))?;
        part.size += encoded.len() as u64;
        encoded.clear();
        Ok(())
    }

    /// The current part, if there is one, is whole: publishes it, or keeps it until a snapshot is committed.
    pub(super) fn finish(&mut self) -> Result<()> {
        let Some(mut part) = self.part.take() else { return Ok(()) };
        part.sync()?;
        match &mut self.kept {
            Some(kept) => kept.finished.push((kept.interval, part.staged(false))),
            None => part.publish(&self.directory)?,
        }
        Ok(())
    }

    /// Nothing more will be written. Where snapshots are on, the last one publishes.
    pub(super) fn close(&mut self) -> Result<()> {
        if self.kept.is_some() { Ok(()) } else { self.finish() }
    }

    /// An interval ends: finishes the part if it is old enough, makes all that is not published durable, and lists it.
    pub(super) fn pre_commit(&mut self, end: Interval) -> Result<Vec<u8>> {
        let since = self.part.as_ref().map(|part| part.since);
        let due = since.is_some_and(|since| end.last || end.now.saturating_sub(since) >= self.roll_every);
        let Some(kept) = &mut self.kept else { return Ok(Vec::new()) };
        kept.interval = kept.interval.max(end.number);
        if due {
            self.finish()?;
        }
        let Some(kept) = &mut self.kept else { return Ok(Vec::new()) };
        if let Some(part) = &mut self.part {
            part.sync()?;
        }
        if std::mem::take(&mut kept.named) {
            disk::sync_directory(&self.directory).map_err(Error::file("write to", &self.directory))?;
        }
        kept.interval = kept.interval.saturating_add(1);
        kept.since = end.now;
        self.next = 0;
        let mut parts: Vec<_> = kept.finished.iter().map(|(_, part)| part.clone()).collect();
        parts.extend(self.part.as_ref().map(|part| part.staged(true)));
        Staged { extension: self.extension, parts }.encode()
    }

    /// Publishes what was finished when the interval ended.
    pub(super) fn commit(&mut self, permit: &CommitPermit) -> Result<()> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        let committed = |finished: u64| finished <= permit.interval();
        let mut any = false;
        for (_, part) in kept.finished.iter().filter(|(finished, _)| committed(*finished)) {
            publish::finished(&self.directory, self.extension, part)?;
            any = true;
        }
        if any {
            disk::sync_directory(&self.directory).map_err(Error::file("write to", &self.directory))?;
        }
        // Only now: what fails half-way is done again.
        kept.finished.retain(|(finished, _)| !committed(*finished));
        Ok(())
    }
}

/// One file, hidden until it is published.
#[derive(Debug)]
struct Part {
    file: File,
    hidden: PathBuf,
    public: PathBuf,
    size: u64,
    /// How much of it is durable.
    synced: u64,
    /// Where snapshots are on: its name, and when the interval began in which it did.
    name: Name,
    since: Duration,
    /// Whether it is to be there when this is gone.
    stays: bool,
}

impl Part {
    /// Creates the first part from number `next` on that nobody else has, neither hidden nor published.
    fn create(
        directory: &Path,
        extension: &str,
        worker: usize,
        next: &mut u64,
        mut kept: Option<&mut Kept>,
    ) -> Result<Part> {
        loop {
            let mut name = Name { interval: 0, worker: worker as u64, number: *next, term: 0 };
            let (hidden, public) = match &kept {
                Some(kept) => {
                    (name.interval, name.term) = (kept.interval, kept.term);
                    (name.hidden(extension), name.public(extension))
                }
                None => {
                    let public = format!("part-{worker:04}-{:06}.{extension}", *next);
                    (format!(".{public}"), public)
                }
            };
            *next += 1;
            let (hidden, public) = (directory.join(hidden), directory.join(public));
            let file = match disk::create_new(&hidden) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(Error::file("create", hidden)(error)),
            };
            let since = kept.as_deref().map_or(Duration::ZERO, |kept| kept.since);
            let taken = public.try_exists();
            // From here on the file is removed if it is neither published nor kept.
            let mut part = Part { file, hidden, public, size: 0, synced: 0, name, since, stays: false };
            // Seen only after the hidden name was ours: another job may have published in between.
            if !taken.map_err(Error::file("create", &part.public))? {
                if let Some(kept) = &mut kept {
                    kept.named = true;
                    part.stays = true;
                }
                return Ok(part);
            }
        }
    }

    /// Makes what was written durable.
    fn sync(&mut self) -> Result<()> {
        if self.synced < self.size {
            disk::sync(&self.file, &self.hidden).map_err(Error::file("write to", &self.hidden))?;
            self.synced = self.size;
        }
        Ok(())
    }

    /// What a snapshot has of it.
    fn staged(&self, open: bool) -> StagedPart {
        StagedPart { name: self.name, length: self.size, open }
    }

    fn publish(mut self, directory: &Path) -> Result<()> {
        disk::rename(&self.hidden, &self.public).map_err(Error::file("publish", &self.public))?;
        self.stays = true;
        disk::sync_directory(directory).map_err(Error::file("write to", directory))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.stays {
            // The job has failed already; what remains is hidden from readers.
            let _ = fs::remove_file(&self.hidden);
        }
    }
}
