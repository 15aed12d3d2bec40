//! The figures of `flights`, which were computed by other means from the same files, and what it does with broken ones.
#![allow(clippy::expect_used, clippy::panic)]
mod command_line;
use command_line::{Ended, run};
use std::fs;
use std::path::Path;

fn flights(arguments: &[&str]) -> Ended {
    run(env!("CARGO_BIN_EXE_flights"), arguments)
}

/// The columns of the line that begins with this title.
fn line<'a>(ended: &'a Ended, title: &str) -> Vec<&'a str> {
    let line = ended.stdout.lines().find_map(|line| line.strip_prefix(title));
    line.unwrap_or_else(|| panic!("no {title} in\n{}", ended.stdout)).split_whitespace().collect()
}

/// Flights that arrived, cancelled ones, mean, deviation and maximum of the delay, as Python's `csv` and `math` give
/// them (two passes over lists, no running statistics): TYS 41.150, 66.317; CMH 22.921, 62.814; F9 21.921, 61.601.
#[test]
fn the_figures_are_those_of_an_independent_computation() {
    for workers in ["1", "2", "3"] {
        let ended = flights(&["--workers", workers]).succeeded();
        assert_eq!(line(&ended, "EWR to TYS"), ["313", "9", "41.2", "66.3", "281"]);
        assert_eq!(line(&ended, "JFK to CMH"), ["705", "35", "22.9", "62.8", "1127"]);
        assert_eq!(line(&ended, "Frontier Airlines Inc."), ["681", "3", "21.9", "61.6", "834"]);
        assert_eq!(line(&ended, "US Airways Inc."), ["19831", "663", "2.1", "33.1", "492"]);
        assert_eq!(ended.row("flights/source")[2..4], ["336,776", "-"], "all rows are flights");
    }
}

#[test]
fn the_tables_are_as_long_as_asked_for() {
    let ended = flights(&["--top", "3"]).succeeded();
    let routes: Vec<_> = ended.stdout.lines().filter(|line| line.starts_with("EWR to")).collect();
    assert_eq!(routes.len(), 3);
    assert!(routes[0].starts_with("EWR to TYS") && routes[2].starts_with("EWR to OKC"), "{routes:?}");
}

/// Data with one month, in which line 3 has too few fields and line 4 a delay that is no number.
fn broken_data(into: &Path) {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/airlines.csv.gz");
    fs::copy(ours, into.join("airlines.csv.gz")).expect("a copy");
    fs::create_dir(into.join("flights")).expect("a directory");
    let mut rows =
        "carrier,origin,dest,dep_time,arr_delay\nUA,EWR,IAH,517,11\nUA,EWR\nUA,EWR,IAH,533,late\n".to_owned();
    rows += &"UA,EWR,IAH,533,20\nUA,EWR,IAH,NA,NA\n".repeat(100);
    fs::write(into.join("flights/2013-01.csv"), rows).expect("a file");
}

#[test]
fn malformed_rows_become_dead_letters_and_the_rest_is_counted() {
    let place = tempfile::tempdir().expect("a directory");
    broken_data(place.path());
    let letters = place.path().join("letters");
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let ended = flights(&["--data", &path(place.path()), "--dead-letters", &path(&letters)]).succeeded();

    assert_eq!(line(&ended, "EWR to IAH")[..2], ["101", "100"]);
    assert_eq!(line(&ended, "United Air Lines Inc.")[..2], ["101", "100"]);
    assert!(ended.stdout.contains("2 malformed rows are in"), "{}", ended.stdout);
    assert_eq!(ended.row("flights/source")[3], "2");
    assert_eq!(ended.row("flights/dead_letters")[1], "2");

    let parts: Vec<_> =
        fs::read_dir(&letters).expect("the letters").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(parts.len(), 1, "one worker has read the only file");
    let text = fs::read_to_string(&parts[0]).expect("a part");
    let text: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((text[0]["line"].as_u64(), text[1]["line"].as_u64()), (Some(3), Some(4)));
    assert_eq!(text[0]["message"], "2 fields where the header has 5");
    let message = text[1]["message"].as_str().unwrap_or_default();
    assert!(message.contains("column `arr_delay`: `late`"), "{message}");
}

#[test]
fn missing_data_is_named() {
    let ended = flights(&["--data", "/no/such/place"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("cannot read `/no/such/place/airlines.csv.gz`"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}
