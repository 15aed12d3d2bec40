//! The workers of one process, and what their coordinator has them do.
//!
//! They go on without a coordinator for as long as there is none; when there is one again, they say how they stand.
use super::roster::Roster;
use super::words::{self, Done, Failure, Hello, Order, Setup, Word, process_of, workers_of};
use crate::contract::snapshot::{Barrier, Outcome};
use crate::coordinator::Report;
use crate::coordinator::member::{Command, Heed, Member};
use crate::error::{Error, Result};
use crate::exchange::layout::Layout;
use crate::exchange::lines::Places;
use crate::exchange::session::{self, Config};
use crate::net::Listener;
use crate::net::control::{Link, LinkEvent};
use crate::net::data::{Mesh, MeshSettings, Peer};
use crate::runtime::attempt::{Attempt, Beginning, News, Plan};
use crate::runtime::clock;
use crate::runtime::keeping::{Operators, Restoring, is_worth_a_restart};
use crate::snapshot::{Chunks, Kind, Location, SegmentWriter};
use crate::worker::{self, Written};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// How often the coordinator is told what was done.
const FIGURES: Duration = Duration::from_millis(500);
/// The sessions between processes have room for the largest message that there can be; what is kept for a worker that is slow is bounded
/// by its lines.
const SESSION: u64 = 24 << 20;

/// What reaches the workers of a process.
pub(super) enum Input {
    Link(LinkEvent),
    /// What workers of this attempt do.
    News(u64, News),
    /// What they wrote at the barrier of an interval was stored, or was not.
    Stored {
        attempt: u64,
        interval: u64,
        part: Result<Vec<u8>>,
    },
    /// Another process cannot be reached any more.
    Cut {
        attempt: u64,
        peer: u32,
        why: String,
    },
    /// The process is told to go.
    Leave,
}
/// What a crew is made with.
pub(super) struct Kit {
    pub(super) plan: Plan,
    pub(super) operators: Operators,
    pub(super) location: Location,
    pub(super) listener: Listener,
    /// Where others reach this process.
    pub(super) address: String,
    /// The number that it would like to have.
    pub(super) process: Option<u32>,
    pub(super) inputs: Sender<Input>,
    pub(super) roster: Arc<Roster>,
}
/// An attempt that is under way here.
struct Running {
    number: u64,
    seed: u64,
    attempt: Arc<Attempt>,
    /// The numbers of its workers, in order, and where they begin among all.
    workers: Vec<usize>,
    first: usize,
    restoring: Option<Restoring>,
    /// How many have taken in what there was for them.
    loaded: usize,
    /// Dropped before the attempt is waited for: nothing is to arrive any more.
    mesh: Option<Mesh>,
    /// What they have written at barriers, as far as not all of them have.
    written: BTreeMap<u64, Vec<Written>>,
    /// What snapshots are for of which it is not known what became.
    kinds: BTreeMap<u64, (Barrier, Kind)>,
    /// Their parts that are stored.
    parts: BTreeMap<u64, Vec<u8>>,
}

/// How a crew has ended that has done its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The job is over.
    Over,
    /// The process was told to go, and the job goes on without it.
    Left,
}
/// See the [module](self).
pub(super) struct Crew {
    kit: Kit,
    link: Link,
    nonce: u128,
    process: Option<u32>,
    members: BTreeMap<usize, Member>,
    running: Option<Running>,
    stopping: bool,
    /// It was told to go.
    leaves: bool,
    /// Nothing was heard on this connection yet.
    greets: bool,
    /// What the coordinator was told last.
    told: Option<Done>,
}
impl Crew {
    pub(super) fn new(kit: Kit, link: Link) -> Self {
        let process = kit.process;
        let (nonce, members) = (clock::nonce(), BTreeMap::new());
        Crew {
            kit,
            link,
            nonce,
            process,
            members,
            running: None,
            stopping: false,
            leaves: false,
            greets: false,
            told: None,
        }
    }
    /// Works until there is nothing to do any more.
    ///
    /// # Errors
    /// If the coordinator has no use for this process, or says that the job has failed.
    pub(super) fn run(mut self, inputs: &Receiver<Input>) -> Result<Gone> {
        let mut figures = self.kit.plan.clock.now() + FIGURES;
        loop {
            let now = self.kit.plan.clock.now();
            match inputs.recv_timeout(figures.saturating_sub(now)) {
                Ok(Input::Link(LinkEvent::Up)) => {
                    self.kit.roster.note(|state| state.connected = true);
                    self.greet();
                }
                Ok(Input::Link(LinkEvent::Said(bytes))) => match words::read::<Order>(&bytes) {
                    Ok(order) => {
                        if let Some(over) = self.obey(order) {
                            self.stop_attempt();
                            return over;
                        }
                    }
                    Err(error) => tracing::error!(cause = ?error, "the coordinator says what nobody understands"),
                },
                Ok(Input::Link(LinkEvent::Down(why))) => {
                    self.kit.roster.note(|state| state.connected = false);
                    tracing::warn!(why, "the coordinator is out of reach");
                }
                Ok(Input::Link(LinkEvent::Refused(why))) => {
                    self.stop_attempt();
                    return Err(Error::Config(format!("the coordinator has no use for this process: {why}")));
                }
                Ok(Input::News(attempt, news)) if self.is_in(attempt) => self.take(news),
                Ok(Input::Stored { attempt, interval, part }) if self.is_in(attempt) => self.stored(interval, part),
                Ok(Input::Cut { attempt, peer, why }) if self.is_in(attempt) => {
                    tracing::warn!(peer, why, "another process is out of reach");
                    let term = self.term();
                    // Said again, in that it stands in no attempt, if this does not arrive.
                    self.members.values_mut().for_each(Member::left);
                    self.say(&Word::Cut { term, attempt, peer, why });
                }
                Ok(Input::News(..) | Input::Stored { .. } | Input::Cut { .. }) => {}
                Ok(Input::Leave) if self.running.is_none() => return Ok(Gone::Left),
                Ok(Input::Leave) => {
                    self.leaves = true;
                    self.say(&Word::Leaving);
                }
                Err(RecvTimeoutError::Timeout) => {
                    figures = now + FIGURES;
                    self.tell_figures();
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Gone::Over),
            }
        }
    }
    fn is_in(&self, attempt: u64) -> bool {
        self.running.as_ref().is_some_and(|running| running.number == attempt)
    }
    /// The term of the coordinator that the workers heed.
    fn term(&self) -> u64 {
        self.members.values().next().map_or(0, Member::term)
    }
    fn say(&self, word: &Word) {
        match words::write(word) {
            // What does not arrive is said again when there is a connection.
            Ok(bytes) => drop(self.link.send(bytes)),
            Err(error) => tracing::error!(cause = ?error, "what is to be said cannot be written"),
        }
    }
    fn greet(&mut self) {
        (self.told, self.greets) = (None, true);
        self.say(&Word::Hello(Hello {
            nonce: self.nonce,
            since: self.kit.plan.started,
            process: self.process,
            address: self.kit.address.clone(),
            workers: self.kit.plan.workers,
            location: self.kit.location.to_string(),
        }));
        if self.leaves {
            self.say(&Word::Leaving);
        }
    }
    /// Does what the coordinator says. What has come of it all, if there is nothing left to do.
    fn obey(&mut self, order: Order) -> Option<Result<Gone>> {
        match order {
            Order::Welcome { process } => {
                if self.process != Some(process) || self.members.is_empty() {
                    tracing::info!(process, "this process has a number");
                    let workers = workers_of(process, self.kit.plan.workers);
                    self.members = workers.map(|worker| (worker, Member::default())).collect();
                }
                self.process = Some(process);
                self.kit.roster.note(|state| state.process = Some(process));
            }
            Order::Unwanted(why) => {
                return Some(Err(Error::Config(format!("the coordinator has no use for this process: {why}"))));
            }
            Order::Stop => {
                self.stopping = true;
                self.kit.roster.note(|state| state.stopping = true);
                if let Some(running) = &self.running {
                    running.attempt.stop();
                }
            }
            Order::End(None) => {
                tracing::info!("there is nothing to do any more");
                return Some(Ok(if self.leaves { Gone::Left } else { Gone::Over }));
            }
            Order::End(Some(why)) => {
                return Some(Err(Error::custom(format!("the coordinator has ended the job: {why}"))));
            }
            Order::Tell { term, command, setup, savepoint } => self.hear(term, &command, setup, savepoint),
        }
        None
    }
    fn hear(&mut self, term: u64, command: &Command, setup: Option<Setup>, savepoint: Option<String>) {
        let heed = |(worker, member): (&usize, &mut Member)| (*worker, member.hears(term, command.clone()));
        let heeds: Vec<(usize, Heed)> = self.members.iter_mut().map(heed).collect();
        let joins = |(worker, heed): &(usize, Heed)| match heed {
            Heed::Join(standing) => Some((*worker, standing.clone())),
            _ => None,
        };
        let mut standings: Vec<_> = heeds.iter().filter_map(joins).collect();
        if std::mem::take(&mut self.greets) && standings.is_empty() && *command == Command::Lead && term == self.term()
        {
            // What was said before, on another connection, may not have arrived.
            let stands = |(worker, member): (&usize, &Member)| (*worker, member.standing().cloned());
            standings = self.members.iter().map(stands).collect();
        }
        if !standings.is_empty() {
            let parts = self.running.as_ref().map(|running| running.parts.clone().into_iter().collect());
            let seed = self.running.as_ref().map(|running| running.seed);
            self.say(&Word::Joined { term, standings, seed, parts: parts.unwrap_or_default() });
            return;
        }
        // All workers of a process are told the same, and stand alike.
        if !heeds.iter().any(|(_, heed)| matches!(heed, Heed::Do(_))) {
            return;
        }
        match command {
            Command::Begin { attempt, interval, layout } => match setup {
                Some(setup) => {
                    if let Err(error) = self.begin(*attempt, *interval, layout, setup) {
                        self.failed(*attempt, &error);
                    }
                }
                None => tracing::error!("an attempt begins, and nobody has said how"),
            },
            Command::Go { attempt } => tracing::info!(attempt, "all have begun"),
            Command::Trigger { barrier, .. } => {
                if let Some(running) = &mut self.running {
                    let kind = savepoint.map_or(Kind::Snapshot, Kind::Savepoint);
                    running.kinds.insert(barrier.interval, (*barrier, kind));
                    running.attempt.command(worker::Command::Snapshot(*barrier));
                }
            }
            Command::Settle(outcome) => {
                if let Some(running) = &mut self.running {
                    running.settled(*outcome);
                }
            }
            _ => {}
        }
    }
    /// Begins an attempt, in the place of any that was under way.
    fn begin(&mut self, number: u64, interval: u64, layout: &Layout, setup: Setup) -> Result<()> {
        self.stop_attempt();
        let Some(me) = self.process else { return Ok(()) };
        let workers: Vec<usize> = layout.members().iter().copied().filter(|worker| process_of(*worker) == me).collect();
        let places = Places::new(me, setup.processes.iter().map(|(process, workers, _)| (*process, *workers)));
        let first = places.here().start;
        if places.here().len() != workers.len() {
            return Err(Error::custom("the coordinator does not know which workers this process has"));
        }
        let Kit { plan, operators, location, listener, inputs, .. } = &self.kit;
        let restoring = setup.restore.map(|point| Restoring::open(location, &point, operators)).transpose()?;
        let seed = setup.seed;
        let plan = Plan { seed, workers: places.workers(), ..plan.clone() };
        let sender = inputs.clone();
        // Nobody listens once the process is about to end.
        let tell = Arc::new(move |news| drop(sender.send(Input::News(number, news))));
        let shelves = restoring.as_ref().map(Restoring::shelves);
        let beginning = Beginning { term: number, interval, shelves, tell };
        let attempt = Attempt::among(&plan, places, Some(beginning))?;
        if setup.stopping || self.stopping {
            self.kit.roster.note(|state| state.stopping = true);
            attempt.stop();
        }
        self.kit.roster.begins(self.term(), number, attempt.clone());
        let fabric = attempt.fabric().clone();
        let peer = |(process, _, address): (u32, usize, String)| {
            let outbox = fabric.outbox(process)?;
            Some(Peer { process, address, outbox, number: clock::random() })
        };
        let peers: Vec<Peer> = setup.processes.into_iter().filter_map(peer).collect();
        let mesh = (!peers.is_empty()).then(|| {
            let attempt = session::Attempt { term: number, attempt: 0 };
            let config = Config { window: SESSION, ..MeshSettings::config() };
            let deliver = {
                let fabric = fabric.clone();
                Arc::new(move |from, message| fabric.deliver(from, message).map_err(|error| error.to_string()))
            };
            let sender = inputs.clone();
            let failed = Arc::new(move |peer, error: crate::net::data::PeerError| {
                let why = Error::custom(error);
                drop(sender.send(Input::Cut { attempt: number, peer, why: format!("{why:?}") }));
            });
            Mesh::start(listener, MeshSettings { attempt, me, peers, config }, deliver, failed)
        });
        let (written, kinds, parts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        self.running =
            Some(Running { number, seed, attempt, workers, first, restoring, loaded: 0, mesh, written, kinds, parts });
        Ok(())
    }
    fn stop_attempt(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.mesh.take());
            running.attempt.cancel();
            running.attempt.wait();
            self.kit.roster.ends();
        }
    }
    fn failed(&mut self, attempt: u64, error: &Error) {
        let (restart, config) = (is_worth_a_restart(error), matches!(error, Error::Config(_)));
        let failure = Failure { what: format!("{error:?}"), restart, config };
        let term = self.term();
        // Said again, in that it stands in no attempt, if this does not arrive.
        self.members.values_mut().for_each(Member::left);
        self.say(&Word::Failed { term, attempt, failure });
    }
    /// Workers have done something.
    fn take(&mut self, news: News) {
        let term = self.term();
        let Some(running) = &mut self.running else { return };
        let (attempt, first) = (running.number, running.first);
        let number = |running: &Running, at: usize| running.workers.get(at.saturating_sub(first)).copied();
        match news {
            News::Loaded(_) => {
                running.loaded += 1;
                if running.loaded < running.workers.len() {
                    return;
                }
                let workers = running.workers.clone();
                let restoring = running.restoring.take();
                let parts = restoring.map(|restoring| restoring.claimed()).unwrap_or_default();
                self.say(&Word::Restored { term, attempt, parts });
                for worker in workers {
                    self.say(&Word::Report { term, worker, attempt, report: Report::Ready });
                }
            }
            News::Written(_, written) => {
                let interval = written.interval;
                let all = running.written.entry(interval).or_default();
                all.push(written);
                if all.len() < running.workers.len() {
                    return;
                }
                let all = running.written.remove(&interval).unwrap_or_default();
                if let Some((barrier, kind)) = running.kinds.get(&interval).cloned() {
                    self.store(attempt, barrier, kind, all);
                }
            }
            // The workers of a job of several processes stay who they are.
            News::Installed(..) | News::Left(_) | News::Rescale(..) => {}
            News::Finished(at) => {
                let Some(worker) = number(running, at) else { return };
                let Some(member) = self.members.get_mut(&worker) else { return };
                member.finished();
                let version = member.standing().and_then(|standing| standing.finished).unwrap_or_default();
                self.say(&Word::Report { term, worker, attempt, report: Report::Finished(version) });
            }
            News::Ended => {
                let failure = running.attempt.failure();
                let workers = running.workers.clone();
                self.tell_figures();
                match failure {
                    Some(error) => self.failed(attempt, &error),
                    None => {
                        for worker in workers {
                            self.say(&Word::Report { term, worker, attempt, report: Report::Left });
                        }
                    }
                }
            }
            News::Savepoint(..) | News::Stop => {}
        }
    }
    /// Stores what all workers here have written, on a thread of its own: that may take long.
    fn store(&self, attempt: u64, barrier: Barrier, kind: Kind, written: Vec<Written>) {
        let Barrier { interval, scope, .. } = barrier;
        let (location, operators) = (self.kit.location.clone(), self.kit.operators.ids.clone());
        let (inputs, process, term) = (self.kit.inputs.clone(), self.process.unwrap_or_default(), self.term());
        let mut content = Chunks::default();
        for part in written {
            content.chunks.extend(part.chunks);
            content.schemas.extend(part.schemas);
        }
        let write = move || {
            let writer = SegmentWriter::open(&location, term, process)?;
            Ok(writer.write(&kind, interval, scope, &operators, content)?.encode())
        };
        let sender = inputs.clone();
        let thread = std::thread::Builder::new().name("malstrom-storage".into());
        let begun = thread.spawn(move || drop(sender.send(Input::Stored { attempt, interval, part: write() })));
        if let Err(cause) = begun {
            let part = Err(Error::Runtime { doing: "start the storage thread", cause: cause.into() });
            drop(inputs.send(Input::Stored { attempt, interval, part }));
        }
    }
    fn stored(&mut self, interval: u64, part: Result<Vec<u8>>) {
        let term = self.term();
        let Some(running) = &mut self.running else { return };
        let attempt = running.number;
        if !running.kinds.contains_key(&interval) {
            // It was given up in the meantime.
            return;
        }
        match part {
            Ok(part) => {
                running.parts.insert(interval, part.clone());
                for worker in &running.workers {
                    if let Some(member) = self.members.get_mut(worker) {
                        member.written(interval);
                    }
                }
                self.say(&Word::Written { term, attempt, interval, part });
            }
            Err(error) => {
                tracing::warn!(interval, cause = ?error, "a part of a snapshot could not be stored");
                self.say(&Word::Unwritten { term, attempt, interval, why: format!("{error:?}") });
            }
        }
    }
    fn tell_figures(&mut self) {
        let Some(running) = &self.running else { return };
        let mut done = Done::of(running.number, &running.attempt.figures());
        let progress = running.attempt.progress().into_iter();
        done.splits = progress.map(|progress| (progress.split, progress.done, progress.total)).collect();
        if self.told.as_ref() != Some(&done) {
            self.say(&Word::Did(done.clone()));
            self.told = Some(done);
        }
    }
}
impl Running {
    fn settled(&mut self, outcome: Outcome) {
        let interval = outcome.interval();
        self.kinds.remove(&interval);
        self.parts.remove(&interval);
        self.written.remove(&interval);
        self.attempt.command(worker::Command::Settle(outcome));
    }
}
