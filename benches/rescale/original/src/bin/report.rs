//! Reports what the peers have written, each to a folder of its own: `report FOLDER..`. One program for all of them, so that their
//! figures mean the same.
//!
//! `run.txt` has lines of names and values; `took.bin` the microseconds from when each record was due until it came, in order of
//! the records (4 bytes, little endian, -1 for those that never came); `beats.bin` a byte for each 0.1 ms since the beginning,
//! which is 0 unless a record came.
use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// In microseconds, of `beats.bin`.
const BEAT: usize = 100;
/// Of so many microseconds are the stretches of which it is looked whether records are late.
const STRETCH: usize = 10_000;
/// In microseconds: nothing is late that does not take longer, and longer than twice the 99th percentile before.
const LATE: i32 = 10_000;
/// So many of them in a row must be in time.
const CALM: usize = 20;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// With one number of workers, or from one to another, between two times in microseconds.
enum Step {
    Phase { workers: usize, from: usize, to: usize },
    Change { before: usize, after: usize, from: usize, to: usize },
}
struct Run {
    rate: usize,
    took: Vec<i32>,
    beats: Vec<u8>,
}
impl Run {
    /// Those that were due between two times.
    fn due(&self, from: usize, to: usize) -> &[i32] {
        let at = |micros: usize| (micros * self.rate / 1_000_000).min(self.took.len());
        &self.took[at(from)..at(to).max(at(from))]
    }
    /// The times of those that came, in order.
    fn came(&self, from: usize, to: usize) -> Vec<i32> {
        let mut took: Vec<i32> = self.due(from, to).iter().copied().filter(|took| *took >= 0).collect();
        took.sort_unstable();
        took
    }
    fn describe(&self, from: usize, to: usize) -> String {
        let took = self.came(from, to);
        let ms = |share| f64::from(quantile(&took, share)) / 1e3;
        format!("p50 {:8.2} ms, p99 {:8.2} ms, slowest {:8.2} ms", ms(0.5), ms(0.99), ms(1.0))
    }
    /// The longest time between two times in which nothing came.
    fn pause(&self, from: usize, to: usize) -> f64 {
        let within = &self.beats[(from / BEAT).min(self.beats.len())..(to / BEAT + 1).min(self.beats.len())];
        within.split(|beat| *beat != 0).map(<[u8]>::len).max().unwrap_or(0) as f64 * BEAT as f64 / 1e3
    }
    /// Since when the median of what is due is below a limit, for good, once a change is done. If it never was above: since it was
    /// asked for.
    fn caught_up(&self, asked: usize, done: usize, end: usize, limit: i32) -> Option<usize> {
        let calm = |at: usize| {
            let took = self.came(at * STRETCH, (at + 1) * STRETCH);
            !took.is_empty() && quantile(&took, 0.5) <= limit
        };
        let (first, last) = (asked.div_ceil(STRETCH), end / STRETCH);
        let mut since = (done / STRETCH..last).find(|at| *at + CALM <= last && (*at..at + CALM).all(calm))?;
        while since > first && calm(since - 1) {
            since -= 1;
        }
        Some(if since == first { asked } else { since * STRETCH })
    }
}
/// The value below which such a share of them is, which are in order; 0 if there are none.
fn quantile(sorted: &[i32], share: f64) -> i32 {
    sorted.get(((sorted.len() as f64 - 1.0) * share) as usize).copied().unwrap_or(0)
}

fn report(folder: &Path) -> Result<()> {
    let text = fs::read_to_string(folder.join("run.txt"))?;
    let named = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("");
    let number = |name: &str| -> Result<usize> { Ok(named(name).parse()?) };
    let (rate, keys) = (number("rate")?, number("keys")?);
    println!("\n{}: {rate} records/s of {keys} keys", named("what"));
    let bytes = fs::read(folder.join("took.bin"))?;
    let (words, _) = bytes.as_chunks();
    let took = words.iter().map(|word| i32::from_le_bytes(*word)).collect();
    let run = Run { rate, took, beats: fs::read(folder.join("beats.bin"))? };
    let mut steps = Vec::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let name = words.next();
        if matches!(name, Some("phase" | "change")) {
            let values = words.map(str::parse).collect::<std::result::Result<Vec<usize>, _>>()?;
            steps.push(match values[..] {
                [workers, from, to] => Step::Phase { workers, from, to },
                [before, after, from, to] => Step::Change { before, after, from, to },
                _ => return Err(format!("`{line}` is not understood").into()),
            });
        }
    }
    // Of the phase before.
    let mut steady = 0;
    for (at, step) in steps.iter().enumerate() {
        match *step {
            Step::Phase { workers, from, to } => {
                // Without what it takes to catch up, and without those that the next change delays.
                let (from, to) = (usize::midpoint(from, to), to.saturating_sub(50_000));
                steady = quantile(&run.came(from, to), 0.99);
                println!("{:11} {}", format!("{workers} workers"), run.describe(from, to));
            }
            Step::Change { before, after, from, to } => {
                let end = match steps.get(at + 1) {
                    Some(Step::Phase { to, .. }) => *to,
                    _ => to,
                };
                let caught_up = run.caught_up(from, to, end, LATE.max(steady * 2));
                let until = caught_up.unwrap_or(end).max(to);
                let ms = |micros: usize| (micros - from) as f64 / 1e3;
                println!("{:11} {}", format!("{before} -> {after}"), run.describe(from, until));
                print!("{:11} took {:.0} ms, longest pause {:.1} ms, ", "", ms(to), run.pause(from, until));
                match caught_up {
                    Some(caught_up) => println!("caught up after {:.0} ms", ms(caught_up)),
                    None => println!("not caught up within {:.0} ms", ms(end)),
                }
            }
        }
    }
    let records = number("records")?;
    let (lost, again, counted) =
        (run.took.iter().filter(|took| **took < 0).count(), number("again")?, number("counted")?);
    println!(
        "{records} records: {lost} never came, {again} came again, the last counts of all keys add up to {counted}"
    );
    text.lines().filter_map(|line| line.strip_prefix("note ")).for_each(|note| println!("{note}"));
    if !named("failed").is_empty() {
        println!("FAILED: {}", named("failed"));
    }
    if counted == records && lost == 0 {
        println!("each was counted once");
    } else {
        println!("NOT each was counted once");
    }
    Ok(())
}
fn main() -> Result<()> {
    env::args().skip(1).try_for_each(|folder| report(Path::new(&folder)))
}
