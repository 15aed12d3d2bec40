//! A fragment is a piece of a pipeline with both ends open. It is a stage like any other: it can be imported, take
//! arguments, be used more than once, and hold fragments itself. Its two types are checked where it is defined.
use malstrom::prelude::*;

mod climate {
    use malstrom::prelude::*;

    #[derive(Record, Clone, Debug)]
    pub struct Reading {
        pub sensor: u32,
        pub celsius: f64,
    }

    #[operator]
    pub fn parse(line: String) -> Option<Reading> {
        let (sensor, celsius) = line.split_once(' ')?;
        Some(Reading { sensor: sensor.parse().ok()?, celsius: celsius.parse().ok()? })
    }

    pipeline! {
        /// From lines to readings that can be true.
        pub <String, Reading> fn readings(least: f64, most: f64) =
            parse -> filter(move |r| (least..=most).contains(&r.celsius));

        /// The greatest reading of each sensor so far. The records must be keyed by the sensor.
        pub <Reading by u32, (u32, f64)> fn warmest() = max(|r| r.celsius);
    }
}
use climate::{readings, warmest};

pipeline! {
    fn sensors(north: Vec<String>, south: Vec<String>) {
        let north = source(north) -> readings(-60.0, 20.0) as northern;
        let south = source(south) -> readings(-10.0, 60.0) as southern;
        union(north, south) -> key_by(|r| r.sensor) -> warmest()
            -> map(|(sensor, celsius)| format!("sensor {sensor}: up to {celsius}")) -> sink(stdout());
    }
}

fn main() -> malstrom::Result<()> {
    let lines = |text: &str| text.lines().map(String::from).collect::<Vec<_>>();
    let report = malstrom::run(move || sensors(lines("1 -3.5\n1 999\n1 4"), lines("2 21\nnoise\n2 30.5")))?;
    eprintln!("{report}");
    Ok(())
}
