//! The job of the example `rescaled`, which writes what the peers write: `rescale-malstrom OUT RATE KEYS SECONDS WORKERS`, with the
//! numbers of workers as in `2,4,2`, for so many seconds each.
#[path = "../../original/src/came.rs"]
mod came;

use came::Came;
use malstrom::connect::for_each;
use malstrom::prelude::*;
use malstrom::{Emit, Never, Read, Runtime, Source, SplitReader};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::{env, thread};

const SPLITS: u64 = 8;
/// From one snapshot to the next.
const EVERY: Duration = Duration::from_millis(500);

/// Numbers that are due at a steady rate, until it is told to end.
#[derive(Clone)]
struct Paced(Arc<Came>);
impl Source for Paced {
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Split;

    fn splits(&mut self) -> malstrom::Result<Vec<u64>> {
        Ok((0..SPLITS).collect())
    }
    fn open(&mut self, split: u64, position: Option<u64>) -> malstrom::Result<Split> {
        Ok(Split { came: self.0.clone(), next: position.unwrap_or(split) })
    }
}
struct Split {
    came: Arc<Came>,
    next: u64,
}
impl SplitReader for Split {
    type Out = u64;
    type Error = Never;
    type Position = u64;

    fn read(&mut self, max: usize, out: &mut impl Emit<u64, Never>) -> malstrom::Result<Read> {
        let (now, end) = (self.came.now(), self.came.end.load(Relaxed));
        for _ in 0..max {
            if self.next >= end {
                return Ok(Read::End);
            }
            if self.came.due(self.next) > now {
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

pipeline! {
    fn counted(came: Arc<Came>, keys: u64) {
        source(Paced(came.clone())) -> key_by(move |n| n % keys) -> number
            -> sink(for_each(move |(n, count)| came.add(n, count)));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [out, rate, keys, seconds, workers] = &args[..] else {
        return Err("usage: rescale-malstrom OUT RATE KEYS SECONDS WORKERS".into());
    };
    let (out, rate, keys, seconds) = (Path::new(out), rate.parse()?, keys.parse()?, seconds.parse::<u64>()?);
    let workers = workers.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
    // So much more than it takes, as for the peers.
    let most = (seconds + 30) * workers.len() as u64;
    let came = Arc::new(Came::new(rate, keys, most));
    let snapshots = format!("file://{}", out.canonicalize()?.join("snapshots").display());
    let runtime = Runtime::builder().workers(workers[0]).snapshots(snapshots, EVERY).build()?;
    let theirs = came.clone();
    let job = runtime.start(move || counted(theirs.clone(), keys))?;
    let mut lines = String::new();
    for (at, to) in workers.iter().enumerate() {
        if at > 0 {
            let (before, asked) = (workers[at - 1], came.now());
            job.rescale(*to)?;
            writeln!(lines, "change {before} {to} {} {}", asked.as_micros(), came.now().as_micros())?;
        }
        let from = came.now();
        thread::sleep(Duration::from_secs(seconds));
        writeln!(lines, "phase {to} {} {}", from.as_micros(), came.now().as_micros())?;
    }
    came.finish();
    job.join()?;
    came.write(out, "Malstrom", &lines)?;
    Ok(())
}
