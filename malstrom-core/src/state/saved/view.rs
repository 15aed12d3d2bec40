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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::code::OfRecord;
    use crate::contract::kept::Per;
    use crate::contract::record::Record;
    use crate::state::saved::Draft;
    use proptest::prelude::*;

    fn kept(per: Per) -> Kept {
        Kept::by_codec::<u64, u32, _>("x", Some(OfRecord::<u32>::new()), per)
    }
    fn schema() -> Schema {
        Layout::of_entries::<u64, u32>(&OfRecord::<u32>::new()).schema().unwrap()
    }
    fn draft(changes: &[(u64, Option<u32>)]) -> Draft {
        let mut draft = Draft::default();
        for (key, value) in changes {
            match value {
                Some(value) => draft.put(|out| key.encode(out), |out| value.encode(out)).unwrap(),
                None => draft.gone(|out| key.encode(out)).unwrap(),
            }
        }
        draft
    }
    fn loaded(full: bool, draft: Draft) -> Loaded {
        Loaded { group: 7, full, entries: draft.entries(), bytes: draft.into_bytes().into() }
    }
    fn seen(entries: Vec<Entry>) -> Vec<(Option<i128>, u64, u64)> {
        let mut seen: Vec<_> =
            entries.iter().map(|e| (e.window, e.key.as_u64().unwrap(), e.value.as_u64().unwrap())).collect();
        seen.sort_unstable();
        seen
    }

    proptest! {
        /// As if each change were made to a map.
        #[test]
        fn what_is_shown_is_what_is_left_of_all_changes(
            chunks in prop::collection::vec(
                (prop::bool::weighted(0.2), prop::collection::btree_map((-1i128..2, 0u64..5), prop::option::of(any::<u32>()), 0..8)),
                0..8,
            ),
        ) {
            let (mut model, mut all) = (BTreeMap::new(), Vec::new());
            for (full, changes) in chunks {
                if full {
                    model.clear();
                }
                let mut chunk = Draft::default();
                for window in -1i128..2 {
                    let of_window: Vec<_> = changes.iter().filter(|((of, _), _)| *of == window).map(|((_, key), value)| (*key, *value)).collect();
                    chunk.section(&window.to_le_bytes(), draft(&of_window));
                }
                all.push(loaded(full, chunk));
                for ((window, key), value) in changes {
                    match value {
                        Some(value) => drop(model.insert((Some(window), key), u64::from(value))),
                        None => drop(model.remove(&(Some(window), key))),
                    }
                }
            }
            let expected: Vec<_> = model.into_iter().map(|((window, key), value)| (window, key, value)).collect();
            prop_assert_eq!(seen(entries(&kept(Per::Window), &schema(), &all).unwrap()), expected);
        }
    }

    #[test]
    fn what_is_not_as_it_should_be_is_told() {
        let of = |chunk: Loaded, kept: &Kept| entries(kept, &schema(), &[chunk]).unwrap_err().to_string();
        let per_key = kept(Per::Key);
        let mut short = loaded(true, draft(&[(1, Some(2))]));
        short.entries = 2;
        assert_eq!(of(short, &per_key), "it should have 2 entries and has 1");
        let mut broken = loaded(true, draft(&[(1, Some(2))]));
        broken.bytes = broken.bytes.slice(..3);
        assert!(of(broken, &per_key).contains("ends within an entry"));
        let mut section = Draft::default();
        section.section(b"x", draft(&[]));
        assert_eq!(of(loaded(true, section), &per_key), "a section is named after no window");
        assert_eq!(of(loaded(true, draft(&[])), &kept(Per::Session)), "what is kept so cannot be shown");
        let other = Kept::by_codec::<u64, u64, _>("x", Some(OfRecord::<u64>::new()), Per::Key);
        assert!(of(loaded(true, draft(&[])), &other).contains("the type was `u32` and is `u64`"));
        assert_eq!(timers(&per_key, &schema(), &[]).unwrap_err().to_string(), "the operator sets no timers any more");
    }
    #[test]
    fn the_time_at_which_it_expires_stands_before_the_value() {
        let layout = Layout::of_entries::<u64, u32>(&OfRecord::<u32>::new()).expiring(true);
        let mut draft = Draft::default();
        for (key, time) in [(1u64, 5i64), (2, i64::MAX)] {
            let value = |out: &mut Vec<u8>| {
                out.extend(time.to_le_bytes());
                9u32.encode(out)
            };
            draft.put(|out| key.encode(out), value).unwrap();
        }
        let all = entries(&kept(Per::Key), &layout.schema().unwrap(), &[loaded(true, draft)]).unwrap();
        assert_eq!(all.iter().map(|entry| entry.expires).collect::<Vec<_>>(), [Some(5), None]);
        assert!(all.iter().all(|entry| entry.value == 9));
    }
}
