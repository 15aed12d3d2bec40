//! What happens when: the events of all processes in the order of time.
use super::check::{Check, Wrong};
use super::faults::{Fault, What};
use super::job::{Body, Frame, Input, Message};
use super::leader::{Leader, Want};
use super::store::{Answer, Ask, Luck, Store};
use super::worker::{Process, Wish};
use super::{Random, Setup, Survived, Violation};
use crate::contract::snapshot::Outcome;
use crate::coordinator::member::Command;
use crate::coordinator::{Action, Event, Policy};
use crate::exchange::session::{Attempt, Config, SessionError, Unsent};
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
/// A process takes no more in when so many messages of an exchange wait to be sent.
const OUTBOX: usize = 6;
/// A coordinator says so often that it is there, and workers to it.
const BEAT: Duration = micros(2_000);

fn config(lane: usize, patient: bool) -> Config {
    Config {
        // State that moves must not wait for records, and what coordinators say is little.
        window: if lane < MOVED { 20 * BYTES } else { 10_000 * BYTES },
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
    /// What has arrived for a process that is paused, in order.
    held: Vec<VecDeque<(usize, links::Event<Message>)>>,
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
        let lane =
            |lane: usize| Links::new(nodes, settings(), config(lane, false), &seed.branch(&format!("lane {lane}")));
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
            held: vec![VecDeque::new(); nodes],
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
            every: micros(3_000),
            timeout: micros(12_000),
            tries: 5,
            restarts: u32::MAX,
            pause: (micros(300), micros(5_000)),
            silence: micros(12_000),
            patience: micros(25_000),
            budget: [0, 10, 1_000][random.index(3)],
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

    /// Opens one end of what a coordinator and a worker talk over.
    fn meet(&mut self, node: usize, peer: usize) {
        self.lanes[CONTROL].open(self.now, node, peer, Attempt { term: 0, attempt: 0 });
        self.outbox.remove(&(CONTROL, node, peer));
    }
    /// Takes in what has arrived.
    fn receive(&mut self) -> Result<(), Wrong> {
        for lane in 0..LANES {
            while let Some(event) = self.lanes[lane].poll(self.now) {
                self.linked(lane, event)?;
            }
        }
        Ok(())
    }
    fn linked(&mut self, lane: usize, event: links::Event<Message>) -> Result<(), Wrong> {
        let node = match &event {
            links::Event::Message { to, .. } | links::Event::Datagram { to, .. } => *to,
            links::Event::Credit { from, .. } => *from,
            links::Event::Failed { node, .. } => *node,
        };
        if !self.alive[node] {
            return Ok(());
        }
        if self.paused[node] > self.now || !self.held[node].is_empty() {
            if self.held[node].is_empty() {
                self.at(self.paused[node].saturating_sub(self.now), Ev::Awake(node));
            }
            self.held[node].push_back((lane, event));
            return Ok(());
        }
        self.take(lane, event)
    }
    fn take(&mut self, lane: usize, event: links::Event<Message>) -> Result<(), Wrong> {
        match event {
            links::Event::Message { from, to, message, bytes } => {
                // What an exchange brings is consumed when it is taken in.
                if lane >= MOVED {
                    self.lanes[lane].consumed(self.now, to, from, bytes);
                }
                self.arrived(from, to, message)
            }
            links::Event::Datagram { .. } => Ok(()),
            links::Event::Credit { from, to } => {
                self.send_waiting(lane, from, to);
                Ok(())
            }
            links::Event::Failed { node, peer, error } => self.failed(lane, node, peer, &error),
        }
    }
    fn failed(&mut self, lane: usize, node: usize, peer: usize, error: &SessionError) -> Result<(), Wrong> {
        if lane == CONTROL {
            self.meet(node, peer);
            if node >= self.workers.len() {
                let leader = node - self.workers.len();
                if self.leaders[leader].coordinator.is_some() {
                    self.say(format_args!("coordinator {node} loses worker {peer}: {error}"));
                }
                return self.coordinate(leader, Event::Lost { worker: peer });
            }
            return Ok(());
        }
        self.lanes[lane].close(self.now, node, peer);
        self.outbox.remove(&(lane, node, peer));
        if self.workers[node].is_prepared() {
            // The other knows nothing of it yet, or of its former part in the attempt.
            let attempt = self.workers[node].attempt();
            let at = Attempt { term: attempt, attempt };
            self.lanes[lane].open_with(self.now, node, peer, at, config(lane, true));
            return Ok(());
        }
        let mut wishes = Vec::new();
        self.workers[node].unreachable(peer, &mut wishes);
        if !wishes.is_empty() {
            self.say(format_args!("worker {node} cannot reach worker {peer}: {error}"));
        }
        self.wish(node, wishes)
    }
    fn arrived(&mut self, from: usize, to: usize, message: Message) -> Result<(), Wrong> {
        let leader = to.checked_sub(self.workers.len());
        match (message, leader) {
            (Message::Control { term, command }, None) => {
                let mut wishes = Vec::new();
                let World { workers, input, check, .. } = self;
                if !matches!(command, Command::Lead) {
                    let line = format!("worker {to} is told under term {term}: {command:?}");
                    workers[to].hears((from, term), command, input, check, &mut wishes)?;
                    self.say(line);
                } else {
                    workers[to].hears((from, term), command, input, check, &mut wishes)?;
                }
                self.wish(to, wishes)
            }
            (message @ (Message::Frame(..) | Message::Moved(..)), None) => {
                let World { workers, input, check, .. } = self;
                let other = matches!(&message, Message::Frame(attempt, _) if workers[to].work.as_ref().is_none_or(|work| work.attempt != *attempt));
                let stage = if let Message::Frame(_, frame) = &message { Some(frame.stage) } else { None };
                workers[to].receive(from, message, input, check)?;
                if let Some(stage) = stage.filter(|_| other) {
                    self.lanes[stage].consumed(self.now, to, from, BYTES);
                }
                self.tidy(to)
            }
            (Message::Hello { term, standing }, Some(leader)) => {
                let attempt = standing.as_ref().map_or(0, |standing| standing.attempt);
                self.say(format_args!("worker {from} joins term {term}, in attempt {attempt}"));
                self.answer_to(leader, term, Event::Joined { worker: from, standing })
            }
            (Message::Beat { term }, Some(leader)) => self.answer_to(leader, term, Event::Heard { worker: from }),
            (Message::Report { term, attempt, report }, Some(leader)) => {
                self.say(format_args!("worker {from} reports in attempt {attempt}: {report:?}"));
                self.answer_to(leader, term, Event::Report { worker: from, attempt, report })
            }
            (Message::Broken { term, attempt }, Some(leader)) => {
                self.answer_to(leader, term, Event::Broken { attempt, restart: true })
            }
            _ => Ok(()),
        }
    }
    /// What was said to the coordinator of a term.
    fn answer_to(&mut self, leader: usize, term: u64, event: Event) -> Result<(), Wrong> {
        let leads = self.leaders[leader].coordinator.as_ref().is_some_and(|coordinator| coordinator.term() == term);
        if leads { self.coordinate(leader, event) } else { Ok(()) }
    }

    /// A process sends something.
    fn send(&mut self, lane: usize, from: usize, to: usize, message: Message) -> Result<(), Wrong> {
        if from == to {
            return self.arrived(from, to, message);
        }
        if lane != CONTROL && self.lanes[lane].session(from, to).is_none_or(|session| session.failure().is_some()) {
            // Whoever joins has opened its end before.
            let attempt = self.workers[from].attempt();
            for lane in 0..CONTROL {
                if self.lanes[lane].session(from, to).is_none_or(|session| session.failure().is_some()) {
                    self.lanes[lane].open(self.now, from, to, Attempt { term: attempt, attempt });
                }
            }
        }
        self.outbox.entry((lane, from, to)).or_default().push_back(message);
        self.send_waiting(lane, from, to);
        Ok(())
    }
    fn send_waiting(&mut self, lane: usize, from: usize, to: usize) {
        let Some(waiting) = self.outbox.get_mut(&(lane, from, to)) else { return };
        let links = &mut self.lanes[lane];
        while let Some(message) = waiting.pop_front() {
            let control =
                lane == CONTROL || matches!(&message, Message::Frame(_, Frame { body: Body::Barrier(..), .. }));
            let sent = match control {
                true => links.send_control(self.now, from, to, message, BYTES),
                false => links.send(self.now, from, to, message, BYTES),
            };
            match sent {
                Ok(()) => {}
                Err(Unsent::NoCredit(message)) => {
                    waiting.push_front(message);
                    break;
                }
                // The session is over, and with it the attempt.
                Err(_) => break,
            }
        }
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
                            self.lanes[lane].open_with(self.now, node, peer, at, config(lane, waits));
                        }
                    }
                }
                Wish::Part(peer) => self.part(node, peer),
                Wish::Leave => self.leave(node),
            }
        }
        Ok(())
    }
    fn leave(&mut self, node: usize) {
        (0..self.workers.len()).for_each(|peer| self.part(node, peer));
    }
    fn part(&mut self, node: usize, peer: usize) {
        for lane in 0..CONTROL {
            self.lanes[lane].close(self.now, node, peer);
            self.outbox.remove(&(lane, node, peer));
        }
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
                self.leaders[leader].answered(self.now, answer, &self.store, &mut wants);
                self.want(leader, wants)
            }
            _ => Ok(()),
        }
    }

    /// A process begins to coordinate.
    fn lead(&mut self, leader: usize) -> Result<(), Wrong> {
        let policy = self.policy();
        let mut wants = Vec::new();
        self.leaders[leader].start(policy, &mut wants);
        let node = self.leaders[leader].node;
        self.say(format_args!("node {node} begins to coordinate"));
        self.want(leader, wants)
    }
    fn coordinate(&mut self, leader: usize, event: Event) -> Result<(), Wrong> {
        let mut wants = Vec::new();
        self.leaders[leader].on(self.now, event, &mut wants);
        self.want(leader, wants)
    }
    fn want(&mut self, leader: usize, wants: Vec<Want>) -> Result<(), Wrong> {
        for want in wants {
            match want {
                Want::Ask(ask) => {
                    let (node, life) = (self.leaders[leader].node, self.leaders[leader].life);
                    self.ask(node, life, ask);
                }
                Want::Act(action) => self.act(leader, action)?,
            }
        }
        if self.leaders[leader].is_storing().is_some()
            && let Some(ask) = self.leaders[leader].gather(&self.store)
        {
            let (node, life) = (self.leaders[leader].node, self.leaders[leader].life);
            self.ask(node, life, ask);
        }
        self.ended |= self.leaders[leader].has_ended;
        Ok(())
    }
    /// Says to workers what a coordinator wants of them.
    fn act(&mut self, leader: usize, action: Action) -> Result<(), Wrong> {
        let Some(coordinator) = &self.leaders[leader].coordinator else { return Ok(()) };
        let (term, node) = (coordinator.term(), self.leaders[leader].node);
        let all = coordinator.participants();
        if matches!(action, Action::Unprepare { .. })
            && self.resumed.insert((term, coordinator.attempt()))
            && coordinator.attempt() != term
        {
            self.survived.takeovers += 1;
        }
        self.say(format_args!("coordinator {node} of term {term} to {all:?}: {action:?}"));
        let (to, command) = match action {
            Action::Begin { attempt, interval, layout } => {
                self.survived.attempts += 1;
                (all, Command::Begin { attempt, interval, layout })
            }
            Action::Go { attempt } => (all, Command::Go { attempt }),
            Action::Trigger { barrier, change } => (all, Command::Trigger { barrier, change }),
            Action::Settle(outcome) => {
                self.survived.snapshots += u64::from(!matches!(outcome, Outcome::Aborted { .. }));
                self.survived.aborted += u64::from(matches!(outcome, Outcome::Aborted { .. }));
                (all, Command::Settle(outcome))
            }
            Action::Prepare { plan, attempt, to, change, base } => {
                (to, Command::Prepare { plan, attempt, change, base })
            }
            Action::Unprepare { to } => (to, Command::Unprepare),
            Action::Release { worker } => (vec![worker], Command::Release),
            Action::Moved { .. } => {
                self.survived.moves += 1;
                return Ok(());
            }
            Action::NotMoved => {
                self.survived.dropped += 1;
                return Ok(());
            }
            Action::Unstorable => {
                let attempt = self.leaders[leader].coordinator.as_ref().map_or(0, |coordinator| coordinator.attempt());
                return self.coordinate(leader, Event::Broken { attempt, restart: true });
            }
            _ => return Ok(()),
        };
        to.into_iter().try_for_each(|worker| {
            self.send(CONTROL, node, worker, Message::Control { term, command: command.clone() })
        })
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
            mine.map(|(_, waiting)| waiting.len()).sum::<usize>() >= OUTBOX
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

    fn fault(&mut self, what: What) -> Result<(), Wrong> {
        self.say(&what);
        let workers = self.workers.len();
        match what {
            What::Crash { node, down } => {
                if !self.alive[node] {
                    return Ok(());
                }
                self.alive[node] = false;
                self.held[node].clear();
                self.paused[node] = self.now;
                self.lanes.iter_mut().for_each(|lane| lane.crash(self.now, node));
                self.outbox.retain(|(_, from, _), _| *from != node);
                match node.checked_sub(workers) {
                    None => {
                        let life = self.workers[node].life + 1;
                        self.workers[node] = Process::new(node, self.alive.len(), self.setup.breach, life);
                    }
                    Some(leader) => {
                        let life = self.leaders[leader].life + 1;
                        self.leaders[leader] = Leader::new(node, self.setup.breach, life);
                    }
                }
                self.at(down, Ev::Back(node));
            }
            What::Pause { node, time } => self.paused[node] = self.paused[node].max(self.now + time),
            What::Takeover => {
                let idle = |leader: &usize| self.alive[workers + leader] && !self.leaders[*leader].is_leading();
                if let Some(leader) = (0..self.leaders.len()).find(idle) {
                    return self.lead(leader);
                }
            }
            What::Cut { from, to, time } => {
                let until = self.now + time;
                self.lanes.iter_mut().for_each(|lane| lane.network().cut(self.now, from, to, until));
            }
            What::Break { a, b } => self.lanes.iter_mut().for_each(|lane| lane.network().break_link(self.now, a, b)),
            What::Slow { node, time } => {
                let until = self.now + time;
                self.lanes.iter_mut().for_each(|lane| lane.network().slow(self.now, node, until, micros(300)));
            }
            What::Target(target) => return self.ask_leaders(&Event::Target(target)),
            What::Move { group, split, to } => {
                let (groups, splits) = (vec![(group, to)], vec![(split, to)]);
                return self.ask_leaders(&Event::Move { groups, splits });
            }
            What::Savepoint => return self.ask_leaders(&Event::Savepoint(format!("at {:?}", self.now))),
        }
        Ok(())
    }
    /// Somebody asks all who say that they coordinate.
    fn ask_leaders(&mut self, event: &Event) -> Result<(), Wrong> {
        for leader in 0..self.leaders.len() {
            let node = self.leaders[leader].node;
            if self.alive[node] && self.paused[node] <= self.now && self.leaders[leader].is_leading() {
                self.coordinate(leader, event.clone())?;
            }
        }
        Ok(())
    }
    fn back(&mut self, node: usize) -> Result<(), Wrong> {
        self.say(format_args!("node {node} is back"));
        self.alive[node] = true;
        self.lanes.iter_mut().for_each(|lane| lane.restart(self.now, node));
        let workers = self.workers.len();
        match node.checked_sub(workers) {
            None => (workers..self.alive.len()).for_each(|leader| self.meet(node, leader)),
            Some(leader) => {
                (0..workers).for_each(|worker| self.meet(node, worker));
                // Whoever is started coordinates, unless somebody does.
                return if self.leaders.iter().any(Leader::is_leading) { Ok(()) } else { self.lead(leader) };
            }
        }
        Ok(())
    }
}
