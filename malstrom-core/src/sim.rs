//! A simulator for tests of pipelines: it runs a pipeline, with its real operators, on one thread with one seed after the other, and
//! finds out whether anything that may happen to a job changes what comes out.
//!
//! Each seed stands for an order in which workers take their turns, a pace, and a schedule of faults: crashes of all workers,
//! stops that are followed by another number of workers, workers that do nothing for a while, savepoints, and a store that refuses
//! writes, does them twice, or does them and says that it has not. Whatever the seed, what comes out must be the same as on one
//! worker without snapshots and without faults. The first seed with which it is not is reported, with as few faults as it takes
//! and a trace of what happened. See [`Sim`].
//!
//! What it runs is the engine: workers, exchanges, coordinator, snapshots and commit log are those of a job. Only threads, clock and
//! store are simulated: see [`engine`]. What lies between the processes of a [`cluster`] is simulated by [`network`].
pub mod cluster;
mod compare;
pub mod engine;
mod finding;
pub mod network;
mod output;
mod search;
mod seeds;
mod suspects;

pub use finding::Finding;
pub use output::{Output, output};

use crate::contract::record::Record;
use crate::error::Result;
use crate::graph::Pipeline;
use engine::{Lived, StoreFault};
use output::Seen;
use std::fmt::{self, Debug};
use std::ops::Range;
use std::time::Duration;

/// Runs a pipeline with many seeds, and compares what comes out.
///
/// The pipeline function is called for each worker, and must give it the same input each time. What it writes into
/// [`output`]s is compared; for sinks of your own, [`observe`](Sim::observe) says where to look.
///
/// ```
/// use malstrom_core::sim::{Output, Sim, output};
/// # use malstrom_core::{Graph, Pipeline, connect::memory, graph::{build, source}};
/// # fn squares(numbers: Vec<u64>, into: Output<u64>) -> Pipeline {
/// #     let g = Graph::new("squares");
/// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new(numbers));
/// #     let s = build::map(g.clone(), "map", s, |x| x * x);
/// #     build::sink(g.clone(), "sink", into, s);
/// #     g.finish()
/// # }
/// let survived = Sim::new(|| squares((0..200).collect(), output())).workers(3).crashes(3).rescales(2).seeds(0..20).run()?;
/// assert_eq!(survived.seeds, 20);
/// assert!(survived.crashes > 0 && survived.snapshots > 0);
/// # Ok::<(), malstrom_core::sim::Finding>(())
/// ```
///
/// # What is the same
///
/// Where records of one key come from several splits, nobody can say which of them comes first, so an [`Output`] is by default
/// compared as a multiset; it can be held to the order of each key, or to the last record of each. What an operator emits must then not
/// depend on the order in which splits are read. Neither must it depend on the clock of the machine, which is another one in each run.
///
/// An operator that gives other results for the same input in the same order (since it reads a clock, draws a random number, or goes
/// through a map in an order that is random) is found in another way: each seed is run twice, and the two must not differ in
/// anything. The finding then names it.
///
/// # What a rescale is
///
/// A job cannot change the number of its workers yet while it runs. So a rescale is a stop with a last snapshot, and a start with
/// another number of workers.
pub struct Sim<'a> {
    make: Box<dyn Fn() -> Pipeline + 'a>,
    observed: Vec<Box<dyn Fn() -> Result<Seen> + 'a>>,
    workers: usize,
    crashes: usize,
    rescales: usize,
    pauses: usize,
    savepoints: usize,
    store_faults: usize,
    clock_jumps: usize,
    seeds: Range<u64>,
}
impl Debug for Sim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("workers", &self.workers).field("seeds", &self.seeds).finish_non_exhaustive()
    }
}

/// What all runs of a pipeline have survived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survived {
    /// How many seeds there were.
    pub seeds: u64,
    /// How many crashes.
    pub crashes: u64,
    /// How many stops with another number of workers after them.
    pub rescales: u64,
    /// How often a job had to be restored because the store could not be reached.
    pub failures: u64,
    /// How many snapshots were committed.
    pub snapshots: u64,
    /// How many snapshots were given up.
    pub aborted: u64,
}
impl Survived {
    fn add(&mut self, lived: Lived) {
        self.seeds += 1;
        self.crashes += lived.crashes;
        self.rescales += lived.rescales + lived.moves;
        self.failures += lived.failures;
        self.snapshots += lived.snapshots;
        self.aborted += lived.aborted;
    }
}

impl<'a> Sim<'a> {
    /// The pipeline that `make` returns, on up to 4 workers, with up to 3 crashes, 2 rescales, 2 pauses, 1 savepoint and 2 faults
    /// of the store, and with 100 seeds.
    pub fn new(make: impl Fn() -> Pipeline + 'a) -> Self {
        Sim {
            make: Box::new(make),
            observed: Vec::new(),
            workers: 4,
            crashes: 3,
            rescales: 2,
            pauses: 2,
            savepoints: 1,
            store_faults: 2,
            clock_jumps: 0,
            seeds: 0..100,
        }
    }
    /// How many workers there are: so many, or any number up to that if there are rescales.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Sim { workers: workers.max(1), ..self }
    }
    /// How often all workers crash in a run, at most.
    #[must_use]
    pub fn crashes(self, crashes: usize) -> Self {
        Sim { crashes, ..self }
    }
    /// How often the number of workers changes in a run, at most.
    #[must_use]
    pub fn rescales(self, rescales: usize) -> Self {
        Sim { rescales, ..self }
    }
    /// How often a worker does nothing for a while, at most.
    #[must_use]
    pub fn pauses(self, pauses: usize) -> Self {
        Sim { pauses, ..self }
    }
    /// How many savepoints are asked for in a run, at most.
    #[must_use]
    pub fn savepoints(self, savepoints: usize) -> Self {
        Sim { savepoints, ..self }
    }
    /// How often something goes wrong with the store of the snapshots, at most.
    #[must_use]
    pub fn store_faults(self, store_faults: usize) -> Self {
        Sim { store_faults, ..self }
    }
    /// How often the clock of the machine jumps ahead by up to twelve hours, at most; never, unless this says so. What goes by that
    /// clock changes then: with `timestamps(.., idle = ..)`, records of a split that was not waited for are late.
    #[must_use]
    pub fn clock_jumps(self, clock_jumps: usize) -> Self {
        Sim { clock_jumps, ..self }
    }
    /// Which seeds are run, unless the variable `MALSTROM_SEEDS` says otherwise: `100x` makes it a hundred times as many, and `17..18`
    /// has these run and no others.
    #[must_use]
    pub fn seeds(self, seeds: Range<u64>) -> Self {
        Sim { seeds, ..self }
    }
    /// At the end of each run, `look` takes out what a sink has put out that is no [`output`]. It is compared as a multiset.
    ///
    /// ```
    /// use malstrom_core::connect::memory;
    /// use malstrom_core::sim::Sim;
    /// # use malstrom_core::{Graph, Pipeline, graph::{build, source}};
    /// # fn numbers(into: memory::Collector<u64>) -> Pipeline {
    /// #     let g = Graph::new("numbers");
    /// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new(0..200u64));
    /// #     build::sink(g.clone(), "sink", into, s);
    /// #     g.finish()
    /// # }
    /// // A collector shows records before they are committed, so after a crash it has some of them twice.
    /// let collector = memory::collector();
    /// let sim = Sim::new(|| numbers(collector.clone())).observe("collected", || collector.take());
    /// let found = sim.seeds(0..20).run().expect_err("there are crashes");
    /// assert!(found.to_string().contains("`collected` differs from what it is on one worker"), "{found}");
    /// ```
    #[must_use]
    pub fn observe<T: Record + Debug>(mut self, name: &str, look: impl Fn() -> Vec<T> + 'a) -> Self {
        let name = name.to_owned();
        self.observed.push(Box::new(move || output::seen(&name, &look())));
        self
    }

    /// Runs all seeds, up to the first with which something is wrong. A panic of an operator is printed by the panic hook as often as
    /// it happens.
    ///
    /// # Errors
    /// What was found: what comes out differs, or the job fails, or it is not the same when a seed is run again; or the pipeline
    /// cannot be simulated, since nothing is compared or snapshots could not find what its stages keep.
    pub fn run(&self) -> Result<Survived, Finding> {
        search::Search::begin(self)?.run()
    }
}

/// The longest jump of the clock.
const JUMP: Duration = Duration::from_secs(12 * 3600);
impl Sim<'_> {
    /// What happens in the run of a seed that takes about so many steps.
    fn schedule(&self, seed: u64, steps: u64) -> engine::Schedule {
        use engine::{Fault, What};
        let seed = engine::Random::new(seed).branch("schedule");
        let mut faults = Vec::new();
        let mut draw = |name: &str, most: usize, what: &dyn Fn(&mut engine::Random) -> What| {
            let mut random = seed.branch(name);
            for _ in 0..random.below(most as u64 + 1) {
                let at = 1 + random.below(steps);
                faults.push(Fault { at, what: what(&mut random) });
            }
        };
        let any = |random: &mut engine::Random| 1 + random.index(self.workers);
        draw("crashes", self.crashes, &|_| What::Crash { then: None });
        draw("rescales", self.rescales, &|random| match random.one_in(2) {
            true => What::Restart { workers: any(random) },
            false => What::Rescale { workers: any(random) },
        });
        draw("savepoints", self.savepoints, &|_| What::Savepoint);
        draw("pauses", self.pauses, &|random| What::Pause {
            worker: random.index(self.workers),
            steps: 1 + random.below(1 + steps / 4),
        });
        draw("store", self.store_faults, &|random| What::Store(StoreFault::ALL[random.index(StoreFault::ALL.len())]));
        draw("clock", self.clock_jumps, &|random| {
            What::Jump(Duration::from_millis(1 + random.below(JUMP.as_millis() as u64)))
        });
        faults.sort_by_key(|fault| fault.at);
        let workers = if self.rescales > 0 { any(&mut seed.branch("workers")) } else { self.workers };
        engine::Schedule { workers, faults }
    }
}
