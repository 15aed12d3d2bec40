//! w7: the keyed sum of w2 in two processes on this machine, one worker each: half of the records cross the loopback. Beside each other
//! in one run: a loop written by hand over a TCP connection, timely, and Malstrom.
//!
//! The clock runs from the first record that is made in either process to the last sum in either, by the clock of the machine; what it
//! takes to start and to end is counted for nobody. Malstrom has a third process that coordinates, and takes its one snapshot at the end,
//! when the clock has stopped.
#[path = "../histogram.rs"]
#[allow(dead_code)]
mod histogram;

use clap::{Parser, ValueEnum};
use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use malstrom::{Emit, Environment, Never, Read as Next, Role, Runtime, Source, SplitReader};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline as Straight};
use timely::dataflow::operators::Operator;
use timely::dataflow::operators::generic::operator::source;

type Sums = hashbrown::HashMap<u64, u64, fxhash::FxBuildHasher>;
/// Records that go over together in the loop by hand.
const BATCH: usize = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Peer {
    Hand,
    Timely,
    Malstrom,
}
/// Measures the keyed sum in two processes.
#[derive(Clone, Parser)]
struct Cli {
    /// How many keys
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 1_000])]
    keys: Vec<u64>,
    /// How many records, in both processes together
    #[arg(long, default_value_t = 20_000_000)]
    records: u64,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Whom to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Peer::Hand, Peer::Timely, Peer::Malstrom])]
    peers: Vec<Peer>,
    /// Measure latency in place of throughput, of Malstrom alone: 200k records/s for 8 s
    #[arg(long)]
    latency: bool,
    /// One of the processes of a run: which, at which port, with which directory
    #[arg(long, hide = true, num_args = 3)]
    part: Vec<String>,
}

/// When the first record was made, and the last sum was there, in nanoseconds since 1970.
static FIRST: AtomicU64 = AtomicU64::new(u64::MAX);
static LAST: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);
static XOR: AtomicU64 = AtomicU64::new(0);

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
/// The records of one process.
fn records(process: u64, records: u64, keys: u64) -> impl Iterator<Item = (u64, u64)> + 'static {
    let mut begun = false;
    (process..records).step_by(2).map(move |i| {
        if !std::mem::replace(&mut begun, true) {
            FIRST.store(now(), Ordering::Relaxed);
        }
        let mut z = i.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let key = (z ^ (z >> 31)) % keys;
        // The same for all records of a key: so the sums are the same in whatever order they come.
        (key, key & 0xff | 1)
    })
}
fn route(key: u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63
}
/// What the sink of a process does.
#[derive(Default)]
struct Tally {
    count: u64,
    xor: u64,
}
impl Tally {
    #[inline(always)]
    fn put(&mut self, sum: u64) {
        self.count += 1;
        self.xor ^= sum;
        // A look at the clock now and then, and behind the last one.
        if self.count & 0xfff == 0 {
            LAST.fetch_max(now(), Ordering::Relaxed);
        }
    }
}
impl Drop for Tally {
    fn drop(&mut self) {
        COUNT.fetch_add(self.count, Ordering::Relaxed);
        XOR.fetch_xor(self.xor, Ordering::Relaxed);
    }
}

// ---- by hand -------------------------------------------------------------------------------------------------------

/// A thread reads what the other process sends; the loop sends what is not its own, and applies what has come in between.
fn hand(me: u64, all: u64, keys: u64, port: u16) -> std::io::Result<()> {
    let mut out = if me == 0 {
        TcpListener::bind(("127.0.0.1", port))?.accept()?.0
    } else {
        loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    };
    out.set_nodelay(true)?;
    let mut incoming = out.try_clone()?;
    let (arrived, batches) = crossbeam_channel::unbounded::<Vec<u8>>();
    let (give_back, spare) = crossbeam_channel::bounded::<Vec<u8>>(32);
    let reader = std::thread::spawn(move || -> std::io::Result<()> {
        loop {
            let mut len = [0; 4];
            incoming.read_exact(&mut len)?;
            let len = u32::from_le_bytes(len) as usize;
            if len == 0 {
                return Ok(());
            }
            let mut batch = spare.try_recv().unwrap_or_default();
            batch.resize(len, 0);
            incoming.read_exact(&mut batch)?;
            let _ = arrived.send(batch);
        }
    });
    let (mut sums, mut tally) = (Sums::default(), Tally::default());
    let add = |sums: &mut Sums, tally: &mut Tally, key: u64, value: u64| {
        let sum = sums.entry(key).or_insert(0);
        *sum = sum.wrapping_add(value);
        tally.put(*sum);
    };
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let apply = |sums: &mut Sums, tally: &mut Tally, mut batch: Vec<u8>| {
        batch.chunks_exact(16).for_each(|record| add(sums, tally, word(&record[..8]), word(&record[8..])));
        batch.clear();
        let _ = give_back.try_send(batch);
    };
    let mut buffer = vec![0; 4];
    let mut send = |buffer: &mut Vec<u8>| {
        let len = (buffer.len() - 4) as u32;
        buffer[..4].copy_from_slice(&len.to_le_bytes());
        let sent = out.write_all(buffer);
        buffer.truncate(4);
        sent
    };
    for (key, value) in records(me, all, keys) {
        if route(key) == me {
            add(&mut sums, &mut tally, key, value);
            continue;
        }
        buffer.extend_from_slice(&key.to_le_bytes());
        buffer.extend_from_slice(&value.to_le_bytes());
        if buffer.len() == 4 + 16 * BATCH {
            send(&mut buffer)?;
            while let Ok(batch) = batches.try_recv() {
                apply(&mut sums, &mut tally, batch);
            }
        }
    }
    if buffer.len() > 4 {
        send(&mut buffer)?;
    }
    send(&mut buffer)?;
    while let Ok(batch) = batches.recv() {
        apply(&mut sums, &mut tally, batch);
    }
    LAST.fetch_max(now(), Ordering::Relaxed);
    reader.join().expect("the reader does not panic")
}

// ---- timely --------------------------------------------------------------------------------------------------------

fn timely(me: u64, all: u64, keys: u64, port: u16) {
    let addresses = vec![format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", port + 1)];
    let communication = timely::CommunicationConfig::Cluster {
        threads: 1,
        process: me as usize,
        addresses,
        report: false,
        zerocopy: false,
    };
    let config = timely::Config { communication, worker: timely::WorkerConfig::default() };
    let guards = timely::execute(config, move |worker| {
        worker.dataflow::<u64, _, _>(|scope| {
            let mut records = records(me, all, keys);
            let made =
                source::<_, CapacityContainerBuilder<Vec<(u64, u64)>>, _, _>(scope, "source", |capability, info| {
                    let activator = scope.activator_for(info.address);
                    let mut capability = Some(capability);
                    move |output| {
                        let Some(cap) = &capability else { return };
                        let mut session = output.session(cap);
                        let mut given = 0;
                        for record in records.by_ref().take(16 * 1024) {
                            session.give(record);
                            given += 1;
                        }
                        drop(session);
                        if given < 16 * 1024 {
                            capability = None;
                        } else {
                            activator.activate();
                        }
                    }
                });
            let by_key = Exchange::new(|record: &(u64, u64)| route(record.0));
            made.unary::<CapacityContainerBuilder<Vec<u64>>, _, _, _>(by_key, "sum", |_, _| {
                let mut sums = Sums::default();
                move |input, output| {
                    input.for_each(|time, data| {
                        let mut session = output.session(&time);
                        for (key, value) in data.drain(..) {
                            let sum = sums.entry(key).or_insert(0);
                            *sum = sum.wrapping_add(value);
                            session.give(*sum);
                        }
                    });
                }
            })
            .sink(Straight, "sink", {
                let mut tally = Tally::default();
                move |(input, _)| {
                    input.for_each(|_, data| data.drain(..).for_each(|sum| tally.put(sum)));
                    LAST.fetch_max(now(), Ordering::Relaxed);
                }
            });
        });
        while worker.step_or_park(None) {}
    });
    drop(guards.expect("timely starts"));
}

// ---- Malstrom ------------------------------------------------------------------------------------------------------

struct Pair {
    process: Option<u32>,
    port: u16,
}
impl Environment for Pair {
    fn role(&self) -> Role {
        if self.process.is_some() { Role::Worker } else { Role::Coordinator }
    }
    fn process(&self) -> Option<u32> {
        self.process
    }
    fn processes(&self) -> usize {
        2
    }
    fn listen(&self) -> String {
        if self.process.is_some() { "127.0.0.1:0".to_owned() } else { format!("127.0.0.1:{}", self.port) }
    }
    fn coordinator(&self) -> Vec<String> {
        vec![format!("127.0.0.1:{}", self.port)]
    }
}
pipeline! {
    fn summed(all: u64, keys: u64) {
        source(memory::splits(2, move |split: usize| records(split as u64, all, keys)))
            -> key_by(|record: &(u64, u64)| record.0)
            -> sum(|record: &(u64, u64)| record.1)
            -> sink(for_each(tally()));
    }
}
fn tally() -> impl FnMut((u64, u64)) + 'static {
    let mut tally = Tally::default();
    move |(_, sum)| tally.put(sum)
}
/// Records per second in one process, and for how many seconds; the first two do not count.
const RATE: u64 = 100_000;
const SECONDS: u64 = 8;
static LATENCIES: std::sync::Mutex<Option<histogram::Histogram>> = std::sync::Mutex::new(None);

/// A split for each process, paced by the clock.
struct Paced {
    keys: u64,
}
impl Source for Paced {
    type Out = (u64, u64);
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = PacedReader;

    fn splits(&mut self) -> malstrom::Result<Vec<u64>> {
        Ok(vec![0, 1])
    }
    fn open(&mut self, split: u64, _: Option<u64>) -> malstrom::Result<PacedReader> {
        Ok(PacedReader { keys: self.keys, split, next: 0, start: now() + 200_000_000 })
    }
}
struct PacedReader {
    keys: u64,
    split: u64,
    next: u64,
    start: u64,
}
impl SplitReader for PacedReader {
    type Out = (u64, u64);
    type Error = Never;
    type Position = u64;

    fn read(&mut self, max: usize, out: &mut impl Emit<(u64, u64), Never>) -> malstrom::Result<Next> {
        let due = |number: u64| self.start + number * (1_000_000_000 / RATE);
        let now = now();
        for _ in 0..max {
            if self.next == RATE * SECONDS {
                return Ok(Next::End);
            }
            if due(self.next) > now {
                return Ok(Next::After(Duration::from_nanos(due(self.next) - now)));
            }
            let key = (self.next * 2 + self.split).wrapping_mul(0x9e37_79b9_7f4a_7c15) % self.keys;
            out.emit((key, due(self.next)));
            self.next += 1;
        }
        Ok(Next::More)
    }
    fn position(&self) -> u64 {
        self.next
    }
}
#[keyed_state(key = u64)]
#[derive(Default)]
struct Sum {
    total: u64,
}
/// As `sum`; the time at which the record was due travels with the result.
#[operator]
fn add(sum: &mut Sum, record: (u64, u64)) -> u64 {
    sum.total += record.0;
    record.1
}
pipeline! {
    fn paced(keys: u64) {
        source(Paced { keys }) -> key_by(|record: &(u64, u64)| record.0) -> add -> sink(for_each(late()));
    }
}
fn late() -> impl FnMut(u64) + 'static {
    let mut first = u64::MAX;
    move |due: u64| {
        let now = now();
        first = first.min(due);
        if due >= first + 2_000_000_000 {
            let mut all = LATENCIES.lock().expect("nobody panics");
            all.get_or_insert_with(histogram::Histogram::new).record(now.saturating_sub(due));
        }
    }
}
fn malstrom(cli: &Cli, process: Option<u32>, keys: u64, port: u16) -> malstrom::Result<()> {
    let (all, latency) = (cli.records, cli.latency);
    let every = Duration::from_secs(3600);
    let runtime = Runtime::builder().workers(1).snapshots(format!("file://{}", cli.part[2]), every);
    let runtime = if latency { runtime.latency(malstrom::Latency::Low) } else { runtime };
    runtime
        .build()?
        .run_in(Pair { process, port }, move || if latency { paced(keys) } else { summed(all, keys) })
        .map(drop)
}

// ---- the run -------------------------------------------------------------------------------------------------------

/// One of the processes.
fn part(cli: &Cli) {
    let (all, keys, peer) = (cli.records, cli.keys[0], cli.peers[0]);
    let port: u16 = cli.part[1].parse().expect("a port");
    let me: Option<u32> = cli.part[0].parse().ok();
    let number = u64::from(me.unwrap_or_default());
    match peer {
        Peer::Hand => hand(number, all, keys, port).expect("the connection holds"),
        Peer::Timely => timely(number, all, keys, port),
        Peer::Malstrom => malstrom(cli, me, keys, port).expect("the job runs to its end"),
    }
    if let Some(all) = LATENCIES.lock().expect("nobody panics").as_ref() {
        if let Some(histogram::Percentiles { p50, p99, p999, .. }) = all.percentiles() {
            let nanos = [p50, p99, p999].map(|micros| (micros * 1_000.0) as u64);
            println!("{} {} {}", nanos[0], nanos[1], nanos[2]);
        }
        return;
    }
    let [first, last, count, xor] = [&FIRST, &LAST, &COUNT, &XOR].map(|of| of.load(Ordering::Relaxed));
    println!("{first} {last} {count} {xor}");
}
fn free_port() -> u16 {
    // Two in a row, for timely.
    loop {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("it has an address").port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}
/// What the processes of a run have printed.
fn run(cli: &Cli, peer: Peer, keys: u64) -> Vec<Vec<u64>> {
    let directory = std::env::temp_dir().join(format!("malstrom-w7-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory");
    let port = free_port();
    let parts: &[&str] = if peer == Peer::Malstrom { &["coordinator", "0", "1"] } else { &["0", "1"] };
    let program: PathBuf = std::env::current_exe().expect("this program");
    let start = |part: &&str| {
        let peer = peer.to_possible_value().expect("it has a name").get_name().to_owned();
        let mut command = Command::new(&program);
        command.args(["--keys", &keys.to_string(), "--records", &cli.records.to_string(), "--peers", &peer]);
        command.args(["--part", part, &port.to_string(), &directory.display().to_string()]);
        command.args(cli.latency.then_some("--latency"));
        command.stdout(Stdio::piped()).spawn().expect("it starts")
    };
    let children: Vec<_> = parts.iter().map(start).collect();
    let numbers = |child: std::process::Child| {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{peer:?} has failed");
        let text = String::from_utf8(output.stdout).expect("text");
        // timely says more.
        let line = text.lines().next_back().unwrap_or_default();
        line.split_whitespace().map(|word| word.parse().expect("a number")).collect()
    };
    let printed = children.into_iter().map(numbers).collect();
    let _ = std::fs::remove_dir_all(&directory);
    printed
}
/// Millions of records per second, and what the sinks have seen.
fn measure(cli: &Cli, peer: Peer, keys: u64) -> (f64, (u64, u64)) {
    let (mut first, mut last, mut count, mut xor) = (u64::MAX, 0, 0, 0);
    for numbers in run(cli, peer, keys) {
        (first, last) = (first.min(numbers[0]), last.max(numbers[1]));
        (count, xor) = (count + numbers[2], xor ^ numbers[3]);
    }
    assert_eq!(count, cli.records, "{peer:?} has lost some");
    let seconds = last.saturating_sub(first) as f64 / 1e9;
    (cli.records as f64 / seconds / 1e6, (count, xor))
}
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
fn main() {
    let cli = Cli::parse();
    if !cli.part.is_empty() {
        return part(&cli);
    }
    if cli.latency {
        for _ in 0..cli.rounds {
            let processes = run(&cli, Peer::Malstrom, cli.keys[0]);
            let of_workers = processes.iter().filter(|numbers| numbers[0] != u64::MAX);
            for (process, numbers) in of_workers.enumerate() {
                let [p50, p99, p999] = [0, 1, 2].map(|at| numbers[at] as f64 / 1e3);
                println!("process {process}: p50 {p50:.0} us  p99 {p99:.0} us  p99.9 {p999:.0} us");
            }
        }
        return;
    }
    println!("two processes over loopback, {} records; median of {} rounds", cli.records, cli.rounds);
    for keys in &cli.keys {
        let mut rates: BTreeMap<Peer, Vec<f64>> = BTreeMap::new();
        let mut ratios: BTreeMap<Peer, Vec<f64>> = BTreeMap::new();
        let mut seen = None;
        for _ in 0..cli.rounds {
            let mut hand = None;
            for peer in &cli.peers {
                let (rate, sums) = measure(&cli, *peer, *keys);
                assert_eq!(*seen.get_or_insert(sums), sums, "{peer:?} comes to something else");
                rates.entry(*peer).or_default().push(rate);
                if *peer == Peer::Hand {
                    hand = Some(rate);
                }
                if let Some(hand) = hand {
                    ratios.entry(*peer).or_default().push(rate / hand);
                }
            }
        }
        for (peer, rates) in rates {
            let ratio = ratios.remove(&peer).map_or(String::new(), |ratios| format!("{:.2}", median(ratios)));
            let (least, most) =
                rates.iter().fold((f64::MAX, 0f64), |(least, most), rate| (least.min(*rate), most.max(*rate)));
            println!(
                "{keys:>9} keys  {peer:<9?} {:>6.1} M/s ({least:.1}..{most:.1})  ratio to hand {ratio}",
                median(rates)
            );
        }
    }
}
