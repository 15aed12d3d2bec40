//! What processes send each other, and what becomes of it.
use super::{BYTES, CONTROL, Ev, LANES, MOVED, World, Wrong, config};
use crate::coordinator::Event;
use crate::coordinator::member::Command;
use crate::exchange::session::{Attempt, SessionError, Unsent};
use crate::sim::cluster::job::{Body, Frame, Message};
use crate::sim::network::links;

impl World<'_> {
    /// Opens one end of what a coordinator and a worker talk over.
    pub(super) fn meet(&mut self, node: usize, peer: usize) {
        self.lanes[CONTROL].open(self.now, node, peer, Attempt { term: 0, attempt: 0 });
        self.outbox.remove(&(CONTROL, node, peer));
    }
    /// Takes in what has arrived.
    pub(super) fn receive(&mut self) -> Result<(), Wrong> {
        for lane in 0..LANES {
            while let Some(event) = self.lanes[lane].poll(self.now) {
                self.linked(lane, event)?;
            }
        }
        Ok(())
    }
    pub(super) fn linked(&mut self, lane: usize, event: links::Event<Message>) -> Result<(), Wrong> {
        let node = match &event {
            links::Event::Message { to, .. } | links::Event::Datagram { to, .. } => *to,
            links::Event::Credit { from, .. } => *from,
            links::Event::Failed { node, .. } => *node,
        };
        if !self.alive[node] {
            return Ok(());
        }
        if self.paused[node] > self.now || !self.held[node].is_empty() {
            if self.held[node].is_empty() {
                self.at(self.paused[node].saturating_sub(self.now), Ev::Awake(node));
            }
            self.held[node].push_back((lane, event));
            return Ok(());
        }
        self.take(lane, event)
    }
    pub(super) fn take(&mut self, lane: usize, event: links::Event<Message>) -> Result<(), Wrong> {
        match event {
            links::Event::Message { from, to, message, bytes } => {
                // What an exchange brings is consumed when it is taken in.
                if lane >= MOVED {
                    self.lanes[lane].consumed(self.now, to, from, bytes);
                }
                self.arrived(from, to, message)
            }
            links::Event::Datagram { .. } => Ok(()),
            links::Event::Credit { from, to } => {
                self.send_waiting(lane, from, to);
                Ok(())
            }
            links::Event::Failed { node, peer, error } => self.failed(lane, node, peer, &error),
        }
    }
    pub(super) fn failed(&mut self, lane: usize, node: usize, peer: usize, error: &SessionError) -> Result<(), Wrong> {
        if lane == CONTROL {
            self.meet(node, peer);
            if node >= self.workers.len() {
                let leader = node - self.workers.len();
                if self.leaders[leader].coordinator.is_some() {
                    self.say(format_args!("coordinator {node} loses worker {peer}: {error}"));
                }
                return self.coordinate(leader, Event::Lost { worker: peer });
            }
            return Ok(());
        }
        self.lanes[lane].close(self.now, node, peer);
        self.outbox.remove(&(lane, node, peer));
        if self.workers[node].is_prepared() {
            // The other knows nothing of it yet, or of its former part in the attempt.
            let attempt = self.workers[node].attempt();
            let at = Attempt { term: attempt, attempt };
            self.lanes[lane].open_with(self.now, node, peer, at, config(lane, self.window, true));
            return Ok(());
        }
        let mut wishes = Vec::new();
        self.workers[node].unreachable(peer, &mut wishes);
        if !wishes.is_empty() {
            self.say(format_args!("worker {node} cannot reach worker {peer}: {error}"));
        }
        self.wish(node, wishes)
    }
    pub(super) fn arrived(&mut self, from: usize, to: usize, message: Message) -> Result<(), Wrong> {
        let leader = to.checked_sub(self.workers.len());
        match (message, leader) {
            (Message::Control { term, command }, None) => {
                let mut wishes = Vec::new();
                let World { workers, input, check, .. } = self;
                if !matches!(command, Command::Lead) {
                    let line = format!("worker {to} is told under term {term}: {command:?}");
                    workers[to].hears((from, term), command, input, check, &mut wishes)?;
                    self.say(line);
                } else {
                    workers[to].hears((from, term), command, input, check, &mut wishes)?;
                }
                self.wish(to, wishes)
            }
            (message @ (Message::Frame(..) | Message::Moved(..)), None) => {
                let World { workers, input, check, .. } = self;
                let other = matches!(&message, Message::Frame(attempt, _) if workers[to].work.as_ref().is_none_or(|work| work.attempt != *attempt));
                let stage = if let Message::Frame(_, frame) = &message { Some(frame.stage) } else { None };
                workers[to].receive(from, message, input, check)?;
                if let Some(stage) = stage.filter(|_| other) {
                    self.lanes[stage].consumed(self.now, to, from, BYTES);
                }
                self.tidy(to)
            }
            (Message::Hello { term, standing }, Some(leader)) => {
                let attempt = standing.as_ref().map_or(0, |standing| standing.attempt);
                self.say(format_args!("worker {from} joins term {term}, in attempt {attempt}"));
                self.answer_to(leader, term, Event::Joined { worker: from, standing })
            }
            (Message::Beat { term }, Some(leader)) => self.answer_to(leader, term, Event::Heard { worker: from }),
            (Message::Report { term, attempt, report }, Some(leader)) => {
                self.say(format_args!("worker {from} reports in attempt {attempt}: {report:?}"));
                self.answer_to(leader, term, Event::Report { worker: from, attempt, report })
            }
            (Message::Broken { term, attempt }, Some(leader)) => {
                self.answer_to(leader, term, Event::Broken { attempt, restart: true })
            }
            _ => Ok(()),
        }
    }
    /// A process sends something.
    pub(super) fn send(&mut self, lane: usize, from: usize, to: usize, message: Message) -> Result<(), Wrong> {
        if from == to {
            return self.arrived(from, to, message);
        }
        if lane != CONTROL && self.lanes[lane].session(from, to).is_none_or(|session| session.failure().is_some()) {
            // Whoever joins has opened its end before.
            let attempt = self.workers[from].attempt();
            for lane in 0..CONTROL {
                if self.lanes[lane].session(from, to).is_none_or(|session| session.failure().is_some()) {
                    self.lanes[lane].open(self.now, from, to, Attempt { term: attempt, attempt });
                }
            }
        }
        self.outbox.entry((lane, from, to)).or_default().push_back(message);
        self.send_waiting(lane, from, to);
        Ok(())
    }
    pub(super) fn send_waiting(&mut self, lane: usize, from: usize, to: usize) {
        let Some(waiting) = self.outbox.get_mut(&(lane, from, to)) else { return };
        let links = &mut self.lanes[lane];
        while let Some(message) = waiting.pop_front() {
            let control =
                lane == CONTROL || matches!(&message, Message::Frame(_, Frame { body: Body::Barrier(..), .. }));
            let sent = match control {
                true => links.send_control(self.now, from, to, message, BYTES),
                false => links.send(self.now, from, to, message, BYTES),
            };
            match sent {
                Ok(()) => {}
                Err(Unsent::NoCredit(message)) => {
                    waiting.push_front(message);
                    break;
                }
                // The session is over, and with it the attempt.
                Err(_) => break,
            }
        }
    }

    pub(super) fn leave(&mut self, node: usize) {
        (0..self.workers.len()).for_each(|peer| self.part(node, peer));
    }
    pub(super) fn part(&mut self, node: usize, peer: usize) {
        for lane in 0..CONTROL {
            self.lanes[lane].close(self.now, node, peer);
            self.outbox.remove(&(lane, node, peer));
        }
    }
}
