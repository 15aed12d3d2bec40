//! A job that is restored with more key groups than its snapshot has keeps every key once, with its state, its timers and the time at
//! which it expires, on as many workers as it may have.
#![allow(missing_docs, clippy::unwrap_used)]

use malstrom_core::CodecError;
use malstrom_core::contract::code::OfRecord;
use malstrom_core::contract::key::KeyGroups;
use malstrom_core::contract::snapshot::{Barrier, Book, Outcome, Part, Pen, Scope, Task};
use malstrom_core::exchange::route::RouteTable;
use malstrom_core::snapshot::{Chunks, Draft, Job, Kind, Location, Vault};
use malstrom_core::state::key_group::KeyHasher;
use malstrom_core::state::keyed::KeyedTable;
use malstrom_core::state::saved::Owner;
use malstrom_core::state::table::Ranks;
use malstrom_core::state::timers::TimerQueue;
use object_store::memory::InMemory;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const SEED: u64 = 7;
const TTL: i64 = 1_000;

fn operators() -> [String; 2] {
    ["sums".to_owned(), "alarms".to_owned()]
}
fn owner(node: usize) -> Owner {
    Owner { node, operator: operators()[node].as_str().into(), seed: SEED }
}
fn hash(key: u64) -> u64 {
    KeyHasher::new(SEED).hash(&key)
}
fn encode(timer: &u16, out: &mut Vec<u8>) -> Result<(), CodecError> {
    out.extend(timer.to_le_bytes());
    Ok(())
}

struct Worker {
    sums: KeyedTable<u64, u64, (i64, i64)>,
    alarms: TimerQueue<u64, u16>,
}
impl Worker {
    fn new(ranks: Ranks) -> Self {
        let (mut sums, mut alarms) = (KeyedTable::new(ranks.clone(), TTL), TimerQueue::default());
        sums.track(owner(0), OfRecord::<u64>::new());
        alarms.track(owner(1), Part::EventTimers, ranks, OfRecord::<u16>::new());
        Worker { sums, alarms }
    }
    fn persist(&mut self, mut task: Task<'_, '_>) {
        self.sums.persist(task.again(), 0);
        self.alarms.persist(task);
    }
}

#[derive(Clone, Debug)]
enum Op {
    Add(u64, u64),
    Remove(u64),
    Set(u64, i64, u16),
    Cancel(u64, i64, u16),
    Snapshot,
}
fn op() -> impl Strategy<Value = Op> {
    let key = 0u64..400;
    prop_oneof![
        20 => (key.clone(), 1u64..100).prop_map(|(key, value)| Op::Add(key, value)),
        4 => key.clone().prop_map(Op::Remove),
        6 => (key.clone(), 0i64..50, 0u16..3).prop_map(|(key, time, timer)| Op::Set(key, time, timer)),
        4 => (key, 0i64..50, 0u16..3).prop_map(|(key, time, timer)| Op::Cancel(key, time, timer)),
        1 => Just(Op::Snapshot),
    ]
}
/// From one start of the job to the next.
#[derive(Clone, Debug)]
struct Life {
    workers: usize,
    halvings: u32,
    ops: Vec<Op>,
}
fn life() -> impl Strategy<Value = Life> {
    let life =
        (1usize..5, prop_oneof![2 => Just(0u32), 2 => Just(1), 1 => Just(2)], prop::collection::vec(op(), 0..250));
    life.prop_map(|(workers, halvings, ops)| Life { workers, halvings, ops })
}

/// What the job is to have.
#[derive(Clone, Default)]
struct Model {
    /// The sum of a key, and when it expires.
    sums: BTreeMap<u64, (u64, i64)>,
    alarms: BTreeSet<(u64, i64, u16)>,
}
struct Running {
    vault: Vault,
    key_groups: KeyGroups,
    route: RouteTable,
    workers: Vec<Worker>,
}
impl Running {
    /// Starts the job with so many key groups, or with as many as the snapshot has.
    fn start(location: &Location, workers: usize, key_groups: Option<KeyGroups>) -> Running {
        static NONCES: AtomicU64 = AtomicU64::new(1);
        let job = Job { name: "job".to_owned(), key_groups, coordinator: "test".to_owned() };
        let mut vault = Vault::open(location, job, || NONCES.fetch_add(1, Ordering::Relaxed).into()).unwrap();
        let saved = vault.archive().latest().cloned();
        vault.begin(SEED);
        let restore = saved.map(|saved| vault.restore(&saved).unwrap());
        let key_groups = vault.key_groups();
        let route = RouteTable::even(workers, key_groups);
        let all = (0..workers).map(|worker| {
            let groups: Vec<u16> = route.groups_of(worker).collect();
            let mut worker = Worker::new(Ranks::of(key_groups, groups.iter().copied()));
            if let Some(restore) = &restore {
                let shelf = restore.shelf(operators().to_vec().into(), groups.into_iter().collect());
                let mut book = Book::new(&shelf);
                worker.persist(Task::Load(&mut book));
                book.close().unwrap();
            }
            worker
        });
        let workers = all.collect();
        Running { vault, key_groups, route, workers }
    }
    fn of(&mut self, key: u64) -> (u64, &mut Worker) {
        let hash = hash(key);
        (hash, &mut self.workers[self.route.owner(hash)])
    }
    fn act(&mut self, op: &Op, now: i64, model: &mut Model) {
        match *op {
            Op::Add(key, value) => {
                let (hash, worker) = self.of(key);
                *worker.sums.entry(hash, &key, now, || 0) += value;
                let known = model.sums.entry(key).or_insert((0, now + TTL));
                *known = (known.0 + value, known.1.max(now + TTL));
            }
            Op::Remove(key) => {
                let (hash, worker) = self.of(key);
                worker.sums.remove(hash, &key);
                model.sums.remove(&key);
            }
            Op::Set(key, time, timer) => {
                let (hash, worker) = self.of(key);
                worker.alarms.set(time, hash, &key, timer, encode);
                model.alarms.insert((key, time, timer));
            }
            Op::Cancel(key, time, timer) => {
                let (hash, worker) = self.of(key);
                worker.alarms.cancel(time, hash, &key, &timer, encode);
                model.alarms.remove(&(key, time, timer));
            }
            Op::Snapshot => {}
        }
    }
    fn snapshot(&mut self) -> Scope {
        let (interval, scope) = (self.vault.next_interval(), self.vault.next_scope());
        let barrier = Barrier { interval, scope, last: false };
        let mut written = Vec::new();
        for (number, worker) in self.workers.iter_mut().enumerate() {
            worker.sums.flip(barrier);
            worker.alarms.flip(barrier);
            let mut pen = Pen::new(usize::MAX);
            worker.persist(Task::Save(&mut pen));
            assert!(!pen.is_postponed() && pen.failure().is_none());
            let (chunks, schemas) = pen.finish();
            let writer = self.vault.writer(number as u32);
            let chunks = Chunks { chunks, schemas };
            written.push(writer.write(&Kind::Snapshot, interval, scope, &operators(), chunks).unwrap());
        }
        self.vault.commit(Draft { kind: Kind::Snapshot, interval, ended: false, written }).unwrap();
        let outcome = Outcome::Committed { interval, term: self.vault.term() };
        self.workers.iter_mut().for_each(|worker| worker.persist(Task::Settle(outcome)));
        scope
    }
    /// Each key is once in the job, with its owner, and there is nothing else.
    fn check(mut self, model: &Model) -> Result<(), TestCaseError> {
        let all: usize = self.workers.iter().map(|worker| worker.sums.len()).sum();
        prop_assert_eq!(all, model.sums.len());
        let mut fired = BTreeSet::new();
        for (number, worker) in self.workers.iter_mut().enumerate() {
            while let Some(due) = worker.alarms.pop(i64::MAX) {
                prop_assert_eq!((due.hash, self.route.owner(due.hash)), (hash(due.key), number));
                prop_assert!(fired.insert((due.key, due.time, due.timer)), "it fires twice");
            }
        }
        prop_assert_eq!(&fired, &model.alarms);
        // State goes when it expires, and no sooner. Who looks at it puts that off.
        let late = TTL / 32 + 1;
        for now in (0..).step_by(200).take_while(|now| *now < 3 * TTL) {
            self.workers.iter_mut().for_each(|worker| while worker.sums.expire(now, 100) {});
            let left: usize = self.workers.iter().map(|worker| worker.sums.len()).sum();
            let alive = |since: i64| model.sums.values().filter(|(_, expires)| *expires > now - since).count();
            prop_assert!((alive(0)..=alive(late)).contains(&left), "{} at {}", left, now);
        }
        Ok(())
    }
    fn sums(&mut self, model: &Model) -> Result<(), TestCaseError> {
        for (key, (sum, expires)) in &model.sums {
            let (hash, worker) = self.of(*key);
            // Just before it expires.
            prop_assert_eq!(worker.sums.get(hash, key, expires - 1).copied(), Some(*sum), "key {}", key);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn every_key_is_there_once(lives in prop::collection::vec(life(), 1..5), workers in 1usize..5, last in 0u32..3) {
        let location = Location::new(Arc::new(InMemory::new()), "job");
        let (mut model, mut bits, mut now) = (Model::default(), KeyGroups::DEFAULT.bits(), 0);
        for life in lives {
            let before = bits;
            bits = (bits + life.halvings).min(14);
            let asked = KeyGroups::new(1 << bits).unwrap();
            let mut job = Running::start(&location, life.workers, (bits > before).then_some(asked));
            prop_assert_eq!(job.key_groups, asked, "as many as the snapshot has, or as are asked for");
            let mut first = bits > before;
            for op in life.ops.iter().chain([&Op::Snapshot]) {
                now = (now + 1) % TTL;
                job.act(op, now, &mut model);
                if matches!(op, Op::Snapshot) {
                    let scope = job.snapshot();
                    prop_assert!(!std::mem::take(&mut first) || scope == Scope::Whole);
                }
            }
            prop_assert_eq!(job.vault.archive().manifest(job.vault.archive().latest().unwrap()).unwrap().key_groups, 1 << bits);
        }
        let more = KeyGroups::new(1 << (bits + last).min(14)).unwrap();
        Running::start(&location, workers, Some(more)).sums(&model)?;
        Running::start(&location, workers, Some(more)).check(&model)?;
        Running::start(&location, workers, None).check(&model)?;
    }
}
