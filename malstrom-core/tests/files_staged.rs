//! What a directory of parts has at which moment, where snapshots are on.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::{chain, read};
use malstrom_core::connect::files;
use malstrom_core::{Begin, Guarantee, Interval, Sink, testing};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Count {
    n: u64,
}
fn counts(n: impl IntoIterator<Item = u64>) -> Vec<Count> {
    n.into_iter().map(|n| Count { n }).collect()
}

/// All names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
fn begun<S: Sink>(mut sink: S, worker: usize, begin: Begin) -> S {
    sink.open(worker, 2).unwrap();
    sink.begin(begin).unwrap();
    sink
}
fn end(number: u64, seconds: u64) -> Interval {
    Interval::new(number, Duration::from_secs(seconds), false)
}
fn last(number: u64) -> Interval {
    Interval::new(number, Duration::ZERO, true)
}
/// A job that has written these numbers in its first interval, whose snapshot is committed, unless its sink does not know.
fn written(directory: &Path, numbers: &[u64], interval: Interval, known: bool) -> Vec<u8> {
    let mut sink = begun(files::jsonl_sink(directory), 0, Begin::new(1, 1, None));
    sink.write(&mut numbers.to_vec()).unwrap();
    let staged = sink.pre_commit(interval).unwrap();
    if known {
        sink.commit(testing::permit(1, 1)).unwrap();
    }
    staged
}
fn restored(directory: &Path, staged: Vec<u8>) -> malstrom_core::Result<()> {
    let mut sink = files::jsonl_sink::<u64>(directory);
    sink.open(0, 1)?;
    sink.begin(Begin::new(2, 2, Some(vec![staged])))
}

#[test]
fn file_sinks_are_exactly_once() {
    fn guarantee<S: Sink>(_: &S) -> Guarantee {
        S::GUARANTEE
    }
    assert_eq!(guarantee(&files::csv_sink::<u8>("x")), Guarantee::ExactlyOnce);
    assert_eq!(guarantee(&files::jsonl_sink::<u8>("x")), Guarantee::ExactlyOnce);
}

#[test]
fn a_part_is_published_at_the_commit_after_it_is_old_enough() {
    let directory = tempfile::tempdir().unwrap();
    let sink = files::csv_sink(directory.path()).roll_every(Duration::from_secs(10));
    let mut sink = begun(sink, 1, Begin::new(7, 3, None));
    sink.write(&mut counts([1, 2])).unwrap();
    for (interval, seconds) in [(3, 4), (4, 9)] {
        sink.pre_commit(end(interval, seconds)).unwrap();
        sink.commit(testing::permit(interval, 7)).unwrap();
        assert_eq!(names(directory.path()), [".part-0000000003-0001-0000-7.csv"]);
        sink.write(&mut counts([seconds])).unwrap();
    }
    sink.pre_commit(end(5, 10)).unwrap();
    sink.write(&mut counts([11])).unwrap();
    sink.flush().unwrap();
    let both = [".part-0000000003-0001-0000-7.csv", ".part-0000000006-0001-0000-7.csv"];
    assert_eq!(names(directory.path()), both, "it waits for the commit");
    sink.abort(5);
    assert_eq!(names(directory.path()), both);
    assert!(!sink.pre_commit(end(6, 11)).unwrap().is_empty());
    sink.commit(testing::permit(6, 7)).unwrap();
    assert_eq!(names(directory.path()), [".part-0000000006-0001-0000-7.csv", "part-0000000003-0001-0000.csv"]);
    let text = fs::read_to_string(directory.path().join("part-0000000003-0001-0000.csv")).unwrap();
    assert_eq!(text, "n\n1\n2\n4\n9\n", "one header, though it lay in three intervals");
}

#[test]
fn the_age_of_a_part_counts_from_the_interval_in_which_it_begins() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = begun(files::jsonl_sink(directory.path()), 0, Begin::new(1, 1, None));
    sink.pre_commit(end(1, 1_000)).unwrap();
    sink.write(&mut vec![1]).unwrap();
    for (interval, seconds, published) in [(2, 1_059, 0), (3, 1_060, 1)] {
        sink.pre_commit(end(interval, seconds)).unwrap();
        sink.commit(testing::permit(interval, 1)).unwrap();
        assert_eq!(names(directory.path()).iter().filter(|name| !name.starts_with('.')).count(), published);
    }
}

#[test]
fn parts_that_are_full_are_numbered_within_their_interval() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = begun(files::jsonl_sink(directory.path()).roll_at(4), 0, Begin::new(1, 1, None));
    for interval in [1, 2] {
        sink.write(&mut vec![1, 2, 3, 4, 5]).unwrap();
        sink.pre_commit(Interval::new(interval, Duration::ZERO, interval == 2)).unwrap();
        sink.commit(testing::permit(interval, 1)).unwrap();
    }
    let expected = [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1)].map(|(i, n)| format!("part-{i:010}-0000-{n:04}.jsonl"));
    assert_eq!(names(directory.path()), expected);
    let back = read(files::jsonl::<u64>(directory.path())).unwrap().records;
    assert_eq!(back, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5], "in the order in which they were written");
}

#[test]
fn the_end_publishes_with_the_last_commit_and_not_before() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = begun(files::csv_sink(directory.path()), 0, Begin::new(1, 1, None));
    sink.write(&mut counts([1])).unwrap();
    sink.flush().unwrap();
    sink.close().unwrap();
    sink.pre_commit(last(1)).unwrap();
    assert_eq!(names(directory.path()), [".part-0000000001-0000-0000-1.csv"]);
    sink.commit(testing::permit(1, 1)).unwrap();
    sink.commit(testing::permit(1, 1)).unwrap();
    drop(sink);
    assert_eq!(names(directory.path()), ["part-0000000001-0000-0000.csv"]);
}

#[test]
fn a_worker_without_records_stages_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = begun(files::csv_sink::<Count>(directory.path()), 0, Begin::new(1, 1, None));
    assert!(sink.pre_commit(last(1)).unwrap().is_empty());
    sink.commit(testing::permit(1, 1)).unwrap();
    sink.close().unwrap();
    assert!(names(directory.path()).is_empty());
}

#[test]
fn an_unfinished_part_is_published_as_the_snapshot_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = begun(files::csv_sink(directory.path()), 0, Begin::new(1, 1, None));
    sink.write(&mut counts([1, 2])).unwrap();
    let staged = sink.pre_commit(end(1, 1)).unwrap();
    sink.write(&mut counts([3])).unwrap();
    sink.flush().unwrap();
    drop(sink);
    let others =
        [".hidden", ".part-0000-000000.csv", ".part-0000000002-0000-0000-2.csv", ".part-0000000001-0000-0000-1.jsonl"];
    others.iter().for_each(|name| fs::write(directory.path().join(name), "x").unwrap());
    fs::write(directory.path().join(".part-0000000002-0009-0000-1.csv"), "never committed").unwrap();
    let sink = begun(files::csv_sink::<Count>(directory.path()), 0, Begin::new(2, 2, Some(vec![vec![], staged])));
    let mut expected = others.map(str::to_owned).to_vec();
    expected.push("part-0000000001-0000-0000.csv".into());
    expected.sort();
    assert_eq!(names(directory.path()), expected, "only what lower terms have left is removed");
    assert_eq!(fs::read_to_string(directory.path().join(&expected[4])).unwrap(), "n\n1\n2\n");
    drop(sink);
}

#[test]
fn another_kind_of_sink_publishes_what_the_former_has_staged() {
    let directory = tempfile::tempdir().unwrap();
    let staged = written(directory.path(), &[1, 2], last(1), false);
    fs::write(directory.path().join(".part-0000000002-0000-0000-1.jsonl"), "3\n").unwrap();
    drop(begun(files::csv_sink::<Count>(directory.path()), 0, Begin::new(2, 2, Some(vec![staged]))));
    assert_eq!(names(directory.path()), ["part-0000000001-0000-0000.jsonl"]);
}

#[test]
fn a_job_that_begins_anew_keeps_the_parts_of_others() {
    let directory = tempfile::tempdir().unwrap();
    for run in 0..3 {
        // As without a snapshot to restore from: terms and intervals begin again.
        written(directory.path(), &[run], last(1), true);
    }
    let expected = [0, 1, 2].map(|n| format!("part-0000000001-0000-{n:04}.jsonl"));
    assert_eq!(names(directory.path()), expected);
    assert_eq!(read(files::jsonl::<u64>(directory.path())).unwrap().records, [0, 1, 2]);
}

#[test]
fn jobs_with_and_without_snapshots_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    for run in [0, 1] {
        written(directory.path(), &[run], last(1), true);
        let mut sink = files::jsonl_sink(directory.path());
        sink.open(0, 1).unwrap();
        sink.write(&mut vec![run + 10]).unwrap();
        sink.close().unwrap();
    }
    let mut all = read(files::jsonl::<u64>(directory.path())).unwrap().records;
    all.sort_unstable();
    assert_eq!(all, [0, 1, 10, 11]);
}

#[test]
fn a_file_of_the_same_name_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let staged = written(directory.path(), &[1], last(1), false);
    let path = directory.path().join("part-0000000001-0000-0000.jsonl");
    fs::write(&path, "of somebody else").unwrap();
    let text = chain(restored(directory.path(), staged.clone()));
    let expected = format!("cannot publish `{}`\n  because: a file of this name is there already", path.display());
    assert!(text.starts_with(&expected), "{text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "of somebody else");
    fs::remove_file(&path).unwrap();
    restored(directory.path(), staged).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
}

#[test]
fn a_part_that_has_gone_is_an_error_that_names_it() {
    for interval in [last(1), end(1, 1)] {
        let directory = tempfile::tempdir().unwrap();
        let staged = written(directory.path(), &[1, 2], interval, interval.last);
        fs::remove_file(directory.path().join(&names(directory.path())[0])).unwrap();
        let text = chain(restored(directory.path(), staged));
        assert!(
            text.contains("part-0000000001-0000-0000.jsonl`\n  because: it is not there, and neither is"),
            "{text}"
        );
        assert!(text.contains("of which the snapshot has 4 bytes"), "{text}");
    }
}

#[test]
fn a_part_of_another_length_is_an_error_that_names_it() {
    for (interval, known) in [(last(1), true), (last(1), false), (end(1, 1), false)] {
        let directory = tempfile::tempdir().unwrap();
        let staged = written(directory.path(), &[1, 2], interval, known);
        let name = names(directory.path()).remove(0);
        fs::write(directory.path().join(&name), "1\n").unwrap();
        let text = chain(restored(directory.path(), staged));
        assert!(text.contains(&name), "{text}");
        assert!(text.contains("it has 2 bytes where the snapshot has 4"), "{text}");
    }
}

#[test]
fn a_snapshot_that_the_output_has_passed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = begun(files::jsonl_sink(directory.path()), 0, Begin::new(1, 1, None));
    sink.write(&mut vec![1]).unwrap();
    let staged = sink.pre_commit(end(1, 1)).unwrap();
    sink.commit(testing::permit(1, 1)).unwrap();
    sink.write(&mut vec![2]).unwrap();
    sink.pre_commit(last(2)).unwrap();
    sink.commit(testing::permit(2, 1)).unwrap();
    let text = chain(restored(directory.path(), staged));
    assert!(text.contains("it has 4 bytes where the snapshot has 2") && text.contains("the newest snapshot"), "{text}");
    assert_eq!(read(files::jsonl::<u64>(directory.path())).unwrap().records, [1, 2]);
}

#[test]
fn what_is_no_list_of_parts_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut staged = written(directory.path(), &[1], last(1), true);
    staged.truncate(staged.len() - 3);
    let text = chain(restored(directory.path(), staged));
    assert!(text.contains("what the snapshot has of this sink is no list of parts"), "{text}");
}

#[test]
fn a_term_that_is_not_higher_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let staged = written(directory.path(), &[1], end(1, 1), false);
    let mut sink = files::jsonl_sink::<u64>(directory.path());
    sink.open(0, 1).unwrap();
    let text = chain(sink.begin(Begin::new(1, 2, Some(vec![staged]))));
    assert_eq!(text, "the snapshot has a part of term 1, and the job has term 1, which must be higher");
    assert_eq!(names(directory.path()), [".part-0000000001-0000-0000-1.jsonl"]);
}

#[test]
fn two_sinks_of_a_job_need_directories_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let begin = || Begin::new(1, 1, None);
    let first = begun(files::csv_sink::<Count>(directory.path()), 0, begin());
    // Another worker, another kind of file, another attempt, another directory.
    drop(begun(files::csv_sink::<Count>(directory.path()), 1, begin()));
    drop(begun(files::jsonl_sink::<Count>(directory.path()), 0, begin()));
    drop(begun(files::csv_sink::<Count>(directory.path()), 0, Begin::new(2, 1, None)));
    drop(begun(files::csv_sink::<Count>(directory.path().join("below")), 0, begin()));
    let mut second = files::csv_sink::<Count>(directory.path().join("below/.."));
    second.open(0, 1).unwrap();
    let text = chain(second.begin(begin()));
    assert!(text.starts_with("two sinks of this job write `.csv` files into "), "{text}");
    drop(first);
    second.begin(begin()).unwrap();
}
