//! What a coordinator hears from the processes of its job.
use super::{APART, Apart, DONE_WITHOUT, Leader};
use crate::coordinator::member::Command;
use crate::coordinator::{Event, Report};
use crate::net::control::{ConnectionId, ControlEvent};
use crate::runtime::cluster::words::{self, Done, Failure, Order, Word, process_of};
use crate::snapshot;
use std::ops::Range;
use std::time::Duration;

impl Leader {
    pub(super) fn hear(&mut self, event: ControlEvent) {
        match event {
            ControlEvent::Opened(connection, _, holders) => drop(self.holders.insert(connection, holders)),
            ControlEvent::Closed(connection) => {
                self.holders.remove(&connection);
                self.unnumbered.retain(|(other, _)| *other != connection);
                self.processes.closed(connection, self.outside.now());
            }
            ControlEvent::Said(connection, bytes) => match words::read::<Word>(&bytes) {
                Ok(Word::Hello(hello)) if hello.process.is_none() && self.holds_numbers_back() => {
                    self.unnumbered.push((connection, hello));
                }
                Ok(Word::Hello(hello)) => {
                    if let Err(why) = self.welcome(connection, hello) {
                        tracing::warn!(why, "a process is turned away");
                        self.turn_away(connection, why);
                    }
                }
                Ok(word) => match self.processes.at(connection) {
                    Some(process) => self.take(process, word),
                    None => self.outside.close(connection),
                },
                Err(error) => {
                    tracing::warn!(cause = ?error, "a process says what nobody understands");
                    self.outside.close(connection);
                }
            },
        }
    }
    /// Whether those may still come that have numbers already.
    fn holds_numbers_back(&self) -> bool {
        self.coordinator.term() > 1 && self.coordinator.is_gathering() && self.outside.now() < self.numbered_at
    }
    /// Lets those in who have no number, if all have come that have one.
    pub(super) fn give_numbers(&mut self) {
        if self.unnumbered.is_empty() || self.holds_numbers_back() {
            return;
        }
        for (connection, hello) in std::mem::take(&mut self.unnumbered) {
            if let Err(why) = self.welcome(connection, hello) {
                self.turn_away(connection, why);
            }
        }
    }
    fn turn_away(&self, connection: ConnectionId, why: String) {
        let unwanted = words::write(&Order::Unwanted(why));
        drop(unwanted.map(|bytes| self.outside.send(connection, bytes)));
        self.outside.close(connection);
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
        let holders = self.holders.get(&connection).ok_or("its connection is gone")?;
        let process = holders.process(hello.process)?;
        let arrived = self.processes.arrive(connection, words::Hello { process, ..hello })?;
        let process = arrived.process;
        self.count();
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
        if let Some(limit) = self.limit {
            self.tell(process, &Order::Limit(limit));
        }
        if self.stopping {
            self.tell(process, &Order::Stop);
        }
        Ok(())
    }
    /// Tells a process of this term, if there is one, upon which it says how it stands.
    pub(super) fn lead(&self, process: u32) {
        let term = self.coordinator.term();
        if term > 0 && self.claim_again.is_none() {
            self.tell(process, &Order::Tell { term, command: Command::Lead, setup: None, savepoint: None });
        }
    }
    /// A process is gone, with these workers.
    pub(super) fn lose(&mut self, process: u32, workers: Range<usize>) {
        self.leaving.remove(&process);
        self.apart.remove(&process);
        self.count();
        self.parts.values_mut().for_each(|parts| drop(parts.remove(&process)));
        workers.for_each(|worker| self.on(Event::Lost { worker }));
    }
    pub(super) fn take(&mut self, process: u32, word: Word) {
        let current = |term: u64, leader: &Self| term == leader.coordinator.term();
        match word {
            Word::Hello(_) => {}
            Word::Joined { term, standings, seed, seats, stopping, limit, parts } if current(term, self) => {
                if let Some(apart) = self.apart.get_mut(&process) {
                    apart.joined = Some(Word::Joined { term, standings, seed, seats, stopping, limit, parts });
                    return;
                }
                let attempt = standings.iter().filter_map(|(_, standing)| Some(standing.as_ref()?.attempt)).max();
                if let Some(attempt) = attempt {
                    self.seats.hear(attempt, seats.0, seats.1);
                }
                if let Some(limit) = limit {
                    self.keep_to(limit);
                    self.count();
                }
                if stopping {
                    // One before has said so.
                    self.stop();
                }
                for (interval, part) in parts {
                    self.keep_part(process, interval, &part);
                }
                let attempts = standings.iter().filter_map(|(_, standing)| Some(standing.as_ref()?.attempt));
                self.seeds.extend(attempts.filter_map(|attempt| Some((attempt, seed?))));
                for (worker, standing) in standings.into_iter().filter(|(worker, _)| process_of(*worker) == process) {
                    // Who begins anew by the will of its user does not go on with what runs.
                    let standing = standing.filter(|_| !self.anew);
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
                self.on(Event::Failed { interval });
            }
            Word::Failed { term, .. } | Word::Cut { term, .. }
                if current(term, self) && self.coordinator.is_gathering() =>
            {
                self.stands_nowhere(process);
            }
            Word::Failed { term, attempt, failure } if current(term, self) => {
                let what = format!("process {process}: {}", failure.what);
                self.broken(attempt, Failure { what, ..failure });
            }
            Word::Cut { term, attempt, peer, why } if current(term, self) => {
                // Where the attempt is over already, the peer is known to be gone.
                let under_way = self.coordinator.is_running() || self.coordinator.is_restoring();
                if attempt == self.coordinator.attempt() && under_way {
                    self.cut(process, peer, &why);
                }
            }
            Word::Leaving => {
                tracing::info!(process, "a process would like to leave");
                self.leaving.insert(process);
                self.count();
                self.on(if self.can_be_drained(process) { Event::Tick } else { Event::Hasten });
                self.dismiss();
            }
            Word::Handed { term, attempt, bytes, stood } if current(term, self) => {
                if attempt == self.coordinator.attempt() {
                    self.scalers.took_in(bytes, stood);
                }
            }
            Word::Did(done) => self.did(process, done),
            Word::Loads { attempt, samples } => self.sent(process, attempt, samples),
            Word::Handed { .. }
            | Word::Joined { .. }
            | Word::Report { .. }
            | Word::Restored { .. }
            | Word::Written { .. }
            | Word::Unwritten { .. }
            | Word::Failed { .. }
            | Word::Cut { .. } => tracing::debug!(process, "something is heard too late"),
        }
    }
    /// A process has said how it stands, and has left the attempt since.
    fn stands_nowhere(&mut self, process: u32) {
        if self.apart.contains_key(&process) {
            return;
        }
        for worker in self.processes.workers(process) {
            self.on(Event::Joined { worker, standing: None });
        }
    }
    /// Two processes cannot reach each other. One of them is left out for a while: the one of which more others say so, or which has
    /// said nothing.
    fn cut(&mut self, from: u32, peer: u32, why: &str) {
        tracing::warn!(from, peer, why, "a process cannot reach another one");
        let now = self.outside.now();
        let needed = self.processes_of(&self.coordinator.participants());
        let votes = self.processes.note_cut(from, peer);
        // Who only is about to join is the one.
        let out = match (needed.contains(&from), needed.contains(&peer)) {
            (true, false) => peer,
            (false, true) => from,
            _ => votes,
        };
        self.apart.insert(out, Apart { until: Duration::MAX, joined: None });
        let lasts = if self.count() >= self.wanted.least { DONE_WITHOUT } else { APART };
        self.apart.insert(out, Apart { until: now + lasts, joined: None });
        for worker in self.processes.workers(out) {
            self.on(Event::Lost { worker });
        }
    }
    fn did(&mut self, process: u32, done: Done) {
        self.processes.did(process, done);
        self.tell_figures();
    }
    pub(super) fn tell_figures(&mut self) {
        let attempt = self.coordinator.attempt();
        let figures = self.processes.figures(attempt, self.lead.fresh_figures(), &mut self.names);
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
}
