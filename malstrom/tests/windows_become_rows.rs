//! What windows come to is written as flat CSV, and read back by a struct with the columns as fields.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory;
use malstrom::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Key, Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Route {
    from: String,
    to: String,
}
#[derive(Record, Clone, Debug)]
struct Flight {
    route: Route,
    at: Timestamp,
}
#[derive(Record, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Count {
    from: String,
    to: String,
    start: Timestamp,
    end: Timestamp,
    value: u64,
}

fn flights() -> impl Iterator<Item = Flight> {
    let route = |n: i64| Route { from: format!("a{}", n % 3), to: format!("b,{}", n % 2) };
    (0..600).map(move |n| Flight { route: route(n), at: Timestamp::from_secs(n * 60) })
}
pipeline! {
    fn counts(directory: PathBuf) {
        source(flights()) -> timestamps(|f| f.at) -> key_by(|f| f.route.clone())
            -> window(tumbling(1.hours())) else drop -> count() -> sink(files::csv_sink(directory));
    }
    fn back(directory: PathBuf, out: memory::Collector<Count>) {
        source(files::csv::<Count>(directory))? -> sink(out);
    }
}

#[test]
fn counts_per_window_are_flat_rows() {
    let directory = tempfile::tempdir().unwrap();
    let into = directory.path().to_path_buf();
    support::run(3, move || counts(into.clone())).unwrap();
    let out = memory::collector();
    let (from, into) = (directory.path().to_path_buf(), out.clone());
    support::run(2, move || back(from.clone(), into.clone())).unwrap();
    let mut got = out.take();
    got.sort();

    let mut expected: Vec<Count> = Vec::new();
    for f in flights() {
        let start = f.at.floor_to(1.hours());
        let end = start + 1.hours();
        let mut same = expected.iter_mut().filter(|c| (&c.from, &c.to, c.start) == (&f.route.from, &f.route.to, start));
        match same.next() {
            Some(count) => count.value += 1,
            None => expected.push(Count { from: f.route.from, to: f.route.to, start, end, value: 1 }),
        }
    }
    expected.sort();
    assert_eq!(got, expected);
}
