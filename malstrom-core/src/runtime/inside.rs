//! Looks inside snapshots. Nothing runs for that: the plan of the pipeline says how to read what its operators kept.
use super::keeping::Operators;
use super::report::thousands;
use crate::contract::kept::Kept;
use crate::contract::record::json::Json;
use crate::contract::snapshot::{Loaded, Part, Shelf};
use crate::contract::time::{Ticks, Timestamp};
use crate::error::{Error, Result};
use crate::graph::picture::Plan;
use crate::snapshot::{Archive, Checked, Kind, Location, Manifest};
use crate::state::saved::view::{self, Entry, Timer};
use comfy_table::{CellAlignment, Table, presets};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// The key groups that are in memory at the same time.
const AT_ONCE: u16 = 256;

/// What there is at a location, as a table.
pub(super) fn list(location: &Location, out: &mut impl Write) -> Result<()> {
    let archive = Archive::open(location)?;
    if archive.list().is_empty() {
        writeln!(out, "there are no snapshots at `{location}`")?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["kind", "number", "name", "operators", "key groups", "segments", "bytes", "restore by"]);
    for saved in archive.list() {
        let (kind, name) = match &saved.kind {
            Kind::Snapshot => ("snapshot", ""),
            Kind::Savepoint(name) => ("savepoint", name.as_str()),
        };
        let sizes = match archive.manifest(saved) {
            Ok(manifest) => sizes(&manifest),
            // The others are there nevertheless; `verify` says what is wrong with it.
            Err(Error::Damaged { .. }) => ["damaged".to_owned(), String::new(), String::new(), String::new()],
            Err(error) => return Err(error),
        };
        let [operators, key_groups, segments, bytes] = sizes;
        let restore = format!("--restore {}", saved.to_restore());
        let number = saved.interval.to_string();
        table.add_row([kind, &number, name, &operators, &key_groups, &segments, &bytes, &restore]);
    }
    for at in [1, 3, 4, 5, 6] {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
fn sizes(manifest: &Manifest) -> [String; 4] {
    let operators: BTreeSet<&str> = manifest.operators().collect();
    let bytes: u64 = manifest.segments().map(|(_, bytes)| bytes).sum();
    let [operators, segments] = [operators.len(), manifest.segments().count()].map(|count| count.to_string());
    [operators, manifest.key_groups.to_string(), segments, thousands(bytes)]
}

/// Reads all that there is, and checks it.
pub(super) fn verify(location: &Location, out: &mut impl Write, complaints: &mut impl Write) -> Result<()> {
    let Checked { objects, chunks, bytes, damage } = Archive::open(location)?.verify()?;
    let [objects, chunks, bytes] = [objects, chunks, bytes].map(thousands);
    writeln!(out, "{objects} objects with {chunks} chunks and {bytes} bytes were read")?;
    let mut damaged: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for damage in &damage {
        damaged.entry(&damage.object).or_default().push(&damage.message);
    }
    for (object, messages) in &damaged {
        writeln!(complaints, "`{object}` is damaged: {}", messages.join("; "))?;
    }
    match damaged.len() {
        0 => Ok(()),
        1 => Err(Error::snapshot("an object is damaged")),
        several => Err(Error::snapshot(format!("{several} objects are damaged"))),
    }
}

/// What is to be shown.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Which snapshot, as for `--restore`.
    pub(super) which: String,
    /// The id of the operator; the name of the pipeline in front may be left out.
    pub(super) operator: String,
    /// Only what is kept for this key.
    pub(super) key: Option<String>,
    /// At most so many lines.
    pub(super) limit: Option<usize>,
}
/// What a snapshot has of an operator of this plan, a line of JSON for each entry.
pub(super) fn show(location: &Location, plan: &Plan, wanted: &Wanted, out: &mut impl Write) -> Result<()> {
    let archive = Archive::open(location)?;
    let Some(saved) = archive.find(&wanted.which)? else {
        return Err(Error::Config(format!("there are no snapshots at `{location}`")));
    };
    let (place, kept) = operator(plan, &wanted.operator)?;
    let restored = archive.restore(&saved)?;
    let there = restored.operators();
    let names = Operators::of(plan, Vec::new()).names(|id| there.contains(id));
    let node = &plan.nodes[place];
    if !there.contains(names[place].as_str()) {
        let has = there.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        return Err(Error::Config(format!("{saved} has nothing of `{}`: it has something of {has}", node.id)));
    }
    let clock = Clock(node.ticks);
    let mut left = wanted.limit.unwrap_or(usize::MAX);
    for first in restored.key_groups()?.all().step_by(AT_ONCE.into()) {
        let groups = (first..first.saturating_add(AT_ONCE)).collect();
        let shelf = restored.shelf(names.clone(), groups);
        let mut read = BTreeMap::<u16, Read>::new();
        for part in [Part::State, Part::EventTimers, Part::ProcessingTimers] {
            let Some(schema) = shelf.schema(place, part) else { continue };
            let chunks = shelf.chunks(place, part)?;
            for of_group in chunks.chunk_by(|a, b| a.group == b.group) {
                let read = read.entry(of_group[0].group).or_default();
                read.take(kept, part, &schema, of_group, clock).map_err(|cause| Error::Restore {
                    operator: node.id.clone(),
                    what: part.to_string(),
                    cause: Box::new(cause),
                })?;
            }
        }
        for line in read.into_values().flat_map(|read| read.lines(clock)) {
            if wanted.key.as_ref().is_some_and(|key| !is_key(&line.key, key)) {
                continue;
            }
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            line.write(out)?;
        }
    }
    Ok(())
}
/// The operator that is meant, and what it keeps.
fn operator<'a>(plan: &'a Plan, id: &str) -> Result<(usize, &'a Kept)> {
    let full = format!("{}/{id}", plan.name);
    let meant = |of: &str| of == id || of == full;
    let known = plan.nodes.iter().position(|node| meant(&node.id));
    let known = known.or_else(|| plan.nodes.iter().position(|node| node.was.as_deref().is_some_and(meant)));
    if let Some(place) = known
        && let Some(kept) = &plan.nodes[place].kept
    {
        return Ok((place, kept));
    }
    let why = if known.is_some() { "keeps nothing per key" } else { "is no operator of this pipeline" };
    let others: Vec<_> = plan.kept().map(|(id, _)| format!("`{id}`")).collect();
    let others = if others.is_empty() { "no operator does".into() } else { format!("try {}", others.join(" or ")) };
    Err(Error::Config(format!("`{id}` {why}: {others}")))
}
/// Whether a key is the one that somebody has typed: as text, or as JSON.
fn is_key(key: &Json, typed: &str) -> bool {
    key.as_str() == Some(typed) || serde_json::from_str::<Json>(typed).is_ok_and(|typed| typed == *key)
}

/// What the times of an operator mean.
#[derive(Clone, Copy)]
struct Clock(Ticks);
impl Clock {
    const MACHINE: Clock = Clock(Ticks::Calendar);
    fn show(self, time: i64) -> Json {
        match self.0 {
            Ticks::Calendar => Json::String(Timestamp::from_micros(time).to_string()),
            Ticks::Integer | Ticks::Any => time.into(),
        }
    }
}
/// What was read of a key group.
#[derive(Default)]
struct Read {
    entries: Vec<Entry>,
    /// By the bytes of their keys.
    timers: BTreeMap<Vec<u8>, (Json, Vec<Json>)>,
}
impl Read {
    fn take(
        &mut self,
        kept: &Kept,
        part: Part,
        schema: &crate::contract::snapshot::Schema,
        chunks: &[Loaded],
        clock: Clock,
    ) -> Result<(), crate::CodecError> {
        let (clock, name) = match part {
            Part::State => {
                self.entries = view::entries(kept, schema, chunks)?;
                return Ok(());
            }
            Part::ProcessingTimers => (Clock::MACHINE, "processing_time"),
            _ => (clock, "time"),
        };
        for Timer { name: key_bytes, key, time, timer } in view::timers(kept, schema, chunks)? {
            let parts = [(name.to_owned(), clock.show(time)), ("timer".to_owned(), timer)];
            let of_key = self.timers.entry(key_bytes).or_insert((key, Vec::new()));
            of_key.1.push(Json::Object(parts.into_iter().collect()));
        }
        Ok(())
    }
    /// The timers of a key stand beside its state.
    fn lines(self, clock: Clock) -> Vec<Line> {
        let Read { entries, mut timers } = self;
        let line = |Entry { name, key, window, value, expires }: Entry| Line {
            key,
            window,
            value: Some(value),
            expires: expires.map(|time| clock.show(time)),
            timers: timers.remove(&name).map(|(_, timers)| timers).unwrap_or_default(),
        };
        let mut lines: Vec<Line> = entries.into_iter().map(line).collect();
        let alone = |(key, timers)| Line { key, window: None, value: None, expires: None, timers };
        lines.extend(timers.into_values().map(alone));
        lines
    }
}
/// A line that is printed.
struct Line {
    key: Json,
    window: Option<i128>,
    value: Option<Json>,
    expires: Option<Json>,
    timers: Vec<Json>,
}
impl Line {
    fn write(self, out: &mut impl Write) -> Result<()> {
        write!(out, "{{\"key\":{}", self.key)?;
        if let Some(window) = self.window {
            write!(out, ",\"window\":{window}")?;
        }
        if let Some(value) = self.value {
            write!(out, ",\"value\":{value}")?;
        }
        if let Some(expires) = self.expires {
            write!(out, ",\"expires\":{expires}")?;
        }
        if !self.timers.is_empty() {
            write!(out, ",\"timers\":{}", Json::Array(self.timers))?;
        }
        writeln!(out, "}}")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_key;
    use serde_json::json;

    #[test]
    fn a_key_is_typed_as_text_or_as_json() {
        assert!(is_key(&json!(42), "42") && is_key(&json!("42"), "42"));
        assert!(is_key(&json!("anna"), "anna") && is_key(&json!("anna"), "\"anna\""));
        assert!(is_key(&json!([1, "a"]), "[1, \"a\"]") && is_key(&json!(null), "null"));
        assert!(!is_key(&json!(42), "4") && !is_key(&json!("anna"), "ann") && !is_key(&json!(42), "x"));
    }
}
