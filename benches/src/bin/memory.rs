//! How much memory a job has used at most, over any number of records with ever new keys.
//!
//! What has closed, fired or expired must be gone: the figure must not grow with the number of records.
use clap::{Parser, ValueEnum};
use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use malstrom::{Pipeline, Runtime};
use std::hint::black_box;

/// Runs a job over records with ever new keys, and prints the largest resident set.
#[derive(Parser)]
struct Cli {
    /// What keeps state
    what: What,
    /// How many records
    #[arg(long, default_value_t = 100_000_000)]
    records: u64,
    /// With how many workers
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Counts in tumbling windows
    Tumbling,
    /// Counts in sliding windows, which are corrected for a while
    Sliding,
    /// Counts in sessions
    Session,
    /// An operator with `on_close`
    OnClose,
    /// State with a `ttl`
    Ttl,
}

#[derive(Record, Clone, Copy)]
struct Event {
    key: u64,
    at: u64,
}

/// One split of the records: a hundred in each tick, up to 50 ticks out of order. Each key lives for 5,000 records.
fn events(split: usize, splits: usize, records: u64) -> impl Iterator<Item = Event> {
    (split as u64..records).step_by(splits).map(|i| {
        let random = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        Event { key: i / 5_000 * 10 + random % 10, at: i / 100 + random % 50 }
    })
}

#[keyed_state(key = u64)]
#[derive(Clone, Default)]
struct Seen {
    records: u64,
    first: Vec<u64>,
}

#[operator(on_close = seen)]
fn see(seen: &mut Seen, event: Event) {
    seen.records += 1;
    if seen.first.len() < 4 {
        seen.first.push(event.at);
    }
}

#[operator]
fn seen(seen: Seen) -> u64 {
    seen.records + seen.first.len() as u64
}

#[keyed_state(key = u64, ttl = "1ms")]
#[derive(Default)]
struct Brief {
    records: u64,
}

#[operator]
fn count_briefly(brief: &mut Brief, _: Event) -> u64 {
    brief.records += 1;
    brief.records
}

pipeline! {
    fn counted_tumbling(workers: usize, records: u64) {
        source(memory::splits(workers, move |split| events(split, workers, records)))
            -> timestamps(|event| event.at, lag = 50) -> key_by(|event| event.key)
            -> window(tumbling(1_000))? -> count() -> sink(for_each(|count| _ = black_box(count)));
    }
    fn counted_sliding(workers: usize, records: u64) {
        source(memory::splits(workers, move |split| events(split, workers, records)))
            -> timestamps(|event| event.at, lag = 50) -> key_by(|event| event.key)
            -> window(sliding(1_000, 200), lateness = 300)? -> count() -> sink(for_each(|count| _ = black_box(count)));
    }
    fn counted_sessions(workers: usize, records: u64) {
        source(memory::splits(workers, move |split| events(split, workers, records)))
            -> timestamps(|event| event.at, lag = 50) -> key_by(|event| event.key)
            -> window(session(100))? -> count() -> sink(for_each(|count| _ = black_box(count)));
    }
    fn seen_until_close(workers: usize, records: u64) {
        source(memory::splits(workers, move |split| events(split, workers, records)))
            -> timestamps(|event| event.at, lag = 50) -> key_by(|event| event.key)
            -> window(tumbling(1_000))? -> see -> sink(for_each(|count| _ = black_box(count)));
    }
    fn kept_briefly(workers: usize, records: u64) {
        source(memory::splits(workers, move |split| events(split, workers, records)))
            -> timestamps(|event| Timestamp::from_micros(event.at as i64), lag = 50.micros())
            -> key_by(|event| event.key) -> count_briefly -> sink(for_each(|count| _ = black_box(count)));
    }
}

fn main() -> malstrom::Result<()> {
    let Cli { what, records, workers } = Cli::parse();
    let job: fn(usize, u64) -> Pipeline = match what {
        What::Tumbling => counted_tumbling,
        What::Sliding => counted_sliding,
        What::Session => counted_sessions,
        What::OnClose => seen_until_close,
        What::Ttl => kept_briefly,
    };
    let report = Runtime::builder().workers(workers).build()?.run(move || job(workers, records))?;
    eprintln!("{report}");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    println!("{what:?}, {workers} workers, {records} records: at most {peak}");
    Ok(())
}
