//! The workers of one process, and what their coordinator has them do.
//!
//! They go on without a coordinator for as long as there is none; when there is one again, they say how they stand.
mod fence;
mod running;
mod storage;

use super::words::{self, Done, Failure, Hello, Order, Setup, Word, workers_of};
use crate::coordinator::Report;
use crate::coordinator::member::{Command, Heed, Member};
use crate::error::{Error, Result};
use crate::exchange::layout::Layout;
use crate::net::control::{Link, LinkEvent};
use crate::runtime::attempt::News;
use crate::runtime::clock;
use crate::runtime::keeping::is_worth_a_restart;
use crate::snapshot::Kind;
use crate::worker;
use fence::Fence;
pub(super) use running::Kit;
use running::Running;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use storage::{Part, Storage};

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
    storage: Storage,
    fence: Fence,
    nonce: u128,
    process: Option<u32>,
    members: BTreeMap<usize, Member>,
    running: Option<Running>,
    stopping: bool,
    /// It was told to go.
    leaves: bool,
    /// What the coordinator was told last.
    told: Option<Done>,
}
impl Crew {
    /// # Errors
    /// If the store of the snapshots cannot be opened.
    pub(super) fn new(kit: Kit, link: Link) -> Result<Self> {
        let storage = Storage::start(&kit.location, kit.operators.ids.clone(), kit.inputs.clone())?;
        let (process, fence) = (kit.process, Fence::new(kit.fence_after));
        let (nonce, members) = (clock::nonce(), BTreeMap::new());
        Ok(Crew {
            kit,
            link,
            storage,
            fence,
            nonce,
            process,
            members,
            running: None,
            stopping: false,
            leaves: false,
            told: None,
        })
    }
    /// Works until there is nothing to do any more.
    ///
    /// # Errors
    /// If the coordinator has no use for this process, or says that the job has failed.
    pub(super) fn run(mut self, inputs: &Receiver<Input>) -> Result<Gone> {
        let mut figures = self.kit.plan.clock.now() + FIGURES;
        loop {
            let now = self.kit.plan.clock.now();
            if self.fence.closes(now) {
                tracing::warn!(after = ?self.kit.fence_after, "there is no coordinator: the sources are not read until there is one");
                self.read(false);
            }
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
                    self.fence.lost(now);
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
        self.told = None;
        self.members.values_mut().for_each(Member::connected);
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
    /// Has the sources be read, or not.
    fn read(&self, read: bool) {
        self.kit.roster.note(|state| state.fenced = !read);
        if let Some(running) = &self.running {
            running.attempt.fabric().pause(!read);
        }
    }
    fn hear(&mut self, term: u64, command: &Command, setup: Option<Setup>, savepoint: Option<String>) {
        if term >= self.term() && self.fence.opens() {
            tracing::info!("there is a coordinator again: the sources are read on");
            self.read(true);
        }
        let heed = |(worker, member): (&usize, &mut Member)| (*worker, member.hears(term, command.clone()));
        let heeds: Vec<(usize, Heed)> = self.members.iter_mut().map(heed).collect();
        let joins = |(worker, heed): &(usize, Heed)| match heed {
            Heed::Join(standing) => Some((*worker, standing.clone())),
            _ => None,
        };
        let standings: Vec<_> = heeds.iter().filter_map(joins).collect();
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
        let stopping = setup.stopping || self.stopping;
        let running = Running::begin(&self.kit, me, (number, interval), layout, setup)?;
        if stopping {
            self.kit.roster.note(|state| state.stopping = true);
            running.attempt.stop();
        }
        self.kit.roster.begins(self.term(), number, running.attempt.clone());
        self.running = Some(running);
        Ok(())
    }
    fn stop_attempt(&mut self) {
        if let Some(running) = self.running.take() {
            running.give_up();
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
        let attempt = running.number;
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
                    let process = self.process.unwrap_or_default();
                    self.storage.put(Part { term, process, attempt, barrier, kind, written: all });
                }
            }
            // The workers of a job of several processes stay who they are.
            News::Installed(..) | News::Left(_) | News::Rescale(..) | News::Rebalance(_) => {}
            News::Finished(at) => {
                let Some(worker) = running.number_of(at) else { return };
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
