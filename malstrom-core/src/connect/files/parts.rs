//! The parts of a directory that a file sink writes, hidden until they are whole.
use crate::error::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// At which size a part is published and the next one begun, unless the program says otherwise.
const ROLL_AT: u64 = 256 << 20;
/// How much a sink collects before it writes.
pub(super) const BUFFER: usize = 256 << 10;

/// What one worker writes into a directory.
#[derive(Debug)]
pub(super) struct Parts {
    directory: PathBuf,
    extension: &'static str,
    roll_at: u64,
    worker: usize,
    /// The number of the next part.
    next: u64,
    part: Option<Part>,
}

impl Parts {
    pub(super) fn new(directory: &Path, extension: &'static str) -> Self {
        let directory = directory.to_path_buf();
        Parts { directory, extension, roll_at: ROLL_AT, worker: 0, next: 0, part: None }
    }

    pub(super) fn roll_at(&mut self, bytes: u64) {
        self.roll_at = bytes;
    }

    /// Makes the directory, and finds out what is in it.
    pub(super) fn open(&mut self, worker: usize) -> Result<()> {
        self.worker = worker;
        fs::create_dir_all(&self.directory).map_err(Error::file("create", &self.directory))?;
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

    /// The number of this worker's part of that name.
    fn number(&self, name: &str) -> Option<u64> {
        let (worker, number) = name.strip_prefix("part-")?.split_once('-')?;
        let number = number.strip_suffix(self.extension)?.strip_suffix('.')?;
        (worker.parse() == Ok(self.worker)).then(|| number.parse().ok())?
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
            none => none.insert(Part::create(&self.directory, self.worker, &mut self.next, self.extension)?),
        };
        part.file.write_all(encoded).map_err(Error::file("write to", &part.hidden))?;
        part.size += encoded.len() as u64;
        encoded.clear();
        Ok(())
    }

    /// Publishes the current part, if there is one.
    pub(super) fn publish(&mut self) -> Result<()> {
        let Some(mut part) = self.part.take() else { return Ok(()) };
        part.file.sync_all().map_err(Error::file("write to", &part.hidden))?;
        fs::rename(&part.hidden, &part.public).map_err(Error::file("publish", &part.public))?;
        part.published = true;
        sync_directory(&self.directory).map_err(Error::file("write to", &self.directory))
    }
}

/// A rename is durable only when its directory is.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// One file, hidden until it is published.
#[derive(Debug)]
struct Part {
    file: File,
    hidden: PathBuf,
    public: PathBuf,
    size: u64,
    published: bool,
}

impl Part {
    /// Creates the first part from number `next` on that nobody else has, neither hidden nor published.
    fn create(directory: &Path, worker: usize, next: &mut u64, extension: &str) -> Result<Part> {
        loop {
            let name = format!("part-{worker:04}-{:06}.{extension}", *next);
            *next += 1;
            let (hidden, public) = (directory.join(format!(".{name}")), directory.join(name));
            let file = match OpenOptions::new().write(true).create_new(true).open(&hidden) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(Error::file("create", hidden)(error)),
            };
            let taken = public.try_exists();
            // From here on the file is removed if it is not published.
            let part = Part { file, hidden, public, size: 0, published: false };
            // Seen only after the hidden name was ours: another job may have published in between.
            if !taken.map_err(Error::file("create", &part.public))? {
                return Ok(part);
            }
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.published {
            // The job has failed already; what remains is hidden from readers.
            let _ = fs::remove_file(&self.hidden);
        }
    }
}
