//! All processes of a simulated job, what is under way between them, and the time.
use super::crews::CrewNode;
use super::faults::{Plan, What};
use super::job::Job;
use super::leaders::LeaderNode;
use super::net::Connection;
use super::random::Random;
use super::store::{Shared, lock};
use crate::error::Result;
use crate::runtime::attempt::Moved;
use crate::runtime::cluster::{crew, leader};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often workers do some of their work.
const TICK: Duration = Duration::from_millis(100);
/// So long after the last fault the job is to be over.
const PATIENCE: Duration = Duration::from_secs(120);
/// So long after the end processes are to be gone.
const FAREWELL: Duration = Duration::from_secs(15);

/// What is going to happen.
pub(super) enum Event {
    ToLeader(usize, leader::Input),
    ToCrew(usize, crew::Input),
    WakeLeader(usize),
    WakeCrew(usize),
    /// One is started in this place.
    StartLeader(usize),
    StartCrew(usize),
    /// A leader shows itself, or looks whether another one does.
    Beat(usize),
    Look(usize),
    /// A crew has its part written.
    Write(usize, Box<crew::storage::Storing>),
    Dial(usize),
    /// A message arrives at the leader, or at the crew.
    Deliver(usize, bool, Bytes),
    /// A connection is closed by the leader, behind what it has said.
    Fin(usize),
    /// The leader, or the crew, sees that a connection is gone.
    Sees(usize, bool),
    /// A process has been frozen since then.
    Silent(usize),
    Fault(What),
    Tick,
    /// Whoever is still there when the job has ended is started again, with all others.
    Remain,
}
/// A savepoint that somebody has asked a leader for.
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) leader: usize,
    pub(super) answer: Receiver<Result<()>>,
    /// How many snapshots have been committed since.
    pub(super) passed: u64,
}
/// Somebody has asked a leader to have all workers have as much to do as each other.
pub(super) struct AskedToMove {
    pub(super) leader: usize,
    pub(super) answer: Receiver<Result<Moved>>,
    /// How many snapshots have been committed since something moved last.
    pub(super) passed: u64,
}
/// So many may be committed before one that is asked for.
const BEFORE: u64 = 3;
/// See the [module](self).
pub(super) struct World {
    pub(super) now: Duration,
    queue: BTreeMap<(Duration, u64), Event>,
    events: u64,
    pub(super) plan: Plan,
    pub(super) random: Random,
    /// When each crew hears what was said to it last.
    told: BTreeMap<usize, Duration>,
    pub(super) shared: Shared,
    pub(super) job: Arc<Mutex<Job>>,
    pub(super) leaders: Vec<LeaderNode>,
    pub(super) crews: Vec<CrewNode>,
    pub(super) connections: Vec<Connection>,
    /// When nothing goes wrong any more.
    pub(super) calm: Duration,
    /// Since when the job has been over.
    pub(super) over: Option<Duration>,
    pub(super) stopped: bool,
    /// It has failed, as it may where it was told to stop.
    pub(super) failed: bool,
    pub(super) savepoints: Vec<Asked>,
    pub(super) rebalances: Vec<AskedToMove>,
    /// How often each thing happened.
    pub(super) counts: BTreeMap<&'static str, u64>,
    trace: Option<Vec<String>>,
}
impl World {
    pub(super) fn new(plan: Plan, traced: bool) -> Self {
        let mut random = Random::new(plan.seed);
        let shared = Shared::default();
        let job = Job::new((plan.sizes.clone(), plan.skewed), Random::new(random.next()));
        let mut world = World {
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            events: 0,
            calm: plan.calm(),
            plan,
            random,
            told: BTreeMap::new(),
            shared,
            job: Arc::new(Mutex::new(job)),
            leaders: Vec::new(),
            crews: Vec::new(),
            connections: Vec::new(),
            over: None,
            stopped: false,
            failed: false,
            savepoints: Vec::new(),
            rebalances: Vec::new(),
            counts: BTreeMap::new(),
            trace: traced.then(Vec::new),
        };
        world.begin();
        world
    }
    fn begin(&mut self) {
        for slot in 0..self.plan.leaders {
            // Who stands by waits for a heartbeat, and does not begin a job.
            let at = self.random.ms(0..500) + Duration::from_secs(2 * slot as u64);
            self.at(at, Event::StartLeader(slot));
        }
        for slot in 0..self.plan.processes {
            let at = self.random.ms(0..1500);
            self.at(at, Event::StartCrew(slot));
        }
        for (at, what) in self.plan.faults.clone() {
            self.at(at, Event::Fault(what));
        }
        self.at(TICK, Event::Tick);
    }
    pub(super) fn at(&mut self, at: Duration, event: Event) {
        self.events += 1;
        self.queue.insert((at.max(self.now), self.events), event);
    }
    pub(super) fn after(&mut self, delay: Duration, event: Event) {
        self.at(self.now + delay, event);
    }
    /// Takes down what happens, if somebody wants to read it.
    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>10.3?} {}", self.now, what()));
        }
    }
    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
    pub(super) fn complain(&mut self, what: String) {
        lock(&self.job).complain(what);
    }

    /// Has it all happen.
    ///
    /// # Errors
    /// What is wrong, and what has happened until then.
    pub(super) fn run(mut self) -> Result<BTreeMap<&'static str, u64>, (String, Vec<String>)> {
        let wrong = loop {
            let Some(((at, _), event)) = self.queue.pop_first() else {
                break Some("nothing happens any more".to_owned());
            };
            self.now = at;
            self.take(event);
            let wrong = lock(&self.job).wrong.take().or_else(|| lock(&self.shared.log).wrong.take());
            if wrong.is_some() {
                break wrong;
            }
            if self.over.is_some() && self.crews.iter().all(CrewNode::is_gone) {
                break self.check().err();
            }
            if self.now > self.plan.over_by.unwrap_or(self.calm + PATIENCE) {
                break Some(format!("the job is not over at {:?}: {}", self.now, self.stands()));
            }
        };
        match wrong {
            None => {
                let attempts = lock(&self.job).attempts.len() as u64;
                self.counts.insert("attempts", attempts);
                let steps = lock(&self.job).steps.len() as u64;
                self.counts.insert("steps", steps);
                Ok(self.counts)
            }
            Some(wrong) => Err((wrong, self.trace.unwrap_or_default())),
        }
    }
    fn take(&mut self, event: Event) {
        match event {
            Event::ToLeader(id, input) => self.leader_hears(id, input),
            Event::ToCrew(id, input) => self.crew_hears(id, input),
            Event::WakeLeader(id) => self.wake_leader(id),
            Event::WakeCrew(id) => self.wake_crew(id),
            Event::StartLeader(slot) => self.start_leader(slot),
            Event::StartCrew(slot) => self.start_crew(slot),
            Event::Beat(id) => self.beat(id),
            Event::Look(id) => self.look(id),
            Event::Write(id, part) => self.write(id, *part),
            Event::Dial(id) => self.dial(id),
            Event::Deliver(connection, up, bytes) => self.deliver(connection, up, bytes),
            Event::Fin(connection) => self.fin(connection),
            Event::Sees(connection, up) => self.sees(connection, up),
            Event::Silent(connection) => self.silent(connection),
            Event::Fault(what) => self.fault(what),
            Event::Tick => self.tick(),
            Event::Remain => self.remain(),
        }
    }
    fn tick(&mut self) {
        let now = self.now;
        let news = {
            let mut job = lock(&self.job);
            job.tick(now, |random| random.ms(2000..5500));
            std::mem::take(&mut job.news)
        };
        for (crew, input) in news {
            // One behind the other, as through a channel.
            let at = (self.now + self.random.ms(0..20)).max(self.told.get(&crew).copied().unwrap_or_default());
            self.told.insert(crew, at);
            self.at(at, Event::ToCrew(crew, input));
        }
        self.after(TICK, Event::Tick);
    }
    /// The job is over.
    pub(super) fn ends(&mut self) {
        self.over = Some(self.now);
        self.after(FAREWELL, Event::Remain);
    }
    /// Somebody was not connected when the others were told that the job is over. Whoever looks after them starts the job again.
    fn remain(&mut self) {
        if self.over.take().is_none() {
            return;
        }
        self.count("started again");
        self.note(|| "the job is started again".to_owned());
        self.calm = self.calm.max(self.now);
        self.after(Duration::ZERO, Event::StartLeader(0));
        for slot in 0..self.plan.processes {
            if !self.crews.iter().any(|crew| crew.slot == slot && !crew.is_gone()) {
                self.after(Duration::ZERO, Event::StartCrew(slot));
            }
        }
    }
    /// The newest in the log is what the job goes on from.
    pub(super) fn read_log(&mut self) {
        let fresh: Vec<u64> = {
            let (log, job) = (lock(&self.shared.log), lock(&self.job));
            log.committed.keys().copied().filter(|interval| !job.truth.contains_key(interval)).collect()
        };
        for interval in fresh {
            let location = self.shared.view(&Arc::default(), Random::new(0));
            lock(&self.job).committed(interval, &location);
            self.count("committed");
            self.note(|| format!("interval {interval} is committed"));
            self.savepoints.iter_mut().for_each(|asked| asked.passed += 1);
            self.rebalances.iter_mut().for_each(|asked| asked.passed += 1);
        }
        self.hear_answers();
    }
    fn hear_answers(&mut self) {
        for mut asked in std::mem::take(&mut self.rebalances) {
            let leader = &self.leaders[asked.leader];
            let (moves, listens) = (leader.moves(), leader.listens(self.now));
            match asked.answer.try_recv() {
                Ok(Ok(moved)) if moved.groups == 0 => self.count("rebalances that move nothing"),
                Ok(Ok(_)) => self.count("rebalances"),
                Ok(Err(error)) => {
                    self.count("rebalances turned down");
                    self.note(|| format!("a rebalance is turned down: {error}"));
                }
                Err(TryRecvError::Disconnected) => {}
                Err(TryRecvError::Empty) if asked.passed > BEFORE && listens && !moves => {
                    self.complain("somebody waits for key groups to move, and none do".to_owned());
                }
                Err(TryRecvError::Empty) => {
                    asked.passed = if moves { 0 } else { asked.passed };
                    self.rebalances.push(asked);
                }
            }
        }
        for asked in std::mem::take(&mut self.savepoints) {
            match asked.answer.try_recv() {
                Ok(Ok(())) if !self.has_savepoint(&asked.name) => {
                    self.complain(format!("savepoint `{}` is said to be there, and is not", asked.name));
                }
                Ok(Ok(())) => self.count("savepoints"),
                Ok(Err(error)) => {
                    self.count("savepoints turned down");
                    self.note(|| format!("savepoint `{}` is turned down: {error}", asked.name));
                }
                Err(TryRecvError::Disconnected) => {}
                Err(TryRecvError::Empty) if asked.passed > BEFORE && self.leaders[asked.leader].listens(self.now) => {
                    self.complain(format!("nobody takes savepoint `{}`", asked.name));
                }
                Err(TryRecvError::Empty) => self.savepoints.push(asked),
            }
        }
    }
    /// What is to be the case in the end.
    fn check(&self) -> Result<(), String> {
        let job = lock(&self.job);
        let counted: Vec<u64> =
            job.truth.values().next_back().iter().flat_map(|all| all.iter()).map(|kept| kept.counted).collect();
        if self.failed {
            return Ok(());
        }
        if !self.stopped && counted != job.sizes {
            return Err(format!("the job has ended, and of {:?} records these are counted: {counted:?}", job.sizes));
        }
        if job.published != counted {
            return Err(format!("of {counted:?} counted records, these are published: {:?}", job.published));
        }
        // A job that is started again after its end begins another one.
        let again = self.counts.contains_key("started again");
        if !self.plan.rolls_back && !again && job.attempts.len() > 1 {
            return Err(format!("attempts {:?} have begun, and one would have done", job.attempts));
        }
        Ok(())
    }
    fn has_savepoint(&self, name: &str) -> bool {
        let archive = crate::snapshot::Archive::open(&self.shared.view(&Arc::default(), Random::new(0)));
        archive.is_ok_and(|archive| archive.list().iter().any(|saved| saved.to_restore() == name))
    }
    fn stands(&self) -> String {
        let leaders: Vec<String> = self.leaders.iter().filter_map(LeaderNode::stands).collect();
        let crews: Vec<String> = self.crews.iter().filter_map(CrewNode::stands).collect();
        format!("{}; {}", leaders.join(", "), crews.join(", "))
    }
}
