//! A process that works.
use super::check::{Check, Wrong};
use super::job::{Input, Message, Part, Restored};
use super::store::{Answer, Ask};
use super::work::{Did, Work};
use super::{Breach, Random};
use crate::contract::snapshot::Outcome;
use crate::coordinator::Report;
use crate::coordinator::member::{Command, Heed, Member};
use crate::exchange::layout::Layout;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is done with what is read.
#[derive(Debug)]
enum Reading {
    Begin { attempt: u64, interval: u64, layout: Arc<Layout> },
    Prepare { plan: u64, attempt: u64, base: u64 },
}
/// See the [module](self).
#[derive(Debug)]
pub(super) struct Process {
    pub(super) node: usize,
    nodes: usize,
    breach: Option<Breach>,
    member: Member,
    /// Who coordinates.
    boss: Option<usize>,
    pub(super) work: Option<Work>,
    reading: Option<Reading>,
    /// What is being stored, by attempt and interval.
    storing: BTreeMap<(u64, u64), Arc<Part>>,
    pub(super) life: u64,
}
/// What it wants done.
#[derive(Debug)]
pub(super) enum Wish {
    Ask(Ask),
    /// A message to the coordinator of its term.
    Tell(usize, Message),
    /// A message to another worker of its attempt.
    Send(usize, Message),
    /// It takes part in an attempt from now on, with these workers, or will with them.
    Enter {
        attempt: u64,
        with: Vec<usize>,
        waits: bool,
    },
    /// It has nothing to do with this worker any more.
    Part(usize),
    /// It takes part in none any more.
    Leave,
}
impl Process {
    pub(super) fn new(node: usize, nodes: usize, breach: Option<Breach>, life: u64) -> Self {
        Process {
            node,
            nodes,
            breach,
            member: Member::default(),
            boss: None,
            work: None,
            reading: None,
            storing: BTreeMap::new(),
            life,
        }
    }
    pub(super) fn attempt(&self) -> u64 {
        self.member.attempt()
    }
    fn tell(&self, wishes: &mut Vec<Wish>, message: Message) {
        if let Some(boss) = self.boss {
            wishes.push(Wish::Tell(boss, message));
        }
    }
    fn report(&self, wishes: &mut Vec<Wish>, report: Report) {
        let (term, attempt) = (self.member.term(), self.attempt());
        self.tell(wishes, Message::Report { term, attempt, report });
    }
    /// Says that it is there.
    pub(super) fn beat(&self, wishes: &mut Vec<Wish>) {
        self.tell(wishes, Message::Beat { term: self.member.term() });
    }
    /// Whether it waits to take part.
    pub(super) fn is_prepared(&self) -> bool {
        self.member.standing().is_some_and(|standing| standing.prepared)
    }
    /// Another worker of its attempt cannot be reached.
    pub(super) fn unreachable(&self, peer: usize, wishes: &mut Vec<Wish>) {
        let with = self.member.standing().is_some_and(|standing| standing.layout.has(peer));
        if with {
            let (term, attempt) = (self.member.term(), self.attempt());
            self.tell(wishes, Message::Broken { term, attempt });
        }
    }

    /// Takes in what a coordinator says.
    pub(super) fn hears(
        &mut self,
        (from, term): (usize, u64),
        command: Command,
        input: &Input,
        check: &mut Check,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), Wrong> {
        match self.member.hears(term, command) {
            Heed::Ignore => Ok(()),
            Heed::Join(standing) => {
                self.boss = Some(from);
                self.tell(wishes, Message::Hello { term, standing });
                Ok(())
            }
            Heed::Do(command) => self.obey(command, input, check, wishes),
        }
    }
    fn obey(
        &mut self,
        command: Command,
        input: &Input,
        check: &mut Check,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), Wrong> {
        match command {
            Command::Lead => {}
            Command::Begin { attempt, interval, layout } => {
                (self.work, self.reading) = (None, None);
                self.storing.clear();
                wishes.push(Wish::Enter { attempt, with: layout.members().to_vec(), waits: false });
                wishes.push(Wish::Ask(Ask::Read(interval - 1)));
                self.reading = Some(Reading::Begin { attempt, interval, layout });
            }
            Command::Go { .. } => {
                if let Some(work) = &mut self.work {
                    work.going = true;
                }
            }
            Command::Prepare { plan, attempt, change, base } => {
                if self.work.as_ref().is_none_or(|work| work.attempt != attempt) {
                    let at = (self.node, self.nodes);
                    self.work = Some(Work::join(at, attempt, self.breach, &change.new, input));
                    wishes.push(Wish::Enter { attempt, with: change.members(), waits: true });
                }
                self.reading = Some(Reading::Prepare { plan, attempt, base });
                wishes.push(Wish::Ask(Ask::Read(base)));
            }
            Command::Unprepare => {
                if matches!(self.reading, Some(Reading::Prepare { .. })) {
                    self.reading = None;
                }
                if self.member.standing().is_none() {
                    self.work = None;
                    wishes.push(Wish::Leave);
                } else if let Some(work) = &mut self.work {
                    work.prefetched = None;
                }
            }
            Command::Trigger { barrier, change } => {
                if let Some(work) = &mut self.work {
                    work.trigger(barrier, change);
                }
            }
            Command::Settle(outcome) => self.settle(outcome, check, wishes)?,
            Command::Release => {
                self.report(wishes, Report::Left);
                self.member.left();
                self.work = None;
                wishes.push(Wish::Leave);
            }
        }
        Ok(())
    }
    fn settle(&mut self, outcome: Outcome, check: &mut Check, wishes: &mut Vec<Wish>) -> Result<(), Wrong> {
        let Some(work) = &mut self.work else { return Ok(()) };
        let interval = outcome.interval();
        if let Outcome::Aborted { .. } = outcome {
            return Ok(());
        }
        let outs = work.committed(interval, outcome.is_base());
        check.publish(interval, self.node, &outs)?;
        let begun = self.member.standing().into_iter().flat_map(|standing| &standing.begun);
        let Some(begun) = begun.into_iter().find(|begun| begun.barrier.interval == interval) else { return Ok(()) };
        // All have passed this barrier, so that nothing is under way to those who leave.
        let leavers = begun.change.iter().flat_map(|change| change.leavers()).filter(|leaver| *leaver != self.node);
        wishes.extend(leavers.map(Wish::Part));
        if begun.barrier.last && outcome.is_base() {
            self.report(wishes, Report::Left);
        }
        Ok(())
    }

    /// The store has answered.
    pub(super) fn answered(
        &mut self,
        answer: Answer,
        input: &Input,
        check: &mut Check,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), Wrong> {
        match answer {
            Answer::Read(read) => self.read(&read, input, check, wishes)?,
            Answer::Stored { interval } => {
                if self.storing.remove(&(self.attempt(), interval)).is_some() {
                    self.member.written(interval);
                    self.report(wishes, Report::Written(interval));
                }
            }
            Answer::Failed(ask) => {
                // What it has written for an attempt that is over is of no use.
                if !matches!(&ask, Ask::Part { attempt, .. } if *attempt != self.attempt()) {
                    wishes.push(Wish::Ask(ask));
                }
            }
            Answer::Log(_) | Answer::Pruned => {}
        }
        Ok(())
    }
    fn read(
        &mut self,
        read: &Arc<Restored>,
        input: &Input,
        check: &mut Check,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), Wrong> {
        match self.reading.take() {
            Some(Reading::Begin { attempt, interval, layout }) if read.interval + 1 == interval => {
                let at = (self.node, self.nodes);
                self.work = Some(Work::begin(at, (attempt, interval), self.breach, &layout, read, input));
                // Whoever had staged it may not have come to publish it.
                if layout.members().first() == Some(&self.node) && self.breach != Some(Breach::NotPublishedAgain) {
                    for (worker, outs) in &read.staged {
                        check.publish(read.interval, *worker, outs)?;
                    }
                }
                self.report(wishes, Report::Ready);
            }
            Some(Reading::Prepare { plan, attempt, base }) if read.interval == base && attempt == self.attempt() => {
                if let Some(work) = &mut self.work {
                    let had = work.prefetched.as_ref().map_or(0, |had| had.interval);
                    let all = read.groups.iter().flat_map(|groups| groups.values()).flatten();
                    let keys = all.filter(|(_, kept)| had == 0 || kept.changed > had).count();
                    work.prefetched = Some(Restored::clone(read));
                    self.report(wishes, Report::Followed { plan, base, bytes: keys as u64 });
                }
            }
            other => self.reading = other,
        }
        Ok(())
    }

    /// Something of another worker has arrived.
    pub(super) fn receive(
        &mut self,
        from: usize,
        message: Message,
        input: &Input,
        check: &mut Check,
    ) -> Result<(), Wrong> {
        match (message, &mut self.work) {
            (Message::Frame(attempt, frame), Some(work)) if work.attempt == attempt => work.receive(from, frame),
            (Message::Moved(attempt, moved), Some(work)) if work.attempt == attempt => {
                work.arrived(moved, input, check)?;
            }
            _ => {}
        }
        Ok(())
    }
    /// Does a little.
    pub(super) fn step(
        &mut self,
        random: &mut Random,
        input: &Input,
        check: &mut Check,
        wishes: &mut Vec<Wish>,
    ) -> Result<(), Wrong> {
        let Some(work) = &mut self.work else { return Ok(()) };
        for _ in 0..3 {
            work.step(random, input, check)?;
        }
        self.tidy(input, wishes);
        Ok(())
    }
    /// Hands on what its work has come to.
    pub(super) fn tidy(&mut self, input: &Input, wishes: &mut Vec<Wish>) {
        let Some(work) = &mut self.work else { return };
        let (attempt, node) = (work.attempt, self.node);
        wishes.extend(work.out.drain(..).map(|(to, message)| Wish::Send(to, message)));
        for did in work.events.drain(..) {
            match did {
                Did::Part(interval, part) => {
                    let part = Arc::new(part);
                    self.storing.insert((attempt, interval), part.clone());
                    wishes.push(Wish::Ask(Ask::Part { attempt, interval, worker: node, part }));
                }
                Did::Passed(change) => self.member.passed(&change),
                Did::Installed(interval) => {
                    self.member.installed(interval);
                    let (term, attempt) = (self.member.term(), self.member.attempt());
                    let report = Report::Installed { interval, bytes: 1 };
                    if let Some(boss) = self.boss {
                        wishes.push(Wish::Tell(boss, Message::Report { term, attempt, report }));
                    }
                }
            }
        }
        let finished = work.has_finished(input) && work.layout().has(node);
        let version = work.layout().version();
        if let Some(standing) = self.member.standing()
            && finished
            && standing.finished != Some(version)
            && standing.layout.version() == version
        {
            self.member.finished();
            self.report(wishes, Report::Finished(version));
        }
    }
    pub(super) fn describe(&self) -> String {
        let work = self.work.as_ref().map_or_else(|| "no work".to_owned(), Work::describe);
        let term = self.member.term();
        format!("worker {} in attempt {} of term {term}, reads {:?}: {work}", self.node, self.attempt(), self.reading)
    }
}
