//! Has happen what is to go wrong, and what somebody asks for.
use super::{Ev, World, Wrong, micros};
use crate::coordinator::Event;
use crate::sim::cluster::faults::What;
use crate::sim::cluster::leader::Leader;
use crate::sim::cluster::worker::Process;

impl World<'_> {
    pub(super) fn fault(&mut self, what: What) -> Result<(), Wrong> {
        self.say(&what);
        let workers = self.workers.len();
        match what {
            What::Crash { node, down } => {
                if !self.alive[node] {
                    return Ok(());
                }
                self.alive[node] = false;
                self.held[node].clear();
                self.paused[node] = self.now;
                self.lanes.iter_mut().for_each(|lane| lane.crash(self.now, node));
                self.outbox.retain(|(_, from, _), _| *from != node);
                match node.checked_sub(workers) {
                    None => {
                        let life = self.workers[node].life + 1;
                        self.workers[node] = Process::new(node, self.alive.len(), self.setup.breach, life);
                    }
                    Some(leader) => {
                        let life = self.leaders[leader].life + 1;
                        self.leaders[leader] = Leader::new(node, self.setup.breach, life);
                    }
                }
                self.at(down, Ev::Back(node));
            }
            What::Pause { node, time } => self.paused[node] = self.paused[node].max(self.now + time),
            What::Takeover => {
                let idle = |leader: &usize| self.alive[workers + leader] && !self.leaders[*leader].is_leading();
                if let Some(leader) = (0..self.leaders.len()).find(idle) {
                    return self.lead(leader);
                }
            }
            What::Cut { from, to, time } => {
                let until = self.now + time;
                self.lanes.iter_mut().for_each(|lane| lane.network().cut(self.now, from, to, until));
            }
            What::Break { a, b } => self.lanes.iter_mut().for_each(|lane| lane.network().break_link(self.now, a, b)),
            What::Slow { node, time } => {
                let until = self.now + time;
                self.lanes.iter_mut().for_each(|lane| lane.network().slow(self.now, node, until, micros(300)));
            }
            What::Jump { node, by } => self.jumped[node] += by,
            What::Throttle(time) => self.throttled = self.throttled.max(self.now + time),
            What::Target(target) => return self.ask_leaders(&Event::Target(target)),
            What::Move { group, split, to } => {
                let (groups, splits) = (vec![(group, to)], vec![(split, to)]);
                return self.ask_leaders(&Event::Move { groups, splits });
            }
            What::Savepoint => return self.ask_leaders(&Event::Savepoint(format!("at {:?}", self.now))),
        }
        Ok(())
    }
    /// Somebody asks all who say that they coordinate.
    pub(super) fn ask_leaders(&mut self, event: &Event) -> Result<(), Wrong> {
        for leader in 0..self.leaders.len() {
            let node = self.leaders[leader].node;
            if self.alive[node] && self.paused[node] <= self.now && self.leaders[leader].is_leading() {
                self.coordinate(leader, event.clone())?;
            }
        }
        Ok(())
    }
    pub(super) fn back(&mut self, node: usize) -> Result<(), Wrong> {
        self.say(format_args!("node {node} is back"));
        self.alive[node] = true;
        self.lanes.iter_mut().for_each(|lane| lane.restart(self.now, node));
        let workers = self.workers.len();
        match node.checked_sub(workers) {
            None => (workers..self.alive.len()).for_each(|leader| self.meet(node, leader)),
            Some(leader) => {
                (0..workers).for_each(|worker| self.meet(node, worker));
                // Whoever is started coordinates, unless somebody does.
                return if self.leaders.iter().any(Leader::is_leading) { Ok(()) } else { self.lead(leader) };
            }
        }
        Ok(())
    }
}
