//! The processes with workers of a simulated job.
use super::job::{self, Job, operators};
use super::leaders::known;
use super::random::Random;
use super::store::{Fate, lock};
use super::world::{Event, World};
use crate::error::{Error, Result};
use crate::runtime::clock::Clock;
use crate::runtime::cluster::crew::outside::{Begin, Outside, Work};
use crate::runtime::cluster::crew::storage::{Part, Storing};
use crate::runtime::cluster::crew::{Crew, Gone, Input};
use crate::runtime::cluster::roster::Roster;
use crate::runtime::cluster::words::Hello;
use crate::snapshot::{Location, SegmentWriter};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Sources are read for so long without a coordinator.
const FENCE: Duration = Duration::from_secs(8);

/// What a crew does.
enum Did {
    Say(Bytes),
    Store(Part),
}
struct Hands {
    crew: usize,
    job: Arc<Mutex<Job>>,
    location: Location,
    fate: Arc<Mutex<Fate>>,
    did: Arc<Mutex<Vec<Did>>>,
}
impl Hands {
    fn does(&self, did: Did) {
        if lock(&self.fate).acts() {
            lock(&self.did).push(did);
        }
    }
}
impl Outside for Hands {
    fn say(&self, message: Bytes) {
        self.does(Did::Say(message));
    }
    fn store(&self, part: Part) {
        self.does(Did::Store(part));
    }
    fn begin(&self, begin: Begin) -> Result<Box<dyn Work>> {
        job::begin(&self.job, self.crew, &self.location, begin)
    }
}

/// One of them, as long as it lives.
pub(super) struct CrewNode {
    pub(super) slot: usize,
    crew: Option<Crew>,
    roster: Arc<Roster>,
    pub(super) fate: Arc<Mutex<Fate>>,
    did: Arc<Mutex<Vec<Did>>>,
    inbox: VecDeque<Input>,
    /// When it is woken up next.
    wakes: Duration,
    frozen: Duration,
    /// It reaches no leader until then.
    pub(super) apart: Duration,
    pub(super) connection: Option<usize>,
    location: Location,
    /// When its last part is written.
    writes: Duration,
}
impl CrewNode {
    pub(super) fn is_gone(&self) -> bool {
        self.crew.is_none()
    }
    pub(super) fn is_frozen(&self, now: Duration) -> bool {
        self.is_gone() || self.frozen > now
    }
    /// The number that the coordinator knows it by.
    pub(super) fn process(&self) -> Option<u32> {
        self.roster.glance().process
    }
    pub(super) fn stands(&self) -> Option<String> {
        let state = self.roster.glance();
        let connected = if state.connected { "is" } else { "is not" };
        (!self.is_gone()).then(|| format!("process {:?} {connected} connected", state.process))
    }
}
impl World {
    pub(super) fn start_crew(&mut self, slot: usize) {
        if self.over.is_some() || self.crews.iter().any(|crew| crew.slot == slot && !crew.is_frozen(self.now)) {
            return;
        }
        let id = self.crews.len();
        let fate: Arc<Mutex<Fate>> = Arc::default();
        let location = self.shared.view(&fate, Random::new(self.random.next()));
        let did: Arc<Mutex<Vec<Did>>> = Arc::default();
        let workers = self.plan.workers[slot];
        let hello = Hello {
            nonce: u128::from(self.random.next()),
            // The clocks of two machines differ.
            since: (self.now + self.random.ms(0..2000)).as_micros() as i64,
            process: self.plan.numbered.then_some(slot as u32),
            address: format!("host-{id}:1"),
            workers,
            location: location.to_string(),
        };
        let roster = Arc::new(Roster::new(Clock::start(), known(), workers, Vec::new()));
        let hands =
            Hands { crew: id, job: self.job.clone(), location: location.clone(), fate: fate.clone(), did: did.clone() };
        let crew = Crew::new(hello, FENCE, roster.clone(), Box::new(hands));
        self.crews.push(CrewNode {
            slot,
            crew: Some(crew),
            roster,
            fate,
            did,
            inbox: VecDeque::new(),
            wakes: Duration::ZERO,
            frozen: Duration::ZERO,
            apart: Duration::ZERO,
            connection: None,
            location,
            writes: Duration::ZERO,
        });
        self.note(|| format!("crew {id} is started in place {slot}"));
        self.after(Duration::ZERO, Event::Dial(id));
        self.after(Duration::ZERO, Event::WakeCrew(id));
    }
    pub(super) fn crew_hears(&mut self, id: usize, input: Input) {
        if !self.crews[id].is_gone() {
            self.crews[id].inbox.push_back(input);
            self.wake_crew(id);
        }
    }
    pub(super) fn wake_crew(&mut self, id: usize) {
        let node = &mut self.crews[id];
        let Some(crew) = &node.crew else { return };
        if node.frozen > self.now {
            let at = node.frozen;
            return self.at(at, Event::WakeCrew(id));
        }
        let input = node.inbox.pop_front();
        if input.is_none() && crew.due() > self.now {
            return;
        }
        self.step_crew(id, input);
    }
    fn step_crew(&mut self, id: usize, input: Option<Input>) {
        let now = self.now;
        let node = &mut self.crews[id];
        let Some(mut crew) = node.crew.take() else { return };
        let over = crew.step(now, input);
        let due = crew.due();
        node.crew = Some(crew);
        let (did, connection) = (std::mem::take(&mut *lock(&node.did)), node.connection);
        let dead = lock(&node.fate).is_dead();
        for did in did {
            match did {
                Did::Say(bytes) => {
                    if let Some(connection) = connection {
                        self.say(connection, true, now, bytes);
                    }
                }
                Did::Store(part) => {
                    let takes = if self.random.one_in(10) { self.random.ms(500..4000) } else { self.random.ms(1..300) };
                    self.crews[id].writes = self.crews[id].writes.max(now) + takes;
                    let at = self.crews[id].writes;
                    let writer = SegmentWriter::open(&self.crews[id].location, 0, 0).expect("it needs a thread only");
                    let part = Storing::new(&writer, &operators().ids, part);
                    self.at(at, Event::Write(id, Box::new(part)));
                }
            }
        }
        match over {
            _ if dead => self.crew_dies(id),
            Some(over) => self.crew_ends(id, over),
            None if !self.crews[id].inbox.is_empty() => self.after(Duration::ZERO, Event::WakeCrew(id)),
            None if self.crews[id].wakes == due => {}
            None => {
                self.crews[id].wakes = due;
                self.at(due, Event::WakeCrew(id));
            }
        }
    }
    /// The thread that stores parts has come to this one.
    pub(super) fn write(&mut self, id: usize, mut part: Storing) {
        let node = &self.crews[id];
        if node.is_gone() {
            return;
        }
        if node.frozen > self.now {
            let at = node.frozen;
            return self.at(at, Event::Write(id, Box::new(part)));
        }
        match part.put() {
            Some(stored) => self.crew_hears(id, stored),
            None => self.after(Duration::from_secs(1), Event::Write(id, Box::new(part))),
        }
    }
    pub(super) fn crew_dies(&mut self, id: usize) {
        self.count("crews killed");
        self.note(|| format!("crew {id} dies"));
        self.crew_goes(id, 100..5000);
    }
    fn crew_goes(&mut self, id: usize, replaced: std::ops::Range<u64>) {
        let slot = self.crews[id].slot;
        self.crews[id].crew = None;
        lock(&self.job).disband(id);
        self.hang_up(None, Some(id));
        if self.over.is_none() {
            let delay = self.random.ms(replaced);
            self.after(delay, Event::StartCrew(slot));
        }
    }
    fn crew_ends(&mut self, id: usize, over: Result<Gone>) {
        self.note(|| format!("crew {id} ends: {over:?}"));
        match over {
            Ok(Gone::Left) => self.count("crews left"),
            Ok(Gone::Over) => {}
            Err(Error::Config(_)) => self.count("crews unwanted"),
            Err(_) if self.stopped => {}
            Err(error) => self.complain(format!("crew {id} has failed: {error:?}")),
        }
        self.crew_goes(id, 500..2000);
    }
    pub(super) fn freeze_crew(&mut self, id: usize, until: Duration) {
        self.crews[id].frozen = until;
        self.count("crews frozen");
        self.note(|| format!("crew {id} is frozen until {until:?}"));
        lock(&self.job).teams.iter_mut().filter(|team| team.crew == id).for_each(|team| team.frozen = true);
        self.falls_silent(None, Some(id));
        self.at(until, Event::WakeCrew(id));
        self.at(until, Event::Fault(super::faults::What::Thaw { crew: id }));
    }
}
