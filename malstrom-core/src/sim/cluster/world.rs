//! What happens when: the events of all processes in the order of time.
mod lanes;
mod leads;
mod mishaps;

use super::check::{Check, Wrong};
use super::faults::Fault;
use super::job::{Input, Message};
use super::leader::Leader;
use super::store::{Answer, Ask, Luck, Store};
use super::worker::{Process, Wish};
use super::{Random, Setup, Survived, Violation};
use crate::coordinator::member::Command;
use crate::coordinator::{Event, Policy};
use crate::exchange::session::{Attempt, Config};
use crate::sim::network::Settings;
use crate::sim::network::links::{self, Links};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Display;
use std::time::Duration;
use xxhash_rust::xxh3::Xxh3;

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}
/// The lanes between two processes: two exchanges, what moves, and what coordinators say.
const LANES: usize = 4;
const MOVED: usize = 2;
const CONTROL: usize = 3;
/// What a message counts against a window, and how much more control messages may.
const BYTES: u64 = 10;
/// Faults are over, and so long after that the job must be.
const PATIENCE: Duration = Duration::from_secs(2);
/// A coordinator says so often that it is there, and workers to it.
const BEAT: Duration = micros(2_000);

fn config(lane: usize, window: u64, patient: bool) -> Config {
    Config {
        // State that moves must not wait for records, and what coordinators say is little.
        window: if lane < MOVED { window * BYTES } else { 10_000 * BYTES },
        allowance: 1_000 * BYTES,
        grace: if patient { Duration::from_secs(3600) } else { micros(20_000) },
        silence: micros(9_000),
        beat: micros(3_000),
    }
}
fn settings() -> Settings {
    Settings {
        delay: micros(10)..micros(400),
        reconnect: micros(50)..micros(1_500),
        notice: micros(0)..micros(800),
        late: micros(4_000),
        lost: 0,
        twice: 0,
    }
}

enum Ev {
    Step(usize),
    Tick(usize),
    Fault(usize),
    /// A process is back.
    Back(usize),
    Apply {
        node: usize,
        life: u64,
        ask: Ask,
        luck: Luck,
    },
    Answer {
        node: usize,
        life: u64,
        answer: Answer,
    },
    /// A process that was paused takes in what has arrived meanwhile.
    Awake(usize),
}

pub(super) struct World<'a> {
    setup: &'a Setup,
    input: Input,
    faults: Vec<Fault>,
    now: Duration,
    events: BTreeMap<(Duration, u64), Ev>,
    order: u64,
    lanes: Vec<Links<Message>>,
    workers: Vec<Process>,
    leaders: Vec<Leader>,
    alive: Vec<bool>,
    paused: Vec<Duration>,
    /// By how much the clock of a process is ahead, and until when the store refuses everything.
    jumped: Vec<Duration>,
    throttled: Duration,
    /// What has arrived for a process that is paused, in order.
    held: Vec<VecDeque<(usize, links::Event<Message>)>>,
    /// A process takes no more in when so many messages of an exchange wait to be sent.
    outbox_limit: usize,
    /// So many messages of an exchange may be under way from one process to another.
    window: u64,
    /// What waits for credit, by lane, from and to.
    outbox: BTreeMap<(usize, usize, usize), VecDeque<Message>>,
    store: Store,
    check: Check,
    pace: Random,
    work: Random,
    luck: Random,
    survived: Survived,
    /// The terms that went on with an attempt of another.
    resumed: BTreeSet<(u64, u64)>,
    trace: Xxh3,
    lines: Vec<String>,
    ended: bool,
}
impl<'a> World<'a> {
    pub(super) fn new(setup: &'a Setup) -> Self {
        let seed = Random::new(setup.seed);
        let (workers, leaders) = setup.menu.nodes;
        let nodes = workers + leaders;
        let mut keys = seed.branch("input");
        let splits =
            (0..setup.splits.0).map(|_| (0..setup.splits.1).map(|_| keys.below(setup.keys.1)).collect()).collect();
        let (groups, splits) = (setup.keys.0, splits);
        let faults = setup.faults.clone();
        let faults = faults.unwrap_or_else(|| setup.menu.draw(setup.seed, groups, setup.splits.0));
        let window = 1 + seed.branch("window").below(20);
        let lane = |lane: usize| {
            Links::new(nodes, settings(), config(lane, window, false), &seed.branch(&format!("lane {lane}")))
        };
        World {
            setup,
            input: Input { groups, splits },
            faults,
            now: Duration::ZERO,
            events: BTreeMap::new(),
            order: 0,
            lanes: (0..LANES).map(lane).collect(),
            workers: (0..workers).map(|node| Process::new(node, nodes, setup.breach, 0)).collect(),
            leaders: (workers..nodes).map(|node| Leader::new(node, setup.breach, 0)).collect(),
            alive: vec![true; nodes],
            paused: vec![Duration::ZERO; nodes],
            jumped: vec![Duration::ZERO; nodes],
            throttled: Duration::ZERO,
            held: vec![VecDeque::new(); nodes],
            window,
            outbox_limit: 1 + seed.branch("outbox").index(8),
            outbox: BTreeMap::new(),
            store: Store::default(),
            check: Check::default(),
            pace: seed.branch("pace"),
            work: seed.branch("work"),
            luck: seed.branch("luck"),
            survived: Survived::default(),
            resumed: BTreeSet::new(),
            trace: Xxh3::new(),
            lines: Vec::new(),
            ended: false,
        }
    }
    fn policy(&self) -> Policy {
        let mut random = Random::new(self.setup.seed).branch("policy");
        Policy {
            workers: 1 + random.index(self.workers.len()),
            groups: self.setup.keys.0,
            splits: self.setup.splits.0,
            every: micros(1_000 + random.below(5_000)),
            timeout: micros(6_000 + random.below(12_000)),
            tries: 5,
            restarts: u32::MAX,
            pause: (micros(300), micros(5_000)),
            silence: micros(12_000),
            least: 1,
            patience: micros(25_000),
            moves: true,
            budget: [0, 10, 1_000][random.index(3)],
            wave: [u64::MAX, 1, 2][random.index(3)],
            stores: true,
        }
    }
    fn say(&mut self, what: impl Display) {
        let line = format!("{:>10.3} ms  {what}", self.now.as_secs_f64() * 1e3);
        self.trace.update(line.as_bytes());
        if self.setup.trace {
            self.lines.push(line);
        }
    }
    fn at(&mut self, after: Duration, event: Ev) {
        self.order += 1;
        self.events.insert((self.now + after, self.order), event);
    }
    fn soon(&mut self, least: u64, most: u64) -> Duration {
        micros(least + self.pace.below(most - least))
    }

    pub(super) fn run(mut self) -> Result<Survived, Box<Violation>> {
        match self.live() {
            Ok(()) => {
                self.survived.time = self.now;
                self.survived.records = self.check.records;
                self.survived.faults = self.faults.len() as u64;
                self.survived.trace = self.trace.digest();
                Ok(self.survived)
            }
            Err(wrong) => {
                let World { setup, faults, lines: trace, .. } = self;
                Err(Box::new(Violation { seed: setup.seed, wrong, faults, trace }))
            }
        }
    }
    fn live(&mut self) -> Result<(), Wrong> {
        let workers = self.workers.len();
        for node in 0..workers {
            self.at(micros(node as u64), Ev::Step(node));
            for leader in workers..self.alive.len() {
                self.meet(node, leader);
                self.meet(leader, node);
            }
        }
        for leader in 0..self.leaders.len() {
            self.at(Duration::ZERO, Ev::Tick(leader));
        }
        for at in 0..self.faults.len() {
            self.at(self.faults[at].at, Ev::Fault(at));
        }
        self.lead(0)?;
        let last = self.faults.last().map_or(Duration::ZERO, |fault| fault.at);
        while !self.ended {
            let linked = self.lanes.iter().filter_map(Links::next).min();
            let Some(((at, _), _)) = self.events.first_key_value() else { break };
            let at = *at;
            self.now = linked.map_or(at, |linked| linked.min(at)).max(self.now);
            if self.now > last + self.setup.menu.within + PATIENCE {
                return Err(Wrong::Stuck(self.describe()));
            }
            self.receive()?;
            if at <= self.now
                && let Some((_, event)) = self.events.pop_first()
            {
                self.happen(event)?;
            }
        }
        self.check.end(&self.input)
    }
    fn describe(&self) -> String {
        let workers = self.workers.iter().map(Process::describe);
        let waiting = self.outbox.iter().filter(|(_, waiting)| !waiting.is_empty());
        let waiting = waiting
            .map(|((lane, from, to), waiting)| format!("{} wait on lane {lane} from {from} to {to}", waiting.len()));
        workers.chain(self.leaders.iter().map(Leader::describe)).chain(waiting).collect::<Vec<_>>().join("\n  ")
    }

    /// What was said to the coordinator of a term.
    fn answer_to(&mut self, leader: usize, term: u64, event: Event) -> Result<(), Wrong> {
        let leads = self.leaders[leader].coordinator.as_ref().is_some_and(|coordinator| coordinator.term() == term);
        if leads { self.coordinate(leader, event) } else { Ok(()) }
    }

    fn wish(&mut self, node: usize, wishes: Vec<Wish>) -> Result<(), Wrong> {
        for wish in wishes {
            match wish {
                Wish::Ask(ask) => self.ask(node, self.workers[node].life, ask),
                Wish::Tell(boss, message) => self.send(CONTROL, node, boss, message)?,
                Wish::Send(to, message) => {
                    let lane = if let Message::Frame(_, frame) = &message { frame.stage } else { MOVED };
                    self.send(lane, node, to, message)?;
                }
                Wish::Enter { attempt, with, waits } => {
                    self.leave(node);
                    for peer in with.into_iter().filter(|peer| *peer != node) {
                        for lane in 0..CONTROL {
                            let at = Attempt { term: attempt, attempt };
                            self.lanes[lane].open_with(self.now, node, peer, at, config(lane, self.window, waits));
                        }
                    }
                }
                Wish::Part(peer) => self.part(node, peer),
                Wish::Leave => self.leave(node),
            }
        }
        Ok(())
    }
    /// Hands on what the work of a process has come to.
    fn tidy(&mut self, node: usize) -> Result<(), Wrong> {
        // What it sends to itself may have it send more.
        loop {
            let mut wishes = Vec::new();
            let taken =
                self.workers[node].work.as_mut().map(|work| std::mem::take(&mut work.taken)).unwrap_or_default();
            for (stage, from) in taken.into_iter().filter(|(_, from)| *from != node) {
                self.lanes[stage].consumed(self.now, node, from, BYTES);
            }
            self.workers[node].tidy(&self.input, &mut wishes);
            if wishes.is_empty() {
                return Ok(());
            }
            self.wish(node, wishes)?;
        }
    }

    /// A process asks the store for something.
    fn ask(&mut self, node: usize, life: u64, ask: Ask) {
        let calm = self.faults.last().is_none_or(|last| self.now > last.at);
        let luck = match self.setup.menu.store {
            many if !calm && self.luck.one_in(many) => [Luck::Before, Luck::After, Luck::Twice][self.luck.index(3)],
            _ => Luck::Good,
        };
        let after = self.soon(50, 1_500);
        self.at(after, Ev::Apply { node, life, ask, luck });
    }
    fn answered(&mut self, node: usize, life: u64, answer: Answer) -> Result<(), Wrong> {
        match node.checked_sub(self.workers.len()) {
            None if self.workers[node].life == life => {
                let mut wishes = Vec::new();
                let World { workers, input, check, .. } = self;
                workers[node].answered(answer, input, check, &mut wishes)?;
                self.wish(node, wishes)?;
                self.tidy(node)
            }
            Some(leader) if self.leaders[leader].life == life => {
                let mut wants = Vec::new();
                let now = self.now + self.jumped[node];
                self.leaders[leader].answered(now, answer, &self.store, &mut wants);
                self.want(leader, wants)
            }
            _ => Ok(()),
        }
    }

    fn happen(&mut self, event: Ev) -> Result<(), Wrong> {
        let workers = self.workers.len();
        let node = match &event {
            Ev::Step(node) | Ev::Answer { node, .. } | Ev::Awake(node) => Some(*node),
            Ev::Tick(leader) => Some(workers + leader),
            Ev::Fault(_) | Ev::Back(_) | Ev::Apply { .. } => None,
        };
        if let Some(node) = node
            && self.paused[node] > self.now
        {
            self.at(self.paused[node] - self.now, event);
            return Ok(());
        }
        match event {
            Ev::Step(node) => self.step(node),
            Ev::Tick(leader) => self.tick(leader),
            Ev::Fault(at) => self.fault(self.faults[at].what.clone()),
            Ev::Back(node) => self.back(node),
            Ev::Apply { node, life, ask, luck } => {
                let luck = if self.now < self.throttled { Luck::Before } else { luck };
                let answer = self.store.take(ask, luck, &mut self.check, &self.input)?;
                let after = self.soon(20, 500);
                self.at(after, Ev::Answer { node, life, answer });
                Ok(())
            }
            Ev::Answer { node, life, answer } => self.answered(node, life, answer),
            Ev::Awake(node) => {
                while let Some((lane, event)) = self.held[node].pop_front() {
                    self.take(lane, event)?;
                }
                Ok(())
            }
        }
    }
    fn step(&mut self, node: usize) -> Result<(), Wrong> {
        let after = self.soon(20, 150);
        self.at(after, Ev::Step(node));
        if !self.alive[node] {
            return Ok(());
        }
        let full = |lane: usize| {
            let mine = self.outbox.range((lane, node, 0)..=(lane, node, usize::MAX));
            mine.map(|(_, waiting)| waiting.len()).sum::<usize>() >= self.outbox_limit
        };
        let full = [full(0), full(1)];
        let mut wishes = Vec::new();
        let World { workers, work, input, check, .. } = self;
        if let Some(work) = &mut workers[node].work {
            work.full = full;
        }
        workers[node].step(work, input, check, &mut wishes)?;
        if self.pace.one_in(20) {
            self.workers[node].beat(&mut wishes);
        }
        self.wish(node, wishes)?;
        self.tidy(node)
    }
    fn tick(&mut self, leader: usize) -> Result<(), Wrong> {
        self.at(BEAT / 4, Ev::Tick(leader));
        let node = self.leaders[leader].node;
        if !self.alive[node] {
            return Ok(());
        }
        self.coordinate(leader, Event::Tick)?;
        if self.leaders.iter().all(|leader| leader.coordinator.is_none()) && self.pace.one_in(20) {
            // Who stands by sees that nobody coordinates.
            return self.lead(leader);
        }
        if self.leaders[leader].is_leading() && self.pace.one_in(4) {
            let term = self.leaders[leader].coordinator.as_ref().map_or(0, |coordinator| coordinator.term());
            for worker in 0..self.workers.len() {
                self.send(CONTROL, node, worker, Message::Control { term, command: Command::Lead })?;
            }
        }
        Ok(())
    }
}
