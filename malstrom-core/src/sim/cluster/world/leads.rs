//! What coordinators want of the store and of workers.
use super::{CONTROL, World, Wrong};
use crate::contract::snapshot::Outcome;
use crate::coordinator::member::Command;
use crate::coordinator::{Action, Event};
use crate::sim::cluster::job::Message;
use crate::sim::cluster::leader::Want;

impl World<'_> {
    /// A process begins to coordinate.
    pub(super) fn lead(&mut self, leader: usize) -> Result<(), Wrong> {
        let policy = self.policy();
        let mut wants = Vec::new();
        self.leaders[leader].start(policy, &mut wants);
        let node = self.leaders[leader].node;
        self.say(format_args!("node {node} begins to coordinate"));
        self.want(leader, wants)
    }
    pub(super) fn coordinate(&mut self, leader: usize, event: Event) -> Result<(), Wrong> {
        let mut wants = Vec::new();
        let now = self.now + self.jumped[self.leaders[leader].node];
        self.leaders[leader].on(now, event, &mut wants);
        self.want(leader, wants)
    }
    pub(super) fn want(&mut self, leader: usize, wants: Vec<Want>) -> Result<(), Wrong> {
        for want in wants {
            match want {
                Want::Ask(ask) => {
                    let (node, life) = (self.leaders[leader].node, self.leaders[leader].life);
                    self.ask(node, life, ask);
                }
                Want::Act(action) => self.act(leader, action)?,
            }
        }
        if self.leaders[leader].is_storing().is_some()
            && let Some(ask) = self.leaders[leader].gather(&self.store)
        {
            let (node, life) = (self.leaders[leader].node, self.leaders[leader].life);
            self.ask(node, life, ask);
        }
        self.ended |= self.leaders[leader].has_ended;
        Ok(())
    }
    /// Says to workers what a coordinator wants of them.
    pub(super) fn act(&mut self, leader: usize, action: Action) -> Result<(), Wrong> {
        let Some(coordinator) = &self.leaders[leader].coordinator else { return Ok(()) };
        let (term, node) = (coordinator.term(), self.leaders[leader].node);
        let all = coordinator.participants();
        if matches!(action, Action::Unprepare { .. })
            && self.resumed.insert((term, coordinator.attempt()))
            && coordinator.attempt() != term
        {
            self.survived.takeovers += 1;
        }
        self.say(format_args!("coordinator {node} of term {term} to {all:?}: {action:?}"));
        let (to, command) = match action {
            Action::Begin { attempt, interval, layout } => {
                self.survived.attempts += 1;
                (all, Command::Begin { attempt, interval, layout })
            }
            Action::Go { attempt } => (all, Command::Go { attempt }),
            Action::Trigger { barrier, change } => (all, Command::Trigger { barrier, change }),
            Action::Settle(outcome) => {
                self.survived.snapshots += u64::from(!matches!(outcome, Outcome::Aborted { .. }));
                self.survived.aborted += u64::from(matches!(outcome, Outcome::Aborted { .. }));
                (all, Command::Settle(outcome))
            }
            Action::Prepare { plan, attempt, to, change, base } => {
                (to, Command::Prepare { plan, attempt, change, base })
            }
            Action::Unprepare { to } => (to, Command::Unprepare),
            Action::Release { worker } => (vec![worker], Command::Release),
            Action::Moved { .. } => {
                self.survived.moves += 1;
                return Ok(());
            }
            Action::NotMoved => {
                self.survived.dropped += 1;
                return Ok(());
            }
            Action::Unstorable => {
                let attempt = self.leaders[leader].coordinator.as_ref().map_or(0, |coordinator| coordinator.attempt());
                return self.coordinate(leader, Event::Broken { attempt, restart: true });
            }
            _ => return Ok(()),
        };
        to.into_iter().try_for_each(|worker| {
            self.send(CONTROL, node, worker, Message::Control { term, command: command.clone() })
        })
    }
}
