//! Directories of parts.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::{chain, read};
use malstrom_core::connect::files;
use malstrom_core::{Error, Sink};
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Count {
    word: String,
    n: Option<u64>,
}

fn count(word: &str, n: impl Into<Option<u64>>) -> Count {
    Count { word: word.into(), n: n.into() }
}

/// All names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write<S: Sink>(mut sink: S, worker: usize, records: impl IntoIterator<Item = S::In>) -> malstrom_core::Result<()> {
    sink.open(worker, 4)?;
    sink.write(&mut records.into_iter().collect())?;
    sink.flush()?;
    sink.close()
}

#[test]
fn what_is_written_as_csv_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let records = vec![count("a,\"b\"\r\nc", 1), count("", None), count("ü", u64::MAX)];
    write(files::csv_sink(directory.path()), 0, records.clone()).unwrap();
    let back = read(files::csv::<Count>(directory.path())).unwrap();
    assert!(back.failures.is_empty(), "{:?}", back.failures);
    assert_eq!(back.records, records);
}

#[test]
fn what_is_written_as_json_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let records = vec![count("a,\"b\"\r\nc", 1), count("", None), count("ü", u64::MAX)];
    write(files::jsonl_sink(directory.path()), 0, records.clone()).unwrap();
    assert_eq!(read(files::jsonl::<Count>(directory.path())).unwrap().records, records);
}

#[test]
fn strings_scalars_and_tuples_are_rows_without_a_header() {
    let directory = tempfile::tempdir().unwrap();
    let strings = ["plain", "a,b", ""].map(str::to_owned);
    write(files::csv_sink(directory.path()), 0, strings).unwrap();
    write(files::csv_sink(directory.path()), 1, [1.5, -2.0]).unwrap();
    write(files::csv_sink(directory.path()), 2, [("a", 1), ("b", 2)]).unwrap();
    let text = |name| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(text("part-0000-000000.csv"), "plain\n\"a,b\"\n\"\"\n");
    assert_eq!(text("part-0001-000000.csv"), "1.5\n-2.0\n");
    assert_eq!(text("part-0002-000000.csv"), "a,1\nb,2\n");
}

#[test]
fn a_part_is_hidden_until_it_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = files::jsonl_sink(directory.path());
    sink.open(3, 4).unwrap();
    sink.write(&mut vec![1, 2]).unwrap();
    sink.flush().unwrap();
    assert_eq!(names(directory.path()), [".part-0003-000000.jsonl"]);
    sink.close().unwrap();
    assert_eq!(names(directory.path()), ["part-0003-000000.jsonl"]);
}

#[test]
fn a_sink_that_is_dropped_without_close_leaves_nothing_unfinished() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = files::csv_sink(directory.path()).roll_at(1);
    sink.open(0, 1).unwrap();
    sink.write(&mut vec![1]).unwrap();
    let mut sink = sink.roll_at(100);
    sink.write(&mut vec![2]).unwrap();
    sink.flush().unwrap();
    assert_eq!(names(directory.path()), [".part-0000-000001.csv", "part-0000-000000.csv"]);
    drop(sink);
    assert_eq!(names(directory.path()), ["part-0000-000000.csv"]);
}

#[test]
fn a_worker_without_records_publishes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let below = directory.path().join("a/b");
    write(files::csv_sink::<Count>(&below), 0, []).unwrap();
    write(files::jsonl_sink::<Count>(&below), 1, []).unwrap();
    assert!(names(&below).is_empty(), "the directory is there, but empty");
}

#[test]
fn parts_roll_by_size_and_each_has_the_header() {
    let directory = tempfile::tempdir().unwrap();
    let records: Vec<_> = (0..7).map(|n| count("word", n)).collect();
    write(files::csv_sink(directory.path()).roll_at(20), 0, records.clone()).unwrap();
    let expected: Vec<_> = (0..4).map(|n| format!("part-0000-{n:06}.csv")).collect();
    assert_eq!(names(directory.path()), expected);
    let first = std::fs::read_to_string(directory.path().join(&expected[0])).unwrap();
    assert_eq!(first, "word,n\nword,0\nword,1\n");
    assert_eq!(read(files::csv::<Count>(directory.path())).unwrap().records, records);

    let directory = tempfile::tempdir().unwrap();
    write(files::jsonl_sink(directory.path()).roll_at(4), 0, 0..5).unwrap();
    assert_eq!(names(directory.path()).len(), 3);
    assert_eq!(read(files::jsonl::<u8>(directory.path())).unwrap().records, [0, 1, 2, 3, 4]);
}

#[test]
fn more_than_a_buffer_is_written_whole() {
    let directory = tempfile::tempdir().unwrap();
    let records: Vec<_> = (0..60_000).map(|n| count("a word of some length", n)).collect();
    write(files::csv_sink(directory.path()), 0, records.clone()).unwrap();
    assert_eq!(names(directory.path()).len(), 1);
    assert_eq!(read(files::csv::<Count>(directory.path())).unwrap().records, records);
}

#[test]
fn a_second_run_adds_to_the_first() {
    let directory = tempfile::tempdir().unwrap();
    for run in 0..3 {
        write(files::jsonl_sink(directory.path()), 0, [run]).unwrap();
        write(files::jsonl_sink(directory.path()), 1, [run]).unwrap();
    }
    write(files::csv_sink(directory.path()), 0, [9]).unwrap();
    assert_eq!(names(directory.path()).len(), 7);
    assert!(names(directory.path()).contains(&"part-0000-000000.csv".to_owned()));
    let mut all = read(files::jsonl::<u8>(directory.path().join("*.jsonl"))).unwrap().records;
    all.sort();
    assert_eq!(all, [0, 0, 1, 1, 2, 2]);
}

#[test]
fn two_sinks_of_one_worker_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut sinks = [files::jsonl_sink(directory.path()), files::jsonl_sink(directory.path())];
    for sink in &mut sinks {
        sink.open(0, 1).unwrap();
    }
    sinks[0].write(&mut vec![1]).unwrap();
    sinks[0].flush().unwrap();
    sinks[1].write(&mut vec![2]).unwrap();
    sinks[1].flush().unwrap();
    for sink in &mut sinks {
        sink.close().unwrap();
        sink.write(&mut vec![3]).unwrap();
        sink.close().unwrap();
    }
    assert_eq!(names(directory.path()).len(), 4);
    let mut all = read(files::jsonl::<u8>(directory.path())).unwrap().records;
    all.sort();
    assert_eq!(all, [1, 2, 3, 3]);
}

#[test]
fn what_a_killed_job_left_is_neither_read_nor_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(".part-0000-000000.jsonl"), "half").unwrap();
    write(files::jsonl_sink(directory.path()), 0, [1]).unwrap();
    assert_eq!(names(directory.path()), [".part-0000-000000.jsonl", "part-0000-000001.jsonl"]);
    assert_eq!(read(files::jsonl::<u8>(directory.path())).unwrap().records, [1]);
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error() {
    let (_directory, path) = collected::file("taken", "a file");
    let result = write(files::csv_sink(&path), 0, [1]);
    assert!(matches!(&result, Err(Error::File { doing: "create", .. })));
    assert!(chain(result).starts_with(&format!("cannot create `{}`\n  because: ", path.display())));
}

#[test]
fn a_directory_that_has_gone_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_path_buf();
    let mut sink = files::csv_sink(&path);
    sink.open(0, 1).unwrap();
    drop(directory);
    sink.write(&mut vec![1]).unwrap();
    let text = chain(sink.flush());
    assert!(text.starts_with(&format!("cannot create `{}/.part-0000-000000.csv`", path.display())), "{text}");
}

#[test]
fn a_record_that_has_no_form_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let map = || std::collections::BTreeMap::from([((1, 2), 3)]);
    let text = chain(write(files::jsonl_sink(directory.path()), 0, [map()]));
    assert!(text.starts_with("a record cannot be written as JSON: "), "{text}");
    let text = chain(write(files::csv_sink(directory.path()), 0, [map()]));
    assert!(text.starts_with("a record cannot be written as CSV: a map has no form in a row"), "{text}");
    assert!(names(directory.path()).is_empty());
}
