//! The coordinator of a job of several processes: what it hears and has to say, around the [state machine](Coordinator) that decides.
use super::lead::Lead;
use super::processes::{Names, Processes};
use super::words::{self, Done, Failure, Order, Setup, Word, process_of};
use crate::contract::snapshot::{Barrier, Outcome};
use crate::coordinator::member::Command;
use crate::coordinator::{Action, Coordinator, Event, Policy, Purpose, Report};
use crate::error::{Error, Result};
use crate::net::control::{ConnectionId, Control, ControlEvent};
use crate::runtime::keeping::{Asker, Askers, Found, Restore, Stored, Vault, is_worth_a_restart, kind_of, turn_down};
use crate::snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// After so long the commit log is claimed again, if the store could not be reached.
const AGAIN: Duration = Duration::from_secs(1);
/// Processes are given so long to hear that the job is over.
const FAREWELL: Duration = Duration::from_secs(2);
/// A process that others cannot reach is left out for so long.
const APART: Duration = Duration::from_secs(10);

/// What reaches the coordinator.
pub(super) enum Input {
    Control(ControlEvent),
    /// The job is told to stop.
    Stop,
    /// Somebody in this process asks for a savepoint.
    Savepoint(String, Sender<Result<()>>),
}

/// See the [module](self).
pub(super) struct Leader {
    lead: Arc<Lead>,
    vault: Stored,
    coordinator: Coordinator,
    control: Control,
    processes: Processes,
    names: Names,
    /// What the processes have written of snapshots of which it is not known what became, by their intervals.
    parts: BTreeMap<u64, BTreeMap<u32, snapshot::Written>>,
    /// What the next attempt is restored from, and whether the term in which it begins is claimed already.
    found: Option<Found>,
    restore: Restore,
    claimed: bool,
    claim_again: Option<Duration>,
    /// Who takes part in the attempt, and who is in want of being replaced once there is a snapshot.
    leaving: BTreeSet<u32>,
    apart: BTreeMap<u32, Duration>,
    /// What those have said who are left out for a while: they do not say it again.
    unheard: BTreeMap<u32, Word>,
    askers: Askers,
    stopping: bool,
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
        policy: Policy,
        control: Control,
    ) -> (Self, Vec<Action>) {
        let (coordinator, first) = Coordinator::new(policy);
        let askers = Askers::new(vault.looks_every(policy.every), lead.now());
        let leader = Leader {
            lead,
            vault,
            coordinator,
            control,
            processes: Processes::default(),
            names: Names::default(),
            parts: BTreeMap::new(),
            found,
            restore,
            claimed: true,
            claim_again: None,
            leaving: BTreeSet::new(),
            apart: BTreeMap::new(),
            unheard: BTreeMap::new(),
            askers,
            stopping: false,
            begun: false,
            failure: None,
            over: None,
        };
        (leader, first)
    }
    /// Has the job run to its end.
    pub(super) fn run(mut self, first: Vec<Action>, inputs: &Receiver<Input>) -> Result<()> {
        self.act(first);
        loop {
            if let Some(over) = self.over.take() {
                return self.end(over, inputs);
            }
            let now = self.lead.now();
            for name in self.askers.look(now, &self.vault) {
                self.on(Event::Savepoint(name));
            }
            let dues =
                [self.coordinator.due(), self.processes.due(), self.claim_again, self.apart.values().min().copied()];
            let due = dues.into_iter().flatten().min().unwrap_or(Duration::MAX).min(self.askers.due());
            match inputs.recv_timeout(due.saturating_sub(self.lead.now())) {
                Ok(Input::Control(event)) => self.hear(event),
                Ok(Input::Stop) => self.stop(),
                Ok(Input::Savepoint(name, reply)) => {
                    if self.askers.ask(&self.vault, &name, Asker::Here(reply)) {
                        self.on(Event::Savepoint(name));
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.tick(),
                Err(RecvTimeoutError::Disconnected) => {
                    self.over = Some(Err(Error::custom("nobody is there who could run the job")));
                }
            }
            self.tell_how_it_is();
        }
    }
    fn end(mut self, over: Result<()>, inputs: &Receiver<Input>) -> Result<()> {
        let why = match &over {
            Ok(()) => "the job has ended".to_owned(),
            Err(failure) => format!("the job has failed: {failure}"),
        };
        self.askers.turn_down_here(&self.vault, &why);
        turn_down(&self.vault, &why);
        // Whoever has taken over has something to say to them, and this one has not.
        if !matches!(over, Err(Error::Fenced { .. })) {
            self.tell_all(&Order::End(over.as_ref().err().map(ToString::to_string)));
        }
        // What was said last is to arrive.
        self.processes.connections().into_iter().for_each(|connection| self.control.close(connection));
        let until = self.lead.now() + FAREWELL;
        while !self.processes.connections().is_empty() {
            match inputs.recv_timeout(until.saturating_sub(self.lead.now())) {
                Ok(Input::Control(ControlEvent::Closed(connection))) => {
                    self.processes.closed(connection, self.lead.now());
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        over
    }
    fn tick(&mut self) {
        let now = self.lead.now();
        self.apart.retain(|_, until| *until > now);
        let (unheard, heard) =
            std::mem::take(&mut self.unheard).into_iter().partition(|(process, _)| self.apart.contains_key(process));
        self.unheard = unheard;
        let heard: BTreeMap<u32, Word> = heard;
        heard.into_iter().for_each(|(process, word)| self.take(process, word));
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
    fn stop(&mut self) {
        if !std::mem::replace(&mut self.stopping, true) {
            tracing::info!("job is stopping");
            self.tell_all(&Order::Stop);
            if self.coordinator.attempt() == 0 {
                self.over = Some(Err(Error::custom("the job has been stopped before it began")));
            }
        }
    }

    // ---- what is heard ---------------------------------------------------------------------------------------------

    fn hear(&mut self, event: ControlEvent) {
        match event {
            ControlEvent::Opened(..) => {}
            ControlEvent::Closed(connection) => self.processes.closed(connection, self.lead.now()),
            ControlEvent::Said(connection, bytes) => match words::read::<Word>(&bytes) {
                Ok(Word::Hello(hello)) => {
                    if let Err(why) = self.welcome(connection, hello) {
                        tracing::warn!(why, "a process is turned away");
                        self.turn_away(connection, why);
                    }
                }
                Ok(word) => match self.processes.at(connection) {
                    Some(process) => self.take(process, word),
                    None => self.control.close(connection),
                },
                Err(error) => {
                    tracing::warn!(cause = ?error, "a process says what nobody understands");
                    self.control.close(connection);
                }
            },
        }
    }
    fn turn_away(&self, connection: ConnectionId, why: String) {
        let unwanted = words::write(&Order::Unwanted(why));
        drop(unwanted.map(|bytes| self.control.send(connection, bytes)));
        self.control.close(connection);
    }
    /// A process is there, or back. Or it is not wanted.
    fn welcome(&mut self, connection: ConnectionId, hello: words::Hello) -> Result<(), String> {
        let location = self.lead.location();
        if hello.location != location {
            return Err(format!(
                "it keeps snapshots at `{}`, and the coordinator at `{location}`: give all processes the same `--snapshots`",
                hello.location
            ));
        }
        let arrived = self.processes.arrive(connection, hello)?;
        let process = arrived.process;
        if let Some(replaced) = arrived.replaced {
            self.turn_away(replaced, format!("another process has come in its place as process {process}"));
        }
        if !arrived.lost.is_empty() {
            tracing::info!(process, "a process has been replaced");
            self.lose(process, arrived.lost);
        }
        self.tell(process, &Order::Welcome { process });
        if arrived.back {
            // What was under way on the connection before is lost, in both directions. All say anew how they stand.
            tracing::info!(process, "a process is back");
            self.on(Event::Uncertain);
        } else {
            tracing::info!(process, "a process is there");
            self.lead(process);
        }
        if self.stopping {
            self.tell(process, &Order::Stop);
        }
        Ok(())
    }
    /// Tells a process of this term, if there is one, upon which it says how it stands.
    fn lead(&self, process: u32) {
        let term = self.coordinator.term();
        if term > 0 && self.claim_again.is_none() {
            self.tell(process, &Order::Tell { term, command: Command::Lead, setup: None, savepoint: None });
        }
    }
    /// A process is gone, with these workers.
    fn lose(&mut self, process: u32, workers: std::ops::Range<usize>) {
        self.leaving.remove(&process);
        self.unheard.remove(&process);
        self.parts.values_mut().for_each(|parts| drop(parts.remove(&process)));
        workers.for_each(|worker| self.on(Event::Lost { worker }));
    }
    fn take(&mut self, process: u32, word: Word) {
        let current = |term: u64, leader: &Self| term == leader.coordinator.term();
        match word {
            Word::Hello(_) => {}
            word @ Word::Joined { .. } if self.apart.contains_key(&process) => drop(self.unheard.insert(process, word)),
            Word::Joined { term, standings, parts } if current(term, self) => {
                for (interval, part) in parts {
                    self.keep_part(process, interval, &part);
                }
                for (worker, standing) in standings.into_iter().filter(|(worker, _)| process_of(*worker) == process) {
                    // Who begins anew by the will of its user does not go on with what runs.
                    let standing = standing.filter(|_| self.restore == Restore::Latest);
                    self.on(Event::Joined { worker, standing });
                }
            }
            Word::Report { term, worker, attempt, report } if current(term, self) && process_of(worker) == process => {
                self.on(Event::Report { worker, attempt, report });
            }
            Word::Restored { term, attempt, parts } if current(term, self) && attempt == self.coordinator.attempt() => {
                self.vault.claim_parts(parts);
            }
            Word::Written { term, attempt, interval, part } if current(term, self) => {
                if self.keep_part(process, interval, &part) {
                    for worker in self.processes.workers(process) {
                        let report = Report::Written(interval);
                        self.on(Event::Report { worker, attempt, report });
                    }
                }
            }
            Word::Unwritten { term, interval, why, .. } if current(term, self) => {
                tracing::warn!(process, interval, why, "a part of a snapshot could not be stored");
                self.lead.note(|state| state.failed_snapshots += 1);
                self.on(Event::Failed { interval });
            }
            Word::Failed { term, attempt, failure } if current(term, self) => {
                let what = format!("process {process}: {}", failure.what);
                self.broken(attempt, Failure { what, ..failure });
            }
            Word::Cut { term, attempt, peer, why } if current(term, self) && attempt == self.coordinator.attempt() => {
                self.cut(process, peer, &why);
            }
            Word::Leaving => {
                tracing::info!(process, "a process would like to leave");
                self.leaving.insert(process);
                self.on(Event::Hasten);
            }
            Word::Did(done) => self.did(process, done),
            Word::Joined { .. }
            | Word::Report { .. }
            | Word::Restored { .. }
            | Word::Written { .. }
            | Word::Unwritten { .. }
            | Word::Failed { .. }
            | Word::Cut { .. } => tracing::debug!(process, "something is heard too late"),
        }
    }
    /// Two processes cannot reach each other. One of them is left out for a while: the one of which more others say so, or which has
    /// said nothing.
    fn cut(&mut self, from: u32, peer: u32, why: &str) {
        tracing::warn!(from, peer, why, "a process cannot reach another one");
        let now = self.lead.now();
        let out = self.processes.note_cut(from, peer);
        self.apart.insert(out, now + APART);
        for worker in self.processes.workers(out) {
            self.on(Event::Lost { worker });
        }
    }
    fn did(&mut self, process: u32, done: Done) {
        self.processes.did(process, done);
        let figures = self.processes.figures(self.lead.fresh_figures(), &mut self.names);
        self.lead.note(|state| (state.figures, state.splits) = figures);
    }
    fn keep_part(&mut self, process: u32, interval: u64, part: &[u8]) -> bool {
        match snapshot::Written::decode(part) {
            Ok(written) if written.interval() == interval => {
                self.parts.entry(interval).or_default().insert(process, written);
                true
            }
            Ok(_) | Err(_) => {
                tracing::warn!(process, interval, "what a process has written of a snapshot cannot be read");
                false
            }
        }
    }

    // ---- what is done ----------------------------------------------------------------------------------------------

    fn on(&mut self, event: Event) {
        let actions = self.coordinator.on(self.lead.now(), event);
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
                    if let (Command::Go { attempt }, Err(error)) = (&command, self.check_taken_in(&command)) {
                        let failure = Failure { what: error.to_string(), restart: false, config: true };
                        self.broken(*attempt, failure);
                        return;
                    }
                    let to = self.processes_of(&self.coordinator.participants());
                    self.command(&to, command);
                }
                Action::TellThese { to, command } => self.command(&self.processes_of(&to), command),
                Action::Store { barrier, purpose, .. } => self.store(barrier, &purpose),
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
                // The number of workers does not change while they run.
                Action::Record { .. } | Action::Moved { .. } | Action::NotMoved => {}
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
    /// Begins a term.
    fn claim(&mut self) {
        self.begun = false;
        let claimed = match std::mem::take(&mut self.claimed) {
            true => Ok(()),
            false => {
                self.restore = Restore::Latest;
                let claimed = self.vault.claim();
                claimed.and_then(|()| {
                    self.found = self.vault.find(&Restore::Latest)?;
                    Ok(())
                })
            }
        };
        match claimed {
            Ok(()) => {
                let origin = self.vault.origin(self.found.as_ref());
                self.parts.retain(|interval, _| *interval > origin.interval);
                self.on(Event::Claimed(origin));
                self.processes.all().into_iter().for_each(|process| self.lead(process));
            }
            Err(error @ Error::Fenced { .. }) => self.over = Some(Err(error)),
            Err(error) if is_worth_a_restart(&error) => {
                tracing::warn!(cause = ?error, "the commit log cannot be claimed; it is tried again");
                self.claim_again = Some(self.lead.now() + AGAIN);
            }
            Err(error) => self.over = Some(Err(error)),
        }
    }
    /// Stores a snapshot of which all processes have written their parts.
    fn store(&mut self, barrier: Barrier, purpose: &Purpose) {
        let interval = barrier.interval;
        let parts = self.parts.remove(&interval).unwrap_or_default();
        self.parts = self.parts.split_off(&interval);
        let members = self.processes_of(self.coordinator.layout().members());
        let written: Vec<_> = members.iter().filter_map(|process| parts.get(process).cloned()).collect();
        if written.len() < members.len() {
            // Some wrote it for another coordinator, and for something else.
            self.on(Event::Failed { interval });
            return;
        }
        if !self.begun {
            self.vault.goes_on();
        }
        self.vault.in_attempt(self.coordinator.attempt());
        let bytes = written.iter().map(snapshot::Written::bytes).sum();
        match self.vault.commit(barrier, kind_of(purpose), written) {
            Ok(()) => {
                self.lead.committed(interval, bytes);
                if let Purpose::Savepoint(name) = purpose {
                    self.askers.answer(&self.vault, name, || Ok(()));
                }
                self.on(Event::Committed { interval });
                if let Err(error) = self.vault.tidy() {
                    tracing::warn!(cause = ?error, "what is not needed any more cannot be deleted, or something is damaged");
                }
                self.let_go();
            }
            Err(Error::Fenced { .. }) => self.on(Event::Fenced),
            Err(error) => {
                tracing::warn!(interval, cause = ?error, "snapshot could not be stored");
                self.lead.note(|state| state.failed_snapshots += 1);
                if self.vault.is_open() {
                    self.on(Event::Failed { interval });
                } else {
                    self.on(Event::Uncertain);
                }
            }
        }
    }
    /// Those leave who would like to, as there is a snapshot.
    fn let_go(&mut self) {
        // Those who have the last snapshot publish what it has.
        if !self.coordinator.is_running() {
            return;
        }
        for process in std::mem::take(&mut self.leaving) {
            self.tell(process, &Order::End(None));
            let workers = self.processes.forget(process);
            self.lose(process, workers);
        }
    }
    fn processes_of(&self, workers: &[usize]) -> BTreeSet<u32> {
        workers.iter().map(|worker| process_of(*worker)).collect()
    }
    fn command(&mut self, to: &BTreeSet<u32>, command: Command) {
        let mut setup = None;
        let savepoint = match &command {
            Command::Begin { attempt, layout, .. } => {
                let restored_from = self.found.as_ref().map(|found| found.interval);
                self.lead.begins(restored_from);
                (self.failure, self.restore) = (None, Restore::Latest);
                self.begun = true;
                self.parts.clear();
                self.processes.forget_cuts();
                let restore = self.found.as_ref().and_then(|_| self.vault.restores());
                tracing::info!(attempt, workers = layout.members().len(), restored_from, "attempt begins");
                setup = Some(Setup {
                    processes: self.processes.setup(layout.members()),
                    seed: self.vault.seed(),
                    restore,
                    stopping: self.stopping,
                });
                None
            }
            Command::Trigger { barrier, .. } => {
                tracing::debug!(interval = barrier.interval, "snapshot begins");
                self.lead.triggered(barrier.interval);
                self.coordinator.savepoint_under_way().map(str::to_owned)
            }
            Command::Settle(Outcome::Aborted { interval }) => {
                self.parts.remove(interval);
                None
            }
            _ => None,
        };
        let order = Order::Tell { term: self.coordinator.term(), command, setup, savepoint };
        to.iter().for_each(|process| self.tell(*process, &order));
    }
    fn tell(&self, process: u32, order: &Order) {
        let Some(connection) = self.processes.connection(process) else { return };
        match words::write(order) {
            // Who cannot be reached is found to be lost, or comes back and says how it stands.
            Ok(bytes) => drop(self.control.send(connection, bytes)),
            Err(error) => tracing::error!(cause = ?error, "an order cannot be written"),
        }
    }
    fn tell_all(&self, order: &Order) {
        self.processes.all().into_iter().for_each(|process| self.tell(process, order));
    }
    fn tell_how_it_is(&self) {
        let workers = self.coordinator.layout().members().len();
        let (term, attempt, interval) =
            (self.coordinator.term(), self.coordinator.attempt(), self.coordinator.interval());
        self.lead.note(|state| {
            (state.term, state.attempt, state.interval) = (term, attempt, interval);
            state.waits_for = self.coordinator.waits_for();
            state.workers = workers;
            state.running = self.coordinator.is_running();
            state.processes = self.processes.status(self.lead.now());
        });
    }
}
