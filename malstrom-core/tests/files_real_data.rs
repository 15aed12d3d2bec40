//! The data of the examples, read whole.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::read;
use malstrom_core::Source;
use malstrom_core::connect::files;
use serde::Deserialize;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data");

#[derive(Debug, Deserialize)]
struct Flight {
    carrier: String,
    dep_delay: Option<i32>,
    distance: u32,
}

#[derive(Debug, Deserialize)]
struct Weather {
    origin: String,
    wind_gust: Option<f64>,
}

#[test]
fn a_year_of_flights_is_twelve_splits_and_336776_rows() {
    for path in [format!("{DATA}/flights"), format!("{DATA}/flights/2013-*.csv.gz")] {
        assert_eq!(files::lines(path).splits().unwrap().len(), 12);
    }
    let flights = read(files::csv::<Flight>(format!("{DATA}/flights")).missing("NA")).unwrap();
    assert_eq!((flights.records.len(), flights.failures.len()), (336_776, 0));
    assert_eq!(flights.records.iter().filter(|flight| flight.dep_delay.is_none()).count(), 8_255);
    assert!(flights.records.iter().all(|flight| flight.carrier.len() == 2 && flight.distance > 0));
}

#[test]
fn lines_of_compressed_files_are_rows_and_headers() {
    assert_eq!(read(files::lines(format!("{DATA}/flights"))).unwrap().records.len(), 336_776 + 12);
}

#[test]
fn hours_of_weather_that_lack_a_number_are_malformed_unless_their_word_is_known() {
    let path = format!("{DATA}/weather.csv.gz");
    let known = read(files::csv::<Weather>(&path).missing("NA")).unwrap();
    assert_eq!((known.records.len(), known.failures.len()), (26_115, 0));
    assert!(known.records.iter().all(|hour| hour.origin.len() == 3));
    let gusts = known.records.iter().filter(|hour| hour.wind_gust.is_some()).count();
    let unknown = read(files::csv::<Weather>(&path)).unwrap();
    assert_eq!((unknown.records.len(), unknown.failures.len()), (gusts, 26_115 - gusts));
    assert_eq!(unknown.failures[0].line, 2);
    assert_eq!(unknown.failures[0].message, "column `wind_gust`: `NA`: invalid float literal");
}
