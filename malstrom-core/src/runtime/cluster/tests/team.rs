//! The workers that one process has in one attempt of the simulated job.
use super::job::{Job, Kept};
use super::random::Random;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Barrier, Chunk, Head, NO_GROUP, Outcome, Part, Schema};
use crate::contract::source::Progress;
use crate::error::Error;
use crate::exchange::layout::{Change, Layout};
use crate::runtime::attempt::News;
use crate::runtime::cluster::crew::Input;
use crate::runtime::cluster::crew::outside::Begin;
use crate::runtime::cluster::words::{Samples, Seat};
use crate::worker::{Command, Handed, Written};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// At most so many records of a split are counted at a time.
const AT_ONCE: u64 = 10;
/// A record of the first split is worth so many of the others.
const HOT: u64 = 10;
/// There are records of one in so many key groups.
const STEP: usize = 8;
/// So much arrives at each that gains, it says.
const TAKEN: u64 = 100;

#[derive(Debug, Default)]
pub(super) struct Split {
    counted: u64,
    published: u64,
    /// How many were counted at barriers that are not settled.
    cuts: BTreeMap<u64, u64>,
}
/// The key group that a split is of, among so many.
fn group_of(split: usize, splits: usize) -> usize {
    split * KeyGroups::DEFAULT.count() / splits
}
/// What is to be published of splits that another worker has now: the interval, the split, and the records from and to.
type Staged = (u64, usize, u64, u64);
#[derive(Debug)]
struct Worker {
    /// Its place among all.
    at: usize,
    loaded: bool,
    splits: BTreeMap<usize, Split>,
    /// Of which splits there were records, and how many, since somebody asked last.
    samples: BTreeMap<usize, u64>,
    commands: VecDeque<Command>,
    /// The barrier that it is about to pass, or to write; whether it was given up.
    barrier: Option<Barrier>,
    aborted: bool,
    /// What it changes, the splits that others get by it, and those that this worker gets.
    change: Option<Arc<Change>>,
    gives: BTreeMap<usize, Split>,
    gains: BTreeSet<usize>,
    /// The barrier of a change, until all is there.
    installs: Option<u64>,
    staged: Vec<Staged>,
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
    seats: Vec<Seat>,
    /// The workers that take part, by their numbers in the attempt.
    members: Vec<usize>,
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
        let joins = begin.joins.is_some();
        let all = begin.places.workers();
        let first = Layout::even(&(0..all).collect::<Vec<_>>(), begin.key_groups.count(), 0);
        let owns = |split: usize, at: usize| !joins && first.owner(group_of(split, splits)) == at;
        let worker = |at: usize| Worker {
            at,
            loaded: false,
            splits: (0..splits).filter(|split| owns(*split, at)).map(|split| (split, Split::default())).collect(),
            samples: BTreeMap::new(),
            commands: VecDeque::new(),
            barrier: None,
            aborted: false,
            change: None,
            gives: BTreeMap::new(),
            gains: BTreeSet::new(),
            installs: None,
            staged: Vec::new(),
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
            seats: begin.setup.seats.clone(),
            members: if joins { Vec::new() } else { (0..all).collect() },
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
    /// These processes take part, or are about to.
    pub(super) fn sit(&mut self, seats: &[Seat]) {
        self.seats = seats.to_vec();
        self.peers = seats.iter().map(|seat| seat.process).filter(|process| *process != self.process).collect();
        self.told.retain(|peer| self.peers.contains(peer));
        self.away.retain(|peer, _| self.peers.contains(peer));
    }
    /// The processes of these workers.
    fn processes(&self, workers: &[usize]) -> BTreeSet<u32> {
        let of = |worker: &usize| self.seats.iter().find(|seat| seat.range().contains(worker)).map(|seat| seat.process);
        workers.iter().filter_map(of).collect()
    }
    pub(super) fn command(&mut self, command: &Command) {
        self.workers.iter_mut().for_each(|worker| worker.commands.push_back(command.clone()));
    }
    /// The records of a split are of the groups from its own on, of one in some.
    pub(super) fn take_samples(&mut self, splits: usize) -> Samples {
        let mut all = BTreeMap::<usize, u64>::new();
        for (split, count) in self.workers.iter_mut().flat_map(|worker| std::mem::take(&mut worker.samples)) {
            *all.entry(split).or_default() += count;
        }
        let groups = |split| (group_of(split, splits)..group_of(split + 1, splits)).step_by(STEP);
        let some = all.into_iter().filter(|(_, count)| *count > 0);
        some.flat_map(|(split, count)| groups(split).map(move |group| (group as u16, count as u32))).collect()
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
        let settled = self.workers.iter().all(|worker| worker.gains.is_empty() && worker.gives.is_empty());
        self.is_loaded() && settled && (self.stopped || splits.all(|(at, split)| split.counted >= sizes[*at]))
    }
    fn written(&self, worker: &Worker, interval: u64) -> Written {
        let head = |node, part, group| Head { node, part, group, full: true, entries: 1 };
        let mut chunks = Vec::new();
        for (at, split) in worker.splits.iter().chain(&worker.gives) {
            let counted = split.cuts.get(&interval).copied().unwrap_or(split.counted);
            let kept = Kept { attempt: self.attempt, seed: self.seed, counted, published: split.published };
            let bytes = postcard::to_stdvec(&kept).expect("numbers can be written");
            chunks.push(Chunk { head: head(0, Part::State, *at as u16), bytes });
        }
        let mut schemas = vec![(0, Part::State, Schema { version: 1, description: "counted".into() })];
        if self.members.first() == Some(&worker.at) {
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
                Command::Snapshot(_) | Command::Change(..) if self.barrier.is_some() => {
                    // One at a time.
                    self.commands.push_front(command);
                    break;
                }
                Command::Snapshot(barrier) => (self.barrier, self.aborted) = (Some(barrier), false),
                Command::Change(barrier, change) => {
                    (self.barrier, self.aborted, self.change) = (Some(barrier), false, Some(change));
                }
                Command::Settle(Outcome::Aborted { interval }) => {
                    self.aborted |= self.barrier.is_some_and(|barrier| barrier.interval == interval);
                    for split in self.splits.values_mut() {
                        split.cuts.remove(&interval);
                    }
                }
                Command::Settle(outcome) => {
                    let interval = outcome.interval();
                    let staged = self.staged.extract_if(.., |(cut, ..)| *cut <= interval);
                    published.extend(staged.map(|(cut, split, from, to)| (split, cut, from, to)));
                    for (at, split) in &mut self.splits {
                        if let Some(to) = split.cuts.get(&interval).copied() {
                            published.push((*at, interval, split.published, to));
                            split.published = to;
                            split.cuts.retain(|cut, _| *cut > interval);
                        }
                    }
                    self.over |= outcome.is_base() && self.last == Some(interval);
                }
                Command::Leave => self.over = true,
            }
        }
        published
    }
    /// Counts some records. Those of the first split stand for many.
    fn count(&mut self, sizes: &[u64], random: &mut Random) {
        for (at, split) in &mut self.splits {
            let before = split.counted;
            split.counted = sizes[*at].min(before + random.below(AT_ONCE));
            let weight = if *at == 0 { HOT } else { 1 };
            *self.samples.entry(*at).or_default() += (split.counted - before) * weight;
        }
    }
    fn pass(&mut self, splits: usize) {
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
        if let Some(change) = &self.change {
            let mine = |split: &usize| change.new.owner(group_of(*split, splits)) == self.at;
            self.gains = (0..splits).filter(|split| mine(split) && !self.splits.contains_key(split)).collect();
            self.gives = self.splits.extract_if(.., |split, _| !mine(split)).collect();
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
        let change = teams[at].workers.iter().find_map(|worker| worker.change.clone());
        let members = change.as_ref().map_or_else(|| teams[at].members.clone(), |change| change.members());
        let (me, members) = (teams[at].process, teams[at].processes(&members));
        let others: Option<Vec<&&Team>> = members.iter().filter(|peer| **peer != me).map(reaches).collect();
        let all = |test: &dyn Fn(&Team) -> bool| {
            others.as_ref().is_some_and(|others| others.iter().all(|team| test(team)) && test(&teams[at]))
        };
        let ended = !teams[at].members.is_empty() && all(&|team| team.has_ended(&self.sizes));
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
                worker.pass(self.sizes.len());
            }
            let passed = worker.barrier.map(|barrier| barrier.interval).filter(|interval| *interval == worker.passed);
            if passed.is_some() && passed == arrived && self.random.one_in(2) {
                let (place, interval, aborted) = (worker.at, worker.passed, worker.aborted);
                worker.barrier = None;
                let change = worker.change.take();
                if !aborted && change.as_ref().is_none_or(|change| change.old.has(place)) {
                    tell(News::Written(place, teams[at].written(&teams[at].workers[index], interval)));
                }
                if change.is_some() {
                    let worker = &mut teams[at].workers[index];
                    worker.installs = Some(interval);
                    for (split, given) in std::mem::take(&mut worker.gives) {
                        worker.staged.push((interval, split, given.published, given.counted));
                        let given = Split { published: given.counted, cuts: BTreeMap::new(), ..given };
                        self.handed.insert((attempt, split), given);
                    }
                }
                if let Some(change) = change.filter(|_| teams[at].workers.iter().all(|worker| worker.change.is_none()))
                {
                    teams[at].members = change.new.members().to_vec();
                }
            }
            let worker = &mut teams[at].workers[index];
            if let Some(interval) = worker.installs {
                for split in worker.gains.clone() {
                    if let Some(taken) = self.handed.remove(&(attempt, split)) {
                        worker.splits.insert(split, taken);
                        worker.gains.remove(&split);
                    }
                }
                if worker.gains.is_empty() {
                    (worker.installs, worker.finished) = (None, false);
                    self.steps.insert((attempt, interval));
                    tell(News::Installed(worker.at, Handed { interval, taken: TAKEN, ..Handed::default() }));
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
