//! An attempt that is under way in a process.
use super::{Input, SESSION};
use crate::contract::snapshot::{Barrier, Outcome};
use crate::error::{Error, Result};
use crate::exchange::layout::Layout;
use crate::exchange::places::Places;
use crate::exchange::session::{self, Config};
use crate::net::Listener;
use crate::net::data::{Mesh, MeshSettings, Peer};
use crate::runtime::attempt::{Attempt, Beginning, Plan};
use crate::runtime::clock;
use crate::runtime::cluster::roster::Roster;
use crate::runtime::cluster::words::{Setup, process_of};
use crate::runtime::keeping::{Operators, Restoring};
use crate::snapshot::{Kind, Location};
use crate::worker::{self, Written};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// What the workers of a process are made with, in each attempt.
pub(in super::super) struct Kit {
    pub(in super::super) plan: Plan,
    pub(in super::super) operators: Operators,
    pub(in super::super) location: Location,
    pub(in super::super) listener: Listener,
    /// Where others reach this process.
    pub(in super::super) address: String,
    /// The number that it would like to have.
    pub(in super::super) process: Option<u32>,
    /// For how long its sources are read without a coordinator.
    pub(in super::super) fence_after: Duration,
    pub(in super::super) inputs: Sender<Input>,
    pub(in super::super) roster: Arc<Roster>,
}
/// See the [module](self).
pub(super) struct Running {
    pub(super) number: u64,
    pub(super) seed: u64,
    pub(super) attempt: Arc<Attempt>,
    /// The numbers of its workers, in order, and where they begin among all.
    pub(super) workers: Vec<usize>,
    first: usize,
    pub(super) restoring: Option<Restoring>,
    /// How many have taken in what there was for them.
    pub(super) loaded: usize,
    /// Dropped before the attempt is waited for: nothing is to arrive any more.
    mesh: Option<Mesh>,
    /// What they have written at barriers, as far as not all of them have.
    pub(super) written: BTreeMap<u64, Vec<Written>>,
    /// What snapshots are for of which it is not known what became.
    pub(super) kinds: BTreeMap<u64, (Barrier, Kind)>,
    /// Their parts that are stored.
    pub(super) parts: BTreeMap<u64, Vec<u8>>,
}
impl Running {
    /// Begins an attempt in process `me`.
    ///
    /// # Errors
    /// If the coordinator has said what cannot be, what is to be restored cannot be opened, or no threads are to be had.
    pub(super) fn begin(
        kit: &Kit,
        me: u32,
        (number, interval): (u64, u64),
        layout: &Layout,
        setup: Setup,
    ) -> Result<Self> {
        let workers: Vec<usize> = layout.members().iter().copied().filter(|worker| process_of(*worker) == me).collect();
        let places = Places::new(me, setup.processes.iter().map(|(process, workers, _)| (*process, *workers)));
        let first = places.here().start;
        if places.here().len() != workers.len() {
            return Err(Error::custom("the coordinator does not know which workers this process has"));
        }
        let Kit { plan, operators, location, listener, inputs, .. } = kit;
        let restoring = setup.restore.map(|point| Restoring::open(location, &point, operators)).transpose()?;
        let seed = setup.seed;
        let plan = Plan { seed, workers: places.workers(), ..plan.clone() };
        let sender = inputs.clone();
        // Nobody listens once the process is about to end.
        let tell = Arc::new(move |news| drop(sender.send(Input::News(number, news))));
        let shelves = restoring.as_ref().map(Restoring::shelves);
        let beginning = Beginning { term: number, interval, shelves, tell };
        let attempt = Attempt::among(&plan, places, Some(beginning))?;
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
        Ok(Running { number, seed, attempt, workers, first, restoring, loaded: 0, mesh, written, kinds, parts })
    }
    /// Has all workers give up, and waits until they have.
    pub(super) fn give_up(mut self) {
        drop(self.mesh.take());
        self.attempt.cancel();
        self.attempt.wait();
    }
    /// The number of the worker at this place among all.
    pub(super) fn number_of(&self, at: usize) -> Option<usize> {
        self.workers.get(at.checked_sub(self.first)?).copied()
    }
    /// Something has become of a snapshot.
    pub(super) fn settled(&mut self, outcome: Outcome) {
        let interval = outcome.interval();
        self.kinds.remove(&interval);
        self.parts.remove(&interval);
        self.written.remove(&interval);
        self.attempt.command(worker::Command::Settle(outcome));
    }
}
