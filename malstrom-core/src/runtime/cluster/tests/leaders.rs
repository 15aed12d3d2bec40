//! The coordinators of a simulated job: one that leads, or that stands by.
use super::faults::keeping;
use super::job::operators;
use super::random::Random;
use super::store::{Fate, lock};
use super::world::{Event, World};
use crate::contract::key::KeyGroups;
use crate::coordinator::Policy;
use crate::error::Error;
use crate::graph::{Graph, build, source};
use crate::net::control::ConnectionId;
use crate::runtime::clock::Clock;
use crate::runtime::cluster::candidate::policy;
use crate::runtime::cluster::lead::Lead;
use crate::runtime::cluster::leader::{Input, Leader, Outside, Wanted};
use crate::runtime::cluster::standby::{Verdict, Watch};
use crate::runtime::http::PlanView;
use crate::runtime::keeping::{Restore, Stored, Vault};
use crate::runtime::report::Figures;
use crate::snapshot::{End, Heartbeat, Heartbeats, Location};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often a leader shows itself, and after what silence another one takes over.
const BEAT: Duration = Duration::from_secs(1);
const TAKEOVER: Duration = Duration::from_secs(5);

/// The pipeline, as far as anybody looks at it.
pub(super) fn known() -> (Figures, PlanView) {
    let g = Graph::new("job");
    let s = source::source(g.clone(), "source", crate::connect::FromIter::new(0..1u64));
    build::sink(g.clone(), "sink", crate::connect::memory::collector(), s);
    (Figures::default(), PlanView::new(g.finish().plan(), true))
}

/// What a leader does.
enum Did {
    Send(ConnectionId, Bytes),
    Close(ConnectionId),
    Leads(u64),
    Ends(End),
}
struct Speaker {
    /// When its step began.
    began: Arc<Mutex<Duration>>,
    fate: Arc<Mutex<Fate>>,
    did: Arc<Mutex<Vec<(Duration, Did)>>>,
}
impl Speaker {
    fn does(&self, did: Did) {
        if lock(&self.fate).acts() {
            let now = self.now();
            lock(&self.did).push((now, did));
        }
    }
}
impl Outside for Speaker {
    fn now(&self) -> Duration {
        *lock(&self.began) + lock(&self.fate).waited()
    }
    fn send(&self, to: ConnectionId, message: Bytes) {
        self.does(Did::Send(to, message));
    }
    fn close(&self, connection: ConnectionId) {
        self.does(Did::Close(connection));
    }
    fn leads(&self, term: u64) {
        self.does(Did::Leads(term));
    }
    fn scale(&self, _: usize) {}
    fn committed(&self) {}
    fn ends(&self, end: End) {
        self.does(Did::Ends(end));
    }
}

/// One of them, as long as it lives.
pub(super) struct LeaderNode {
    slot: usize,
    leader: Option<Leader>,
    lead: Arc<Lead>,
    watch: Option<Watch>,
    pub(super) fate: Arc<Mutex<Fate>>,
    began: Arc<Mutex<Duration>>,
    did: Arc<Mutex<Vec<(Duration, Did)>>>,
    inbox: VecDeque<Input>,
    /// When it is woken up next.
    wakes: Duration,
    busy: Duration,
    frozen: Duration,
    /// How many changes of the layout it has made.
    moves: u64,
    gone: bool,
    location: Location,
    heartbeats: Heartbeats,
    heartbeat: Heartbeat,
}
impl LeaderNode {
    pub(super) fn leads(&self) -> bool {
        self.leader.is_some() && !self.gone
    }
    pub(super) fn is_frozen(&self, now: Duration) -> bool {
        self.gone || self.frozen > now
    }
    pub(super) fn listens(&self, now: Duration) -> bool {
        self.leads() && !self.is_frozen(now)
    }
    /// Whether it has something moved.
    pub(super) fn moves(&self) -> bool {
        self.lead.look(|state| state.survived.moves.under_way.is_some())
    }
    pub(super) fn stands(&self) -> Option<String> {
        let what = self.lead.look(|state| state.waits_for.clone());
        (!self.gone).then(|| format!("leader {} of term {} waits {what}", self.slot, self.heartbeat.term))
    }
}
impl World {
    pub(super) fn start_leader(&mut self, slot: usize) {
        if self.over.is_some() || self.leaders.iter().any(|leader| leader.slot == slot && !leader.is_frozen(self.now)) {
            return;
        }
        let (fate, plain): (Arc<Mutex<Fate>>, _) = Default::default();
        let location = self.shared.view(&fate, Random::new(self.random.next()));
        let heartbeats = Heartbeats::open(&self.shared.view(&plain, Random::new(0))).expect("it needs a thread only");
        let place = (location.to_string(), self.plan.processes);
        let id = self.leaders.len();
        self.leaders.push(LeaderNode {
            slot,
            leader: None,
            lead: Arc::new(Lead::new(Clock::start(), place, known(), false, channel().0)),
            watch: None,
            fate,
            began: Arc::default(),
            did: Arc::default(),
            inbox: VecDeque::new(),
            wakes: Duration::ZERO,
            busy: Duration::ZERO,
            frozen: Duration::ZERO,
            moves: 0,
            gone: false,
            location,
            heartbeats,
            heartbeat: Heartbeat { term: 0, beat: 0, end: None },
        });
        self.note(|| format!("leader {id} is started in place {slot}"));
        if slot > 0 {
            self.leaders[id].watch = Some(Watch::new(BEAT, TAKEOVER));
            self.after(Duration::ZERO, Event::Look(id));
        } else if let Err(error) = self.elect(id, None) {
            self.note(|| format!("leader {id} cannot claim the log: {error}"));
            self.leader_dies(id);
        }
    }
    /// Has one claim the log, and lead.
    fn elect(&mut self, id: usize, behind: Option<u64>) -> Result<(), Error> {
        let (now, seed) = (self.now, self.random.next());
        let nonces = Mutex::new(Random::new(self.random.next()));
        let nonce = move || {
            let mut random = lock(&nonces);
            u128::from(random.next()) << 64 | u128::from(random.next())
        };
        let node = &self.leaders[id];
        *lock(&node.began) = now - lock(&node.fate).waited().min(now);
        let claimed = Stored::open(node.location.clone(), "job", operators(), (seed, None), (behind, Arc::new(nonce)))
            .and_then(|mut vault| Ok((vault.find(&Restore::Latest)?, vault)));
        self.read_log();
        let (found, vault) = claimed?;
        let node = &mut self.leaders[id];
        let outside = Speaker { began: node.began.clone(), fate: node.fate.clone(), did: node.did.clone() };
        let wanted = Wanted { processes: self.plan.processes, least: self.plan.least };
        let kept = (vault, found, Restore::Latest);
        let policy = Policy { wave: self.plan.wave, ..policy(&keeping(self.plan.rebalance), KeyGroups::DEFAULT) };
        let kind = (policy, wanted, self.plan.rebalance);
        let (leader, first) = Leader::new(node.lead.clone(), kept, kind, Box::new(outside));
        (node.leader, node.watch) = (Some(leader), None);
        self.count("elected");
        self.note(|| format!("leader {id} leads"));
        self.step_leader(id, |leader| leader.begin(first));
        self.after(BEAT, Event::Beat(id));
        Ok(())
    }
    pub(super) fn leader_hears(&mut self, id: usize, input: Input) {
        if !self.leaders[id].gone {
            self.leaders[id].inbox.push_back(input);
            self.wake_leader(id);
        }
    }
    pub(super) fn wake_leader(&mut self, id: usize) {
        let node = &mut self.leaders[id];
        let free = node.busy.max(node.frozen);
        let Some(leader) = node.leader.as_ref().filter(|_| !node.gone) else { return };
        if free > self.now {
            return self.at(free, Event::WakeLeader(id));
        }
        let input = node.inbox.pop_front();
        if input.is_none() && leader.due() > self.now {
            return;
        }
        self.step_leader(id, |leader| leader.step(input));
    }
    fn step_leader(&mut self, id: usize, step: impl FnOnce(&mut Leader) -> Option<Result<(), Error>>) {
        let node = &mut self.leaders[id];
        let Some(mut leader) = node.leader.take() else { return };
        let before = lock(&node.fate).waited();
        *lock(&node.began) = self.now - before.min(self.now);
        let over = step(&mut leader);
        let (due, dead) = (leader.due(), lock(&node.fate).is_dead());
        node.busy = *lock(&node.began) + lock(&node.fate).waited();
        node.leader = Some(leader);
        let moves = node.lead.look(|state| state.survived.moves.made);
        let moved = moves > std::mem::replace(&mut node.moves, moves);
        let did = std::mem::take(&mut *lock(&node.did));
        if moved {
            self.count("moved");
        }
        self.read_log();
        for (at, did) in did {
            match did {
                Did::Send(to, bytes) => self.say(to.number() as usize, false, at, bytes),
                Did::Close(connection) => self.close(connection.number() as usize, at),
                Did::Leads(term) => self.leads(id, term),
                Did::Ends(end) => self.show_end(id, end),
            }
        }
        match over {
            _ if dead => self.leader_dies(id),
            Some(over) => self.leader_ends(id, over),
            None if self.leaders[id].inbox.is_empty() => {
                let at = due.max(self.leaders[id].busy).max(self.now);
                if at < Duration::MAX && self.leaders[id].wakes != at {
                    self.leaders[id].wakes = at;
                    self.at(at, Event::WakeLeader(id));
                }
            }
            None => self.after(Duration::ZERO, Event::WakeLeader(id)),
        }
    }
    fn leads(&mut self, id: usize, term: u64) {
        let before = self.leaders[id].heartbeat.term;
        self.leaders[id].heartbeat.term = term;
        let of_another =
            |(other, node): (usize, &LeaderNode)| other != id && before > 0 && node.heartbeat.term > before;
        if self.leaders.iter().enumerate().any(of_another) {
            self.complain(format!("leader {id} has been asleep, and takes the job back with term {term}"));
        }
    }
    /// One is killed, and started again.
    pub(super) fn leader_dies(&mut self, id: usize) {
        let slot = self.leaders[id].slot;
        self.leaders[id].gone = true;
        self.count("leaders killed");
        self.note(|| format!("leader {id} dies"));
        self.hang_up(Some(id), None);
        if self.leaders[id].heartbeat.end.is_some() {
            // It has shown that the job is over, and told only some.
            return self.ends();
        }
        // The one that stands by is to have a chance.
        let other = self.leaders.iter().any(|leader| leader.watch.is_some() && !leader.gone);
        let delay = self.random.ms(if other { 1000..12_000 } else { 100..6000 });
        self.after(delay, Event::StartLeader(slot));
    }
    fn leader_ends(&mut self, id: usize, over: Result<(), Error>) {
        let slot = self.leaders[id].slot;
        self.leaders[id].gone = true;
        self.note(|| format!("leader {id} ends: {over:?}"));
        self.close_all(id);
        match over {
            Ok(()) => self.ends(),
            Err(Error::Fenced { .. }) => {
                self.count("leaders fenced");
                // As one that stands by, or as the only one.
                if slot > 0 || self.leaders.iter().all(|leader| leader.gone) {
                    let delay = self.random.ms(100..3000);
                    self.after(delay, Event::StartLeader(slot));
                }
            }
            Err(_) if self.stopped => {
                self.failed = true;
                self.ends();
            }
            Err(error) => self.complain(format!("the job has failed: {error:?}")),
        }
    }
    pub(super) fn beat(&mut self, id: usize) {
        let node = &mut self.leaders[id];
        if node.gone {
            return;
        }
        if node.frozen <= self.now && node.heartbeat.term > 0 {
            node.heartbeat.beat += 1;
            if node.heartbeats.write(node.heartbeat).expect("nothing goes wrong with heartbeats").is_some() {
                self.leader_hears(id, Input::Overtaken);
            }
        }
        self.after(BEAT, Event::Beat(id));
    }
    fn show_end(&mut self, id: usize, end: End) {
        let node = &mut self.leaders[id];
        (node.heartbeat.end, node.heartbeat.beat) = (Some(end), node.heartbeat.beat + 1);
        node.heartbeats.write(node.heartbeat).expect("nothing goes wrong with heartbeats");
    }
    /// One that stands by looks at what there is to see.
    pub(super) fn look(&mut self, id: usize) {
        let now = self.now;
        let node = &mut self.leaders[id];
        let Some(watch) = node.watch.as_mut().filter(|_| !node.gone) else { return };
        if node.frozen <= now {
            match watch.on(now, node.heartbeats.look().ok()) {
                Verdict::Wait => {}
                Verdict::Over(_) => {
                    node.gone = true;
                    return;
                }
                Verdict::TakeOver { head } => match self.elect(id, Some(head)) {
                    Ok(()) => return self.count("taken over"),
                    Err(_) if lock(&self.leaders[id].fate).is_dead() => return self.leader_dies(id),
                    Err(error) => self.note(|| format!("leader {id} does not take over: {error}")),
                },
            }
        }
        self.after(BEAT, Event::Look(id));
    }
    pub(super) fn freeze_leader(&mut self, id: usize, until: Duration) {
        self.leaders[id].frozen = until;
        self.count("leaders frozen");
        self.note(|| format!("leader {id} is frozen until {until:?}"));
        self.falls_silent(Some(id), None);
        self.at(until, Event::WakeLeader(id));
    }
}
