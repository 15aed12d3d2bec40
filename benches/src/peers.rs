//! The peers: programs that do the same work, one a file.
//!
//! All take their input from the functions in [`workload`](crate::workload), one share per worker, and end in a
//! [`Tally`](crate::tally::Tally). What differs is everything between: that is what is measured. Each is written the way
//! its own documentation writes such a program, with default settings unless its file says otherwise; the hand-written
//! loops are what one would write without any framework.
mod hand;
#[cfg(feature = "engine")]
mod malstrom;
mod renoir;
mod timely;

use crate::nexmark;
use crate::workload::Workload;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A program that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Peer {
    /// Hand-written loops
    Hand,
    /// timely 0.32
    Timely,
    /// renoir 0.6
    Renoir,
    /// Malstrom itself (needs the cargo feature `engine`)
    Malstrom,
}

impl Peer {
    /// Those that were compiled in.
    pub(crate) fn available() -> Vec<Self> {
        let all = [Self::Hand, Self::Timely, Self::Renoir, Self::Malstrom];
        all.into_iter().filter(|peer| *peer != Self::Malstrom || cfg!(feature = "engine")).collect()
    }

    /// The settings it is measured with, by name. Ratios are to the first one of the hand-written loop.
    pub(crate) fn modes(self, case: &Case) -> &'static [&'static str] {
        match (case.workload, self) {
            (Workload::W2, Self::Hand) if case.workers == 1 => &["", hand::IN_BLOCKS],
            (Workload::Q3 | Workload::Q5 | Workload::Q7 | Workload::Q8, Self::Hand) if case.workers > 1 => {
                &[hand::ALONE]
            }
            // its windows are not aligned, and drop records
            (Workload::Q5 | Workload::Q7 | Workload::Q8, Self::Renoir) => &[],
            (Workload::W6, Self::Hand) => &["sleeping"],
            (Workload::W6, Self::Timely) => &["spinning"],
            (Workload::W6, Self::Renoir) => &["single", "timed 1 ms", "adaptive 1 ms"],
            (Workload::W6, Self::Malstrom) => &["low"],
            #[cfg(feature = "engine")]
            (workload, Self::Malstrom) if workload.is_query() => &["", malstrom::BY_REFERENCE],
            _ => &[""],
        }
    }
}

/// A peer with one of its settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Contestant {
    pub(crate) peer: Peer,
    pub(crate) mode: String,
}

impl std::fmt::Display for Contestant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let peer = format!("{:?}", self.peer).to_lowercase();
        if self.mode.is_empty() { f.write_str(&peer) } else { write!(f, "{peer}, {}", self.mode) }
    }
}

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) workload: Workload,
    pub(crate) workers: usize,
    /// 0 in the workloads without a choice of keys.
    pub(crate) keys: u64,
    pub(crate) records: u64,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} worker{}", self.workload.name(), self.workers, if self.workers == 1 { "" } else { "s" })?;
        match self.keys {
            0 => Ok(()),
            keys if keys % 1_000_000 == 0 => write!(f, " {}M keys", keys / 1_000_000),
            keys if keys % 1_000 == 0 => write!(f, " {}k keys", keys / 1_000),
            keys => write!(f, " {keys} keys"),
        }
    }
}

/// Makes what a run reads from memory. Not measured.
pub(crate) fn prepare(case: &Case) {
    if case.workload.is_query() {
        nexmark::prepare(case.records as usize);
    }
}

/// Does the work, and returns when all sinks have been dropped.
pub(crate) fn run(contestant: &Contestant, case: &Case) {
    match contestant.peer {
        Peer::Hand => hand::run(case, &contestant.mode),
        Peer::Timely => timely::run(case),
        Peer::Renoir => renoir::run(case, &contestant.mode),
        #[cfg(feature = "engine")]
        Peer::Malstrom => malstrom::run(case, &contestant.mode),
        #[cfg(not(feature = "engine"))]
        Peer::Malstrom => unreachable!("not compiled in, so not offered"),
    }
}
