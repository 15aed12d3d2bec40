//! The workers of one process, and what their coordinator has them do.
//!
//! They go on without a coordinator for as long as there is none; when there is one again, they say how they stand.
//!
//! What a crew acts on lies [outside](Outside) of it. [A thread](Crew::run) takes its [steps](Crew::step) in a job, and a simulation does
//! in tests.
mod fence;
mod news;
pub(super) mod outside;
mod running;
pub(super) mod storage;

use super::roster::Roster;
use super::words::{self, Done, Hello, Limit, Order, Setup, Word, workers_of};
use crate::coordinator::member::{Command, Heed, Member};
use crate::error::{Error, Result};
use crate::exchange::layout::{Change, Layout};
use crate::failpoint::{Failpoint, reach};
use crate::net::control::LinkEvent;
use crate::runtime::attempt::News;
use crate::snapshot::Kind;
use crate::worker;
use fence::Fence;
use outside::Outside;
pub(super) use outside::{Kit, Threads};
use running::Running;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often the coordinator is told what was done.
const FIGURES: Duration = Duration::from_millis(500);

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
fn unwanted(why: &str) -> Error {
    Error::Config(format!("the coordinator has no use for this process: {why}"))
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
    outside: Box<dyn Outside>,
    /// Who this process is. Its number may be given by the coordinator.
    hello: Hello,
    roster: Arc<Roster>,
    fence: Fence,
    members: BTreeMap<usize, Member>,
    running: Option<Running>,
    stopping: bool,
    limit: Option<Limit>,
    /// It was told to go.
    leaves: bool,
    /// What the coordinator was told last, and when it is told again.
    told: Option<Done>,
    figures: Duration,
}
impl Crew {
    /// Those of the process that `hello` says it is. Without a coordinator, it reads its sources for `fence_after`.
    pub(super) fn new(hello: Hello, fence_after: Duration, roster: Arc<Roster>, outside: Box<dyn Outside>) -> Self {
        Crew {
            outside,
            hello,
            roster,
            fence: Fence::new(fence_after),
            members: BTreeMap::new(),
            running: None,
            stopping: false,
            limit: None,
            leaves: false,
            told: None,
            figures: Duration::ZERO,
        }
    }
    /// When it wants to be told that time has passed.
    pub(super) fn due(&self) -> Duration {
        self.figures
    }
    /// Takes in what has happened, or that time has passed. What has come of it all, if there is nothing left to do.
    pub(super) fn step(&mut self, now: Duration, input: Option<Input>) -> Option<Result<Gone>> {
        let over = match input {
            Some(Input::Link(event)) => self.link(now, event),
            Some(Input::News(attempt, news)) if self.is_in(attempt) => {
                self.take(news);
                None
            }
            Some(Input::Stored { attempt, interval, part }) if self.is_in(attempt) => {
                self.stored(interval, part);
                None
            }
            Some(Input::Cut { attempt, peer, .. })
                if self
                    .running
                    .as_ref()
                    .is_some_and(|running| running.number == attempt && running.is_done_with(peer)) =>
            {
                None
            }
            Some(Input::Cut { attempt, peer, why }) if self.is_in(attempt) => {
                tracing::warn!(peer, why, "another process is out of reach");
                let term = self.term();
                // One that is about to join is not needed.
                if self.running.as_ref().is_some_and(|running| running.depends_on(peer)) {
                    // Said again, in that it stands in no attempt, if this does not arrive.
                    self.members.values_mut().for_each(Member::left);
                }
                self.say(&Word::Cut { term, attempt, peer, why });
                None
            }
            Some(Input::News(..) | Input::Stored { .. } | Input::Cut { .. }) => None,
            Some(Input::Leave) if self.running.is_none() => Some(Ok(Gone::Left)),
            Some(Input::Leave) => {
                self.leaves = true;
                self.say(&Word::Leaving);
                None
            }
            None => {
                self.figures = now + FIGURES;
                self.tell_figures();
                None
            }
        };
        if over.is_some() {
            self.stop_attempt();
        } else if self.fence.closes(now) {
            let after = self.fence.after();
            tracing::warn!(?after, "there is no coordinator: the sources are not read until there is one");
            self.read(false);
        }
        over
    }
    /// Something has happened to the connection to the coordinator.
    fn link(&mut self, now: Duration, event: LinkEvent) -> Option<Result<Gone>> {
        match event {
            LinkEvent::Up => {
                self.roster.note(|state| state.connected = true);
                self.greet();
                None
            }
            LinkEvent::Said(bytes) => match words::read::<Order>(&bytes) {
                Ok(order) => self.obey(order),
                Err(error) => {
                    tracing::error!(cause = ?error, "the coordinator says what nobody understands");
                    None
                }
            },
            LinkEvent::Down(why) => {
                self.roster.note(|state| state.connected = false);
                self.fence.lost(now);
                tracing::warn!(why, "the coordinator is out of reach");
                None
            }
            LinkEvent::Refused(why) => Some(Err(unwanted(&why))),
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
            Ok(bytes) => self.outside.say(bytes),
            Err(error) => tracing::error!(cause = ?error, "what is to be said cannot be written"),
        }
    }
    fn greet(&mut self) {
        self.told = None;
        self.members.values_mut().for_each(Member::connected);
        self.say(&Word::Hello(self.hello.clone()));
        if self.leaves {
            self.say(&Word::Leaving);
        }
    }
    /// Does what the coordinator says. What has come of it all, if there is nothing left to do.
    fn obey(&mut self, order: Order) -> Option<Result<Gone>> {
        match order {
            Order::Welcome { process } => {
                if self.hello.process != Some(process) || self.members.is_empty() {
                    tracing::info!(process, "this process has a number");
                    let workers = workers_of(process, self.hello.workers);
                    self.members = workers.map(|worker| (worker, Member::default())).collect();
                }
                self.hello.process = Some(process);
                self.roster.note(|state| state.process = Some(process));
            }
            Order::Unwanted(why) => return Some(Err(unwanted(&why))),
            Order::Seats { attempt, seats } => {
                if let Some(running) = self.running.as_mut().filter(|running| running.number == attempt) {
                    running.sit(seats);
                }
            }
            Order::Limit(limit) => self.limit = self.limit.max(Some(limit)),
            Order::Stop => {
                self.stopping = true;
                self.roster.note(|state| state.stopping = true);
                if let Some(running) = &self.running {
                    running.work.stop();
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
        self.roster.note(|state| state.fenced = !read);
        if let Some(running) = &self.running {
            running.work.pause(!read);
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
            let seats = self.running.as_ref().map(|running| (running.seats.clone(), running.top)).unwrap_or_default();
            let (parts, stopping, limit) = (parts.unwrap_or_default(), self.stopping, self.limit);
            self.say(&Word::Joined { term, standings, seed, seats, stopping, limit, parts });
            self.say_unwritten();
            return;
        }
        // All workers of a process are told the same, and stand alike.
        if !heeds.iter().any(|(_, heed)| matches!(heed, Heed::Do(_))) {
            return;
        }
        match command {
            Command::Begin { attempt, interval, layout } => match setup {
                Some(setup) => {
                    if let Err(error) = self.begin((*attempt, *interval), layout, setup, None) {
                        self.failed(*attempt, &error);
                    }
                }
                None => tracing::error!("an attempt begins, and nobody has said how"),
            },
            Command::Prepare { plan, attempt, change, base } => {
                let prepares = (*plan, *base);
                let same = |running: &Running| {
                    let sits = setup.as_ref().is_none_or(|setup| running.sits_in(&setup.seats));
                    running.joins.as_ref().is_none_or(|joins| joins == change && sits)
                };
                if self.running.as_ref().is_some_and(|running| running.number == *attempt && same(running)) {
                    // It is there already, or is about to be, and all that it gains comes with the barrier.
                    match self.running.as_mut().and_then(|running| running.prepares.as_mut()) {
                        Some(when_there) => *when_there = prepares,
                        None => self.prepared(*attempt, prepares),
                    }
                } else if let Some(setup) = setup {
                    tracing::info!(attempt, "this process is about to join");
                    let interval = setup.interval;
                    let begun = self.begin((*attempt, interval), &change.new, setup, Some((change.clone(), prepares)));
                    if let Err(error) = begun {
                        self.failed(*attempt, &error);
                    }
                    reach(Failpoint::Preparing);
                }
            }
            Command::Unprepare if self.running.as_ref().is_some_and(|running| running.joins.is_some()) => {
                tracing::info!("this process is not needed now");
                self.stop_attempt();
            }
            Command::Release => {
                if let Some(running) = &mut self.running {
                    running.released = true;
                    running.work.command(worker::Command::Leave);
                }
            }
            Command::Go { attempt } => tracing::info!(attempt, "all have begun"),
            Command::Trigger { barrier, change } => {
                let Some(running) = &mut self.running else { return };
                let kind = savepoint.map_or(Kind::Snapshot, Kind::Savepoint);
                if let Some(setup) = setup {
                    running.sit(setup.seats);
                }
                let attempt = running.number;
                if change.is_some() {
                    reach(Failpoint::Cutting);
                }
                if let Err(error) = running.trigger(*barrier, change.as_ref(), kind) {
                    self.failed(attempt, &error);
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
    fn begin(
        &mut self,
        number: (u64, u64),
        layout: &Layout,
        setup: Setup,
        joins: Option<(Arc<Change>, (u64, u64))>,
    ) -> Result<()> {
        self.stop_attempt();
        let Some(me) = self.hello.process else { return Ok(()) };
        let stopping = setup.stopping || self.stopping;
        let running = Running::begin(&*self.outside, (self.term(), me), number, layout, setup, joins)?;
        if stopping {
            self.roster.note(|state| state.stopping = true);
            running.work.stop();
        }
        self.running = Some(running);
        Ok(())
    }
    fn stop_attempt(&mut self) {
        if let Some(running) = self.running.take() {
            running.work.give_up();
        }
    }
}
