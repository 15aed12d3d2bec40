//! Real flights in windows of event time: for each of New York's airports and each hour of 2013 how many flights were to
//! leave, how many were cancelled, and how late the others were, on average and in the middle.
//!
//! `cargo run --release --bin delays` writes all hours as lines of JSON and prints the worst ones.
use clap::Parser;
use malstrom::connect::memory;
use malstrom::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A row of the flights files, as far as it matters here. `NA` is `None`.
#[derive(Record, Clone, Debug, Deserialize)]
struct Flight {
    origin: String,
    /// The hour in which it was to leave.
    time_hour: Timestamp,
    minute: u32,
    /// Minutes; `None` if it was cancelled.
    dep_delay: Option<i32>,
}

/// The flights of an airport that were to leave in an hour.
#[keyed_state(key = String)]
#[derive(Default)]
struct Flights {
    delays: Vec<i32>,
    cancelled: usize,
}

/// What they come to. Delays are in minutes, `None` if no flight has left.
#[derive(Record, Clone, Debug, Serialize)]
struct Hour {
    origin: String,
    hour: Timestamp,
    flights: usize,
    cancelled: usize,
    mean: Option<f64>,
    median: Option<f64>,
}

#[operator(on_close = summary)]
fn delays(flights: &mut Flights, flight: Flight) {
    match flight.dep_delay {
        Some(minutes) => flights.delays.push(minutes),
        None => flights.cancelled += 1,
    }
}

#[operator]
fn summary(flights: Flights, window: Window, origin: Key<'_, String>) -> Hour {
    let Flights { mut delays, cancelled } = flights;
    delays.sort_unstable();
    let n = delays.len();
    let sum: i32 = delays.iter().sum();
    let median = || f64::from(delays[(n - 1) / 2] + delays[n / 2]) / 2.0;
    Hour {
        origin: origin.clone(),
        hour: window.start(),
        flights: n + cancelled,
        cancelled,
        mean: (n > 0).then(|| f64::from(sum) / n as f64),
        median: (n > 0).then(median),
    }
}

/// How many flights must have left in an hour for a median to say something.
const ENOUGH: usize = 10;

pipeline! {
    /// Delays per airport and hour.
    fn delays_by_hour(files: PathBuf, hours_to: PathBuf, worst_per_airport: usize, worst: memory::Collector<Hour>) {
        // A file has its rows day by day, and those of a day by the clock at which flights left, the cancelled ones last.
        // So a row can be behind another one of its day, by less than a day, and never behind one of a later day. Each
        // file is a split, for which that holds by itself: it does not matter which month is read first.
        let flights = source(files::csv::<Flight>(files).missing("NA"))?
            -> timestamps(|flight| flight.time_hour + flight.minute.minutes(), lag = 1.days());
        // So no flight is late. If one were, `?` would have the job fail, and not a flight left out.
        let hours = flights -> key_by(|flight| flight.origin.clone()) -> window(tumbling(1.hours()))? -> delays;
        hours -> sink(files::jsonl_sink(hours_to)) as hours;
        hours -> filter(|hour| hour.flights - hour.cancelled >= ENOUGH) -> key_by(|hour| hour.origin.clone())
            -> window(global()) as year -> top(worst_per_airport, |hour| hour.median)
            -> flat_map(|worst| worst.value) -> sink(worst) as worst;
    }
}

/// Delays of the flights that left New York in 2013, per airport and hour.
#[derive(Parser)]
struct Args {
    /// The directory with the files of flights
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/flights"))]
    flights: PathBuf,
    /// The directory to write to, beside what is there [default: a new one in the directory for temporary files]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// How many of the worst hours of each airport to print
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
    #[command(flatten)]
    runtime: malstrom::RuntimeArgs,
}

fn main() -> malstrom::Result<()> {
    let Args { flights, output, top, runtime } = Args::parse();
    let new = || std::env::temp_dir().join(format!("malstrom-delays-{}", std::process::id()));
    let output = output.unwrap_or_else(new);
    let (worst, hours) = (memory::collector(), output.clone());
    let into = worst.clone();
    let report = runtime.run(move || delays_by_hour(flights.clone(), hours.clone(), top, into.clone()))?;

    let mut worst = worst.take();
    // Those of an airport come together, the worst one first, and the sort leaves them so.
    worst.sort_by(|a, b| a.origin.cmp(&b.origin));
    println!("{:<8}{:<22}{:>8}{:>11}{:>8}{:>8}", "airport", "hour", "flights", "cancelled", "median", "mean");
    for Hour { origin, hour, flights, cancelled, mean, median } in worst {
        let (mean, median) = (mean.unwrap_or_default(), median.unwrap_or_default());
        println!("{origin:<8}{hour:<22}{flights:>8}{cancelled:>11}{median:>8.1}{mean:>8.1}");
    }
    println!("\nall hours are in {}", output.display());
    eprintln!("{report}");
    Ok(())
}
