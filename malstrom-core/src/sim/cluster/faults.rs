//! What goes wrong in a simulated cluster, and what is asked of it.
use super::Random;
use std::fmt;
use std::time::Duration;

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A process is gone, and another takes its place after a while.
    Crash {
        /// Which.
        node: usize,
        /// After how long.
        down: Duration,
    },
    /// A process does nothing for a while, and goes on as if no time had passed.
    Pause {
        /// Which.
        node: usize,
        /// For how long.
        time: Duration,
    },
    /// Another coordinator claims the log, whether or not the one before is still there.
    Takeover,
    /// Nothing gets from one process to another for a while.
    Cut {
        /// From which.
        from: usize,
        /// To which.
        to: usize,
        /// For how long.
        time: Duration,
    },
    /// The connections of two processes break.
    Break {
        /// One.
        a: usize,
        /// The other.
        b: usize,
    },
    /// A process takes in messages slowly for a while.
    Slow {
        /// Which.
        node: usize,
        /// For how long.
        time: Duration,
    },
    /// The clock of a process that coordinates jumps ahead.
    Jump {
        /// Which.
        node: usize,
        /// By how much.
        by: Duration,
    },
    /// The store refuses everything for a while.
    Throttle(Duration),
    /// Somebody wants another number of workers.
    Target(usize),
    /// Somebody wants a key group, and a split, elsewhere.
    Move {
        /// The group.
        group: usize,
        /// The split.
        split: usize,
        /// Where.
        to: usize,
    },
    /// Somebody wants a savepoint.
    Savepoint,
}
/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub at: Duration,
    /// What.
    pub what: What,
}
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Crash { node, down } => write!(f, "node {node} crashes, and is back after {down:?}"),
            What::Pause { node, time } => write!(f, "node {node} does nothing for {time:?}"),
            What::Takeover => f.write_str("another coordinator takes over"),
            What::Cut { from, to, time } => write!(f, "nothing gets from node {from} to node {to} for {time:?}"),
            What::Break { a, b } => write!(f, "the connections of nodes {a} and {b} break"),
            What::Slow { node, time } => write!(f, "node {node} takes in messages slowly for {time:?}"),
            What::Jump { node, by } => write!(f, "the clock of node {node} jumps ahead by {by:?}"),
            What::Throttle(time) => write!(f, "the store refuses everything for {time:?}"),
            What::Target(workers) => write!(f, "somebody wants {workers} workers"),
            What::Move { group, split, to } => {
                write!(f, "somebody wants key group {group} and split {split} at worker {to}")
            }
            What::Savepoint => f.write_str("somebody wants a savepoint"),
        }
    }
}

/// What may happen in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// How many processes work, at most, and how many coordinate.
    pub nodes: (usize, usize),
    /// In which time it happens.
    pub within: Duration,
    /// How many crashes of processes there are, at most; and so on.
    pub crashes: u64,
    /// Pauses.
    pub pauses: u64,
    /// Takeovers.
    pub takeovers: u64,
    /// Cuts, breaks and slow processes.
    pub network: u64,
    /// Clocks that jump.
    pub jumps: u64,
    /// Times in which the store refuses everything.
    pub throttles: u64,
    /// Changes of the number of workers.
    pub targets: u64,
    /// Moves of groups and splits.
    pub moves: u64,
    /// Savepoints.
    pub savepoints: u64,
    /// One of so many requests to the store goes wrong, in one of three ways each; none if it is 0.
    pub store: u64,
}
impl Default for Menu {
    /// Four processes that work and two that coordinate, and a little of everything.
    fn default() -> Self {
        Menu {
            nodes: (4, 2),
            within: Duration::from_millis(60),
            crashes: 2,
            pauses: 2,
            takeovers: 2,
            network: 4,
            jumps: 1,
            throttles: 1,
            targets: 4,
            moves: 2,
            savepoints: 1,
            store: 12,
        }
    }
}
impl Menu {
    /// What happens in the run of a seed, in the order of time.
    pub fn draw(&self, seed: u64, groups: usize, splits: usize) -> Vec<Fault> {
        let seed = Random::new(seed).branch("faults");
        let within = self.within.as_micros() as u64;
        let (workers, all) = (self.nodes.0, self.nodes.0 + self.nodes.1);
        let mut faults = Vec::new();
        let mut draw = |name: &str, most: u64, what: &dyn Fn(&mut Random) -> What| {
            let mut random = seed.branch(name);
            for _ in 0..random.below(most + 1) {
                let at = Duration::from_micros(random.below(within));
                faults.push(Fault { at, what: what(&mut random) });
            }
        };
        let time = |random: &mut Random, most: u64| Duration::from_micros(100 + random.below(most));
        draw("crashes", self.crashes, &|r| What::Crash { node: r.index(all), down: time(r, 15_000) });
        draw("pauses", self.pauses, &|r| What::Pause { node: r.index(all), time: time(r, 40_000) });
        draw("takeovers", self.takeovers, &|_| What::Takeover);
        draw("network", self.network, &|r| {
            let a = r.index(all);
            let b = (a + 1 + r.index(all - 1)) % all;
            match r.below(3) {
                0 => What::Cut { from: a, to: b, time: time(r, 30_000) },
                1 => What::Break { a, b },
                _ => What::Slow { node: a, time: time(r, 10_000) },
            }
        });
        draw("jumps", self.jumps, &|r| What::Jump { node: workers + r.index(all - workers), by: time(r, 100_000) });
        draw("throttles", self.throttles, &|r| What::Throttle(time(r, 10_000)));
        draw("targets", self.targets, &|r| What::Target(1 + r.index(workers)));
        draw("moves", self.moves, &|r| What::Move {
            group: r.index(groups),
            split: r.index(splits),
            to: r.index(workers),
        });
        draw("savepoints", self.savepoints, &|_| What::Savepoint);
        faults.sort_by_key(|fault| fault.at);
        faults
    }
}
