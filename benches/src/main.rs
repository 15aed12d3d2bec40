//! Malstrom beside its peers: the same work on the same generated input, as fast as each can do it.
//!
//! One binary, which runs itself once more for each measurement (see [`measure`]); `README.md` has the rest.
mod allocations;
mod histogram;
mod measure;
mod nexmark;
mod peers;
mod report;
mod rounds;
mod tally;
mod workload;

use clap::{Args, Parser, Subcommand, ValueEnum};
use peers::{Case, Contestant, Peer};
use std::process::ExitCode;
use std::time::Duration;
use workload::{Workload, pace};

/// Measures Malstrom beside hand-written loops, timely and renoir.
///
/// Every peer does the same work on the same generated input, each run in a process of its own; rounds are interleaved
/// over the peers. Reported are the median rate and its range, the median over the rounds of the ratio to the
/// hand-written loop of the same round, CPU seconds, allocations per record and memory. All peers must agree on the count
/// and the checksum of what reached the sink, or the exit code is 1.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    plan: Plan,
    #[command(subcommand)]
    hidden: Option<Hidden>,
}

const AFTER_HELP: &str = "\
Workloads:
  w1  stateless chain, 200M records: splitmix64 -> x * 31 + 7 -> keep if divisible by 3 -> x ^ x >> 7 -> sink.
      What a stage costs.
  w2  keyed running sum, 40M records: (key, value) -> exchange by key -> sum per key -> every new sum to the sink.
      With 1k keys: what the exchange costs. With 1M keys: what state costs that is not in the cache.
  w3  windows, 40M records: (key, time) with 10k keys, up to 100 ms out of order -> exchange by key -> count per key and
      window of 1 s -> every count to the sink, when the window closes. What event time costs.
  w6  latency: 200k records/s for 8 s (the first 2 s are not counted) through the exchange of w2 with 1k keys at
      2 workers. Latency is from when a record was due until it is at the sink, so a source that falls behind counts.
  q1 q2 q3 q5 q7 q8
      queries of Nexmark, on 4M of its events in memory, in order: 40 s of event time. They are made before the clock
      starts, which takes each run another second.";

#[derive(Args)]
struct Plan {
    /// What to measure
    #[arg(required = true)]
    workloads: Vec<Workload>,
    /// How often
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Which programs [default: all that are compiled in]
    #[arg(long, value_delimiter = ',')]
    peers: Vec<Peer>,
    /// With how many workers, 1 or 2 (w6 always has 2)
    #[arg(long, value_delimiter = ',', default_value = "1,2", value_parser = clap::value_parser!(u8).range(1..=2))]
    workers: Vec<u8>,
    /// With how many different keys (w2)
    #[arg(long, value_delimiter = ',', default_value = "1000,1000000", value_parser = clap::value_parser!(u64).range(1..))]
    keys: Vec<u64>,
    /// How many records each, in place of the workload's own number
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..))]
    records: Option<u64>,
    /// Seconds after which a run is given up
    #[arg(long, default_value_t = 120)]
    timeout: u64,
    /// Print all results as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Hidden {
    /// One measurement, in this process
    #[command(hide = true)]
    One { contestant: String, case: String },
}

impl Plan {
    fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for &workload in &self.workloads {
            let records = self.records.unwrap_or(workload.records());
            let (workers, keys) = match workload {
                Workload::W1 => (self.workers.clone(), vec![0]),
                Workload::W2 => (self.workers.clone(), self.keys.clone()),
                Workload::W3 => (self.workers.clone(), vec![10_000]),
                Workload::W6 => (vec![pace::WORKERS as u8], vec![1_000]),
                _query => (self.workers.clone(), vec![0]),
            };
            let pairs = keys.iter().flat_map(|keys| workers.iter().map(move |workers| (*keys, usize::from(*workers))));
            cases.extend(pairs.map(|(keys, workers)| Case { workload, workers, keys, records }));
        }
        cases
    }

    fn contestants(&self, case: &Case) -> Vec<Contestant> {
        let peers = if self.peers.is_empty() { Peer::available() } else { self.peers.clone() };
        let modes = |peer: Peer| peer.modes(case).iter().map(move |mode| (peer, *mode));
        peers.into_iter().flat_map(modes).map(|(peer, mode)| Contestant { peer, mode: mode.to_owned() }).collect()
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Hidden::One { contestant, case }) = cli.hidden {
        return measure::one(&contestant, &case);
    }
    let plan = cli.plan;
    if let Some(absent) = plan.peers.iter().find(|peer| !Peer::available().contains(peer)) {
        let name = absent.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        eprintln!("`{name}` is not compiled in: build with `--features engine`");
        return ExitCode::from(2);
    }
    let cases = plan.cases().into_iter().map(|case| (case, plan.contestants(&case))).collect::<Vec<_>>();
    let results = rounds::run(&cases, plan.rounds, Duration::from_secs(plan.timeout));
    let wrong = report::complaints(&results);
    if plan.json {
        println!("{}", report::json(&results));
    } else {
        print!("{}", report::tables(&results));
    }
    wrong.iter().for_each(|complaint| eprintln!("{complaint}"));
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
