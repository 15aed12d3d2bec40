//! A job with snapshots, driven by hand on one thread: workers are stepped in an order that follows from a seed, snapshots are
//! kept in memory, and the job crashes now and then and goes on from the last committed one with another number of workers.
use super::scrambled;
use malstrom::Pipeline;
use malstrom_core::contract::snapshot::{Barrier, Chunk, Head, Loaded, NO_GROUP, Part, Schema, Shelf};
use malstrom_core::coordinator::{Action, Coordinator, Event, Origin, Policy, Purpose, round_of};
use malstrom_core::exchange::fabric::{Fabric, Wake};
use malstrom_core::exchange::route::RouteTable;
use malstrom_core::stream::env::Saving;
use malstrom_core::worker::{Command, Settings, Step, Worker, Written};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A committed snapshot.
#[derive(Clone)]
struct Kept {
    barrier: Barrier,
    savepoint: bool,
    chunks: HashMap<(usize, Part), Vec<Chunk>>,
    schemas: Vec<(usize, Part, Schema)>,
}
/// Where snapshots are kept.
#[derive(Clone, Default)]
pub struct Store(Vec<Kept>);
struct Owned<'a> {
    store: &'a Store,
    groups: HashSet<u16>,
}
impl Store {
    /// Whether the pipeline can go on from here, with so many workers.
    pub fn accepts(&self, workers: usize, make: impl Fn() -> Pipeline) -> malstrom::Result<()> {
        let fabric = Fabric::new(workers, Arc::new(Bells((0..workers).map(|_| AtomicBool::new(false)).collect())));
        (0..workers).try_for_each(|worker| {
            let saving = Some(Saving { term: 1, interval: 1, cleans: false });
            let linger = Duration::from_millis(1);
            let settings = Settings { worker, workers, seed: 7, started: 0, linger, saving };
            Worker::new(make(), &settings, fabric.clone(), &self.shelf(worker, workers)).map(drop)
        })
    }
    /// What the snapshots have for worker `worker` of `workers`.
    fn shelf(&self, worker: usize, workers: usize) -> Owned<'_> {
        Owned { store: self, groups: RouteTable::even(workers).groups_of(worker).collect() }
    }
    /// The last snapshot and those that it is relative to: since a savepoint that the job was restored from.
    fn chain(&self) -> Vec<&Kept> {
        let Some(last) = self.0.last() else { return Vec::new() };
        if last.savepoint {
            return vec![last];
        }
        self.0.iter().filter(|kept| !kept.savepoint).collect()
    }
}
impl Shelf for Owned<'_> {
    fn schema(&self, node: usize, part: Part) -> Option<Schema> {
        let schemas = &self.store.0.last()?.schemas;
        schemas.iter().find(|(of, which, _)| (*of, *which) == (node, part)).map(|(.., schema)| schema.clone())
    }
    fn chunks(&self, node: usize, part: Part) -> malstrom::Result<Vec<Loaded>> {
        let chain = self.store.chain();
        let mut groups: BTreeMap<u16, Vec<Loaded>> = BTreeMap::new();
        for kept in &chain {
            // What is of no group is what the last snapshot has of it.
            groups.remove(&NO_GROUP);
            for Chunk { head, bytes } in kept.chunks.get(&(node, part)).into_iter().flatten() {
                let Head { group, full, entries, .. } = *head;
                if group == NO_GROUP || self.groups.contains(&group) {
                    let all = groups.entry(group).or_default();
                    // A part may be written in full sooner than the barrier says.
                    if full && group != NO_GROUP {
                        all.clear();
                    }
                    all.push(Loaded { group, full, entries, bytes: bytes.clone().into() });
                }
            }
        }
        Ok(groups.into_values().flatten().collect())
    }
}

struct Bells(Vec<AtomicBool>);
impl Wake for Bells {
    fn wake(&self, worker: usize) {
        self.0[worker].store(true, Ordering::SeqCst);
    }
}

/// How a job fares.
#[derive(Clone, Copy)]
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

/// Runs a job to its end.
pub fn run(fate: Fate, make: impl Fn() -> Pipeline) -> Came {
    run_from(&mut Store::default(), fate, make)
}
/// Runs a job to its end, which goes on where the last snapshot was taken.
pub fn run_from(store: &mut Store, fate: Fate, make: impl Fn() -> Pipeline) -> Came {
    let mut random = scrambled(fate.seed);
    let mut came = Came::default();
    loop {
        came.attempts += 1;
        let crashes = if came.attempts < 12 { fate.crashes } else { 0 };
        let workers = 1 + (random() % fate.workers as u64) as usize;
        if attempt(workers, crashes, &mut random, store, &mut came, &make) {
            return came;
        }
    }
}
/// One attempt; `false` if it crashed.
fn attempt(
    workers: usize,
    crashes: u64,
    random: &mut impl FnMut() -> u64,
    store: &mut Store,
    came: &mut Came,
    make: &impl Fn() -> Pipeline,
) -> bool {
    let bells = Arc::new(Bells((0..workers).map(|_| AtomicBool::new(false)).collect()));
    let fabric = Fabric::new(workers, bells.clone());
    let last = store.0.last();
    let origin = Origin {
        term: came.attempts,
        interval: last.map_or(0, |kept| kept.barrier.interval),
        round: last.filter(|kept| !kept.savepoint).map(|kept| round_of(kept.barrier.scope)),
    };
    let saving = |worker| Saving { term: origin.term, interval: origin.interval + 1, cleans: worker == 0 };
    let settings = |worker| Settings {
        worker,
        workers,
        seed: 7,
        started: 0,
        linger: Duration::from_millis(1),
        saving: Some(saving(worker)),
    };
    let machine = |w| Worker::new(make(), &settings(w), fabric.clone(), &store.shelf(w, workers)).unwrap();
    let mut machines: Vec<Worker> = (0..workers).map(machine).collect();
    let policy = Policy {
        workers,
        every: Duration::from_micros(200 + random() % 3000),
        timeout: Duration::from_micros(100 + random() % 20_000),
        attempts: 1000,
    };
    let mut coordinator = Coordinator::new(policy, origin, Duration::ZERO);
    let mut states = vec![Step::Busy; workers];
    let mut told = vec![false; workers];
    let mut mail: Vec<VecDeque<Command>> = vec![VecDeque::new(); workers];
    let mut parts: Vec<Written> = Vec::new();
    let mut storing: Option<(Barrier, Purpose)> = None;
    let mut now = Duration::ZERO;
    for step in 0u64.. {
        assert!(step < 3_000_000, "it does not come to an end");
        if crashes > 0 && random().is_multiple_of(crashes) {
            return false;
        }
        let mut events = VecDeque::from([Event::Tick]);
        if random().is_multiple_of(4000) {
            events.push_back(Event::Savepoint("s".into()));
        }
        if random().is_multiple_of(8)
            && let Some((barrier, purpose)) = storing.take()
        {
            let interval = barrier.interval;
            if random().is_multiple_of(5) {
                events.push_back(Event::Failed { interval });
            } else {
                let savepoint = purpose != Purpose::Recovery;
                let mut kept = Kept { barrier, savepoint, chunks: HashMap::new(), schemas: Vec::new() };
                for part in parts.drain(..).filter(|part| part.interval == interval) {
                    for chunk in part.chunks {
                        kept.chunks.entry((chunk.head.node, chunk.head.part)).or_default().push(chunk);
                    }
                    kept.schemas.extend(part.schemas);
                }
                store.0.push(kept);
                came.snapshots += 1;
                events.push_back(Event::Committed { interval });
            }
        }
        for worker in 0..workers {
            if let Some(written) = machines[worker].written() {
                events.push_back(Event::Written { worker, interval: written.interval });
                parts.push(written);
            }
            if machines[worker].has_finished() && !std::mem::replace(&mut told[worker], true) {
                events.push_back(Event::Finished { worker });
            }
        }
        while let Some(event) = events.pop_front() {
            for action in coordinator.on(now, event) {
                match action {
                    Action::Trigger(barrier) => mail.iter_mut().for_each(|m| m.push_back(Command::Snapshot(barrier))),
                    Action::Settle(outcome) => {
                        came.aborted +=
                            u64::from(matches!(outcome, malstrom_core::contract::snapshot::Outcome::Aborted { .. }));
                        mail.iter_mut().for_each(|m| m.push_back(Command::Settle(outcome)));
                    }
                    Action::Store { barrier, purpose } => storing = Some((barrier, purpose)),
                    Action::NoSavepoint(_) | Action::End => {}
                    Action::GiveUp => panic!("the coordinator gave up"),
                }
            }
        }
        let ready: Vec<usize> = (0..workers)
            .filter(|w| match states[*w] {
                Step::Busy => true,
                Step::Idle(due) => {
                    bells.0[*w].load(Ordering::SeqCst) || !mail[*w].is_empty() || due.is_some_and(|due| due <= now)
                }
                Step::Done => false,
            })
            .collect();
        if states.iter().all(|state| *state == Step::Done) {
            return true;
        }
        if ready.is_empty() {
            now += Duration::from_micros(20);
            continue;
        }
        let worker = ready[(random() % ready.len() as u64) as usize];
        bells.0[worker].store(false, Ordering::SeqCst);
        if !random().is_multiple_of(3)
            && let Some(command) = mail[worker].pop_front()
        {
            machines[worker].command(command).unwrap();
        }
        states[worker] = machines[worker].step(now).unwrap();
        now += Duration::from_micros(random() % 50);
    }
    unreachable!()
}
