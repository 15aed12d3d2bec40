//! How long a job stands still when one of its processes is killed: from SIGKILL until records are seen again, with so much state per
//! worker.
//!
//! The processes are those of a keyed sum, started by this program: first they make every key once, as fast as they can, and then go on
//! with random ones at a fixed rate. Each sink looks at the clock for every record, so that the longest stretch without one is known.
use clap::{Parser, ValueEnum};
use malstrom::connect::for_each;
use malstrom::prelude::*;
use malstrom::{Emit, Never, Read, RuntimeArgs, Source, SplitReader};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Measures how long a job stands still when a process of it is killed.
#[derive(Parser)]
struct Cli {
    /// What is killed
    #[arg(value_enum)]
    what: What,
    /// How many processes with workers
    #[arg(long, default_value_t = 2)]
    processes: u32,
    /// How many MiB of state each process keeps, as it is written to snapshots
    #[arg(long, default_value_t = 1024)]
    mib: u64,
    /// How many records per second, all processes together, once each key is there
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// How often a snapshot is taken, in milliseconds
    #[arg(long, default_value_t = 2000)]
    every: u64,
    /// For how long nobody comes in the place of who was killed, in milliseconds
    #[arg(long, default_value_t = 0)]
    away: u64,
    /// Where snapshots lie; a directory for temporary files by default
    #[arg(long)]
    directory: Option<PathBuf>,
    /// How often each is measured
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Shows what the processes log
    #[arg(long)]
    verbose: bool,
}
#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// A process with workers, and another one comes in its place
    Worker,
    /// The coordinator, and another one comes in its place
    Coordinator,
    /// The only process of a job, which is started again
    Alone,
}
/// One of the processes, for which the first argument of this program is `part`.
#[derive(Parser)]
struct Part {
    /// How many splits there are
    splits: u64,
    /// How many keys
    keys: u64,
    /// How many records per second
    rate: u64,
    #[command(flatten)]
    runtime: RuntimeArgs,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
const SECOND: u64 = 1_000_000_000;
/// A sink tells of each stretch of so long what the longest one without a record was that ended in it.
const BUCKET: u64 = SECOND / 100;

// ---- the job -------------------------------------------------------------------------------------------------------

/// How many bytes an entry takes in a snapshot: its key, and what is kept for it.
const ENTRY: u64 = 8 + 96;
#[keyed_state(key = u64)]
#[derive(Default)]
struct Held {
    sum: u64,
    more: [u64; 11],
}
#[operator]
fn hold(held: &mut Held, key: u64) -> u64 {
    held.sum += 1;
    held.more[(held.sum % 11) as usize] = key;
    held.sum
}

/// Each key once, and then random ones at a fixed rate, of which a split has its share.
#[derive(Clone)]
struct Keys {
    splits: u64,
    keys: u64,
    rate: u64,
}
struct Reader {
    of: Keys,
    split: u64,
    next: u64,
    /// When each key had come, or the split was opened, and how far it was then.
    since: Option<(u64, u64)>,
}
impl Source for Keys {
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Reader;

    fn splits(&mut self) -> malstrom::Result<Vec<u64>> {
        Ok((0..self.splits).collect())
    }
    fn open(&mut self, split: u64, next: Option<u64>) -> malstrom::Result<Reader> {
        Ok(Reader { of: self.clone(), split, next: next.unwrap_or(0), since: None })
    }
}
impl SplitReader for Reader {
    type Out = u64;
    type Error = Never;
    type Position = u64;

    fn read(&mut self, max: usize, out: &mut impl Emit<u64, Never>) -> malstrom::Result<Read> {
        let Keys { splits, keys, rate } = self.of;
        let share = keys / splits;
        if self.next < share {
            for _ in 0..max.min((share - self.next) as usize) {
                out.emit(self.next * splits + self.split);
                self.next += 1;
            }
            return Ok(Read::More);
        }
        let (since, from) = *self.since.get_or_insert_with(|| {
            println!("filled");
            (now(), self.next)
        });
        let due = from + (now() - since) * (rate / splits) / SECOND;
        for _ in 0..max.min(due.saturating_sub(self.next) as usize) {
            let mixed = (self.next * splits + self.split).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            out.emit((mixed ^ (mixed >> 29)) % keys);
            self.next += 1;
        }
        Ok(if self.next < due { Read::More } else { Read::After(Duration::from_micros(500)) })
    }
    fn position(&self) -> u64 {
        self.next
    }
}
pipeline! {
    fn held(splits: u64, keys: u64, rate: u64) {
        source(Keys { splits, keys, rate }) -> key_by(|key: &u64| *key) -> hold -> sink(for_each(seen()));
    }
}
fn seen() -> impl FnMut(u64) + 'static {
    let (mut last, mut longest) = (0, 0);
    move |_| {
        let now = now();
        if last == 0 {
            println!("first {now}");
            last = now;
        }
        longest = longest.max(now - last);
        if now / BUCKET != last / BUCKET {
            println!("bucket {now} {longest}");
            longest = 0;
        }
        last = now;
    }
}

// ---- the processes -------------------------------------------------------------------------------------------------

/// A line that a process has written, and when it was read.
struct Line {
    at: u64,
    of: String,
    text: String,
}
/// The processes of a job, and all that they have said.
struct Job<'a> {
    cli: &'a Cli,
    at: PathBuf,
    coordinator: u16,
    lines: Arc<Mutex<Vec<Line>>>,
}
impl Job<'_> {
    fn keys(&self) -> u64 {
        u64::from(self.cli.processes) * (self.cli.mib << 20) / ENTRY
    }
    fn start(&self, name: &str, role: &[String]) -> Child {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.arg("part").args([u64::from(self.cli.processes), self.keys(), self.cli.rate].map(|n| n.to_string()));
        command.args(role).args(["--log=info", "--latency=low"]);
        command.arg(format!("--snapshots=file://{}", self.at.display())).arg(format!("--every={}ms", self.cli.every));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let out: Box<dyn std::io::Read + Send> = Box::new(child.stdout.take().expect("it is piped"));
        let err: Box<dyn std::io::Read + Send> = Box::new(child.stderr.take().expect("it is piped"));
        for (from, shown) in [(out, false), (err, self.cli.verbose)] {
            let (of, lines) = (name.to_owned(), self.lines.clone());
            std::thread::spawn(move || {
                for text in BufReader::new(from).lines().map_while(Result::ok) {
                    if shown {
                        println!("[{of}] {text}");
                    }
                    lines.lock().expect("nobody panics").push(Line { at: now(), of: of.clone(), text });
                }
            });
        }
        child
    }
    fn coordinate(&self) -> Child {
        let (listen, processes) =
            (format!("--listen=127.0.0.1:{}", self.coordinator), format!("--processes={}", self.cli.processes));
        self.start("coordinator", &["--role=coordinator".into(), listen, processes])
    }
    fn work(&self, process: u32) -> Child {
        let (join, number) = (format!("--join=127.0.0.1:{}", self.coordinator), format!("--process={process}"));
        self.start(&format!("worker {process}"), &["--role=worker".into(), "--workers=1".into(), join, number])
    }
    /// When the first line that has this was written after `since`, by the process of this name.
    fn first(&self, since: u64, of: &str, what: &str) -> Option<u64> {
        let lines = self.lines.lock().expect("nobody panics");
        lines.iter().find(|line| line.at >= since && line.of == of && line.text.contains(what)).map(|line| line.at)
    }
    fn until(&self, since: u64, of: &str, what: &str) -> u64 {
        until(&format!("{of} says `{what}`"), || self.first(since, of, what))
    }
    /// Waits until all keys are there, and a snapshot of them is stored.
    fn until_full(&self, workers: &[String]) {
        workers.iter().for_each(|worker| {
            self.until(0, worker, "filled");
        });
        let before = committed(&self.at);
        until("snapshots are committed", || (committed(&self.at) >= before + 4).then_some(()));
    }
    /// The longest stretch without a record at one of the sinks that ended between these times, in milliseconds.
    fn longest(&self, from: u64, to: u64) -> f64 {
        let lines = self.lines.lock().expect("nobody panics");
        let gap = |line: &Line| {
            let (at, gap) = line.text.strip_prefix("bucket ")?.split_once(' ')?;
            let (at, gap): (u64, u64) = (at.parse().ok()?, gap.parse().ok()?);
            (from..to).contains(&at).then_some(gap)
        };
        lines.iter().filter_map(gap).max().unwrap_or(0) as f64 / 1e6
    }
}
fn until<T>(what: &str, mut has: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(it) = has() {
            return it;
        }
        assert!(begun.elapsed() < Duration::from_secs(300), "it takes too long until {what}");
        sleep(Duration::from_millis(2));
    }
}
/// The number of the last entry of the commit log.
fn committed(at: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(at.join("log")) else { return 0 };
    let number = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().parse().ok();
    entries.flatten().filter_map(number).max().unwrap_or(0)
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
/// The CPU time that a process has taken, in seconds.
fn cpu(child: &Child) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    // Behind the name in parentheses; in hundredths.
    let words = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    words.filter_map(|word| word.parse::<f64>().ok()).sum::<f64>() / 100.0
}
fn kill(child: &mut Child) {
    // One that has ended cannot be killed.
    let _ = child.kill();
    let _ = child.wait();
}
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("it has an address").port()
}

// ---- what is measured ----------------------------------------------------------------------------------------------

/// One of the processes with workers is killed.
fn worker(job: &Job) {
    let mut coordinator = job.coordinate();
    let mut workers: Vec<Child> = (0..job.cli.processes).map(|process| job.work(process)).collect();
    let names: Vec<String> = (0..job.cli.processes).map(|process| format!("worker {process}")).collect();
    job.until_full(&names);
    let last = job.cli.processes - 1;
    let (killed, before) = (now(), workers[..last as usize].iter().map(cpu).sum::<f64>());
    kill(&mut workers[last as usize]);
    sleep(Duration::from_millis(job.cli.away));
    workers[last as usize] = job.work(last);
    let all = |what: &str| names.iter().map(|name| job.until(killed, name, what)).max().unwrap_or(killed);
    let flows = all("first ");
    let spent = workers.iter().map(cpu).sum::<f64>() - before;
    let noticed = ["has been replaced", "does not come back", "cannot reach"];
    let noticed = noticed.iter().filter_map(|words| job.first(killed, "coordinator", words)).min().unwrap_or(flows);
    let (begun, restored) = (job.until(killed, "coordinator", "attempt begins"), all("all have begun"));
    let [noticed, begun, restored, flows] =
        [noticed, begun, restored, flows].map(|at| at.saturating_sub(killed) as f64 / 1e9);
    println!(
        "noticed after {noticed:.3} s, new attempt after {begun:.3} s, restored after {restored:.3} s, records after {flows:.3} s \
         ({spent:.2} s of CPU time, {} MiB of snapshots)",
        size(&job.at) >> 20
    );
    kill(&mut coordinator);
    workers.iter_mut().for_each(kill);
}
/// The coordinator is killed.
fn coordinator(job: &Job) {
    const QUIET: Duration = Duration::from_secs(5);
    let mut coordinator = job.coordinate();
    let mut workers: Vec<Child> = (0..job.cli.processes).map(|process| job.work(process)).collect();
    let names: Vec<String> = (0..job.cli.processes).map(|process| format!("worker {process}")).collect();
    job.until_full(&names);
    let begun = now();
    sleep(QUIET);
    let killed = now();
    kill(&mut coordinator);
    sleep(Duration::from_millis(job.cli.away));
    let before = committed(&job.at);
    let mut coordinator = job.coordinate();
    // Its claim is an entry as well.
    until("snapshots are committed again", || (committed(&job.at) > before + 1).then_some(()));
    let again = now();
    sleep(QUIET.saturating_sub(Duration::from_nanos(again - killed)));
    let ended = now();
    let restarted = job.first(killed, "coordinator", "attempt begins").is_some();
    println!(
        "longest gap at a sink: {:.1} ms in the {} s before, {:.1} ms in the {:.0} s after; snapshots again after {:.3} s, restarted: \
         {restarted}",
        job.longest(begun, killed),
        QUIET.as_secs(),
        job.longest(killed, ended),
        (ended - killed) as f64 / 1e9,
        (again - killed) as f64 / 1e9,
    );
    kill(&mut coordinator);
    workers.iter_mut().for_each(kill);
}
/// The only process is killed.
fn alone(job: &Job) {
    let name = "process".to_owned();
    let start = || job.start(&name, &["--workers".into(), job.cli.processes.to_string()]);
    let mut process = start();
    job.until_full(std::slice::from_ref(&name));
    let killed = now();
    kill(&mut process);
    let mut process = start();
    let flows = job.until(killed, &name, "first ");
    println!("records after {:.3} s ({} MiB of snapshots)", (flows - killed) as f64 / 1e9, size(&job.at) >> 20);
    kill(&mut process);
}

fn main() -> malstrom::Result<()> {
    let mut arguments = std::env::args();
    if arguments.nth(1).is_some_and(|first| first == "part") {
        let Part { splits, keys, rate, runtime } =
            Part::parse_from(std::iter::once("part".to_owned()).chain(arguments));
        return runtime.run(move || held(splits, keys, rate)).map(drop);
    }
    let cli = Cli::parse();
    let base =
        cli.directory.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("recovery-{}", std::process::id())));
    for round in 0..cli.rounds {
        let at = base.join(round.to_string());
        let job = Job { cli: &cli, at, coordinator: free_port(), lines: Arc::default() };
        match cli.what {
            What::Worker => worker(&job),
            What::Coordinator => coordinator(&job),
            What::Alone => alone(&job),
        }
        let _ = std::fs::remove_dir_all(&job.at);
    }
    let _ = std::fs::remove_dir(&base);
    Ok(())
}
