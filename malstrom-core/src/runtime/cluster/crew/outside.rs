//! What a crew acts on, and the thread that takes its steps.
use super::storage::{Part, Storage};
use super::{Crew, Gone, Input};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot;
use crate::contract::source::Progress;
use crate::error::{Error, Result};
use crate::exchange::layout::Change;
use crate::exchange::places::Places;
use crate::exchange::session::{self, Config};
use crate::failpoint::{Failpoint, reach};
use crate::net::Listener;
use crate::net::control::Link;
use crate::net::data::{Mesh, MeshSettings, Peer};
use crate::runtime::attempt::{Attempt, Beginning, Plan};
use crate::runtime::clock::{self, Clock};
use crate::runtime::cluster::roster::Roster;
use crate::runtime::cluster::words::{Samples, Seat, Setup};
use crate::runtime::keeping::{Operators, Restoring};
use crate::runtime::report::Figures;
use crate::snapshot::Location;
use crate::worker;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};

/// The sessions between processes have room for the largest message that there can be; what is kept for a worker that is slow is bounded
/// by its lines.
const SESSION: u64 = 24 << 20;

/// An attempt that is to begin here.
pub(in super::super) struct Begin {
    /// The term that it begins in, its number, and the interval that begins.
    pub(in super::super) term: u64,
    pub(in super::super) number: u64,
    pub(in super::super) interval: u64,
    /// Which workers are where.
    pub(in super::super) places: Places,
    /// The process.
    pub(in super::super) me: u32,
    pub(in super::super) key_groups: KeyGroups,
    pub(in super::super) setup: Setup,
    /// By what they join others that are at work, if they do.
    pub(in super::super) joins: Option<Arc<Change>>,
}
/// What lies outside of a crew: the connection to its coordinator, threads that work, and the store.
pub(in super::super) trait Outside {
    /// Says something to the coordinator. What does not arrive is said again when there is a connection.
    fn say(&self, message: Bytes);
    /// Has a part stored, behind those before it. An [`Input::Stored`] tells what became of it.
    fn store(&self, part: Part);
    /// Has the workers of this process begin. [`Input::News`] tells what they do, and [`Input::Cut`] which process they cannot reach.
    ///
    /// # Errors
    /// If what is to be restored cannot be opened, or no threads are to be had.
    fn begin(&self, begin: Begin) -> Result<Box<dyn Work>>;
}
/// The workers of a process, at work in an attempt.
pub(in super::super) trait Work {
    /// Asks all of them to do something.
    fn command(&self, command: worker::Command);
    /// These are the processes that take part or are about to.
    fn seats(&mut self, seats: &[Seat]);
    /// Ends the sources.
    fn stop(&self);
    /// Has the sources not be read for now, or be read on.
    fn pause(&self, pause: bool);
    /// What they have asked for of what they are restored from. Asked once, when they have taken it in.
    fn claimed(&mut self) -> Vec<(String, snapshot::Part)>;
    /// What went wrong, if something did. Asked once, when all have ended.
    fn failure(&self) -> Option<Error>;
    /// What they have done so far, and how far they are with their splits.
    fn done(&self) -> (Figures, Vec<Progress>);
    /// Of which key groups there were samples among the records that they have sent since this was last asked, and how many.
    fn samples(&self) -> Samples;
    /// Has all give up, and waits until they have.
    fn give_up(self: Box<Self>);
}

/// What the workers of a process are made with, in each attempt.
pub(in super::super) struct Kit {
    pub(in super::super) plan: Plan,
    pub(in super::super) operators: Operators,
    pub(in super::super) location: Location,
    pub(in super::super) listener: Listener,
    pub(in super::super) inputs: Sender<Input>,
    pub(in super::super) roster: Arc<Roster>,
}
/// What lies outside of the crew of a job.
pub(in super::super) struct Threads {
    kit: Kit,
    link: Link,
    storage: Storage,
}
impl Threads {
    /// # Errors
    /// If the store of the snapshots cannot be opened, or there is no thread to be had.
    pub(in super::super) fn new(kit: Kit, link: Link) -> Result<Self> {
        let storage = Storage::start(&kit.location, kit.operators.ids.clone(), kit.inputs.clone())?;
        Ok(Threads { kit, link, storage })
    }
}
impl Outside for Threads {
    fn say(&self, message: Bytes) {
        let _ = self.link.send(message);
    }
    fn store(&self, part: Part) {
        self.storage.put(part);
    }
    fn begin(&self, begin: Begin) -> Result<Box<dyn Work>> {
        let Begin { term, number, interval, places, me, key_groups, setup, joins } = begin;
        let Kit { plan, operators, location, listener, inputs, roster } = &self.kit;
        let open = |point: String| Restoring::open(location, &point, operators, key_groups);
        let restoring = setup.restore.map(open).transpose()?;
        if restoring.is_some() {
            reach(Failpoint::Restoring);
        }
        let plan = Plan { seed: setup.seed, key_groups, workers: places.workers(), ..plan.clone() };
        let sender = inputs.clone();
        // Nobody listens once the process is about to end.
        let tell = Arc::new(move |news| drop(sender.send(Input::News(number, news))));
        let shelves = restoring.as_ref().map(Restoring::shelves);
        let beginning = Beginning { term: number, interval, stores: true, shelves, tell };
        let attempt = Attempt::among(&plan, places, Some(beginning), joins)?;
        let fabric = attempt.fabric().clone();
        let peers: Vec<Peer> = setup.seats.iter().filter_map(|seat| peer(&attempt, seat)).collect();
        let known = setup.seats.iter().map(|seat| seat.process).filter(|process| *process != me).collect();
        let session = session::Attempt { term: number, attempt: 0 };
        let config = Config { window: SESSION, ..MeshSettings::config() };
        let deliver = Arc::new(move |from, message| fabric.deliver(from, message).map_err(|error| error.to_string()));
        let sender = inputs.clone();
        let failed = Arc::new(move |peer, error: crate::net::data::PeerError| {
            let why = Error::custom(error);
            drop(sender.send(Input::Cut { attempt: number, peer, why: format!("{why:?}") }));
        });
        let mesh = Mesh::start(listener, MeshSettings { attempt: session, me, peers, config }, deliver, failed);
        roster.begins(term, number, attempt.clone());
        let (mesh, roster) = (Some(mesh), roster.clone());
        Ok(Box::new(Working { me, key_groups, attempt, mesh, known, restoring, roster }))
    }
}
/// A session with another process that takes part; `None` if it is this one.
fn peer(attempt: &Attempt, seat: &Seat) -> Option<Peer> {
    let outbox = attempt.fabric().outbox(seat.process)?;
    Some(Peer { process: seat.process, address: seat.address.clone(), outbox, number: clock::random() })
}
struct Working {
    me: u32,
    key_groups: KeyGroups,
    attempt: Arc<Attempt>,
    /// The other processes that take part or are about to.
    known: BTreeSet<u32>,
    /// Dropped before the attempt is waited for: nothing is to arrive any more.
    mesh: Option<Mesh>,
    restoring: Option<Restoring>,
    roster: Arc<Roster>,
}
impl Work for Working {
    fn command(&self, command: worker::Command) {
        self.attempt.command(command);
    }
    fn seats(&mut self, seats: &[Seat]) {
        let Some(mesh) = &mut self.mesh else { return };
        let others: BTreeSet<u32> =
            seats.iter().map(|seat| seat.process).filter(|process| *process != self.me).collect();
        for gone in self.known.difference(&others) {
            self.attempt.fabric().remove(*gone);
            mesh.remove(*gone);
        }
        for seat in seats.iter().filter(|seat| seat.process != self.me && !self.known.contains(&seat.process)) {
            self.attempt.fabric().add(seat.process, seat.range());
            if let Some(peer) = peer(&self.attempt, seat) {
                mesh.add(peer);
            }
        }
        self.known = others;
    }
    fn stop(&self) {
        self.attempt.stop();
    }
    fn pause(&self, pause: bool) {
        self.attempt.fabric().pause(pause);
    }
    fn claimed(&mut self) -> Vec<(String, snapshot::Part)> {
        self.restoring.take().map(|restoring| restoring.claimed()).unwrap_or_default()
    }
    fn failure(&self) -> Option<Error> {
        self.attempt.failure()
    }
    fn done(&self) -> (Figures, Vec<Progress>) {
        (self.attempt.figures(), self.attempt.progress())
    }
    fn samples(&self) -> Samples {
        let samples = (0..).zip(self.attempt.fabric().loads().take(self.key_groups));
        let some = samples.filter(|(_, count)| *count > 0);
        some.map(|(group, count)| (group, u32::try_from(count).unwrap_or(u32::MAX))).collect()
    }
    fn give_up(mut self: Box<Self>) {
        drop(self.mesh.take());
        self.attempt.cancel();
        self.attempt.wait();
        self.roster.ends();
    }
}

impl Crew {
    /// Works until there is nothing to do any more.
    ///
    /// # Errors
    /// If the coordinator has no use for this process, or says that the job has failed.
    pub(in super::super) fn run(mut self, clock: Clock, inputs: &Receiver<Input>) -> Result<Gone> {
        loop {
            let input = match inputs.recv_timeout(self.due().saturating_sub(clock.now())) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(Gone::Over),
            };
            if let Some(over) = self.step(clock.now(), input) {
                return over;
            }
        }
    }
}
