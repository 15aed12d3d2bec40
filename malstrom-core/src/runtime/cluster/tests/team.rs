//! The workers that one process has in one attempt of the simulated job.
use super::job::{Job, Kept};
use super::random::Random;
use crate::contract::snapshot::{Barrier, Chunk, Head, NO_GROUP, Outcome, Part, Schema};
use crate::contract::source::Progress;
use crate::error::Error;
use crate::runtime::attempt::News;
use crate::runtime::cluster::crew::Input;
use crate::runtime::cluster::crew::outside::Begin;
use crate::worker::{Command, Written};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// At most so many records of a split are counted at a time.
const AT_ONCE: u64 = 10;

#[derive(Debug, Default)]
struct Split {
    counted: u64,
    published: u64,
    /// How many were counted at barriers that are not settled.
    cuts: BTreeMap<u64, u64>,
}
#[derive(Debug)]
struct Worker {
    /// Its place among all.
    at: usize,
    loaded: bool,
    splits: BTreeMap<usize, Split>,
    commands: VecDeque<Command>,
    /// The barrier that it is about to pass, or to write; whether it was given up.
    barrier: Option<Barrier>,
    aborted: bool,
    /// The last barrier that has passed it.
    passed: u64,
    last: Option<u64>,
    finished: bool,
    over: bool,
}
/// See the [module](self).
#[derive(Debug)]
pub(super) struct Team {
    pub(super) crew: usize,
    pub(super) process: u32,
    pub(super) attempt: u64,
    seed: u64,
    peers: Vec<u32>,
    workers: Vec<Worker>,
    pub(super) frozen: bool,
    pub(super) paused: bool,
    pub(super) stopped: bool,
    pub(super) failure: Option<Error>,
    ended: bool,
    /// Since when it does not reach others, and of which of them it has told.
    away: BTreeMap<u32, Duration>,
    told: BTreeSet<u32>,
}
impl Team {
    pub(super) fn new(crew: usize, begin: &Begin, splits: usize) -> Self {
        let all = begin.places.workers();
        let worker = |at: usize| Worker {
            at,
            loaded: false,
            splits: (0..splits).filter(|split| split % all == at).map(|split| (split, Split::default())).collect(),
            commands: VecDeque::new(),
            barrier: None,
            aborted: false,
            passed: begin.interval - 1,
            last: None,
            finished: false,
            over: false,
        };
        Team {
            crew,
            process: begin.me,
            attempt: begin.number,
            seed: begin.setup.seed,
            peers: begin.places.others().collect(),
            workers: begin.places.here().map(worker).collect(),
            frozen: false,
            paused: false,
            stopped: false,
            failure: None,
            ended: false,
            away: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }
    /// Whether it has the first worker of all.
    pub(super) fn has_first(&self) -> bool {
        self.workers.iter().any(|worker| worker.at == 0)
    }
    pub(super) fn splits(&self) -> impl Iterator<Item = usize> {
        self.workers.iter().flat_map(|worker| worker.splits.keys().copied())
    }
    pub(super) fn restore(&mut self, split: usize, kept: Kept) {
        for worker in &mut self.workers {
            if let Some(split) = worker.splits.get_mut(&split) {
                (split.counted, split.published) = (kept.counted, kept.published);
            }
        }
    }
    /// What there is to publish of what was restored.
    pub(super) fn restored(&self) -> Vec<(usize, Kept)> {
        let all = self.workers.iter().flat_map(|worker| &worker.splits);
        let kept = |split: &Split| Kept {
            attempt: self.attempt,
            seed: self.seed,
            counted: split.counted,
            published: split.published,
        };
        all.filter(|(_, split)| split.counted > 0).map(|(at, split)| (*at, kept(split))).collect()
    }
    pub(super) fn settle_restored(&mut self) {
        let all = self.workers.iter_mut().flat_map(|worker| worker.splits.values_mut());
        all.for_each(|split| split.published = split.counted);
    }
    pub(super) fn command(&mut self, command: &Command) {
        self.workers.iter_mut().for_each(|worker| worker.commands.push_back(command.clone()));
    }
    pub(super) fn progress(&self) -> Vec<Progress> {
        let all = self.workers.iter().flat_map(|worker| &worker.splits);
        all.map(|(at, split)| Progress { split: at.to_string(), done: split.counted, total: 0 }).collect()
    }
    /// What is on its way to the crew when all have to give up.
    pub(super) fn last_words(&self) -> Vec<News> {
        let loading = self.workers.iter().filter(|worker| !worker.loaded).map(|worker| News::Loaded(worker.at));
        loading.chain([News::Ended]).collect()
    }
    fn is_loaded(&self) -> bool {
        self.workers.iter().all(|worker| worker.loaded)
    }
    fn has_passed(&self, interval: u64) -> bool {
        self.workers.iter().all(|worker| worker.passed >= interval)
    }
    fn has_ended(&self, sizes: &[u64]) -> bool {
        let mut splits = self.workers.iter().flat_map(|worker| &worker.splits);
        self.is_loaded() && (self.stopped || splits.all(|(at, split)| split.counted >= sizes[*at]))
    }
    fn written(&self, worker: &Worker, interval: u64) -> Written {
        let head = |node, part, group| Head { node, part, group, full: true, entries: 1 };
        let mut chunks = Vec::new();
        for (at, split) in &worker.splits {
            let counted = split.cuts.get(&interval).copied().unwrap_or(split.counted);
            let kept = Kept { attempt: self.attempt, seed: self.seed, counted, published: split.published };
            let bytes = postcard::to_stdvec(&kept).expect("numbers can be written");
            chunks.push(Chunk { head: head(0, Part::State, *at as u16), bytes });
        }
        let mut schemas = vec![(0, Part::State, Schema { version: 1, description: "counted".into() })];
        if worker.at == 0 {
            chunks.push(Chunk { head: head(1, Part::Time, NO_GROUP), bytes: vec![1] });
            schemas.push((1, Part::Time, Schema { version: 1, description: "time".into() }));
        }
        Written { interval, chunks, schemas }
    }
}
impl Worker {
    /// Does what it was told, as far as it can. What it publishes: a split, an interval, and the records from and to.
    fn obey(&mut self) -> Vec<(usize, u64, u64, u64)> {
        let mut published = Vec::new();
        while let Some(command) = self.commands.pop_front() {
            match command {
                Command::Snapshot(barrier) if self.barrier.is_some() => {
                    // One at a time.
                    self.commands.push_front(Command::Snapshot(barrier));
                    break;
                }
                Command::Snapshot(barrier) => (self.barrier, self.aborted) = (Some(barrier), false),
                Command::Settle(Outcome::Aborted { interval }) => {
                    self.aborted |= self.barrier.is_some_and(|barrier| barrier.interval == interval);
                    for split in self.splits.values_mut() {
                        split.cuts.remove(&interval);
                    }
                }
                Command::Settle(outcome) => {
                    let interval = outcome.interval();
                    for (at, split) in &mut self.splits {
                        if let Some(to) = split.cuts.get(&interval).copied() {
                            published.push((*at, interval, split.published, to));
                            split.published = to;
                            split.cuts.retain(|cut, _| *cut > interval);
                        }
                    }
                    self.over |= outcome.is_base() && self.last == Some(interval);
                }
                Command::Change(..) | Command::Leave => {}
            }
        }
        published
    }
    fn count(&mut self, sizes: &[u64], random: &mut Random) {
        for (at, split) in &mut self.splits {
            split.counted = sizes[*at].min(split.counted + random.below(AT_ONCE));
        }
    }
    fn pass(&mut self) {
        let Some(barrier) = self.barrier.filter(|barrier| barrier.interval > self.passed) else { return };
        self.passed = barrier.interval;
        if barrier.last {
            self.last = Some(barrier.interval);
        }
        if !self.aborted {
            for split in self.splits.values_mut() {
                split.cuts.insert(barrier.interval, split.counted);
            }
        }
    }
}

impl Job {
    /// Time passes: all workers do some of their work.
    pub(super) fn tick(&mut self, now: Duration, grace: impl Fn(&mut Random) -> Duration) {
        let mut teams = std::mem::take(&mut self.teams);
        for at in 0..teams.len() {
            if !teams[at].frozen && !teams[at].ended {
                self.work(&mut teams, at);
                self.notice(&mut teams, at, now, &grace);
            }
        }
        self.teams = teams;
    }
    fn work(&mut self, teams: &mut [Team], at: usize) {
        let (crew, attempt) = (teams[at].crew, teams[at].attempt);
        let mut tell = |news| self.news.push((crew, Input::News(attempt, news)));
        if teams[at].failure.is_some() {
            teams[at].ended = true;
            tell(News::Ended);
            return;
        }
        // Those that it takes for a barrier to arrive everywhere.
        let reached: Vec<&Team> = teams.iter().filter(|team| team.attempt == attempt && !team.frozen).collect();
        let of = |process: u32| reached.iter().find(|team| team.process == process);
        let reaches = |peer: &u32| {
            let pair = (teams[at].process.min(*peer), teams[at].process.max(*peer));
            if self.cuts.contains(&pair) { None } else { of(*peer) }
        };
        let others: Option<Vec<&&Team>> = teams[at].peers.iter().map(reaches).collect();
        let all = |test: &dyn Fn(&Team) -> bool| {
            others.as_ref().is_some_and(|others| others.iter().all(|team| test(team)) && test(&teams[at]))
        };
        let ended = all(&|team| team.has_ended(&self.sizes));
        // The barrier that has arrived everywhere.
        let barrier = teams[at].workers.iter().filter_map(|worker| Some(worker.barrier?.interval)).min();
        let arrived = barrier.filter(|barrier| all(&|team| team.has_passed(*barrier)));
        let (paused, stopped) = (teams[at].paused, teams[at].stopped);
        let mut published = Vec::new();
        for index in 0..teams[at].workers.len() {
            let worker = &mut teams[at].workers[index];
            if worker.over {
                continue;
            }
            if !worker.loaded {
                worker.loaded = self.random.one_in(3);
                if worker.loaded {
                    tell(News::Loaded(worker.at));
                }
                continue;
            }
            published.extend(worker.obey());
            if !paused && !stopped {
                worker.count(&self.sizes, &mut self.random);
            }
            if self.random.one_in(2) {
                worker.pass();
            }
            let passed = worker.barrier.map(|barrier| barrier.interval).filter(|interval| *interval == worker.passed);
            if passed.is_some() && passed == arrived && self.random.one_in(2) {
                let (place, interval, aborted) = (worker.at, worker.passed, worker.aborted);
                worker.barrier = None;
                if !aborted {
                    tell(News::Written(place, teams[at].written(&teams[at].workers[index], interval)));
                }
            }
            let worker = &mut teams[at].workers[index];
            if ended && !worker.finished && self.random.one_in(2) {
                worker.finished = true;
                tell(News::Finished(worker.at));
            }
            if worker.over {
                tell(News::Left(worker.at));
            }
        }
        if teams[at].workers.iter().all(|worker| worker.over) {
            teams[at].ended = true;
            tell(News::Ended);
        }
        published.into_iter().for_each(|(split, interval, from, to)| self.publish(split, interval, from, to));
    }
    /// Notices who has not been within reach for too long.
    fn notice(&mut self, teams: &mut [Team], at: usize, now: Duration, grace: &impl Fn(&mut Random) -> Duration) {
        for peer in teams[at].peers.clone() {
            let there =
                teams.iter().any(|team| team.process == peer && team.attempt == teams[at].attempt && !team.frozen);
            if there && self.reaches(teams[at].process, peer) {
                teams[at].away.remove(&peer);
                continue;
            }
            let until = *teams[at].away.entry(peer).or_insert_with(|| now + grace(&mut self.random));
            if now >= until && teams[at].told.insert(peer) {
                let (crew, attempt, process) = (teams[at].crew, teams[at].attempt, teams[at].process);
                if self.random.one_in(3) {
                    // The other end need not notice.
                    let other = teams.iter_mut().find(|team| team.process == peer && team.attempt == attempt);
                    if let Some(other) = other {
                        other.told.insert(process);
                    }
                }
                self.news.push((crew, Input::Cut { attempt, peer, why: "it is out of reach".to_owned() }));
            }
        }
    }
}
