//! Looking at the snapshots of a job from the command line. Nothing is written, and a job that runs is not disturbed.
use crate::contract::snapshot::Part;
use crate::error::{Error, Result};
use crate::snapshot::{Archive, Kind, Location};
use comfy_table::{CellAlignment, Table, presets};
use std::collections::BTreeSet;
use std::fmt::Write;

/// What to do beside running the job.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Inspect {
    /// Looks at the snapshots and savepoints that `--snapshots` names
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
}
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum SnapshotCommand {
    /// Lists them: what `--restore` takes, and what each has
    List,
    /// Reads everything that is kept, and checks it
    Verify,
}

/// Does what was asked for; what there is to print, and whether all is well.
pub(super) fn inspect(command: &Inspect, snapshots: Option<&str>) -> Result<(String, bool)> {
    let url = snapshots.ok_or_else(|| Error::Config("say where snapshots lie by `--snapshots`".into()))?;
    let archive = Archive::open(&url.parse::<Location>()?)?;
    match command {
        Inspect::Snapshot(SnapshotCommand::List) => list(&archive, url),
        Inspect::Snapshot(SnapshotCommand::Verify) => verify(&archive),
    }
}

fn list(archive: &Archive, url: &str) -> Result<(String, bool)> {
    let Some(job) = archive.job() else { return Ok((format!("there are no snapshots at {url}\n"), true)) };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["--restore", "interval", "kind", "operators", "segments", "MiB"]);
    for saved in archive.list() {
        let manifest = archive.manifest(saved)?;
        let operators: BTreeSet<&String> =
            manifest.layouts.keys().filter(|(_, part)| *part != Part::Time).map(|(operator, _)| operator).collect();
        let (count, bytes) =
            manifest.segments().fold((0u64, 0u64), |(count, sum), (_, bytes)| (count + 1, sum + bytes));
        let kind = match (&saved.kind, manifest.ended) {
            (Kind::Savepoint(_), _) => "savepoint",
            (Kind::Snapshot, true) => "snapshot, the last of its run",
            (Kind::Snapshot, false) => "snapshot",
        };
        let mib = format!("{:.1}", bytes as f64 / f64::from(1 << 20));
        table.add_row([
            saved.to_restore(),
            saved.interval.to_string(),
            kind.to_owned(),
            operators.len().to_string(),
            count.to_string(),
            mib,
        ]);
    }
    for column in [1, 3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = format!("snapshots of `{job}` at {url}\n");
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Ok((text, true))
}

fn verify(archive: &Archive) -> Result<(String, bool)> {
    let checked = archive.verify()?;
    let mut text = String::new();
    for damage in &checked.damage {
        let _ = writeln!(text, "`{}` is damaged: {}", damage.object, damage.message);
    }
    let _ = writeln!(
        text,
        "{} objects, {} chunks and {} bytes were read: {}",
        checked.objects,
        checked.chunks,
        checked.bytes,
        if checked.damage.is_empty() { "all is as it was written" } else { "not all is as it was written" }
    );
    Ok((text, checked.damage.is_empty()))
}
