//! A source and a sink of one's own. The source ticks in real time: it tells its worker when to ask again, and never
//! blocks. The sink writes a line per batch. With `--endless` it runs until it is told to stop (Ctrl-C).
use clap::Parser;
use malstrom::prelude::*;
use malstrom::{Emit, Never, Read, Result, Sink, Source, SplitReader};
use std::time::Duration;

struct Ticks {
    every: Duration,
    limit: u64,
}

impl Source for Ticks {
    type Out = u64;
    type Error = Never; // rows that cannot be read; a tick always can
    type Split = u8; // the unit that one worker reads
    type Position = u64; // how far a split has been read
    type Reader = Ticker;

    fn splits(&mut self) -> Result<Vec<u8>> {
        Ok(vec![0])
    }
    fn open(&mut self, _split: u8, position: Option<u64>) -> Result<Ticker> {
        Ok(Ticker { every: self.every, limit: self.limit, next: position.unwrap_or(0) })
    }
}

struct Ticker {
    every: Duration,
    limit: u64,
    next: u64,
}

impl SplitReader for Ticker {
    type Out = u64;
    type Error = Never;
    type Position = u64;

    fn read(&mut self, _max: usize, out: &mut impl Emit<u64, Never>) -> Result<Read> {
        if self.next == self.limit {
            return Ok(Read::End);
        }
        out.emit(self.next);
        self.next += 1;
        Ok(Read::After(self.every))
    }
    fn position(&self) -> u64 {
        self.next
    }
}

struct Totals {
    sum: u64,
    linger: Duration,
}

impl Sink for Totals {
    type In = u64;

    fn write(&mut self, batch: &mut Vec<u64>) -> Result<()> {
        self.sum += batch.drain(..).sum::<u64>();
        Ok(())
    }
    fn close(&mut self) -> Result<()> {
        if self.sum > 0 {
            println!("the ticks add up to {}", self.sum);
            std::thread::sleep(self.linger);
        }
        Ok(())
    }
}

pipeline! {
    fn ticking(limit: u64, linger: Duration) {
        source(Ticks { every: Duration::from_millis(2), limit }) -> sink(Totals { sum: 0, linger });
    }
}

/// Adds up ticks.
#[derive(Parser)]
struct Args {
    /// Tick until stopped
    #[arg(long)]
    endless: bool,
    /// Seconds to take for closing the sink, to try what a second signal does
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    linger: u64,
    #[command(flatten)]
    runtime: malstrom::RuntimeArgs,
    #[command(subcommand)]
    command: Option<malstrom::SnapshotCommand>,
}

fn main() -> Result<()> {
    let Args { endless, linger, runtime, command } = Args::parse();
    let limit = if endless { u64::MAX } else { 100 };
    let pipeline = move || ticking(limit, Duration::from_secs(linger));
    match command {
        // `.. snapshot list`, `.. savepoint NAME`
        Some(command) => command.run(runtime, pipeline),
        None => runtime.run(pipeline).map(|report| eprintln!("{report}")),
    }
}
