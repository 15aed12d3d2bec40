//! Delays of every flight that left New York in 2013: 336,776 rows of real CSV, in twelve compressed files.
//!
//! `cargo run --release --bin flights` reads them in parallel, keeps running statistics per carrier and per route in
//! keyed state, writes rows that are none to a directory of dead letters, and prints who was late.
use clap::Parser;
use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A row of the flights files, as far as it matters here. `NA` is `None`.
#[derive(Record, Clone, Debug, Deserialize)]
struct Flight {
    carrier: String,
    origin: String,
    dest: String,
    /// `None` if the flight was cancelled.
    dep_time: Option<u32>,
    /// Minutes; `None` if the flight was cancelled or diverted.
    arr_delay: Option<f64>,
}

/// What delays are counted by.
#[derive(malstrom::Key, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Group {
    Carrier(String),
    Route { origin: String, dest: String },
}

/// Running statistics of the delays on arrival (Welford's method), in minutes.
#[keyed_state(key = Group)]
#[derive(Clone, Debug, Default)]
struct Delays {
    count: u64,
    mean: f64,
    m2: f64,
    worst: f64,
    cancelled: u64,
}

impl Delays {
    fn learn(&mut self, delay: f64) {
        self.count += 1;
        let off = delay - self.mean;
        self.mean += off / self.count as f64;
        self.m2 += off * (delay - self.mean);
        self.worst = if self.count == 1 { delay } else { self.worst.max(delay) };
    }
    fn deviation(&self) -> f64 {
        (self.m2 / self.count.max(1) as f64).sqrt()
    }
}

#[operator]
fn learn(delays: &mut Delays, flight: Flight, group: Key<'_, Group>) -> (Group, Delays) {
    match flight {
        Flight { arr_delay: Some(minutes), .. } => delays.learn(minutes),
        Flight { dep_time: None, .. } => delays.cancelled += 1,
        _diverted => {}
    }
    (group.clone(), delays.clone())
}

/// A line of the tables, without its place in them.
struct Line {
    group: Group,
    title: String,
    delays: Delays,
}

#[operator]
fn titled((group, delays): (Group, Delays), #[arg] names: &BTreeMap<String, String>) -> Line {
    let title = match &group {
        Group::Carrier(code) => names.get(code).unwrap_or(code).clone(),
        Group::Route { origin, dest } => format!("{origin} to {dest}"),
    };
    Line { group, title, delays }
}

/// A row that is no flight, and where it is.
#[derive(Serialize)]
struct DeadLetter {
    file: String,
    line: u64,
    message: String,
}

/// The newest line of each group, from all workers.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<BTreeMap<Group, Line>>>);

impl Board {
    fn put(&self, line: Line) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(line.group.clone(), line);
    }
    /// The `n` worst of those with enough flights for a mean to say something.
    fn table(&self, kind: &str, n: usize, wanted: impl Fn(&Group) -> bool) -> String {
        const ENOUGH: u64 = 100;
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines: Vec<_> = board.values().filter(|l| wanted(&l.group) && l.delays.count >= ENOUGH).collect();
        lines.sort_by(|a, b| b.delays.mean.total_cmp(&a.delays.mean));
        let heads = ["arrived", "cancelled", "mean", "deviation", "worst"];
        let mut table =
            format!("{kind:<28}{:>9}{:>11}{:>9}{:>11}{:>8}\n", heads[0], heads[1], heads[2], heads[3], heads[4]);
        for Line { title, delays, .. } in lines.into_iter().take(n) {
            let Delays { count, cancelled, mean, worst, .. } = delays;
            let deviation = delays.deviation();
            let _ = writeln!(table, "{title:<28}{count:>9}{cancelled:>11}{mean:>9.1}{deviation:>11.1}{worst:>8.0}");
        }
        table
    }
}

pipeline! {
    /// Delays per carrier and per route.
    fn flights(files: PathBuf, names: BTreeMap<String, String>, board: Board, dead_letters: PathBuf) {
        let flights = source(files::csv::<Flight>(files).missing("NA")) else malformed;
        let carriers = flights -> key_by(|f| Group::Carrier(f.carrier.clone())) -> learn as carrier_delays;
        let routes = flights -> key_by(|f| Group::Route { origin: f.origin.clone(), dest: f.dest.clone() })
            -> learn as route_delays;
        union(carriers, routes) -> titled(names) -> sink(for_each(move |line: Line| board.put(line))) as board;
        malformed -> map(|f| DeadLetter { file: f.error.path, line: f.error.line, message: f.error.message })
            -> sink(files::jsonl_sink(dead_letters)) as dead_letters;
    }
}

#[derive(Deserialize)]
struct Airline {
    carrier: String,
    name: String,
}

pipeline! {
    fn airlines(file: PathBuf, into: memory::Collector<Airline>) {
        source(files::csv::<Airline>(file))? -> sink(into);
    }
}

/// Reads the airlines' names: a small job of its own.
fn names(data: &Path) -> malstrom::Result<BTreeMap<String, String>> {
    let (file, read) = (data.join("airlines.csv.gz"), memory::collector());
    let into = read.clone();
    malstrom::Runtime::builder().workers(1).build()?.run(move || airlines(file.clone(), into.clone()))?;
    Ok(read.take().into_iter().map(|airline: Airline| (airline.carrier, airline.name)).collect())
}

/// Delays of every flight that left New York in 2013.
#[derive(Parser)]
struct Args {
    /// The directory with `flights/` and `airlines.csv.gz`
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data"))]
    data: PathBuf,
    /// Where to write rows that are no flights [default: `malstrom-dead-letters` in the directory for temporary files]
    #[arg(long, value_name = "DIR")]
    dead_letters: Option<PathBuf>,
    /// How many lines each table has
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    runtime: malstrom::RuntimeArgs,
}

fn main() -> malstrom::Result<()> {
    let Args { data, dead_letters, top, runtime } = Args::parse();
    let dead_letters = dead_letters.unwrap_or_else(|| std::env::temp_dir().join("malstrom-dead-letters"));
    let (names, files, board) = (names(&data)?, data.join("flights"), Board::default());

    let (lines, letters) = (board.clone(), dead_letters.clone());
    let report = runtime.run(move || flights(files.clone(), names.clone(), lines.clone(), letters.clone()))?;

    let routes = board.table("worst routes", top, |group| matches!(group, Group::Route { .. }));
    let carriers = board.table("worst carriers", top, |group| matches!(group, Group::Carrier(_)));
    let mut text = format!("Delay on arrival in minutes\n\n{routes}\n{carriers}\n");
    if let Some(malformed) = report.operator("flights/source").map(|op| op.failed).filter(|n| *n > 0) {
        let _ = writeln!(text, "{malformed} malformed rows are in {}\n", dead_letters.display());
    }
    print!("{text}");
    eprintln!("{report}");
    Ok(())
}
