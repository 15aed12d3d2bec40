//! What the programs in the [guide](https://github.com/malstrom/malstrom/tree/main/guide) share, so that they are short and can
//! be tested.
use malstrom::connect::memory::{self, Collector};
use malstrom::{Pipeline, Record, Runtime, Timestamp};

/// Something that was sold at a time.
#[derive(Record, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sale {
    pub at: Timestamp,
    pub item: String,
}

/// A time of the day, such as `09:05`.
pub fn at(clock: &str) -> Timestamp {
    format!("2026-03-02T{clock}:00Z").parse().unwrap_or_default()
}
/// A time as [`at`] takes it.
pub fn clock(at: Timestamp) -> String {
    at.to_string().chars().skip(11).take(5).collect()
}

/// Sales of an item at these times, in the order in which one hears of them.
pub fn sales(item: &str, clocks: &[&str]) -> Vec<Sale> {
    clocks.iter().map(|clock| Sale { at: at(clock), item: item.to_owned() }).collect()
}
/// The records of the picture in the guide on time.
pub fn tea() -> Vec<Sale> {
    let clocks = "09:01 09:04 09:03 09:08 09:06 09:11 09:09 09:14 09:07 09:16 09:13";
    sales("tea", &clocks.split(' ').collect::<Vec<_>>())
}

/// Where the pipelines of the guide write to.
pub type Lines = Collector<String>;

/// The lines that a pipeline writes, sorted, or why it failed.
pub fn lines(pipeline: impl Fn(Lines) -> Pipeline + Send + Sync + 'static) -> Vec<String> {
    lines_on(2, pipeline)
}
/// The same on so many workers.
pub fn lines_on(workers: usize, pipeline: impl Fn(Lines) -> Pipeline + Send + Sync + 'static) -> Vec<String> {
    let lines = memory::collector();
    let into = lines.clone();
    let run = || Runtime::builder().workers(workers).build()?.run(move || pipeline(into.clone()));
    if let Err(error) = run() {
        return vec![error.to_string()];
    }
    let mut lines = lines.take();
    lines.sort();
    lines
}

// The guide's programs.
#[cfg(doctest)]
#[doc = include_str!("../../guide/time.md")]
mod time {}
#[cfg(doctest)]
#[doc = include_str!("../../guide/snapshots.md")]
mod snapshots {}
#[cfg(doctest)]
#[doc = include_str!("../../guide/testing.md")]
mod testing {}
#[cfg(doctest)]
#[doc = include_str!("../../guide/cluster.md")]
mod cluster {}
#[cfg(doctest)]
#[doc = include_str!("../../guide/operating.md")]
mod operating {}
