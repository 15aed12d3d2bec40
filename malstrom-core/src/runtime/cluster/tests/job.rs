//! The job that is simulated: splits of which each record is counted once, by workers that take snapshots and publish what is committed.
//!
//! It is a model of what [attempts](crate::runtime::attempt) do, as far as a crew sees it. What workers keep is written to segments and
//! read from snapshots as in a job.
use super::random::Random;
use super::store::lock;
use super::team::{Split, Team};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::Part;
use crate::contract::source::Progress;
use crate::error::{Error, Result};
use crate::runtime::cluster::crew::Input;
use crate::runtime::cluster::crew::outside::{Begin, Work};
use crate::runtime::cluster::words::{Samples, Seat};
use crate::runtime::keeping::{Operators, Restoring};
use crate::runtime::report::Figures;
use crate::snapshot::{Archive, Location, Saved};
use crate::worker::Command;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// The operators of the job: one that counts, and one whose state belongs to no key, and is with the first worker only.
pub(super) fn operators() -> Operators {
    Operators {
        ids: ["job/count".to_owned(), "job/clock".to_owned()].into(),
        were: vec![None, None],
        dropped: Vec::new(),
    }
}
/// What is kept of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Who has written it.
    pub(super) attempt: u64,
    pub(super) seed: u64,
    /// How many records are counted, and how many of them are published.
    pub(super) counted: u64,
    pub(super) published: u64,
}

/// See the [module](self).
pub(super) struct Job {
    /// How many records each split has.
    pub(super) sizes: Vec<u64>,
    /// Whether anybody looks at the key groups of some.
    skewed: bool,
    pub(super) teams: Vec<Team>,
    /// Processes that do not reach each other.
    pub(super) cuts: BTreeSet<(u32, u32)>,
    /// What each committed snapshot has of each split.
    pub(super) truth: BTreeMap<u64, Vec<Kept>>,
    /// How many records of each split are published.
    pub(super) published: Vec<u64>,
    /// The numbers of the attempts that have begun.
    pub(super) attempts: BTreeSet<u64>,
    pub(super) random: Random,
    /// Splits on their way from one worker to another, by the attempt.
    pub(super) handed: BTreeMap<(u64, usize), Split>,
    /// The attempts and intervals of barriers at which something moved.
    pub(super) steps: BTreeSet<(u64, u64)>,
    /// What workers have done, for their crews.
    pub(super) news: Vec<(usize, Input)>,
    pub(super) wrong: Option<String>,
}
impl Job {
    pub(super) fn new((sizes, skewed): (Vec<u64>, bool), random: Random) -> Self {
        let published = vec![0; sizes.len()];
        Job {
            sizes,
            skewed,
            teams: Vec::new(),
            cuts: BTreeSet::new(),
            truth: BTreeMap::new(),
            published,
            attempts: BTreeSet::new(),
            random,
            handed: BTreeMap::new(),
            steps: BTreeSet::new(),
            news: Vec::new(),
            wrong: None,
        }
    }
    pub(super) fn complain(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
    /// A worker publishes what interval has of a split, behind `from`.
    pub(super) fn publish(&mut self, split: usize, interval: u64, from: u64, to: u64) {
        let known = self.truth.get(&interval).map(|kept| kept[split].counted);
        if known != Some(to) {
            return self.complain(format!(
                "records up to {to} of split {split} are published as those of interval {interval}, of which the log has {known:?}"
            ));
        }
        let published = &mut self.published[split];
        if from > *published {
            let what = format!("records {published}..{from} of split {split} are published by nobody");
            return self.complain(what);
        }
        *published = to.max(*published);
    }
    /// Reads what a newly committed snapshot has.
    pub(super) fn committed(&mut self, interval: u64, location: &Location) {
        let groups: Vec<u16> = (0..self.sizes.len()).map(|split| split as u16).collect();
        let kept = Archive::open(location).and_then(|archive| {
            let saved = archive.list().iter().find(|saved| saved.interval == interval);
            let point = saved.map_or_else(|| interval.to_string(), Saved::to_restore);
            read(&Restoring::open(location, &point, &operators(), KeyGroups::DEFAULT)?, &groups)
        });
        let kept = match kept {
            Ok(kept) => kept,
            Err(why) => return self.complain(format!("committed snapshot {interval} cannot be read: {why:?}")),
        };
        let all: Option<Vec<Kept>> = groups.iter().map(|group| kept.get(group).copied()).collect();
        let Some(all) = all else {
            return self.complain(format!("committed snapshot {interval} has only {kept:?}"));
        };
        if all.iter().any(|kept| (kept.attempt, kept.seed) != (all[0].attempt, all[0].seed)) {
            self.complain(format!("committed snapshot {interval} is of more than one attempt: {all:?}"));
        }
        let before = self.truth.values().next_back().cloned();
        for (split, kept) in all.iter().enumerate() {
            let before = before.as_ref().map_or(0, |before| before[split].counted);
            if kept.published != before {
                self.complain(format!(
                    "split {split} of snapshot {interval} goes on behind record {}, and the one before it ended with {before}",
                    kept.published
                ));
            }
        }
        self.truth.insert(interval, all);
    }
    pub(super) fn team(&mut self, crew: usize, attempt: u64) -> Option<&mut Team> {
        self.teams.iter_mut().find(|team| team.crew == crew && team.attempt == attempt)
    }
    /// The workers of a process are gone, with it or without.
    pub(super) fn disband(&mut self, crew: usize) {
        self.teams.retain(|team| team.crew != crew);
    }
    pub(super) fn reaches(&self, from: u32, to: u32) -> bool {
        !self.cuts.contains(&(from.min(to), from.max(to)))
    }
}
fn read(restoring: &Restoring, groups: &[u16]) -> Result<BTreeMap<u16, Kept>> {
    let shelf = restoring.shelves().shelf(groups)?;
    let mut all = BTreeMap::new();
    for chunk in shelf.chunks(0, Part::State)? {
        all.insert(chunk.group, postcard::from_bytes(&chunk.bytes).map_err(Error::custom)?);
    }
    Ok(all)
}
/// Has the workers of a crew begin.
pub(super) fn begin(job: &Arc<Mutex<Job>>, crew: usize, location: &Location, begin: Begin) -> Result<Box<dyn Work>> {
    let restoring = match &begin.setup.restore {
        Some(point) => Some(Restoring::open(location, point, &operators(), begin.key_groups)?),
        None => None,
    };
    let mut team = Team::new(crew, &begin, lock(job).sizes.len());
    if let Some(restoring) = &restoring {
        match take_in(restoring, &mut team, begin.setup.seed) {
            Ok(Some(wrong)) => lock(job).complain(wrong),
            Ok(None) => {}
            Err(error) => team.failure = Some(error),
        }
    }
    let mut all = lock(job);
    all.attempts.insert(begin.number);
    for (split, kept) in team.restored() {
        all.publish(split, begin.interval - 1, kept.published, kept.counted);
    }
    team.settle_restored();
    all.teams.push(team);
    drop(all);
    Ok(Box::new(Hand { job: job.clone(), crew, attempt: begin.number, restoring }))
}
/// What the workers of a team take in. What is wrong with it.
fn take_in(restoring: &Restoring, team: &mut Team, seed: u64) -> Result<Option<String>> {
    if team.has_first() {
        restoring.shelves().shelf(&[])?.chunks(1, Part::Time)?;
    }
    let groups: Vec<u16> = team.splits().map(|split| split as u16).collect();
    let kept = read(restoring, &groups)?;
    for (group, kept) in &kept {
        if kept.seed != seed {
            return Ok(Some(format!("keys were hashed with {}, and are now with {seed}", kept.seed)));
        }
        team.restore(usize::from(*group), *kept);
    }
    Ok((kept.len() < groups.len()).then(|| format!("a snapshot has {kept:?}, and {groups:?} are wanted")))
}

/// The workers of a crew, as it has them in hand.
struct Hand {
    job: Arc<Mutex<Job>>,
    crew: usize,
    attempt: u64,
    restoring: Option<Restoring>,
}
impl Hand {
    fn with<T>(&self, f: impl FnOnce(&mut Team) -> T) -> Option<T> {
        lock(&self.job).team(self.crew, self.attempt).map(f)
    }
}
impl Work for Hand {
    fn command(&self, command: Command) {
        self.with(|team| team.command(&command));
    }
    fn seats(&mut self, seats: &[Seat]) {
        self.with(|team| team.sit(seats));
    }
    fn stop(&self) {
        self.with(|team| team.stopped = true);
    }
    fn pause(&self, pause: bool) {
        self.with(|team| team.paused = pause);
    }
    fn claimed(&mut self) -> Vec<(String, Part)> {
        self.restoring.take().map(|restoring| restoring.claimed()).unwrap_or_default()
    }
    fn failure(&self) -> Option<Error> {
        self.with(|team| team.failure.take()).flatten()
    }
    fn done(&self) -> (Figures, Vec<Progress>) {
        (Figures::default(), self.with(|team| team.progress()).unwrap_or_default())
    }
    fn samples(&self) -> Samples {
        let mut job = lock(&self.job);
        let splits = job.sizes.len();
        if !job.skewed {
            return Samples::new();
        }
        job.team(self.crew, self.attempt).map(|team| team.take_samples(splits)).unwrap_or_default()
    }
    fn give_up(self: Box<Self>) {
        let mut job = lock(&self.job);
        if let Some(team) = job.team(self.crew, self.attempt) {
            // What workers say last, whom nobody listens to any more.
            let last = team.last_words();
            job.news.extend(last.into_iter().map(|news| (self.crew, Input::News(self.attempt, news))));
        }
        job.disband(self.crew);
    }
}
