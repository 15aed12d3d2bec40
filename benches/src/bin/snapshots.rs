//! What snapshots cost: the keyed sum of w2 with a snapshot each second and without, and what it costs that the number of workers may
//! change, side by side in one run; the longest stretches in which no record moves; and what is written. How long a restore takes is for
//! `recovery` to say.
use clap::{Parser, Subcommand};
use malstrom::connect::for_each;
use malstrom::prelude::*;
use malstrom::{Emit, Never, Read, Runtime, Source, SplitReader};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Measures what snapshots cost.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
    /// How many keys
    #[arg(long, default_value_t = 1_000_000, global = true)]
    keys: u64,
    /// How many records
    #[arg(long, default_value_t = 60_000_000, global = true)]
    records: u64,
    /// With how many workers
    #[arg(long, default_value_t = 1, global = true)]
    workers: usize,
    /// How often a snapshot is taken, in milliseconds
    #[arg(long, default_value_t = 1000, global = true)]
    every: u64,
    /// Only one of so many keys is used after each has been used once
    #[arg(long, default_value_t = 1, global = true)]
    rare: u64,
    /// Where snapshots lie; a directory for temporary files by default
    #[arg(long, global = true)]
    directory: Option<PathBuf>,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 3, global = true)]
    rounds: usize,
}
#[derive(Clone, Subcommand)]
enum What {
    /// The keyed sum without snapshots, elastic, and with snapshots
    Cost,
    /// A run by itself, for the others
    #[command(hide = true)]
    Run {
        /// Takes snapshots
        #[arg(long)]
        kept: bool,
        /// The number of workers may change, without snapshots
        #[arg(long)]
        elastic: bool,
    },
}

fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (x ^ (x >> 29)).wrapping_mul(0xc4ce_b9fe_1a85_ec53) >> 16
}

/// The stretches between two batches of records of each worker, in microseconds.
static GAPS: Mutex<Vec<u32>> = Mutex::new(Vec::new());
/// Records between two looks at the clock.
const STRIDE: u64 = 256;
struct Watch {
    gaps: Vec<u32>,
    last: Instant,
    n: u64,
}
impl Drop for Watch {
    fn drop(&mut self) {
        if let Ok(mut all) = GAPS.lock() {
            all.append(&mut self.gaps);
        }
    }
}

#[keyed_state(key = u64)]
#[derive(Default)]
struct Total {
    sum: u64,
}
#[operator]
fn total(state: &mut Total, (_, value): (u64, u64)) -> u64 {
    state.sum = state.sum.wrapping_add(value);
    state.sum
}

/// A source that goes on at any position without taking the records before it again.
#[derive(Clone)]
struct Numbers {
    workers: u64,
    keys: u64,
    records: u64,
    rare: u64,
}
struct Reader {
    next: u64,
    of: Numbers,
}
impl Source for Numbers {
    type Out = (u64, u64);
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Reader;
    fn splits(&mut self) -> malstrom::Result<Vec<u64>> {
        Ok((0..self.workers).collect())
    }
    fn open(&mut self, split: u64, next: Option<u64>) -> malstrom::Result<Reader> {
        Ok(Reader { next: next.unwrap_or(split), of: self.clone() })
    }
}
impl SplitReader for Reader {
    type Out = (u64, u64);
    type Error = Never;
    type Position = u64;
    #[inline]
    fn read(&mut self, max: usize, out: &mut impl Emit<(u64, u64), Never>) -> malstrom::Result<Read> {
        let Numbers { workers, keys, records, rare } = self.of;
        let spread = (keys / rare).max(1);
        for _ in 0..max {
            let i = self.next;
            if i >= records {
                return Ok(Read::End);
            }
            // Each key once, then all of them at random, or some.
            out.emit((if i < keys { i } else { mix(i) % spread }, i));
            self.next = i + workers;
        }
        Ok(Read::More)
    }
    fn position(&self) -> u64 {
        self.next
    }
}

pipeline! {
    fn sums(workers: usize, keys: u64, records: u64, rare: u64) {
        source(Numbers { workers: workers as u64, keys, records, rare })
            -> key_by(|record: &(u64, u64)| record.0)
            -> total
            -> sink(for_each(watched()));
    }
}
fn watched() -> impl FnMut(u64) + 'static {
    let mut watch = Watch { gaps: Vec::new(), last: Instant::now(), n: 0 };
    move |sum| {
        let watch = &mut watch;
        watch.n += 1;
        if watch.n.is_multiple_of(STRIDE) {
            let now = Instant::now();
            watch.gaps.push(u32::try_from((now - watch.last).as_micros()).unwrap_or(u32::MAX));
            watch.last = now;
        }
        black_box(sum);
    }
}

fn run(cli: &Cli, at: &Path, (kept, elastic): (bool, bool)) -> malstrom::Result<()> {
    let Cli { keys, records, workers, rare, every, .. } = *cli;
    let mut builder = Runtime::builder().workers(workers).elastic(elastic);
    if kept {
        builder = builder.snapshots(format!("file://{}", at.display()), Duration::from_millis(every));
    }
    let runtime = builder.build()?;
    let begun = Instant::now();
    let report = runtime.run(move || sums(workers, keys, records, rare))?;
    let took = begun.elapsed().as_secs_f64();
    let mut all = GAPS.lock().map(|mut gaps| std::mem::take(&mut *gaps)).unwrap_or_default();
    all.sort_unstable();
    let at = |share: f64| {
        all.get(((all.len() as f64 * share) as usize).min(all.len().saturating_sub(1))).copied().unwrap_or(0)
    };
    println!(
        "{} {} {} {} {} {}",
        records as f64 / took / 1e6,
        report.snapshots(),
        at(0.99),
        at(0.999),
        at(0.9999),
        all.last().copied().unwrap_or(0)
    );
    Ok(())
}

fn child(cli: &Cli, at: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.arg("run").args(flags).arg("--directory").arg(at);
    for (flag, value) in [
        ("--keys", cli.keys),
        ("--records", cli.records),
        ("--workers", cli.workers as u64),
        ("--every", cli.every),
        ("--rare", cli.rare),
    ] {
        command.arg(flag).arg(value.to_string());
    }
    command
}
fn size(at: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(at) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}
fn newest_segment(at: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(at.join("segments")) else { return 0 };
    let newest = entries.flatten().max_by_key(|entry| entry.file_name());
    newest.and_then(|entry| entry.metadata().ok()).map_or(0, |meta| meta.len())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cli = Cli::parse();
    let base =
        cli.directory.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("snapshots-{}", std::process::id())));
    match cli.what.clone() {
        What::Run { kept, elastic } => run(&cli, &base, (kept, elastic))?,
        What::Cost => {
            println!(
                "{:8} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9}",
                "", "M/s", "snapshots", "p99 us", "p99.9", "p99.99", "longest"
            );
            const KINDS: [(&str, &[&str]); 3] = [("without", &[]), ("elastic", &["--elastic"]), ("with", &["--kept"])];
            let mut ratios = KINDS.map(|_| Vec::new());
            for round in 0..cli.rounds {
                let mut without = 1.0;
                for (which, (name, flags)) in KINDS.into_iter().enumerate() {
                    let at = base.join(format!("{round}"));
                    let output = child(&cli, &at, flags).stderr(Stdio::inherit()).output()?;
                    let text = String::from_utf8(output.stdout)?;
                    let figures: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
                    if which == 0 {
                        without = figures[0];
                    }
                    ratios[which].push(figures[0] / without);
                    println!(
                        "{name:8} {:9.2} {:10} {:9} {:9} {:9} {:9}",
                        figures[0], figures[1], figures[2], figures[3], figures[4], figures[5]
                    );
                    if name == "with" {
                        println!(
                            "         on disk {} MiB, last segment {} MiB",
                            size(&at) >> 20,
                            newest_segment(&at) >> 20
                        );
                    }
                    let _ = std::fs::remove_dir_all(&at);
                }
            }
            for ((name, _), mut ratios) in KINDS.into_iter().zip(ratios).skip(1) {
                ratios.sort_by(f64::total_cmp);
                println!("{name} / without: median {:.3}", ratios[ratios.len() / 2]);
            }
        }
    }
    let _ = std::fs::remove_dir(&base);
    Ok(())
}
