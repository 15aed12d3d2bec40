//! Runs everything in turn. A round measures each case with each peer once, peers next to each other: what disturbs the
//! machine for a while then disturbs neighbours alike, and their ratio is worth more than their rates.
use crate::measure::{self, Measured};
use crate::peers::{Case, Contestant, Peer};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// All runs of one peer in one case; a run is missing if it failed.
pub(crate) struct Series {
    pub(crate) contestant: Contestant,
    pub(crate) runs: Vec<Option<Run>>,
    /// Of the runs that are missing.
    pub(crate) errors: Vec<String>,
}

/// One run.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) measured: Measured,
    /// Processors that other programs kept busy meanwhile.
    pub(crate) foreign: f64,
}

/// One case with all its peers.
pub(crate) struct Results {
    pub(crate) case: Case,
    pub(crate) series: Vec<Series>,
}

impl Results {
    /// The yardstick, if it was run.
    pub(crate) fn hand(&self) -> Option<&Series> {
        self.series.iter().find(|series| series.contestant.peer == Peer::Hand)
    }
}

/// Measures everything, round by round.
pub(crate) fn run(cases: &[(Case, Vec<Contestant>)], rounds: u32, timeout: Duration) -> Vec<Results> {
    let fresh = |contestant: &Contestant| Series { contestant: contestant.clone(), runs: vec![], errors: vec![] };
    let with_series =
        |(case, peers): &(Case, Vec<Contestant>)| Results { case: *case, series: peers.iter().map(fresh).collect() };
    let mut results: Vec<Results> = cases.iter().map(with_series).collect();
    let mut progress = Progress::new(cases.iter().map(|(_, peers)| peers.len()).sum::<usize>() * rounds as usize);
    for _ in 0..rounds {
        for Results { case, series } in &mut results {
            for Series { contestant, runs, errors } in series {
                progress.begin(case, contestant);
                match run_once(contestant, case, timeout) {
                    Ok(run) => runs.push(Some(run)),
                    Err(error) => {
                        runs.push(None);
                        errors.push(error);
                    }
                }
            }
        }
    }
    progress.end();
    results
}

fn run_once(contestant: &Contestant, case: &Case, timeout: Duration) -> Result<Run, String> {
    let (begin, busy_before) = (Instant::now(), measure::machine_busy_seconds());
    let measured = measure::in_a_child(contestant, case, timeout)?;
    let own = measured.cpu_seconds_before + measured.cpu_seconds;
    let foreign = measure::machine_busy_seconds() - busy_before - own;
    Ok(Run { measured, foreign: foreign.max(0.0) / begin.elapsed().as_secs_f64() })
}

/// A line on the standard error, overwritten if that is a terminal.
struct Progress {
    done: usize,
    all: usize,
    terminal: bool,
}

impl Progress {
    fn new(all: usize) -> Self {
        Self { done: 0, all, terminal: std::io::stderr().is_terminal() }
    }

    fn begin(&mut self, case: &Case, contestant: &Contestant) {
        self.done += 1;
        self.line(&format!("{}/{}  {case}  {contestant}", self.done, self.all));
    }

    fn end(&self) {
        if self.terminal {
            self.line("");
        }
    }

    fn line(&self, text: &str) {
        let (before, after) = if self.terminal { ("\r\x1b[2K", "") } else { ("", "\n") };
        // nothing is lost with it
        let _ = write!(std::io::stderr(), "{before}{text}{after}");
    }
}
