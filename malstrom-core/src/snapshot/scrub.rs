//! Looking for damage before it is needed: a little at a time in the background, or all of it.
use super::archive::{Archive, Opened, savepoint};
use super::format::Garbled;
use super::ledger::object;
use super::log::Entry;
use super::manifest::{Kind, Saved};
use super::restore::footer;
use super::segment::{Footer, Piece, Segment, TRAILER};
use super::store::Store;
use super::vault::Vault;
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::fmt;

/// So much is read at once.
const WINDOW: u64 = 8 << 20;

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The object, with the URL of the store.
    pub object: String,
    /// What is wrong with it, and with which chunk.
    pub message: String,
}
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is damaged: {}", self.object, self.message)
    }
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many objects were read to their end.
    pub objects: u64,
    /// How many chunks were read.
    pub chunks: u64,
    /// How many bytes were read.
    pub bytes: u64,
    /// What was found.
    pub damage: Vec<Damage>,
}
impl Checked {
    /// Takes note of damage; anything else means that it could not be looked at.
    fn note(&mut self, error: Error) -> Result<()> {
        match error {
            Error::Damaged { object, message } => {
                self.damage.push(Damage { object, message });
                Ok(())
            }
            error => Err(error),
        }
    }
    fn malformed(&mut self, store: &Store, object: &str, why: Garbled) -> Result<()> {
        self.note(why.of(store.name(object)))
    }
}

/// Where the scrubber is.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// The segment that comes next, or is being read.
    object: String,
    reading: Option<(Segment, Footer)>,
    piece: usize,
}

impl Vault {
    /// Reads about `budget` bytes of what the newest snapshot needs, from where it stopped the last time, and checks them. To be
    /// called now and then.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn scrub(&mut self, budget: u64) -> Result<Checked> {
        let Some(parent) = self.parent.clone() else { return Ok(Checked::default()) };
        let (store, cursor) = (self.archive.store.clone(), &mut self.cursor);
        store.wait(cursor.scrub(&store, &parent, budget))
    }
}
impl Cursor {
    async fn scrub(&mut self, store: &Store, opened: &Opened, budget: u64) -> Result<Checked> {
        let mut checked = Checked::default();
        // Each segment at most once, however large the budget is.
        for _ in 0..opened.manifest.segments.len() {
            if checked.bytes >= budget {
                break;
            }
            let known = opened.objects().any(|object| object == self.object);
            if self.reading.is_none() || !known {
                let objects: BTreeSet<String> = opened.objects().collect();
                let Some(next) = objects.range(self.object.clone()..).next().or_else(|| objects.first()) else { break };
                self.object = next.clone();
                let Some(segment) = opened.manifest.segments.iter().find(|s| opened.object(s) == self.object) else {
                    break;
                };
                self.piece = 0;
                self.reading = None;
                match footer(store, &self.object, segment).await {
                    Ok(footer) => self.reading = Some((segment.clone(), footer)),
                    Err(error) => checked.note(error)?,
                }
            }
            let Some((_, footer)) = &self.reading else {
                self.object.push('\0');
                continue;
            };
            let left = budget - checked.bytes;
            self.piece = check_pieces(store, &self.object, footer, self.piece, left, &mut checked).await?;
            if self.piece >= footer.pieces.len() {
                checked.objects += 1;
                self.reading = None;
                self.object.push('\0');
            }
        }
        Ok(checked)
    }
}

/// Checks chunks from this one on, until there are no more or so many bytes were read; the next one.
async fn check_pieces(
    store: &Store,
    object: &str,
    footer: &Footer,
    mut next: usize,
    budget: u64,
    checked: &mut Checked,
) -> Result<usize> {
    let end = checked.bytes.saturating_add(budget);
    while next < footer.pieces.len() && checked.bytes < end {
        let first = footer.pieces[next];
        let mut window: Vec<&Piece> = Vec::new();
        for piece in &footer.pieces[next..] {
            let length = piece.end() - first.offset;
            if !window.is_empty() && (length > WINDOW || length > end - checked.bytes) {
                break;
            }
            window.push(piece);
        }
        let last = window.last().map_or(first.end(), |piece| piece.end());
        match store.read_range(object, first.offset..last).await {
            Ok(bytes) => {
                for piece in &window {
                    let (begin, end) = (piece.offset - first.offset, piece.end() - first.offset);
                    let chunk = bytes.get(begin as usize..end as usize).unwrap_or_default();
                    if let Err(why) = piece.check(footer.operator(piece), chunk) {
                        checked.note(store.damaged(object, why))?;
                    }
                }
                checked.bytes += bytes.len() as u64;
            }
            Err(error) => checked.note(error)?,
        }
        // A chunk without bytes costs a little, too.
        checked.bytes += 1;
        checked.chunks += window.len() as u64;
        next += window.len();
    }
    Ok(next)
}

impl Archive {
    /// Reads every object that a snapshot, a savepoint or the log needs, and checks every checksum.
    ///
    /// # Errors
    /// If the store cannot be read, or something in it was written by a newer release. Damage is not an error, but what is
    /// reported.
    pub fn verify(&self) -> Result<Checked> {
        self.store.wait(async {
            let mut checked = Checked::default();
            let mut saved = self.saved.clone();
            saved.extend(self.copied_here().await?);
            let mut seen = BTreeSet::new();
            for saved in &saved {
                self.verify_snapshot(saved, &mut seen, &mut checked).await?;
            }
            self.verify_log(&mut checked).await?;
            Ok(checked)
        })
    }
    /// Savepoints that the log does not know, as they were copied here.
    async fn copied_here(&self) -> Result<Vec<Saved>> {
        let mut found = Vec::new();
        for listed in self.store.list("savepoints", None).await? {
            let name = listed.object.strip_prefix("savepoints/").and_then(|name| name.strip_suffix("/manifest"));
            let Some(name) = name.filter(|name| !name.contains('/')) else { continue };
            let kind = Kind::Savepoint(name.to_owned());
            if !self.saved.iter().any(|saved| saved.kind == kind) {
                let (interval, term, checksum) = (0, 0, 0);
                found.push(Saved { kind, interval, term, manifest: listed.object, checksum });
            }
        }
        Ok(found)
    }
    async fn verify_snapshot(&self, saved: &Saved, seen: &mut BTreeSet<String>, checked: &mut Checked) -> Result<()> {
        let elsewhere = saved.term == 0;
        let copied = match &saved.kind {
            Kind::Savepoint(name) if elsewhere => match self.copied(name).await {
                Ok(copied) => copied,
                Err(error) => return checked.note(error),
            },
            _ => Some(saved.clone()),
        };
        let Some(saved) = copied else { return Ok(()) };
        let opened = match self.opened(&saved).await {
            Ok(opened) => opened,
            // It was deleted by somebody who did not want it any more.
            Err(Error::Damaged { .. }) if self.is_gone(&saved).await? => return Ok(()),
            Err(error) => return checked.note(error),
        };
        checked.objects += 1;
        checked.bytes += opened.manifest.encode().len() as u64;
        for segment in &opened.manifest.segments {
            let object = opened.object(segment);
            if seen.insert(object.clone()) {
                self.verify_segment(&object, segment, checked).await?;
            }
        }
        Ok(())
    }
    async fn is_gone(&self, saved: &Saved) -> Result<bool> {
        match &saved.kind {
            Kind::Snapshot => Ok(false),
            Kind::Savepoint(name) => Ok(self.store.list(&savepoint(name), None).await?.is_empty()),
        }
    }
    async fn verify_segment(&self, object: &str, segment: &Segment, checked: &mut Checked) -> Result<()> {
        let store = &self.store;
        let end = segment.length;
        match store.read_range(object, end.saturating_sub(TRAILER)..end).await {
            Ok(bytes) if *bytes == segment.trailer() => {}
            Ok(_) => checked.note(store.damaged(object, "its trailer is not what was written"))?,
            Err(error) => return checked.note(error),
        }
        let before = checked.bytes;
        match footer(store, object, segment).await {
            Ok(footer) => {
                check_pieces(store, object, &footer, 0, u64::MAX, checked).await?;
            }
            Err(error) => checked.note(error)?,
        }
        checked.objects += 1;
        // Its chunks, its footer and its trailer.
        checked.bytes = before + segment.length;
        Ok(())
    }
    async fn verify_log(&self, checked: &mut Checked) -> Result<()> {
        for listed in self.store.list("log", None).await? {
            let Some(seq) = listed.object.strip_prefix("log/").and_then(|seq| seq.parse().ok()) else { continue };
            // It may have been deleted since.
            let Some(bytes) = self.store.read(&object(seq)).await? else { continue };
            checked.objects += 1;
            checked.bytes += bytes.len() as u64;
            match Entry::decode(seq, &bytes) {
                Ok(_) => {}
                Err(why) => checked.malformed(&self.store, &listed.object, why)?,
            }
        }
        Ok(())
    }
}
