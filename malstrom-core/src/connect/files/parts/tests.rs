//! A machine that fails at any step, as a process or with its power, loses no row and doubles none.
use super::disk::faults::{Fault, fail_after, restart};
use crate::connect::files::{JsonlSink, jsonl_sink};
use crate::contract::sink::{Begin, CommitPermit, Interval, Sink};
use proptest::prelude::*;
use std::path::Path;
use std::time::Duration;

const ROWS: u64 = 24;

/// What the commit log has.
#[derive(Default)]
struct Log {
    term: u64,
    interval: u64,
    rows: u64,
    staged: Vec<Vec<u8>>,
}

/// Runs the job from the last snapshot to its end: a barrier after every fifth row, parts of up to five rows and two intervals.
fn run(directory: &Path, log: &mut Log, workers: usize) -> crate::Result<()> {
    log.term += 1;
    let (term, mut interval) = (log.term, log.interval + 1);
    let mut sinks: Vec<JsonlSink<u64>> = Vec::new();
    for worker in 0..workers {
        let mut sink = jsonl_sink(directory).roll_at(10).roll_every(Duration::from_secs(8));
        sink.open(worker, workers)?;
        sink.begin(Begin::new(term, interval, (worker == 0).then(|| log.staged.clone())))?;
        sinks.push(sink);
    }
    for row in log.rows..ROWS {
        let sink = &mut sinks[row as usize % workers];
        sink.write(&mut vec![row])?;
        if row % 3 == 0 {
            sink.flush()?;
        }
        let last = row + 1 == ROWS;
        if last {
            sinks.iter_mut().try_for_each(|sink| sink.flush().and_then(|()| sink.close()))?;
        }
        if last || row % 5 == 4 {
            let end = Interval::new(interval, Duration::from_secs(row), last);
            let staged = sinks.iter_mut().map(|sink| sink.pre_commit(end)).collect::<crate::Result<_>>()?;
            (log.interval, log.rows, log.staged) = (interval, row + 1, staged);
            sinks.iter_mut().try_for_each(|sink| sink.commit(CommitPermit::new(interval, term)))?;
            interval += 1;
        }
    }
    Ok(())
}

/// The rows that readers see, sorted; and the names that they do not see.
fn seen(directory: &Path) -> (Vec<u64>, Vec<String>) {
    let (mut rows, mut hidden) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with('.') {
            hidden.push(name);
        } else {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            rows.extend(text.lines().map(|line| line.parse::<u64>().unwrap()));
        }
    }
    rows.sort_unstable();
    (rows, hidden)
}

/// Runs the job again and again, failing as told, until nothing fails.
fn survives(failures: &[(usize, Fault, usize)]) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let mut log = Log::default();
    let mut failed = 0;
    for (left, fault, workers) in failures {
        fail_after(*left, *fault);
        let result = run(directory.path(), &mut log, *workers);
        let dead = restart();
        assert_eq!(dead, result.is_err(), "{result:?}");
        failed += usize::from(dead);
        let (rows, _) = seen(directory.path());
        let mut once = rows.clone();
        once.dedup();
        assert_eq!(rows, once, "{failures:?}");
        assert!(rows.iter().all(|row| *row < log.rows), "{rows:?} of {} after {failures:?}", log.rows);
    }
    // What is done is done, even if the power fails right after it.
    fail_after(usize::MAX, Fault::Power);
    run(directory.path(), &mut log, 2).unwrap();
    restart();
    let (rows, hidden) = seen(directory.path());
    assert_eq!(rows, (0..ROWS).collect::<Vec<_>>(), "{failures:?}");
    assert!(hidden.is_empty(), "{hidden:?} {failures:?}");
    failed
}

#[test]
fn a_failure_at_any_step_neither_loses_nor_doubles_a_row() {
    for fault in [Fault::Process, Fault::Power] {
        let mut left = 0;
        while survives(&[(left, fault, 3)]) > 0 {
            left += 1;
        }
        assert!(left > 50, "only {left} steps");
    }
}

#[test]
fn a_failure_at_any_step_of_a_restore_neither_loses_nor_doubles_a_row() {
    for fault in [Fault::Process, Fault::Power] {
        // Behind a snapshot that has finished and open parts.
        for first in [30, 45] {
            for left in 0..12 {
                assert_eq!(survives(&[(first, Fault::Process, 3), (left, fault, 2)]), 2);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_failures_neither_lose_nor_double_a_row(
        failures in prop::collection::vec((0..70_usize, prop::sample::select(vec![Fault::Process, Fault::Power]), 1..4_usize), 0..5),
    ) {
        survives(&failures);
    }
}
