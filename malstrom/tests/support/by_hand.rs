//! Jobs in the simulator of the engine, with snapshots in memory, that crash by a rate rather than by a schedule and go on with
//! another number of workers each time.
use malstrom::Pipeline;
use malstrom_core::sim::engine::{Fault, Memory, Random, Schedule, Setup, What, live};

/// Where snapshots are kept.
pub type Store = Memory;

/// How a job fares.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    pub seed: u64,
    /// One of so many steps is the last before a crash; 0 for no crashes.
    pub crashes: u64,
    /// At most so many workers.
    pub workers: usize,
}
/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Came {
    pub attempts: u64,
    pub snapshots: u64,
    pub aborted: u64,
}

/// It crashes no more often than this.
const CRASHES: u64 = 11;
/// One in so many snapshots is not stored, and a savepoint is asked for every so many steps.
const REFUSED: u64 = 5;
const SAVEPOINTS: u64 = 4000;

fn schedule(fate: Fate) -> Schedule {
    let mut random = Random::new(fate.seed).branch("fate");
    let mut workers = || 1 + random.below(fate.workers as u64) as usize;
    let (first, mut then): (usize, Vec<usize>) = (workers(), (0..CRASHES).map(|_| workers()).collect());
    let mut faults = Vec::new();
    let mut at = 0;
    while fate.crashes > 0 && !then.is_empty() {
        at += 1;
        if random.one_in(fate.crashes) {
            faults.push(Fault { at, what: What::Crash { then: then.pop() } });
        }
    }
    let mut at = 0;
    while at < 100_000 {
        at += 1 + random.below(2 * SAVEPOINTS);
        faults.push(Fault { at, what: What::Savepoint });
    }
    Schedule { workers: first, faults }
}

/// Runs a job to its end.
pub fn run(fate: Fate, make: impl Fn() -> Pipeline) -> Came {
    run_from(&mut Store::default(), fate, make)
}
/// Runs a job to its end, which goes on where the last snapshot was taken.
pub fn run_from(store: &mut Store, fate: Fate, make: impl Fn() -> Pipeline) -> Came {
    store.refuse(REFUSED, fate.seed);
    let setup = Setup { seed: fate.seed, schedule: schedule(fate), ..Setup::default() };
    let lived = live(&setup, Some(store), &make).unwrap();
    Came { attempts: lived.attempts, snapshots: lived.snapshots, aborted: lived.aborted }
}
