//! What a job comes to that crashes now and then and goes on with another number of workers, against what it should come to.
use super::by_hand::{Came, Fate, run};
use super::scrambled;
use super::two_phase::{TwoPhase, two_phase_telling};
use malstrom::{Emit, Never, Pipeline, Read, Record, Result, Source, SplitReader};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What came out: of which chain, under which key, and what.
pub type Told = (String, u64, String);
pub type Out = TwoPhase<Told>;
/// By chain and key, in order.
pub type PerKey = BTreeMap<(String, u64), Vec<String>>;
pub fn per_key(told: impl IntoIterator<Item = Told>) -> PerKey {
    let mut all = PerKey::new();
    told.into_iter().for_each(|(name, key, text)| all.entry((name, key)).or_default().push(text));
    all
}
pub fn named(name: &'static str) -> impl Fn((u64, String)) -> Told {
    move |(key, text)| (name.to_owned(), key, text)
}

/// A source that cannot repeat what a committed snapshot has: a split that is opened further back than that panics. Its
/// clones are one source.
#[derive(Clone)]
pub struct Once<T> {
    splits: Arc<Vec<Vec<T>>>,
    memory: Arc<Mutex<Memory>>,
    /// Whether splits rest now and then, so that others need not wait for them.
    rests: bool,
}
#[derive(Default)]
struct Memory {
    /// The positions that the last barrier has asked for.
    asked: BTreeMap<u64, u64>,
    committed: BTreeMap<u64, u64>,
    interval: u64,
}
impl<T> Once<T> {
    pub fn new(splits: Vec<Vec<T>>) -> Self {
        Once { splits: Arc::new(splits), memory: Arc::default(), rests: false }
    }
    pub fn resting(splits: Vec<Vec<T>>) -> Self {
        Once { rests: true, ..Self::new(splits) }
    }
    /// How many records of a split are in the last committed snapshot.
    pub fn committed(&self, split: u64) -> usize {
        self.memory.lock().unwrap().committed.get(&split).copied().unwrap_or(0) as usize
    }
    /// An interval is committed. The first sink to hear of it does so before any barrier of the next one.
    pub fn commit(&self, interval: u64) {
        let mut memory = self.memory.lock().unwrap();
        if interval > memory.interval {
            memory.interval = interval;
            memory.committed = memory.asked.clone();
        }
    }
}
pub struct OnceReader<T> {
    source: Once<T>,
    split: u64,
    at: u64,
    random: Box<dyn FnMut() -> u64>,
    idle: bool,
}
impl<T: Clone + 'static> Source for Once<T> {
    type Out = T;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = OnceReader<T>;
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok((0..self.splits.len() as u64).collect())
    }
    fn open(&mut self, split: u64, at: Option<u64>) -> Result<OnceReader<T>> {
        let committed = self.memory.lock().unwrap().committed.get(&split).copied().unwrap_or(0);
        let at = at.unwrap_or(0);
        assert!(at >= committed, "split {split} is asked for what came before {committed}, from {at} on");
        let random = Box::new(scrambled(split * 1_000_003 + at));
        Ok(OnceReader { source: self.clone(), split, at, random, idle: false })
    }
}
impl<T: Clone + 'static> SplitReader for OnceReader<T> {
    type Out = T;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, max: usize, out: &mut impl Emit<T, Never>) -> Result<Read> {
        let records = &self.source.splits[self.split as usize];
        self.idle = false;
        match (self.random)() % 12 {
            0..6 => return Ok(Read::After(Duration::from_micros((self.random)() % 400))),
            6 if self.source.rests => {
                self.idle = true;
                return Ok(Read::After(Duration::from_micros((self.random)() % 600)));
            }
            _ => {}
        }
        let many = ((self.random)() % 3 + 1).min(max as u64);
        for record in records.iter().skip(self.at as usize).take(many as usize) {
            out.emit(record.clone());
            self.at += 1;
        }
        Ok(if self.at < records.len() as u64 { Read::More } else { Read::End })
    }
    fn position(&self) -> u64 {
        self.source.memory.lock().unwrap().asked.insert(self.split, self.at);
        self.at
    }
    fn idle(&self) -> bool {
        self.idle
    }
}

/// What a strategy gives for a seed.
pub fn sample<S: Strategy>(strategy: &S, seed: u64) -> S::Value {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    strategy.new_tree(&mut TestRunner::new_with_rng(Config::default(), rng)).unwrap().current()
}

/// How a job fares with this seed: one in four does not crash.
pub fn fate(seed: u64, workers: usize) -> Fate {
    Fate { seed, crashes: if seed % 4 == 3 { 0 } else { 60 + seed % 10 * 40 }, workers }
}
/// Counts what there was to survive.
#[derive(Debug, Default)]
pub struct Survived {
    jobs: u64,
    crashes: u64,
    snapshots: u64,
    aborted: u64,
}
impl Survived {
    /// Runs a job whose sources forget what is committed. Returns what came out.
    pub fn run<T: Record + Clone>(
        &mut self,
        fate: Fate,
        commit: impl Fn(u64) + Send + Sync + 'static,
        make: impl Fn(&TwoPhase<T>) -> Pipeline,
    ) -> Vec<T> {
        let out = two_phase_telling(commit);
        let Came { attempts, snapshots, aborted } = run(fate, || make(&out));
        self.jobs += 1;
        self.crashes += attempts - 1;
        self.snapshots += snapshots;
        self.aborted += aborted;
        out.take()
    }
    /// There was something to survive, in each job more than once.
    pub fn check(&self) {
        let Survived { jobs, crashes, snapshots, aborted } = self;
        assert!(*crashes > *jobs && *snapshots > *jobs && *aborted > *jobs / 3, "{self:?}");
        println!("{self:?}");
    }
}
/// Compares, and shows the first chain that differs.
pub fn same(got: PerKey, expected: &PerKey, what: &dyn std::fmt::Debug) {
    for (chain, expected) in expected {
        let got = got.get(chain).map_or(&[][..], |got| got);
        assert_eq!(got, expected, "{chain:?} of {what:?}");
    }
    for (chain, got) in &got {
        assert!(expected.contains_key(chain), "{chain:?} of {what:?}: {got:?}");
    }
}
