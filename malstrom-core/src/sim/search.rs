//! Runs one seed after the other, and looks for the simplest schedule with which it goes wrong.
use super::engine::{Keeping, Lived, Note, Schedule, Setup, Stored, Unkept, Witness, live_watched};
use super::finding::{Finding, What};
use super::output::{self, Seen};
use super::{Sim, Survived, compare, seeds, suspects};
use crate::contract::snapshot::Guarantee;
use crate::error::{Error, Result};
use crate::graph::picture::{NodeKind, Plan};
use std::time::Duration;

/// No more runs than these are made for a simpler schedule.
const TRIES: usize = 300;
/// Nor any more once they have taken so many steps: a job that does not come to its end takes very many.
const TRIED: u64 = 3_000_000;
/// No more steps than these are taken while it is not known how many it takes.
const FIRST: u64 = 500_000;
/// A step takes about so long.
const STEP: Duration = Duration::from_micros(25);
/// Sources take between so many and so many steps for the whole input, so that there is something between them.
const READS: (u64, u64) = (30, 300);
/// Of so many seeds one has a job that takes no snapshots, and whose workers become more or fewer all the same.
const UNKEPT: u64 = 8;

/// What came of one run.
struct Run {
    lived: Result<Lived>,
    seen: Vec<Seen>,
    notes: Vec<Note>,
    trace: Vec<String>,
    /// How many steps it took, also if it has failed.
    steps: u64,
    /// Whether a record was late.
    late: bool,
}
pub(super) struct Search<'a> {
    sim: &'a Sim<'a>,
    plan: Plan,
    /// What must come out.
    expected: Vec<Seen>,
    /// How many records the sources have.
    records: u64,
    /// Whether records are late even where nothing goes wrong; so long as that is not known, they may be.
    late: bool,
    /// How many steps a run takes in which nothing goes wrong.
    steps: u64,
}

impl<'a> Search<'a> {
    /// Finds out what must come out.
    pub(super) fn begin(sim: &'a Sim<'a>) -> Result<Self, Finding> {
        let plan = (sim.make)().plan().clone();
        let mut search = Search { sim, plan, expected: Vec::new(), records: 0, late: true, steps: 0 };
        let alone = search.setup(0, Schedule { workers: 1, faults: Vec::new() });
        let first = search.run_once(&alone, false, Witness::noting())?;
        match first.lived {
            Ok(lived) => search.records = lived.read,
            Err(error) => return Err(Finding::new(Finding::failed(error, What::Fails))),
        }
        let second = search.run_once(&alone, false, Witness::noting())?;
        search.same((&first.seen, &first.notes), (&second.seen, &second.notes))?;
        if first.seen.is_empty() {
            let how = "nothing that comes out of it is compared: have it write into a `sim::output()`, or say by `observe` where to look";
            return Err(Finding::new(What::Unusable(Error::Config(how.into()))));
        }
        search.expected = first.seen;
        search.late = first.late;
        Ok(search)
    }
    /// Runs all seeds.
    pub(super) fn run(mut self) -> Result<Survived, Finding> {
        let mut survived = Survived::default();
        let seeds = seeds::chosen(self.sim.seeds.clone()).map_err(|error| Finding::new(What::Unusable(error)))?;
        let mut progress = seeds::Progress::begin((self.sim.make)().name(), &seeds);
        // How long it takes if nothing goes wrong is known after the first run. It is the same one whichever seeds follow, so that any of
        // them alone does what it did among others.
        let calm = Schedule { workers: self.sim.workers, faults: Vec::new() };
        for _ in 0..2 {
            // There are as many snapshots in it as it is long, as far as that is known.
            self.steps = self.check(0, calm.clone())?.steps;
        }
        for seed in seeds {
            survived.add(self.check(seed, self.sim.schedule(seed, self.steps))?);
            progress.show(survived.seeds);
        }
        Ok(survived)
    }

    fn setup(&self, seed: u64, schedule: Schedule) -> Setup {
        let mut random = super::engine::Random::new(seed).branch("setup");
        let reads = READS.0 + random.below(READS.1 - READS.0);
        // Before it is known how many there are, they come as they do in a job.
        let pace = match self.records {
            0 => usize::MAX,
            records => usize::try_from(records / reads).unwrap_or(usize::MAX).max(1),
        };
        // There are some snapshots in each run, and a few in each attempt.
        let least = STEP * 8;
        let every = least..=least.max(STEP * u32::try_from(self.steps / 4).unwrap_or(u32::MAX));
        let limit = if self.steps == 0 { FIRST } else { 100_000 + 100 * self.steps };
        Setup { seed, schedule, every, pace, late: self.late, limit }
    }
    fn run_once(&self, setup: &Setup, kept: bool, mut witness: Witness) -> Result<Run, Finding> {
        let unusable = |error| Finding::new(What::Unusable(error));
        output::begin();
        let make = || {
            output::next_worker();
            (self.sim.make)()
        };
        let (mut stored, mut unkept) = (None, Unkept);
        let keeping: Option<&mut dyn Keeping> = match kept {
            false => None,
            true if setup.seed % UNKEPT == UNKEPT - 1 => Some(&mut unkept),
            true => Some(stored.insert(Stored::new(setup.seed, &make()).map_err(unusable)?)),
        };
        let lived = live_watched(setup, keeping, &make, &mut witness);
        let (steps, late) = (witness.steps, witness.was_late());
        let mut seen = output::end();
        self.name(&mut seen);
        for look in &self.sim.observed {
            seen.push(look().map_err(unusable)?);
        }
        let (notes, trace) = (witness.notes.unwrap_or_default(), witness.lines.unwrap_or_default());
        Ok(Run { lived, seen, notes, trace, steps, late })
    }
    /// Gives outputs the names of the sinks that they are.
    fn name(&self, seen: &mut [Seen]) {
        let sinks = self.sinks(seen);
        for (seen, sink) in seen.iter_mut().zip(sinks) {
            if let Some(sink) = sink {
                seen.name.clone_from(&self.plan.nodes[sink].id);
            }
        }
    }
    /// Which sinks these outputs are: of a type, they come in the order of the plan.
    fn sinks(&self, seen: &[Seen]) -> Vec<Option<usize>> {
        let of = |record: &str| -> Vec<usize> {
            let nodes = self.plan.nodes.iter().enumerate();
            let sinks =
                nodes.filter(|(_, node)| node.kind == NodeKind::Sink && node.guarantee == Some(Guarantee::ExactlyOnce));
            let takes = |node: usize| self.plan.edges.iter().any(|edge| edge.to == node && edge.record == record);
            sinks.map(|(at, _)| at).filter(|at| takes(*at)).collect()
        };
        let alike = |at: usize| seen[..at].iter().filter(|other| other.record == seen[at].record).count();
        (0..seen.len()).map(|at| of(seen[at].record).get(alike(at)).copied()).collect()
    }

    /// Runs a seed with a schedule, twice.
    fn check(&self, seed: u64, schedule: Schedule) -> Result<Lived, Finding> {
        let setup = self.setup(seed, schedule);
        let first = self.run_once(&setup, true, Witness::noting())?;
        let second = self.run_once(&setup, true, Witness::noting())?;
        self.same((&first.seen, &first.notes), (&second.seen, &second.notes))
            .map_err(|finding| Finding { seed: Some(seed), ..finding })?;
        match self.wrong(first.lived, &first.seen) {
            Ok(lived) => Ok(lived),
            Err(what) => Err(self.explain(setup, what)),
        }
    }
    /// What is wrong with a run, if something is.
    fn wrong(&self, lived: Result<Lived>, seen: &[Seen]) -> Result<Lived, What> {
        let lived = lived.map_err(|error| Finding::failed(error, What::Broken))?;
        match compare::difference(&self.expected, seen) {
            Some(how) => Err(What::Differs(how)),
            None => Ok(lived),
        }
    }
    /// Two runs of one seed are the same.
    fn same(&self, a: (&[Seen], &[Note]), b: (&[Seen], &[Note])) -> Result<(), Finding> {
        let varies = |operators| Err(Finding::new(What::Varies { operators }));
        if let Some(node) = suspects::first_other(a.1, b.1) {
            return varies(node.map(|node| suspects::suspects(&self.plan, node)).unwrap_or_default());
        }
        if let Some(at) = compare::first_other(a.0, b.0) {
            let sink = self.sinks(a.0).get(at).copied().flatten();
            return varies(sink.map(|sink| suspects::suspects(&self.plan, sink)).unwrap_or_default());
        }
        Ok(())
    }
    /// Looks for the simplest schedule with which something is wrong, and says what happens.
    fn explain(&self, mut setup: Setup, mut what: What) -> Finding {
        let (mut left, mut steps) = (TRIES, 0);
        'simpler: loop {
            for schedule in setup.schedule.simpler() {
                if left == 0 || steps > TRIED {
                    break 'simpler;
                }
                left -= 1;
                let simpler = Setup { schedule, ..setup.clone() };
                let Ok(run) = self.run_once(&simpler, true, Witness::default()) else { continue };
                steps += run.steps;
                if let Err(other) = self.wrong(run.lived, &run.seen) {
                    (setup, what) = (simpler, other);
                    continue 'simpler;
                }
            }
            break;
        }
        let trace = self.run_once(&setup, true, Witness::tracing()).map(|run| run.trace).unwrap_or_default();
        Finding { what: Box::new(what), seed: Some(setup.seed), schedule: Some(setup.schedule), trace }
    }
}
