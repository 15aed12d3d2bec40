//! What a snapshot has of a key group, for people to look at. Nothing is taken in, and no stage runs for it.
use super::{Change, Changes, Layout};
use crate::contract::code::Shown;
use crate::contract::kept::Kept;
use crate::contract::record::CodecError;
use crate::contract::record::json::Json;
use crate::contract::snapshot::{Loaded, Schema};
use std::collections::BTreeMap;

/// Something that is kept for a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The bytes of the key: what is kept for one key has the same.
    pub name: Vec<u8>,
    /// The key.
    pub key: Json,
    /// The number of the window, or of the part of windows, if it is kept per window.
    pub window: Option<i128>,
    /// What is kept, as this version of the program has it.
    pub value: Json,
    /// The time at which it expires, if it does.
    pub expires: Option<i64>,
}
/// A timer that is set for a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Timer {
    /// The bytes of the key.
    pub name: Vec<u8>,
    /// The key.
    pub key: Json,
    /// The time for which it is set.
    pub time: i64,
    /// What it holds.
    pub timer: Json,
}

/// What is left of all changes, by window and key.
type Left<'a> = BTreeMap<(Option<i128>, &'a [u8]), &'a [u8]>;

/// The entries in the chunks of one group, which come in the order in which they are to be applied.
///
/// # Errors
/// If they cannot be read, or were written by what this program does not know.
pub fn entries(kept: &Kept, schema: &Schema, chunks: &[Loaded]) -> Result<Vec<Entry>, CodecError> {
    let Some(shown) = kept.shown() else {
        return Err(CodecError::new("what is kept so cannot be shown"));
    };
    let edition = Layout::of_shown(kept.key(), shown).read(schema)?;
    let entry = |((window, name), value): ((Option<i128>, &[u8]), &[u8])| {
        let (expires, value) = match value.split_first_chunk() {
            _ if !edition.expires => (None, value),
            Some((time, value)) => (Some(i64::from_le_bytes(*time)).filter(|time| *time < i64::MAX), value),
            None => return Err(CodecError::new("the time at which it expires is missing")),
        };
        let (key, value) = (kept.show_key(name)?, shown.json(edition.version, value)?);
        Ok(Entry { name: name.to_vec(), key, window, value, expires })
    };
    left(chunks)?.into_iter().map(entry).collect()
}
/// The timers in the chunks of one group, in the order of their times.
///
/// # Errors
/// As for [`entries`].
pub fn timers(kept: &Kept, schema: &Schema, chunks: &[Loaded]) -> Result<Vec<Timer>, CodecError> {
    let held: Shown = kept.held().ok_or_else(|| CodecError::new("the operator sets no timers any more"))?;
    let edition = Layout::of_shown(kept.key(), &held).read(schema)?;
    let timer = |((_, name), value): ((Option<i128>, &[u8]), &[u8])| {
        let time = crate::state::timers::time_of(name)?;
        let (name, timer) = crate::state::timers::parts_of(value)?;
        let (key, timer) = (kept.show_key(name)?, held.json(edition.version, timer)?);
        Ok(Timer { name: name.to_vec(), key, time, timer })
    };
    let mut timers = left(chunks)?.into_iter().map(timer).collect::<Result<Vec<_>, CodecError>>()?;
    timers.sort_by_key(|timer| timer.time);
    Ok(timers)
}

fn left(chunks: &[Loaded]) -> Result<Left<'_>, CodecError> {
    let mut left = Left::new();
    for chunk in chunks {
        if chunk.full {
            left.clear();
        }
        let (mut window, mut entries) = (None, 0_u32);
        for change in Changes::of(&chunk.bytes) {
            match change? {
                Change::Section(name) => {
                    let number = name.try_into().map_err(|_| CodecError::new("a section is named after no window"))?;
                    window = Some(i128::from_le_bytes(number));
                    continue;
                }
                Change::Put { key, value } => drop(left.insert((window, key), value)),
                Change::Gone { key } => drop(left.remove(&(window, key))),
            }
            entries = entries.saturating_add(1);
        }
        if entries != chunk.entries {
            return Err(CodecError::new(format!("it should have {} entries and has {entries}", chunk.entries)));
        }
    }
    Ok(left)
}
