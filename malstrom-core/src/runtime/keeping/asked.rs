//! Savepoints that are asked for from outside: see [`Requests`](crate::snapshot::Requests).
use super::{Run, Vault};
use crate::coordinator::Event;
use crate::error::{Error, Result};
use crate::runtime::clock;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Who waits for a savepoint.
#[derive(Debug)]
pub(super) enum Asker {
    /// Somebody in this process.
    Here(Sender<Result<()>>),
    /// Somebody who has left a request.
    Outside,
}
impl Asker {
    /// Says that the savepoint of this name is there, or why it is not.
    pub(super) fn answer(self, vault: &dyn Vault, name: &str, answer: Result<()>) {
        match self {
            // Whoever has asked may be gone.
            Asker::Here(reply) => drop(reply.send(answer)),
            Asker::Outside => respond(vault, name, answer),
        }
    }
}
fn respond(vault: &dyn Vault, name: &str, answer: Result<()>) {
    let why = answer.err().map(|error| format!("{error:?}"));
    if let Err(error) = vault.answer(name, why.as_deref().map_or(Ok(()), Err)) {
        tracing::warn!(savepoint = name, cause = ?error, "who asked for a savepoint cannot be answered");
    }
}

/// When to look for requests.
#[derive(Debug)]
pub(super) struct Lookout {
    every: Duration,
    due: Duration,
    /// The last time it could not be seen whether there are any.
    blind: bool,
}
impl Lookout {
    /// Looks every so often, from now on.
    pub(super) fn new(every: Duration, now: Duration) -> Self {
        Lookout { every, due: now, blind: false }
    }
    pub(super) fn due(&self) -> Duration {
        self.due
    }
}

impl Run<'_> {
    /// Looks for requests, if it is time to.
    pub(super) fn look(&mut self) {
        let now = self.job.plan().clock.now();
        if now < self.lookout.due {
            return;
        }
        self.lookout.due = now + self.lookout.every;
        match self.vault.requests() {
            Ok(requests) => {
                self.lookout.blind = false;
                for request in requests {
                    let asked = self.waiting.get(&request.name);
                    if asked.is_some_and(|askers| askers.iter().any(|asker| matches!(asker, Asker::Outside))) {
                        continue;
                    }
                    // One that was taken before the job was restarted may be there; for the others nobody waits.
                    if request.until <= clock::unix_micros() || self.vault.has(&request.name) {
                        respond(&*self.vault, &request.name, Ok(()));
                        continue;
                    }
                    if let Err(error) = self.vault.take(&request) {
                        tracing::warn!(savepoint = request.name, cause = ?error, "a request cannot be taken");
                        continue;
                    }
                    tracing::info!(savepoint = request.name, "somebody asks for a savepoint");
                    self.savepoint(request.name, Asker::Outside);
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.lookout.blind, true) {
                    tracing::warn!(cause = ?error, "requests for savepoints cannot be read");
                }
            }
        }
    }
    /// Takes a savepoint, unless it cannot have that name.
    pub(super) fn savepoint(&mut self, name: String, asker: Asker) {
        if let Err(why) = self.vault.check_free(&name) {
            return asker.answer(&*self.vault, &name, Err(why));
        }
        let askers = self.waiting.entry(name.clone()).or_default();
        askers.push(asker);
        if askers.len() == 1 {
            self.on(Event::Savepoint(name));
        }
    }
    pub(super) fn answer(&mut self, name: &str, answer: impl Fn() -> Result<()>) {
        for asker in self.waiting.remove(name).unwrap_or_default() {
            asker.answer(&*self.vault, name, answer());
        }
    }
}

/// Turns down all requests, as the job is over.
pub(super) fn turn_down(vault: &dyn Vault, why: &str) {
    if !vault.is_open() {
        // Another coordinator may do what this one could not.
        return;
    }
    match vault.requests() {
        Ok(requests) => requests.iter().for_each(|request| {
            let answer = if vault.has(&request.name) { Ok(()) } else { Err(Error::custom(why)) };
            respond(vault, &request.name, answer);
        }),
        Err(error) => tracing::debug!(cause = ?error, "requests for savepoints cannot be read"),
    }
}
