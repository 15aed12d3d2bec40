//! One attempt: workers and their coordinator, from a common beginning to the end or to the first failure.
mod moves;

use super::SEED;
use super::life::Lives;
use super::processes::Processes;
use super::schedule::What;
use super::violation::{Invariant, Violation};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Barrier, Outcome, Shelf};
use crate::coordinator::member;
use crate::coordinator::{Action, Coordinator, Event, Policy, Purpose, Report};
use crate::error::{Error, Result};
use crate::exchange::fabric::{Limits, Wake};
use crate::graph::picture::NodeKind;
use crate::runtime::keeping::is_worth_a_restart;
use crate::stream::env::Saving;
use crate::worker::{Command, EmptyShelf, Scaling, Settings, Step, Worker, Written};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A step takes less than this.
const STEP: u64 = 50;
/// A message to a worker waits for about one of so many steps, and a snapshot is stored in about so many.
const MAIL: u64 = 3;
const STORING: u64 = 8;
/// A snapshot is not given up before so many microseconds, or twenty times of that where it is written in small slices: the last one
/// of a job is tried until it succeeds.
const TIMEOUT: u64 = 1_000;
/// So often in a row the last snapshot of a job is tried. A store that cannot be reached before the job is started again is not waited
/// for any longer.
const LAST_TRIES: u32 = 25;

/// How many workers an attempt may come to have.
const MOST: usize = 64;
/// And how many there may have been in it, one after the other.
const EVER: usize = 1024;

struct Bells(Vec<AtomicBool>);
impl Wake for Bells {
    fn wake(&self, worker: usize) {
        self.0[worker].store(true, Ordering::SeqCst);
    }
}

/// How an attempt ended that did not fail.
pub(super) enum Ended {
    Done,
    Crashed { then: Option<usize> },
    Rescaled { workers: usize },
}
pub(super) struct Attempt {
    processes: Processes,
    bells: Arc<Bells>,
    /// By their numbers; one that has left is there no more.
    pub(super) workers: Vec<Option<Worker>>,
    /// Whether there may be more or fewer of them, how they are made then, and how many records those had read who have left.
    elastic: bool,
    key_groups: KeyGroups,
    linger: Duration,
    saving: Option<Saving>,
    left_read: u64,
    /// Which operators are sources.
    sources: Vec<usize>,
    states: Vec<Step>,
    /// Who has said that it has nothing left to do.
    finished: Vec<bool>,
    mail: Vec<VecDeque<Command>>,
    /// Until which step each worker does nothing.
    paused: Vec<u64>,
    /// The number of the attempt, and its coordinator.
    coordinator: Option<(u64, Coordinator)>,
    written: Vec<Written>,
    storing: Option<(Barrier, Purpose)>,
    /// What has come of the snapshot that was stored last, and when that is known.
    stored: Option<(Duration, Event)>,
    /// With how many workers it is to go on, once it has stopped.
    rescale: Option<usize>,
    savepoints: u64,
}
impl Attempt {
    /// Makes the workers, which take in what was kept.
    pub(super) fn begin(lives: &mut Lives<'_>, workers: usize, key_groups: KeyGroups) -> Result<Self> {
        let origin = lives.keeping.as_mut().map(|keeping| keeping.claim()).transpose()?;
        match &origin {
            Some(origin) if origin.interval > 0 => {
                lives.say(format_args!(
                    "the job goes on from snapshot {} or before with {workers} workers",
                    origin.interval
                ));
            }
            _ => lives.say(format_args!("the job begins with {workers} workers")),
        }
        let bells = Arc::new(Bells((0..EVER.max(workers)).map(|_| AtomicBool::new(false)).collect()));
        let limits = limits(lives);
        let processes = Processes::new(workers, &bells, limits, &mut lives.parts);
        if processes.count() > 1 {
            lives.say(format_args!("the workers are in {} processes", processes.count()));
        }
        let micros = |range: (u64, u64), lives: &mut Lives<'_>| {
            Duration::from_micros(range.0 + lives.settings.below(range.1.saturating_sub(range.0) + 1))
        };
        let linger = LINGER[lives.settings.index(LINGER.len())];
        let (elastic, stores) = (origin.is_some(), lives.stores());
        let scaling = if elastic { Scaling::Elastic } else { Scaling::Fixed };
        let mut made = Vec::new();
        let mut sources = Vec::new();
        let mut first = None;
        for worker in 0..workers {
            let saving = origin.as_ref().filter(|_| stores).map(|origin| Saving {
                term: origin.term,
                interval: origin.interval + 1,
                cleans: worker == 0,
            });
            first = first.or(saving);
            let scaling = scaling.clone();
            let settings = Settings { worker, workers, seed: SEED, key_groups, started: 0, linger, saving, scaling };
            let mut pipeline = (lives.make)();
            if saving.is_none() {
                pipeline = pipeline.unpromised();
            }
            let nodes = pipeline.plan().nodes.iter().enumerate();
            sources = nodes.filter(|(_, node)| node.kind == NodeKind::Source).map(|(at, _)| at).collect();
            let shelf: Box<dyn Shelf + '_> = match &lives.keeping {
                Some(keeping) => keeping.shelf(worker, workers)?,
                None => Box::new(EmptyShelf),
            };
            if worker == 0 {
                lives.witness.begin(workers, pipeline.plan().ids().map(str::to_owned).collect(), lives.setup.late);
            }
            let watch = lives.witness.watch();
            made.push(Some(Worker::watched(pipeline, &settings, processes.fabric_of(worker), &*shelf, Some(watch))?));
        }
        if let Some(keeping) = &mut lives.keeping {
            keeping.taken_in()?;
            lives.now += keeping.took();
        }
        let (least, most) = (lives.setup.every.start().as_micros() as u64, lives.setup.every.end().as_micros() as u64);
        let every = micros((least, most), lives);
        let least = if limits.slice < usize::MAX { 20 * TIMEOUT } else { TIMEOUT };
        let timeout = micros((least, least + 20_000.max(most)), lives);
        let coordinator = origin.map(|origin| {
            let (groups, silence) = (key_groups.count(), Duration::MAX);
            let every = if stores { every } else { Duration::from_secs(1 << 32) };
            let policy =
                Policy { workers, groups, every, timeout, tries: LAST_TRIES, silence, stores, ..Policy::default() };
            let (mut coordinator, _) = Coordinator::new(policy);
            let attempt = origin.term;
            coordinator.on(lives.now, Event::Claimed(origin));
            for worker in 0..workers {
                coordinator.on(lives.now, Event::Joined { worker, standing: None });
            }
            for worker in 0..workers {
                coordinator.on(lives.now, Event::Report { worker, attempt, report: Report::Ready });
            }
            (attempt, coordinator)
        });
        Ok(Attempt {
            processes,
            bells,
            workers: made,
            elastic,
            key_groups,
            linger,
            saving: first,
            left_read: 0,
            sources,
            states: vec![Step::Busy; workers],
            finished: vec![false; workers],
            mail: vec![VecDeque::new(); workers],
            paused: vec![0; workers],
            coordinator,
            written: Vec::new(),
            storing: None,
            stored: None,
            rescale: None,
            savepoints: 0,
        })
    }
    /// How many records the sources have given.
    pub(super) fn read(&self) -> u64 {
        self.left_read + self.workers.iter().flatten().map(|worker| self.read_by(worker)).sum::<u64>()
    }
    fn read_by(&self, worker: &Worker) -> u64 {
        let counts = worker.counts().enumerate().filter(|(node, _)| self.sources.contains(node));
        counts.map(|(_, counts)| counts.records_out).sum()
    }

    /// Runs to the end.
    pub(super) fn run(&mut self, lives: &mut Lives<'_>) -> Result<Ended> {
        for _ in 0..lives.setup.limit {
            lives.lived.steps += 1;
            let mut events = VecDeque::from([Event::Tick]);
            if let Some(ended) = self.faults(lives, &mut events) {
                return Ok(ended);
            }
            self.store(lives, &mut events)?;
            self.listen(lives, &mut events);
            while let Some(event) = events.pop_front() {
                self.coordinate(lives, event, &mut events)?;
            }
            if self.states.iter().all(|state| *state == Step::Done) {
                return Ok(match self.rescale {
                    Some(workers) => Ended::Rescaled { workers },
                    None => Ended::Done,
                });
            }
            self.processes.carry(&mut lives.parts)?;
            self.step(lives)?;
        }
        Err(stuck(format!("it has not after {} steps: {}", lives.setup.limit, self.waits(lives))))
    }
    /// Who waits for what, for people.
    fn waits(&self, lives: &Lives<'_>) -> String {
        let mut all = Vec::new();
        for (number, (worker, state)) in self.workers.iter().zip(&self.states).enumerate() {
            let Some(worker) = worker else { continue };
            let does = match state {
                Step::Busy => "is busy".to_owned(),
                Step::Idle(None) => "sleeps until it is woken".to_owned(),
                Step::Idle(Some(due)) => format!("sleeps until {due:?}"),
                Step::Done => continue,
            };
            all.push(format!("worker {number} {does}, and {}", worker.left()));
        }
        all.extend(lives.witness.waiting().into_iter().map(|waiting| format!("there are {waiting}")));
        all.extend(
            self.coordinator
                .as_ref()
                .map(|(_, coordinator)| format!("the coordinator waits {}", coordinator.waits_for())),
        );
        format!("{}; it is {:?}", all.join("; "), lives.now)
    }
    /// Has happen what is to happen before this step.
    fn faults(&mut self, lives: &mut Lives<'_>, events: &mut VecDeque<Event>) -> Option<Ended> {
        let step = lives.lived.steps;
        while let Some(fault) = lives.faults.pop_front_if(|fault| fault.at <= step) {
            // Without snapshots, this would be the end of it.
            let ends = matches!(fault.what, What::Crash { .. } | What::Restart { .. })
                || !self.elastic && matches!(fault.what, What::Rescale { .. });
            if !lives.stores() && (ends || fault.what == What::Savepoint) {
                continue;
            }
            lives.say(&fault.what);
            match fault.what {
                What::Crash { then } => {
                    let target = self.coordinator.as_ref().map(|(_, coordinator)| coordinator.target());
                    return Some(Ended::Crashed { then: then.or(self.rescale).or(target) });
                }
                What::Rescale { workers } if self.elastic && self.rescale.is_none() => {
                    events.push_back(Event::Target(workers.clamp(1, MOST)));
                }
                What::Rescale { workers } | What::Restart { workers } => {
                    self.rescale = Some(workers.max(1));
                    self.processes.stop();
                }
                What::Savepoint => {
                    // No two have the same name, in whichever attempt.
                    self.savepoints += 1;
                    events.push_back(Event::Savepoint(format!("s{}-{}", lives.lived.attempts, self.savepoints)));
                }
                What::Pause { worker, steps } => {
                    let worker = worker % self.paused.len();
                    self.paused[worker] = step.saturating_add(steps);
                }
                What::Jump(by) => lives.now += by,
                What::Store(fault) => {
                    if let Some(keeping) = &mut lives.keeping {
                        keeping.arm(fault);
                    }
                }
            }
        }
        None
    }
    /// Stores a snapshot that is complete, sooner or later, and says what has come of it as long after that as the store takes.
    fn store(&mut self, lives: &mut Lives<'_>, events: &mut VecDeque<Event>) -> Result<()> {
        if let Some((_, event)) = self.stored.take_if(|(at, _)| *at <= lives.now) {
            events.push_back(event);
        }
        if self.storing.is_none() || !lives.mail.one_in(STORING) {
            return Ok(());
        }
        let (Some((barrier, purpose)), Some(keeping)) = (self.storing.take(), &mut lives.keeping) else {
            return Ok(());
        };
        let (interval, stores) = (barrier.interval, keeping.stores());
        let written = std::mem::take(&mut self.written);
        let written = written.into_iter().filter(|written| written.interval == interval).collect();
        let stored = keeping.store(barrier, &purpose, written);
        let (took, is_open) = (keeping.took(), keeping.is_open());
        let event = match stored {
            Ok(()) => {
                let savepoint = purpose != Purpose::Recovery;
                if stores {
                    lives.lived.snapshots += 1;
                    lives.lived.savepoints += u64::from(savepoint);
                    let last = if barrier.last { ", the last," } else { "" };
                    let what = if savepoint { "savepoint" } else { "snapshot" };
                    lives.say(format_args!("{what} {interval}{last} is committed"));
                }
                Event::Committed { interval }
            }
            Err(error) if is_worth_a_restart(&error) && is_open => {
                lives.say(format_args!("snapshot {interval} is not stored: {error}"));
                Event::Failed { interval }
            }
            Err(error) => return Err(error),
        };
        if !took.is_zero() {
            lives.say(format_args!("the coordinator hears of that after {took:?}"));
        }
        self.stored = Some((lives.now + took, event));
        self.stored.take_if(|_| took.is_zero()).into_iter().for_each(|(_, event)| events.push_back(event));
        Ok(())
    }
    /// What the workers have to say.
    fn listen(&mut self, lives: &mut Lives<'_>, events: &mut VecDeque<Event>) {
        let mut reports = Vec::new();
        let version = self.coordinator.as_ref().map_or(0, |(_, coordinator)| coordinator.layout().version());
        for (worker, machine) in self.workers.iter_mut().enumerate() {
            let Some(machine) = machine else { continue };
            if let Some(interval) = machine.installed() {
                lives.say(format_args!("worker {worker} has what it gains at barrier {interval}"));
                self.finished[worker] = false;
                let bytes = machine.handed(lives.now).taken;
                reports.push((worker, Report::Installed { interval, bytes }));
            }
            if let Some(written) = machine.written() {
                reports.push((worker, Report::Written(written.interval)));
                lives.witness.written(&written);
                self.written.push(written);
            }
            if machine.has_finished() && !std::mem::replace(&mut self.finished[worker], true) {
                lives.say(format_args!("worker {worker} has nothing left to do"));
                reports.push((worker, Report::Finished(version)));
            }
        }
        for worker in 0..self.workers.len() {
            let leaves = |machine: &mut Worker| machine.has_left();
            if let Some(machine) = self.workers[worker].take_if(leaves) {
                lives.say(format_args!("worker {worker} has left"));
                self.left_read += self.read_by(&machine);
                reports.push((worker, Report::Left));
                self.processes.left(|worker| self.workers.get(worker).is_none_or(Option::is_none), worker);
            }
        }
        let attempt = self.coordinator.as_ref().map_or(0, |(attempt, _)| *attempt);
        for (worker, report) in reports {
            let gone = report == Report::Left && !self.processes.is_alone();
            events.push_back(Event::Report { worker, attempt, report });
            // A process that has ended does not come back, and its workers have numbers that nobody has again.
            events.extend(gone.then_some(Event::Lost { worker }));
        }
    }
    fn coordinate(&mut self, lives: &mut Lives<'_>, event: Event, events: &mut VecDeque<Event>) -> Result<()> {
        let Some((_, coordinator)) = &mut self.coordinator else { return Ok(()) };
        for action in coordinator.on(lives.now, event) {
            match action {
                Action::Tell(member::Command::Trigger { barrier, change: Some(change) }) => {
                    lives.say(format_args!("snapshot {} begins, with {:?}", barrier.interval, change.new));
                    lives.witness.cut(barrier.interval);
                    self.written.retain(|written| written.interval >= barrier.interval);
                    self.tell(Command::Change(barrier, change));
                }
                Action::Tell(member::Command::Trigger { barrier, .. }) => {
                    lives.say(format_args!("snapshot {} begins", barrier.interval));
                    self.written.retain(|written| written.interval >= barrier.interval);
                    self.tell(Command::Snapshot(barrier));
                }
                Action::Tell(member::Command::Settle(outcome)) => {
                    match outcome {
                        Outcome::Aborted { interval } => {
                            lives.lived.aborted += 1;
                            lives.say(format_args!("snapshot {interval} is given up"));
                            self.storing = None;
                        }
                        Outcome::Committed { interval, term } | Outcome::Saved { interval, term } => {
                            lives.acted.push((interval, term));
                        }
                    }
                    self.tell(Command::Settle(outcome));
                }
                Action::Store { barrier, purpose, .. } => self.storing = Some((barrier, purpose)),
                Action::Record { target } => self.enlist(lives, target, events),
                Action::TellThese { to, command } => self.tell_these(lives, &to, &command, events)?,
                Action::Moved { layout } => {
                    lives.lived.moves += 1;
                    lives.say(format_args!("there are {} workers", layout.members().len()));
                }
                Action::Unstorable => {
                    let cause = "it has failed too often".into();
                    return Err(Error::Storage {
                        doing: "store",
                        object: "the last snapshot of the job".into(),
                        cause,
                    });
                }
                // Attempts are begun, and ended, by those who simulate.
                _ => {}
            }
        }
        Ok(())
    }
    fn tell(&mut self, command: Command) {
        let Some((_, coordinator)) = &self.coordinator else { return };
        for worker in coordinator.participants() {
            if let Some(mail) = self.mail.get_mut(worker) {
                mail.push_back(command.clone());
            }
        }
    }
    /// Has one worker do something, or lets time pass if none has anything to do.
    fn step(&mut self, lives: &mut Lives<'_>) -> Result<()> {
        let (step, now) = (lives.lived.steps, lives.now);
        let ready = |worker: &usize| match self.states[*worker] {
            _ if self.paused[*worker] > step => false,
            Step::Busy => true,
            Step::Idle(due) => {
                self.bells.0[*worker].load(Ordering::SeqCst)
                    || !self.mail[*worker].is_empty()
                    || due.is_some_and(|due| due <= now)
            }
            Step::Done => false,
        };
        let ready: Vec<usize> = (0..self.workers.len()).filter(ready).collect();
        let Some(worker) = ready.get(lives.order.index(ready.len())).copied() else {
            return self.wait(lives);
        };
        self.bells.0[worker].store(false, Ordering::SeqCst);
        if !lives.mail.one_in(MAIL)
            && let Some(command) = self.mail[worker].pop_front()
        {
            self.machine(worker)?.command(command)?;
        }
        let came = self.machine(worker)?.step(now)?;
        lives.witness.check()?;
        self.states[worker] = came;
        lives.witness.step(worker, came, self.machine(worker)?.counts());
        lives.now += Duration::from_micros(lives.pace.below(STEP));
        Ok(())
    }
    /// Nobody has anything to do: it is soon the next time that somebody waits for.
    fn wait(&self, lives: &mut Lives<'_>) -> Result<()> {
        let paused = self.paused.iter().any(|until| *until > lives.lived.steps) || self.processes.carries();
        if !paused && !lives.witness.waiting().is_empty() {
            return Err(stuck(format!("all workers sleep while something waits for them: {}", self.waits(lives))));
        }
        let dues = self.states.iter().filter_map(|state| match state {
            Step::Idle(due) => *due,
            Step::Busy | Step::Done => None,
        });
        let stored = self.stored.iter().map(|(at, _)| *at);
        let coordinated = self.coordinator.as_ref().and_then(|(_, coordinator)| coordinator.due());
        let due = dues.chain(coordinated).chain(stored).min();
        lives.now = match due {
            Some(due) if !paused && self.storing.is_none() && due > lives.now => due,
            _ => lives.now + Duration::from_micros(20),
        };
        Ok(())
    }
}

/// How long a batch that is not full may wait.
const LINGER: [Duration; 4] =
    [Duration::ZERO, Duration::from_micros(100), Duration::from_millis(1), Duration::from_millis(100)];
/// One attempt in so many has little of something, so that what is rare with more of it is common.
const SCANTY: u64 = 3;
/// The smallest slice of a snapshot: the key groups of all tables are gone through in any case before it is given up.
const SMALLEST: usize = 1024;
/// How much of everything there is in an attempt.
fn limits(lives: &mut Lives<'_>) -> Limits {
    let random = &mut lives.scanty;
    let usual = Limits { pace: lives.setup.pace, ..Limits::default() };
    Limits {
        batch: if random.one_in(SCANTY) { 1 + random.index(8) } else { usual.batch },
        channel: if random.one_in(SCANTY) { 1 } else { usual.channel },
        window: if random.one_in(SCANTY) { 1 + random.below(300) } else { usual.window },
        slice: if random.one_in(SCANTY) { SMALLEST + random.index(4 * SMALLEST) } else { usual.slice },
        ..usual
    }
}
fn stuck(what: String) -> Error {
    Violation { invariant: Invariant::Progress, what }.into()
}
