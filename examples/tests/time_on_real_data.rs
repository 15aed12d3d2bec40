//! `delays` and `joins` say of the flights of 2013 and the weather what plain code says that reads the same files one after
//! the other, and keeps all of it.
#![allow(clippy::expect_used)]
mod command_line;
use command_line::run;
use flate2::read::GzDecoder;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

/// A row of either kind of file, as text.
#[derive(Deserialize)]
struct Row {
    origin: String,
    time_hour: String,
    #[serde(default)]
    dep_delay: String,
    #[serde(default)]
    visib: String,
}
fn rows(file: &Path) -> Vec<Row> {
    let text = GzDecoder::new(File::open(file).expect("it is in the repository"));
    csv::Reader::from_reader(text).deserialize().map(|row| row.expect("a row")).collect()
}
fn flights() -> impl Iterator<Item = Row> {
    let files = fs::read_dir(data().join("flights")).expect("it is in the repository");
    files.flat_map(|file| rows(&file.expect("a file").path()))
}
/// A number, if it is not missing.
fn number(text: &str) -> Option<f64> {
    (text != "NA").then(|| text.parse().expect("a number"))
}
/// An airport and an hour.
fn place(row: &Row) -> (String, String) {
    (row.origin.clone(), row.time_hour.clone())
}

/// How many flights were to leave, how many were cancelled, and the mean and the median delay of the others, in millionths of
/// a minute: JSON is not read to the last bit.
type Figures = (u64, u64, Option<i64>, Option<i64>);

fn millionths(minutes: f64) -> i64 {
    (minutes * 1e6).round() as i64
}

fn figures(mut delays: Vec<f64>, flights: u64) -> Figures {
    delays.sort_by(f64::total_cmp);
    let (n, middle) = (delays.len(), delays.len() / 2);
    let mean = (n > 0).then(|| delays.iter().sum::<f64>() / n as f64);
    let median = (n > 0).then(|| if n % 2 == 1 { delays[middle] } else { (delays[middle - 1] + delays[middle]) / 2.0 });
    (flights, flights - n as u64, mean.map(millionths), median.map(millionths))
}

#[test]
fn delays_are_those_of_plain_code() {
    let mut expected: BTreeMap<_, (Vec<f64>, u64)> = BTreeMap::new();
    for flight in flights() {
        let (delays, flights) = expected.entry(place(&flight)).or_default();
        delays.extend(number(&flight.dep_delay));
        *flights += 1;
    }
    let expected: BTreeMap<_, Figures> =
        expected.into_iter().map(|(place, (delays, flights))| (place, figures(delays, flights))).collect();
    assert_eq!(expected.values().map(|figures| figures.0).sum::<u64>(), 336_776);

    for workers in ["1", "2", "3"] {
        let output = tempfile::tempdir().expect("a directory");
        let to = output.path().to_str().expect("UTF-8");
        let ended = run(env!("CARGO_BIN_EXE_delays"), &["--output", to, "--workers", workers]).succeeded();
        let parts = fs::read_dir(to).expect("the job has made it").map(|part| part.expect("an entry").path());
        let text: String = parts.map(|part| fs::read_to_string(part).expect("a part is text")).collect();
        let hours = text.lines().map(|line| {
            let hour: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let name = |field: &str| hour[field].as_str().expect("text").to_owned();
            let count = |field: &str| hour[field].as_u64().expect("a count");
            let delay = |field: &str| hour[field].as_f64().map(millionths);
            let figures = (count("flights"), count("cancelled"), delay("mean"), delay("median"));
            ((name("origin"), name("hour")), figures)
        });
        let hours: BTreeMap<_, Figures> = hours.collect();
        assert_eq!(text.lines().count(), hours.len(), "an hour is told once");
        let different = hours.iter().zip(&expected).find(|(hour, expected)| hour != expected);
        assert_eq!(different, None, "with {workers} workers");
        assert_eq!(hours.len(), expected.len(), "with {workers} workers");

        let worst = |airport: &str| {
            let of_airport = |line: &&str| line.starts_with(airport);
            ended
                .stdout
                .lines()
                .filter(of_airport)
                .map(|line| line.split_whitespace().collect())
                .collect::<Vec<Vec<_>>>()
        };
        assert_eq!(worst("LGA")[0], ["LGA", "2013-09-02T20:00:00Z", "19", "6", "311.0", "250.3"]);
        assert_eq!(["EWR", "JFK", "LGA"].map(|airport| worst(airport).len()), [5; 3]);
    }
}

#[test]
fn delays_by_visibility_are_those_of_plain_code() {
    let weather: HashMap<_, f64> = rows(&data().join("weather.csv.gz"))
        .iter()
        .map(|weather| (place(weather), number(&weather.visib).expect("it is never missing")))
        .collect();
    let mut expected: BTreeMap<&str, (u64, u64, f64)> = BTreeMap::new();
    for flight in flights() {
        let visibility = match weather.get(&place(&flight)) {
            None => "not known",
            Some(miles) if *miles < 1.0 => "below 1 mile",
            Some(miles) if *miles < 5.0 => "below 5 miles",
            Some(miles) if *miles < 10.0 => "below 10 miles",
            Some(_) => "10 miles",
        };
        let (left, cancelled, delay) = expected.entry(visibility).or_default();
        match number(&flight.dep_delay) {
            Some(minutes) => (*left, *delay) = (*left + 1, *delay + minutes),
            None => *cancelled += 1,
        }
    }
    let line = |(visibility, (left, cancelled, delay)): (_, (u64, u64, f64))| {
        format!("{visibility:<16}{left:>9}{cancelled:>11}{:>8.1} min", delay / left as f64)
    };
    let mut expected: Vec<_> = expected.into_iter().map(line).collect();
    assert_eq!(expected.len(), 5);
    expected.sort();

    for workers in ["1", "2", "3"] {
        let ended = run(env!("CARGO_BIN_EXE_joins"), &["--workers", workers]).succeeded();
        let mut lines: Vec<_> = ended.stdout.lines().skip(1).collect();
        lines.sort_unstable();
        assert_eq!(lines, expected, "with {workers} workers");
        assert_eq!(ended.row("joins/join"), ["joins/join", "362,891", "336,776", "-", "-", "-"]);
    }
}
