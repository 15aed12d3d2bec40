//! Two real streams meet: every flight that left New York in 2013 with the weather at its airport in the hour in which it
//! was to leave. A left join keeps the flights of which the weather is not known.
//!
//! `cargo run --release --bin joins` prints how visibility goes with delays and cancellations.
use clap::Parser;
use malstrom::connect::memory;
use malstrom::prelude::*;
use serde::Deserialize;
use std::path::PathBuf;

/// A row of the flights files, as far as it matters here. `NA` is `None`.
#[derive(Record, Clone, Debug, Deserialize)]
struct Flight {
    origin: String,
    /// The hour in which it was to leave.
    time_hour: Timestamp,
    /// Minutes; `None` if it was cancelled.
    dep_delay: Option<i64>,
}

/// A row of the weather file: what was observed at an airport in an hour.
#[derive(Record, Clone, Debug, Deserialize)]
struct Weather {
    origin: String,
    time_hour: Timestamp,
    /// How far one could see, in miles; 10 is as far as is noted.
    visib: f64,
}

#[derive(malstrom::Key, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Visibility {
    Unknown,
    BelowOneMile,
    BelowFiveMiles,
    BelowTenMiles,
    TenMiles,
}

#[operator]
fn seen((flight, weather): (Flight, Option<Weather>)) -> (Visibility, Option<i64>) {
    let visibility = match weather.map(|weather| weather.visib) {
        None => Visibility::Unknown,
        Some(..1.0) => Visibility::BelowOneMile,
        Some(..5.0) => Visibility::BelowFiveMiles,
        Some(..10.0) => Visibility::BelowTenMiles,
        Some(_) => Visibility::TenMiles,
    };
    (visibility, flight.dep_delay)
}

/// What the flights come to at one visibility.
#[derive(Record, Clone, Debug, Default)]
struct Flights {
    left: i64,
    cancelled: i64,
    /// Minutes, of all that left.
    delay: i64,
}

impl Flights {
    fn with(self, delay: Option<i64>) -> Self {
        match delay {
            Some(minutes) => Flights { left: self.left + 1, delay: self.delay + minutes, ..self },
            None => Flights { cancelled: self.cancelled + 1, ..self },
        }
    }
}

/// A line of the table.
type Line = Windowed<Visibility, Flights>;

pipeline! {
    /// Delays by visibility.
    fn joins(flights: PathBuf, weather: PathBuf, table: memory::Collector<Line>) {
        // Rows of a day are in no order, see `delays`.
        let flights = source(files::csv::<Flight>(flights).missing("NA"))? as flights
            -> timestamps(|flight| flight.time_hour, lag = 1.days())
            -> key_by(|flight| flight.origin.clone());
        // The file has a year of one airport, then the same year of the next one. So nothing can be said of its times
        // before it has ended.
        let weather = source(files::csv::<Weather>(weather).missing("NA"))? as weather
            -> timestamps(|weather| weather.time_hour, lag = 366.days())
            -> key_by(|weather| weather.origin.clone());
        join(flights, weather, window = tumbling(1.hours()), kind = left) -> seen
            -> key_by(|(visibility, _)| *visibility) -> window(global())
            -> fold(Flights::default(), |flights, (_, delay)| flights.with(delay)) -> sink(table);
    }
}

/// Delays of the flights that left New York in 2013, by how far one could see.
#[derive(Parser)]
struct Args {
    /// The directory with `flights/` and `weather.csv.gz`
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data"))]
    data: PathBuf,
    #[command(flatten)]
    runtime: malstrom::RuntimeArgs,
}

fn main() -> malstrom::Result<()> {
    let Args { data, runtime } = Args::parse();
    let table = memory::collector();
    let (flights, weather, into) = (data.join("flights"), data.join("weather.csv.gz"), table.clone());
    let report = runtime.run(move || joins(flights.clone(), weather.clone(), into.clone()))?;

    let mut table = table.take();
    table.sort_by_key(|line: &Line| line.key);
    println!("{:<16}{:>9}{:>11}{:>12}", "visibility", "left", "cancelled", "mean delay");
    for Windowed { key, value: Flights { left, cancelled, delay }, .. } in table {
        let visibility = match key {
            Visibility::Unknown => "not known",
            Visibility::BelowOneMile => "below 1 mile",
            Visibility::BelowFiveMiles => "below 5 miles",
            Visibility::BelowTenMiles => "below 10 miles",
            Visibility::TenMiles => "10 miles",
        };
        println!("{visibility:<16}{left:>9}{cancelled:>11}{:>8.1} min", delay as f64 / left.max(1) as f64);
    }
    eprintln!("{report}");
    Ok(())
}
