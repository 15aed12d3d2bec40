//! `malstrom.lock`: what a crate's jobs keep in snapshots, in a file beside its `Cargo.toml`.
//!
//! A job is restored from what an older build of it has written. Whether that can be read is found out when it starts,
//! which is late. So a test compares what the code keeps now with what the lock says that the last release kept:
//!
//! ```no_run
//! # fn word_count(_: std::path::PathBuf) -> malstrom_core::Pipeline { malstrom_core::Graph::new("word_count").finish() }
//! #[test]
//! # fn hidden() {}
//! fn what_is_kept_can_be_read() -> malstrom_core::Result<()> {
//!     malstrom_core::schema::check(word_count("words.txt".into()))
//! }
//! ```
//!
//! The first run writes `malstrom.lock`, which belongs into version control. From then on `cargo test` fails as soon as the
//! code keeps anything else, and says of each operator what that means; in CI nothing else is needed. `MALSTROM_LOCK=update
//! cargo test` writes the lock anew once the change is meant.
//!
//! | verdict | |
//! |---|---|
//! | unchanged | as it was |
//! | migrates | the version was raised, and a migration leads from the one in the lock |
//! | new | nothing is read for it: it begins afresh |
//! | orphaned | the lock has it and the pipeline has not: a restore refuses that until it is dropped by name |
//! | incompatible | it cannot be read: the fields have changed and the version has not, or no migration leads from it |
//!
//! Nothing runs for that: the pipeline is built, and no source or sink is opened.
mod lock;
mod verdict;

use crate::error::{Error, Result};
use crate::graph::Pipeline;
use lock::{Block, Lock};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use verdict::Verdict;

/// Compares what a pipeline keeps with the `malstrom.lock` of the crate that is being tested.
///
/// It is called in a test, where cargo says which crate that is. Where the lock has nothing of this pipeline, it is written.
///
/// # Errors
/// What of each operator has become, if anything is not as the lock says; if the lock cannot be read or written.
pub fn check(pipeline: impl Borrow<Pipeline>) -> Result<()> {
    let Some(home) = std::env::var_os("CARGO_MANIFEST_DIR") else {
        let why = "cargo does not say which crate is tested: run this by `cargo test`, or use `schema::check_at`";
        return Err(Error::Config(why.into()));
    };
    check_at(pipeline, Path::new(&home).join("malstrom.lock"))
}

/// As [`check`], with the lock at this path.
///
/// # Errors
/// As [`check`].
///
/// ```
/// # use malstrom_core::{Graph, connect::memory, graph::{aggregates, build, source}};
/// use malstrom_core::{contract::code::Code, schema};
/// # fn sums<V: malstrom_core::Record + Clone + Default + std::ops::AddAssign>(f: fn(&u64) -> V) -> malstrom_core::Pipeline {
/// #     let g = Graph::new("p");
/// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new(0..9u64));
/// #     let s = build::key_by(g.clone(), "key_by", build::by(s, |n: &u64| n % 3));
/// #     let s = aggregates::sum(g.clone(), "totals", build::written(build::by(s, f), Some(Code::of())));
/// #     build::sink(g.clone(), "sink", malstrom_core::connect::for_each(|_: (u64, V)| ()), s);
/// #     g.finish()
/// # }
/// let lock = std::env::temp_dir().join(format!("malstrom-doc-{}.lock", std::process::id()));
/// schema::check_at(sums(|n| *n), &lock)?; // writes it
/// schema::check_at(sums(|n| *n), &lock)?; // and finds the same
/// let error = schema::check_at(sums(|n| *n as f64), &lock).unwrap_err().to_string();
/// assert!(error.contains("p/totals  incompatible: the type was `u64` and is `f64`"), "{error}");
/// # std::fs::remove_file(lock).map_err(malstrom_core::Error::file("remove", "the lock"))?;
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn check_at(pipeline: impl Borrow<Pipeline>, path: impl AsRef<Path>) -> Result<()> {
    match std::env::var_os("MALSTROM_LOCK").as_deref().filter(|word| !word.is_empty()) {
        None => compare_at(pipeline.borrow(), path.as_ref()),
        Some(word) if word == OsStr::new("update") => update_at(pipeline, path),
        Some(word) => {
            let word = word.to_string_lossy();
            Err(Error::Config(format!("MALSTROM_LOCK is `{word}`: set it to `update`, or leave it out")))
        }
    }
}

/// Writes the lock at this path anew, as far as it is about this pipeline: what `MALSTROM_LOCK=update` does.
///
/// # Errors
/// If something is kept that cannot be written to snapshots; if the lock cannot be read or written.
pub fn update_at(pipeline: impl Borrow<Pipeline>, path: impl AsRef<Path>) -> Result<()> {
    let (pipeline, path) = (pipeline.borrow(), path.as_ref());
    let blocks = blocks(pipeline, path)?;
    Lock::update(path, pipeline.name(), blocks)
}

fn compare_at(pipeline: &Pipeline, path: &Path) -> Result<()> {
    let is = blocks(pipeline, path)?;
    let was = Lock::read(path)?.of(pipeline.name());
    if was.is_empty() {
        return if is.is_empty() { Ok(()) } else { Lock::update(path, pipeline.name(), is) };
    }
    let kept: BTreeMap<_, _> = pipeline.plan().kept().collect();
    let mut verdicts = BTreeMap::new();
    for (id, was) in &was {
        let verdict = match (is.get(id), kept.get(id.as_str())) {
            (Some(is), Some(kept)) => verdict::compare(was, is, |version| kept.former(version)),
            _ => Verdict::Orphaned,
        };
        verdicts.insert(id.as_str(), verdict);
    }
    for id in is.keys() {
        verdicts.entry(id).or_insert(Verdict::New(None));
    }
    report(pipeline, path, &verdicts)
}

/// What the stages of a pipeline keep, by their ids.
fn blocks(pipeline: &Pipeline, path: &Path) -> Result<BTreeMap<String, Block>> {
    let mut blocks = BTreeMap::new();
    let mut unwritten = BTreeMap::new();
    for (id, kept) in pipeline.plan().kept() {
        match Block::of(kept) {
            Some(block) => drop(blocks.insert(id.to_owned(), block)),
            None => drop(unwritten.insert(id, Verdict::Unwritten)),
        }
    }
    report(pipeline, path, &unwritten)?;
    Ok(blocks)
}

/// An error that has all verdicts, unless all are good.
fn report(pipeline: &Pipeline, path: &Path, verdicts: &BTreeMap<&str, Verdict>) -> Result<()> {
    if verdicts.values().all(|verdict| *verdict == Verdict::Unchanged) {
        return Ok(());
    }
    let width = verdicts.keys().map(|id| id.len()).max().unwrap_or_default();
    let name = pipeline.name();
    let mut text = format!("what pipeline `{name}` keeps is not what `{}` says", path.display());
    for (id, verdict) in verdicts {
        text.push_str(&format!("\n  {id:width$}  {verdict}"));
    }
    if !verdicts.values().any(|verdict| *verdict == Verdict::Unwritten) {
        text.push_str("\n  if that is meant, write the lock anew: MALSTROM_LOCK=update cargo test");
    }
    Err(Error::Schema(text))
}
