//! The file: a block per operator, in the order of their ids, so that branches which add some can be brought together.
use crate::contract::kept::Kept;
use crate::contract::record::{CodecError, Description};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::Path;

const HEAD: &str = "\
# What the jobs of this crate keep in snapshots: `malstrom::schema` compares it with the code, in a test.
# Keep it in version control. If a change is meant: MALSTROM_LOCK=update cargo test
";
/// What the further lines of a description begin with.
const INDENT: &str = "    ";

/// What one operator keeps. Descriptions are texts: that is how they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) state: String,
    pub(super) version: u32,
    pub(super) key: String,
    pub(super) keeps: String,
    pub(super) timers: Option<String>,
}
impl Block {
    /// `None` if it cannot be written to snapshots.
    pub(super) fn of(kept: &Kept) -> Option<Self> {
        Some(Block {
            state: kept.name().to_owned(),
            version: kept.version(),
            key: kept.key().to_string(),
            keeps: kept.description()?.to_string(),
            timers: kept.timers().map(|timers| timers.to_string()),
        })
    }
    fn fingerprint(&self) -> std::result::Result<String, CodecError> {
        Ok(format!("{:016x}", Description::parse(&self.keeps)?.fingerprint()))
    }
}

/// The blocks of a file, by the ids of their operators.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lock(BTreeMap<String, Block>);
impl Lock {
    /// The blocks of one pipeline.
    pub(super) fn of(mut self, pipeline: &str) -> BTreeMap<String, Block> {
        self.0.retain(|id, _| belongs(id, pipeline));
        self.0
    }
    /// Reads the file. Where there is none, it has no blocks.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Lock::default()),
            Err(error) => return Err(Error::file("open", path)(error)),
        };
        supported(file.lock_shared()).map_err(Error::file("lock", path))?;
        Self::read_from(&mut file, path)
    }
    /// Puts these blocks in place of those of a pipeline. Tests of several pipelines may do that at the same time.
    pub(super) fn update(path: &Path, pipeline: &str, blocks: BTreeMap<String, Block>) -> Result<()> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(Error::file("write", path))?;
        supported(file.lock()).map_err(Error::file("lock", path))?;
        let mut lock = Self::read_from(&mut file, path)?;
        lock.0.retain(|id, _| !belongs(id, pipeline));
        lock.0.extend(blocks);
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(lock.to_string().as_bytes())
        };
        write().map_err(Error::file("write", path))
    }
    fn read_from(file: &mut File, path: &Path) -> Result<Self> {
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(Error::file("read", path))?;
        parse(&text).map_err(|(line, message)| Error::Content { path: path.to_owned(), line, message })
    }
}
fn belongs(id: &str, pipeline: &str) -> bool {
    id.strip_prefix(pipeline).is_some_and(|rest| rest.starts_with('/'))
}
/// Where files cannot be locked, tests that write at the same time are the user's to avoid.
fn supported(locked: io::Result<()>) -> io::Result<()> {
    locked.or_else(|error| if error.kind() == ErrorKind::Unsupported { Ok(()) } else { Err(error) })
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        for (id, block) in &self.0 {
            let Block { state, version, key, keeps, timers } = block;
            let fingerprint = block.fingerprint().map_err(|_| fmt::Error)?;
            let lines = |text: &str| text.replace('\n', &format!("\n{INDENT}"));
            writeln!(f, "\n[{id}]\nstate = {state}\nversion = {version}\nfingerprint = {fingerprint}")?;
            writeln!(f, "key = {}\nkeeps = {}", lines(key), lines(keeps))?;
            if let Some(timers) = timers {
                writeln!(f, "timers = {}", lines(timers))?;
            }
        }
        Ok(())
    }
}

/// The fields of a block: their names, their texts and the lines that they begin at.
type Fields = Vec<(String, String, u64)>;
fn parse(text: &str) -> Result<Lock, (u64, String)> {
    let mut blocks: Vec<(String, u64, Fields)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = || (number, format!("this is no part of a lock: `{line}`"));
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(id) = line.strip_prefix('[') {
            let id = id.strip_suffix(']').ok_or_else(wrong)?;
            if blocks.iter().any(|(other, ..)| other == id) {
                return Err((number, format!("`{id}` is there twice: leave one block, or write the lock anew")));
            }
            blocks.push((id.to_owned(), number, Vec::new()));
            continue;
        }
        let (_, _, fields) = blocks.last_mut().ok_or_else(wrong)?;
        if let Some(further) = line.strip_prefix(INDENT) {
            let (_, value, _) = fields.last_mut().ok_or_else(wrong)?;
            value.push('\n');
            value.push_str(further);
        } else {
            let (name, value) = line.split_once(" = ").ok_or_else(wrong)?;
            if fields.iter().any(|(other, ..)| other == name) {
                return Err((number, format!("`{name}` is there twice: leave one, or write the lock anew")));
            }
            fields.push((name.to_owned(), value.to_owned(), number));
        }
    }
    let blocks = blocks.into_iter().map(|(id, line, fields)| Ok((id.clone(), block(&id, line, fields)?)));
    Ok(Lock(blocks.collect::<Result<_, _>>()?))
}
fn block(id: &str, line: u64, mut fields: Fields) -> Result<Block, (u64, String)> {
    let mut take = |name: &str| {
        let at = fields.iter().position(|(field, ..)| field == name)?;
        let (_, value, line) = fields.remove(at);
        Some((value, line))
    };
    let timers = take("timers");
    let mut need = |name: &str| take(name).ok_or_else(|| (line, format!("`{id}` has no `{name}`")));
    let ((state, _), (version, at), (fingerprint, print_at)) = (need("state")?, need("version")?, need("fingerprint")?);
    let ((key, key_at), (keeps, keeps_at)) = (need("key")?, need("keeps")?);
    if let Some((name, _, line)) = fields.first() {
        return Err((*line, format!("`{name}` is nothing that a lock says; it was written by a newer version")));
    }
    let described = |text: &str, at: u64| match Description::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err((at, error.to_string())),
    };
    described(&key, key_at)?;
    described(&keeps, keeps_at)?;
    timers.as_ref().map_or(Ok(()), |(timers, at)| described(timers, *at))?;
    let version = version.parse().map_err(|_| (at, format!("`{version}` is no version")))?;
    let block = Block { state, version, key, keeps, timers: timers.map(|(timers, _)| timers) };
    if block.fingerprint().is_ok_and(|computed| computed != fingerprint) {
        let why = "the fingerprint is not that of what stands below it: the lock was changed by hand, or badly merged";
        return Err((print_at, why.into()));
    }
    Ok(block)
}

#[cfg(test)]
mod tests;
