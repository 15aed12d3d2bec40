//! A job of the original malstrom 0.1 that gets more workers and fewer again while records flow:
//! `rescale-original OUT RATE KEYS SECONDS WORKERS [published] [snapshots]`, with the numbers of workers as in `2,4,2`, for so many
//! seconds each. `published` takes its `MultiThreadRuntime` as it is, in place of one that starts all new workers; `snapshots` has
//! it write some to the folder every half a second.
mod came;
mod runtime;

use came::Came;
use malstrom::keyed::partitioners::rendezvous_select;
use malstrom::operators::*;
use malstrom::runtime::MultiThreadRuntime;
use malstrom::sinks::{StatelessSink, StatelessSinkImpl};
use malstrom::snapshot::object_store::{local::LocalFileSystem, path};
use malstrom::snapshot::{NoPersistence, PersistenceBackend, SlateDbBackend};
use malstrom::sources::{StatefulSource, StatefulSourceImpl, StatefulSourcePartition};
use malstrom::types::DataMessage;
use malstrom::worker::StreamProvider;
use runtime::Threads;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

const SPLITS: u64 = 8;
/// From one snapshot to the next, as Malstrom has it.
const EVERY: Duration = Duration::from_millis(500);
/// After that nothing is expected any more.
const PATIENCE: Duration = Duration::from_secs(30);

/// From its last record until it ends.
const GRACE: Duration = Duration::from_secs(3);

/// What builds a job is a function, not a closure.
static CAME: OnceLock<Came> = OnceLock::new();
static KEYS: OnceLock<u64> = OnceLock::new();

fn came() -> &'static Came {
    CAME.get().expect("set first")
}

/// Numbers that are due at a steady rate, until it is told to end.
struct Paced;
struct Split {
    next: u64,
}
impl StatefulSourceImpl<u64, u64> for Paced {
    type Part = u64;
    type PartitionState = u64;
    type SourcePartition = Split;

    fn list_parts(&self) -> Vec<u64> {
        (0..SPLITS).collect()
    }
    fn build_part(&mut self, part: &u64, state: Option<u64>) -> Split {
        Split { next: state.unwrap_or(*part) }
    }
}
impl StatefulSourcePartition<u64, u64> for Split {
    type PartitionState = u64;

    fn poll(&mut self) -> Option<(u64, u64)> {
        let number = self.next;
        if self.is_finished() || came().due(number) > came().now() {
            return None;
        }
        self.next += SPLITS;
        Some((number, number))
    }
    fn is_finished(&mut self) -> bool {
        self.next >= came().end.load(Relaxed)
    }
    fn snapshot(&self) -> u64 {
        self.next
    }
    fn collect(self) -> u64 {
        self.next
    }
}

struct Out;
impl StatelessSinkImpl<u64, (u64, u64), u64> for Out {
    fn sink(&mut self, message: DataMessage<u64, (u64, u64), u64>) {
        let (number, count) = message.value;
        came().add(number, count);
    }
}

fn build(job: &mut dyn StreamProvider) {
    let keys = *KEYS.get().expect("set first");
    job.new_stream()
        .source("paced", StatefulSource::new(Paced))
        .key_distribute("key", move |message| message.value % keys, rendezvous_select)
        .stateful_map("count", |_, number, seen: u64| ((number, seen + 1), Some(seen + 1)))
        .sink("came", StatelessSink::new(Out));
}

/// Runs the job in threads of its own, as it may hang. It is told numbers of workers, and answers to each; it answers once more when
/// it has ended, which it does when there are no more of them.
fn run<P>(workers: u64, published: bool, persistence: P, every: Option<Duration>) -> (Sender<u64>, Receiver<String>)
where
    P: PersistenceBackend + Clone + Send + Sync,
{
    let (tell, told) = mpsc::channel::<u64>();
    let (answer, answers) = mpsc::channel();
    let said = |result: Result<(), _>| result.err().map(|cause| format!("{cause:?}")).unwrap_or_default();
    thread::spawn(move || {
        if published {
            let builder = MultiThreadRuntime::builder().parrallelism(workers).persistence(persistence);
            let runtime = builder.maybe_snapshots(every).build(build);
            let (handle, answer) = (runtime.api_handle(), answer.clone());
            thread::spawn(move || {
                for workers in told {
                    let _ = answer.send(said(futures::executor::block_on(handle.rescale(workers))));
                }
            });
            if let Err(cause) = runtime.execute() {
                eprintln!("the runtime failed: {cause:?}");
            }
        } else {
            let mut threads = Threads::start(build, workers, persistence, every);
            for workers in told {
                let _ = answer.send(said(threads.rescale(workers)));
            }
            threads.join();
        }
        let _ = answer.send(String::new());
    });
    (tell, answers)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [out, rate, keys, seconds, workers, options @ ..] = &args[..] else {
        return Err("usage: rescale-original OUT RATE KEYS SECONDS WORKERS [published] [snapshots]".into());
    };
    let (out, published) = (Path::new(out), options.iter().any(|option| option == "published"));
    let snapshots = options.iter().any(|option| option == "snapshots");
    let (rate, keys, seconds) = (rate.parse()?, keys.parse()?, seconds.parse::<u64>()?);
    let workers = workers.split(',').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
    KEYS.get_or_init(|| keys);
    let waits = PATIENCE.as_secs() * workers.len() as u64;
    CAME.get_or_init(|| Came::new(rate, keys, seconds * workers.len() as u64 + waits + 5));
    fs::create_dir_all(out)?;
    let (tell, answers) = if snapshots {
        let store = Arc::new(LocalFileSystem::new_with_prefix(out)?);
        run(workers[0], published, SlateDbBackend::new(store, path::Path::from("snapshots"))?, Some(EVERY))
    } else {
        run(workers[0], published, NoPersistence, None)
    };

    let mut lines = String::new();
    let mut failed = String::new();
    for (at, to) in workers.iter().enumerate() {
        if at > 0 {
            let (before, asked) = (workers[at - 1], came().now());
            tell.send(*to)?;
            match answers.recv_timeout(PATIENCE) {
                Ok(cause) if cause.is_empty() => {}
                Ok(cause) => failed = format!("{before} -> {to}: {cause}"),
                Err(_) => failed = format!("{before} -> {to} was not done after {PATIENCE:?}"),
            }
            writeln!(lines, "change {before} {to} {} {}", asked.as_micros(), came().now().as_micros())?;
            if !failed.is_empty() {
                break;
            }
        }
        let from = came().now();
        thread::sleep(Duration::from_secs(seconds));
        writeln!(lines, "phase {to} {} {}", from.as_micros(), came().now().as_micros())?;
    }
    came().finish();
    drop(tell);
    let late = Instant::now() + PATIENCE;
    let mut ended = answers.try_recv().is_ok();
    while !ended && came().missing() && Instant::now() < late {
        ended = answers.recv_timeout(Duration::from_millis(100)).is_ok();
    }
    if !ended && answers.recv_timeout(GRACE).is_err() {
        writeln!(lines, "note it did not end within {GRACE:?} of its last record")?;
    }
    if !failed.is_empty() {
        writeln!(lines, "failed {failed}")?;
    }
    let (runtime, state) = (if published { ", as published" } else { "" }, if snapshots { ", snapshots" } else { "" });
    came().write(out, &format!("malstrom 0.1{runtime}{state}"), &lines)?;
    // Its threads may not end.
    process::exit(0);
}
