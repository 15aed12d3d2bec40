//! The coordinator of a job of several processes: what it hears and has to say, around the [state machine](Coordinator) that decides.
//!
//! It acts on the store, and on what lies [outside](Outside), within each [step](Leader::step). [A thread](Leader::run) takes the steps
//! in a job, and a simulation does in tests.
mod balancing;
mod heard;
mod kept;
mod outside;
mod scaling;
mod told;

use super::PATIENCE;
use super::lead::Lead;
use super::processes::{Names, Processes};
use super::words::{Failure, Hello, Limit, Order, Word};
use crate::contract::snapshot::Outcome;
use crate::coordinator::member::Command;
use crate::coordinator::{Action, Coordinator, Event, Policy};
use crate::error::{Error, Result};
use crate::net::Holders;
use crate::net::control::{ConnectionId, ControlEvent, SILENCE};
use crate::runtime::attempt::Moved;
use crate::runtime::balancing::Balancing;
use crate::runtime::keeping::{Asker, Askers, Found, Restore, Stored, Vault, turn_down};
use crate::runtime::scalers::Scalers;
use crate::snapshot::{self, End};
pub(super) use outside::{Network, Outside};
use scaling::Seats;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// After so long the commit log is claimed again, if the store could not be reached.
const AGAIN: Duration = Duration::from_secs(1);
/// Processes are given so long to hear that the job is over.
const FAREWELL: Duration = Duration::from_secs(2);
/// A process that others cannot reach is left out for so long. Where the job can go on without it, that is longer than more processes are
/// waited for, or it would be back before the job has gone on.
const APART: Duration = Duration::from_secs(10);
const DONE_WITHOUT: Duration = PATIENCE.saturating_add(APART);
/// In a term that is not the first, processes that have no number are given one only after so long: those may come back that have
/// them, when they have noticed that the coordinator before is gone.
const NUMBERED: Duration = SILENCE.saturating_add(Duration::from_secs(1));

/// What reaches the coordinator.
pub(super) enum Input {
    Control(ControlEvent),
    /// The job is told to stop.
    Stop,
    /// Another coordinator shows itself, with a higher term.
    Overtaken,
    /// Somebody in this process asks for a savepoint.
    Savepoint(String, Sender<Result<()>>),
    /// Or wants so many workers.
    Rescale(usize, Sender<Result<Moved>>),
    /// Or wants all workers to have as much to do as each other.
    Rebalance(Sender<Result<Moved>>),
}

/// How many processes with workers there are to be, and with how many the job goes on in want of the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) processes: usize,
    pub(super) least: usize,
}
/// A process that others cannot reach, which is left out until then.
#[derive(Debug)]
struct Apart {
    until: Duration,
    /// What it has said meanwhile.
    joined: Option<Word>,
}
/// See the [module](self).
pub(super) struct Leader {
    lead: Arc<Lead>,
    vault: Stored,
    coordinator: Coordinator,
    outside: Box<dyn Outside>,
    processes: Processes,
    /// Whom those may be that are connected, by their certificates.
    holders: HashMap<ConnectionId, Holders>,
    names: Names,
    /// What the processes have written of snapshots of which it is not known what became, by their intervals.
    parts: BTreeMap<u64, BTreeMap<u32, snapshot::Written>>,
    /// What the next attempt is restored from, and whether the term in which it begins is claimed already.
    found: Option<Found>,
    /// By what that is found, until there is a newer snapshot.
    restore: Restore,
    /// The job is to begin with something else than what it may be running with.
    anew: bool,
    claimed: bool,
    claim_again: Option<Duration>,
    /// Who takes part in the attempt, and who is in want of being replaced once there is a snapshot.
    leaving: BTreeSet<u32>,
    apart: BTreeMap<u32, Apart>,
    /// Those that have no number yet, and until when they wait for one.
    unnumbered: Vec<(ConnectionId, Hello)>,
    numbered_at: Duration,
    wanted: Wanted,
    /// How many processes are to take part, if somebody has said so: others are not needed.
    limit: Option<Limit>,
    seats: Seats,
    scalers: Scalers,
    balancing: Balancing,
    askers: Askers,
    stopping: bool,
    /// All are to be told so, when the change is made that is being made.
    stop_due: bool,
    /// What key hashes are seeded with in the attempts in which workers stand, as they say.
    seeds: BTreeMap<u64, u64>,
    /// Whether the attempt has begun in this term: if not, it goes on.
    begun: bool,
    /// Why the attempt is given up.
    failure: Option<Failure>,
    over: Option<Result<()>>,
}
impl Leader {
    pub(super) fn new(
        lead: Arc<Lead>,
        (vault, found, restore): (Stored, Option<Found>, Restore),
        (policy, wanted, rebalance): (Policy, Wanted, bool),
        outside: Box<dyn Outside>,
    ) -> (Self, Vec<Action>) {
        let (coordinator, first) = Coordinator::new(policy);
        let askers = Askers::new(vault.looks_every(policy.every), outside.now());
        let balancing = Balancing::new(outside.now(), rebalance);
        let leader = Leader {
            lead,
            vault,
            coordinator,
            outside,
            processes: Processes::default(),
            holders: HashMap::new(),
            names: Names::default(),
            parts: BTreeMap::new(),
            found,
            anew: restore != Restore::Latest,
            restore,
            claimed: true,
            claim_again: None,
            leaving: BTreeSet::new(),
            apart: BTreeMap::new(),
            unnumbered: Vec::new(),
            numbered_at: Duration::ZERO,
            wanted,
            limit: None,
            seats: Seats::default(),
            scalers: Scalers::default(),
            balancing,
            askers,
            stopping: false,
            stop_due: false,
            seeds: BTreeMap::new(),
            begun: false,
            failure: None,
            over: None,
        };
        (leader, first)
    }
    /// Begins with what is to be done first.
    pub(super) fn begin(&mut self, first: Vec<Action>) -> Option<Result<()>> {
        self.act(first);
        self.stands()
    }
    /// When it wants to be told that time has passed.
    pub(super) fn due(&self) -> Duration {
        let dues = [
            self.coordinator.due(),
            self.processes.due(),
            self.claim_again,
            self.apart.values().map(|apart| apart.until).min(),
            (!self.unnumbered.is_empty()).then_some(self.numbered_at),
        ];
        dues.into_iter().flatten().min().unwrap_or(Duration::MAX).min(self.askers.due()).min(self.balancing.due())
    }
    /// Takes in what has happened, or that time has passed. What came of the job, once it is over: all have been told then, and there
    /// is nothing left to take in.
    pub(super) fn step(&mut self, input: Option<Input>) -> Option<Result<()>> {
        match input {
            Some(Input::Control(event)) => self.hear(event),
            Some(Input::Stop) => self.stop(),
            Some(Input::Overtaken) => self.overtaken(),
            Some(Input::Savepoint(name, reply)) => {
                if self.askers.ask(&self.vault, &name, Asker::Here(reply)) {
                    self.on(Event::Savepoint(name));
                }
            }
            Some(Input::Rescale(workers, reply)) => self.rescale(workers, reply),
            Some(Input::Rebalance(reply)) => self.rebalance(reply),
            None => self.tick(),
        }
        self.stands()
    }
    fn stands(&mut self) -> Option<Result<()>> {
        self.give_numbers();
        self.tell_how_it_is();
        if self.over.is_none() {
            for name in self.askers.look(self.outside.now(), &self.vault) {
                self.on(Event::Savepoint(name));
            }
            self.look_at_loads();
        }
        let over = self.over.take()?;
        self.end(over)
    }
    /// The job is over, or this coordinator is: says so to all.
    fn end(&mut self, over: Result<()>) -> Option<Result<()>> {
        let why = match &over {
            Ok(()) => "the job has ended".to_owned(),
            Err(failure) => format!("the job has failed: {failure}"),
        };
        self.askers.turn_down_here(&self.vault, &why);
        self.scalers.turn_down(&why);
        turn_down(&self.vault, &why);
        // Whoever has taken over has something to say to them, and this one has not.
        if !matches!(over, Err(Error::Fenced { .. })) {
            self.outside.ends(if over.is_ok() { End::Done } else { End::Failed });
            self.tell_all(&Order::End(over.as_ref().err().map(ToString::to_string)));
        }
        // What was said last is to arrive.
        self.processes.connections().into_iter().for_each(|connection| self.outside.close(connection));
        Some(over)
    }
    fn tick(&mut self) {
        let now = self.outside.now();
        let back: Vec<u32> =
            self.apart.iter().filter(|(_, apart)| apart.until <= now).map(|(process, _)| *process).collect();
        for process in back {
            let joined = self.apart.remove(&process).and_then(|apart| apart.joined);
            self.count();
            if let Some(joined) = joined {
                self.take(process, joined);
            }
        }
        for process in self.processes.take_lost(now) {
            tracing::warn!(process, "a process does not come back");
            let workers = self.processes.forget(process);
            self.lose(process, workers);
        }
        if self.claim_again.take_if(|at| *at <= now).is_some() {
            self.act(vec![Action::Claim]);
        }
        self.on(Event::Tick);
    }
    fn on(&mut self, event: Event) {
        let actions = self.coordinator.on(self.outside.now(), event);
        self.act(actions);
    }
    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            if self.over.is_some() {
                return;
            }
            match action {
                Action::Claim => self.claim(),
                Action::Tell(command) => {
                    if matches!(command, Command::Settle(Outcome::Aborted { .. })) {
                        self.lead.note(|state| state.survived.given_up += 1);
                    }
                    if let (Command::Go { attempt }, Err(error)) = (&command, self.check_taken_in(&command)) {
                        let failure = Failure { what: error.to_string(), restart: false, config: true };
                        self.broken(*attempt, failure);
                        return;
                    }
                    let to = self.processes_of(&self.coordinator.participants());
                    self.command(&to, command);
                }
                Action::TellThese { to, command } => self.tell_these(&to, command),
                Action::Store { barrier, purpose, change } => self.store(barrier, &purpose, change.as_deref()),
                Action::NoSavepoint(name) => {
                    let why = || Err(Error::custom(format!("`{name}` was not taken: it could not be stored")));
                    self.askers.answer(&self.vault, &name, why);
                }
                Action::Unstorable => {
                    let what = "the last snapshot of the job cannot be stored, so what it wrote since the one before is not published";
                    let failure = Failure { what: what.to_owned(), restart: true, config: false };
                    self.broken(self.coordinator.attempt(), failure);
                }
                Action::GiveUp => {
                    let failure = self.failure.take().map(|failure| match failure.config {
                        true => Error::Config(failure.what),
                        false => Error::custom(failure.what),
                    });
                    self.over = Some(Err(failure.unwrap_or_else(|| Error::custom("the job has failed"))));
                }
                Action::End => self.over = Some(Ok(())),
                Action::StepDown => self.over = Some(Err(Error::Fenced { term: self.coordinator.term() + 1 })),
                Action::Moved { layout } => self.moved(&layout),
                Action::NotMoved => self.not_moved(),
                // How many there are to be is said by `count`.
                Action::Record { .. } => {}
            }
        }
    }
    /// Once all have taken in what they are restored from, refuses what nobody has asked for.
    fn check_taken_in(&mut self, command: &Command) -> Result<()> {
        if matches!(command, Command::Go { .. }) { self.vault.check_taken_in() } else { Ok(()) }
    }
    fn broken(&mut self, attempt: u64, failure: Failure) {
        if attempt != self.coordinator.attempt() {
            return;
        }
        tracing::warn!(cause = failure.what, "attempt has failed");
        let restart = failure.restart;
        self.failure = Some(failure);
        self.on(Event::Broken { attempt, restart });
        if self.stopping && self.over.is_none() {
            let what = self.failure.take().map_or_else(String::new, |failure| failure.what);
            self.over = Some(Err(Error::custom(what)));
        }
    }
}
