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
        if let Some(interval) = self.leaders[leader].mistaken {
            let node = self.leaders[leader].node;
            let what = format!(
                "node {node} acts upon snapshot {interval}, which it has not committed: its entry is not in the log"
            );
            return Err(Wrong::Log(what));
        }
        self.ended |= self.leaders[leader].has_ended;
        Ok(())
    }
    /// Says to workers what a coordinator wants of them.
    pub(super) fn act(&mut self, leader: usize, action: Action) -> Result<(), Wrong> {
        let Some(coordinator) = &self.leaders[leader].coordinator else { return Ok(()) };
        let (term, node) = (coordinator.term(), self.leaders[leader].node);
        let all = coordinator.participants();
        if matches!(action, Action::TellThese { command: Command::Unprepare, .. })
            && self.resumed.insert((term, coordinator.attempt()))
            && coordinator.attempt() != term
        {
            self.survived.takeovers += 1;
        }
        self.say(format_args!("coordinator {node} of term {term} to {all:?}: {action:?}"));
        let (to, command) = match action {
            Action::Tell(command) => (all, command),
            Action::TellThese { to, command } => (to, command),
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
        match &command {
            Command::Begin { .. } => self.survived.attempts += 1,
            Command::Trigger { change: Some(_), .. } => self.survived.steps += 1,
            Command::Settle(Outcome::Aborted { .. }) => self.survived.aborted += 1,
            Command::Settle(_) => self.survived.snapshots += 1,
            _ => {}
        }
        to.into_iter().try_for_each(|worker| {
            self.send(CONTROL, node, worker, Message::Control { term, command: command.clone() })
        })
    }
}
