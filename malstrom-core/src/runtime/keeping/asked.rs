//! Savepoints that are asked for from outside: see [`Requests`](crate::snapshot::Requests).
use super::Vault;
use crate::error::{Error, Result};
use crate::runtime::clock;
use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Who waits for a savepoint.
#[derive(Debug)]
pub(crate) enum Asker {
    /// Somebody in this process.
    Here(Sender<Result<()>>),
    /// Somebody who has left a request.
    Outside,
}
impl Asker {
    /// Says that the savepoint of this name is there, or why it is not.
    fn answer(self, vault: &dyn Vault, name: &str, answer: Result<()>) {
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

/// Who waits for which savepoint, and when to look for requests.
#[derive(Debug)]
pub(crate) struct Askers {
    waiting: HashMap<String, Vec<Asker>>,
    every: Duration,
    due: Duration,
    /// The last time it could not be seen whether there are any.
    blind: bool,
}
impl Askers {
    /// Looks every so often, from now on.
    pub(crate) fn new(every: Duration, now: Duration) -> Self {
        Askers { waiting: HashMap::new(), every, due: now, blind: false }
    }
    /// When to look again.
    pub(crate) fn due(&self) -> Duration {
        self.due
    }
    /// Looks for requests, if it is time to. Those that are to be taken now.
    pub(crate) fn look(&mut self, now: Duration, vault: &dyn Vault) -> Vec<String> {
        let mut fresh = Vec::new();
        if now < self.due {
            return fresh;
        }
        self.due = now + self.every;
        let requests = match vault.requests() {
            Ok(requests) => requests,
            Err(error) => {
                if !std::mem::replace(&mut self.blind, true) {
                    tracing::warn!(cause = ?error, "requests for savepoints cannot be read");
                }
                return fresh;
            }
        };
        self.blind = false;
        for request in requests {
            let asked = self.waiting.get(&request.name);
            if asked.is_some_and(|askers| askers.iter().any(|asker| matches!(asker, Asker::Outside))) {
                continue;
            }
            // One that was taken before the job was restarted may be there; for the others nobody waits.
            if request.until <= clock::unix_micros() || vault.has(&request.name) {
                respond(vault, &request.name, Ok(()));
                continue;
            }
            if let Err(error) = vault.take(&request) {
                tracing::warn!(savepoint = request.name, cause = ?error, "a request cannot be taken");
                continue;
            }
            tracing::info!(savepoint = request.name, "somebody asks for a savepoint");
            if self.ask(vault, &request.name, Asker::Outside) {
                fresh.push(request.name);
            }
        }
        fresh
    }
    /// Somebody asks for a savepoint. Whether it is to be taken now: it may be under way, or not be able to have that name.
    pub(crate) fn ask(&mut self, vault: &dyn Vault, name: &str, asker: Asker) -> bool {
        if let Err(why) = vault.check_free(name) {
            asker.answer(vault, name, Err(why));
            return false;
        }
        let askers = self.waiting.entry(name.to_owned()).or_default();
        askers.push(asker);
        askers.len() == 1
    }
    /// Answers all who wait for a savepoint that is there: it was not known whether it was committed.
    pub(crate) fn answer_those_there(&mut self, vault: &dyn Vault) {
        let there: Vec<String> = self.waiting.keys().filter(|name| vault.has(name)).cloned().collect();
        there.iter().for_each(|name| self.answer(vault, name, || Ok(())));
    }
    /// Answers all who wait for a savepoint.
    pub(crate) fn answer(&mut self, vault: &dyn Vault, name: &str, answer: impl Fn() -> Result<()>) {
        for asker in self.waiting.remove(name).unwrap_or_default() {
            asker.answer(vault, name, answer());
        }
    }
    /// The attempt is over. Requests from outside stay where they are: another attempt may do what they ask for.
    pub(crate) fn turn_down_here(&mut self, vault: &dyn Vault, why: &str) {
        for (name, askers) in std::mem::take(&mut self.waiting) {
            for asker in askers.into_iter().filter(|asker| matches!(asker, Asker::Here(_))) {
                asker.answer(vault, &name, Err(Error::custom(format!("`{name}` was not taken: {why}"))));
            }
        }
    }
}

/// Turns down all requests, as the job is over.
pub(crate) fn turn_down(vault: &dyn Vault, why: &str) {
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
