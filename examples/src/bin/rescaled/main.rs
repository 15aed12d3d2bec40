//! A job whose workers become more and fewer while records flow: 1, then 4, then 2. It says how long records take from when they are
//! due to the sink, in each phase and while key groups move, and at the end whether each was counted once.
//!
//! `cargo run --release --bin rescaled -- --rate 500000 --keys 1000000 --seconds 5` puts it under load, and `--plot FILE` draws how
//! long records took and how many came, over time.
mod chart;

use chart::{Chart, Rescale, Sample};
use clap::Parser;
use malstrom::connect::for_each;
use malstrom::prelude::*;
use malstrom::{Emit, Error, Never, Read, Result, Runtime, Source, SplitReader};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const SPLITS: u64 = 8;
/// From one snapshot to the next.
const EVERY: Duration = Duration::from_millis(500);

/// Numbers that are due at a steady rate, until it is told to end.
#[derive(Clone)]
struct Paced {
    rate: u64,
    began: Instant,
    /// The first number that is not to come.
    end: Arc<AtomicU64>,
}
impl Source for Paced {
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = PacedReader;

    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok((0..SPLITS).collect())
    }
    fn open(&mut self, split: u64, position: Option<u64>) -> Result<PacedReader> {
        Ok(PacedReader { paced: self.clone(), next: position.unwrap_or(split) })
    }
}
impl Paced {
    /// When a number is due, since the beginning.
    fn due(&self, n: u64) -> Duration {
        Duration::from_nanos(n * 1_000_000_000 / self.rate)
    }
}
struct PacedReader {
    paced: Paced,
    next: u64,
}
impl SplitReader for PacedReader {
    type Out = u64;
    type Error = Never;
    type Position = u64;

    fn read(&mut self, max: usize, out: &mut impl Emit<u64, Never>) -> Result<Read> {
        let now = self.paced.began.elapsed();
        let end = self.paced.end.load(Ordering::Relaxed);
        for _ in 0..max {
            if self.next >= end {
                return Ok(Read::End);
            }
            if self.paced.due(self.next) > now {
                return Ok(Read::After(Duration::from_micros(500)));
            }
            out.emit(self.next);
            self.next += SPLITS;
        }
        Ok(Read::More)
    }
    fn position(&self) -> u64 {
        self.next
    }
}

#[keyed_state(key = u64)]
#[derive(Default)]
struct Seen(u64);
/// The number, and how many there were of its key.
#[operator]
fn number(seen: &mut Seen, n: u64) -> (u64, u64) {
    seen.0 += 1;
    (n, seen.0)
}

/// What has come out.
#[derive(Default)]
struct Came {
    records: u64,
    /// The sum of the counts: it is known what that is if each record was counted once, and no other way.
    counts: u64,
    /// When records came, and how long they took.
    samples: Vec<Sample>,
}
type Out = Arc<Mutex<Came>>;

pipeline! {
    fn counted(paced: Paced, keys: u64, out: Out) {
        source(paced.clone()) -> key_by(move |n| n % keys) -> number
            -> sink(for_each(move |(n, count)| {
                let came = paced.began.elapsed();
                let sample = Sample::new(came, came.saturating_sub(paced.due(n)));
                let mut came = out.lock().unwrap_or_else(PoisonError::into_inner);
                came.records += 1;
                came.counts += count;
                came.samples.push(sample);
            }));
    }
}

/// What has come since the last call. There is to be room for so many, so that records do not wait while it grows.
fn taken(out: &Out, room: usize) -> Vec<Sample> {
    let empty = Vec::with_capacity(room);
    std::mem::replace(&mut out.lock().unwrap_or_else(PoisonError::into_inner).samples, empty)
}
/// What these took.
fn show(what: &str, samples: &[Sample]) {
    let mut latencies: Vec<f64> = samples.iter().map(Sample::took).collect();
    latencies.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| chart::quantile(&latencies, share);
    println!(
        "{what:<14} {:>9} records   p50 {:>7.2} ms   p99 {:>7.2} ms   slowest {:>7.2} ms",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
fn workers(count: usize) -> String {
    format!("{count} worker{}", if count == 1 { "" } else { "s" })
}

/// A job that gets more workers, and fewer again, while records flow.
#[derive(Parser)]
struct Args {
    /// How many records are due in a second
    #[arg(long, default_value_t = 20_000)]
    rate: u64,
    /// Of how many keys they are
    #[arg(long, default_value_t = 10_000)]
    keys: u64,
    /// For how long it goes on with each number of workers
    #[arg(long, default_value_t = 1)]
    seconds: u64,
    /// The numbers of workers
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 2])]
    workers: Vec<usize>,
    /// Draws latency and throughput over time to this file, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let end = Arc::new(AtomicU64::new(u64::MAX));
    #[allow(clippy::disallowed_methods, reason = "it measures how long records take")]
    let began = Instant::now();
    let paced = Paced { rate: args.rate, began, end: end.clone() };
    let (out, keys) = (Out::default(), args.keys);
    let room = (args.rate * (args.seconds + 2)) as usize;
    taken(&out, room);
    let first = args.workers.first().copied().unwrap_or(1);
    let snapshots = std::env::temp_dir().join(format!("malstrom-rescaled-{}", std::process::id()));
    let runtime =
        Runtime::builder().workers(first).snapshots(format!("file://{}", snapshots.display()), EVERY).build()?;
    let (theirs, into) = (paced.clone(), out.clone());
    let job = runtime.start(move || counted(theirs.clone(), keys, into.clone()))?;
    let phase = Duration::from_secs(args.seconds);
    let (mut rescales, mut samples) = (Vec::new(), Vec::new());
    for (at, count) in args.workers.iter().enumerate() {
        if at > 0 {
            let (since, before) = (began.elapsed(), args.workers[at - 1]);
            let moved = job.rescale(*count)?;
            samples.push(taken(&out, room));
            // Not before: it takes a core for as long as a rescale, and there may be no more than two.
            show(&workers(before), &samples[2 * at - 2]);
            println!("{moved}");
            show("... meanwhile", &samples[2 * at - 1]);
            rescales.push(Rescale { since, before, moved });
        }
        std::thread::sleep(phase);
        samples.push(taken(&out, room));
    }
    // Behind all that has been read.
    let last = (paced.began.elapsed().as_nanos() * u128::from(args.rate) / 1_000_000_000) as u64 + args.rate / 5;
    end.store(last, Ordering::Relaxed);
    job.join()?;
    if let (Some(count), Some(last)) = (args.workers.last(), samples.last()) {
        show(&workers(*count), last);
    }
    // Whether it can be removed is of no interest here.
    let _ = std::fs::remove_dir_all(&snapshots);
    let (records, counts) = {
        let came = out.lock().unwrap_or_else(PoisonError::into_inner);
        (came.records, came.counts)
    };
    // The counts of a key that has n records are 1 to n.
    let expected: u64 = (0..keys.min(last)).map(|key| (last - key).div_ceil(keys)).map(|n| n * (n + 1) / 2).sum();
    if (records, counts) != (last, expected) {
        return Err(Error::custom(format!(
            "of {last} records {records} came out, and the sum of their counts is {counts} in place of {expected}"
        )));
    }
    println!("all {last} records were counted once");
    if let Some(plot) = args.plot {
        let rate = format!("{} thousand records per second of {keys} keys", args.rate as f64 / 1e3);
        samples.push(taken(&out, 0));
        let samples: Vec<Sample> = samples.into_iter().flatten().collect();
        let title = format!("{rate}, and a snapshot every {} ms", EVERY.as_millis());
        Chart { title: &title, samples: &samples, rescales: &rescales, end: paced.due(last) }.draw(&plot)?;
        println!("{} shows how long they took", plot.display());
    }
    Ok(())
}
