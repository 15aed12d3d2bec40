//! Processes come and go while the job runs: who takes part, and what each is called in the attempt.
use super::Leader;
use crate::coordinator::member::Command;
use crate::coordinator::{Action, Event, Moving};
use crate::error::{Error, Result};
use crate::exchange::layout::{Change, Layout};
use crate::runtime::attempt::Moved;
use crate::runtime::cluster::words::{Limit, Order, PROCESSES, Seat, Setup, process_of};
use crate::runtime::scalers::Wish;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;

/// Which numbers workers have in an attempt.
#[derive(Debug, Default)]
pub(super) struct Seats {
    attempt: u64,
    pub(super) all: Vec<Seat>,
    /// Numbers up to here have been given.
    top: usize,
    /// What processes say that stand in attempts that this coordinator has not begun.
    heard: BTreeMap<u64, (BTreeMap<u32, Seat>, usize)>,
}
impl Seats {
    /// A process says which are taken in the attempt that it stands in.
    pub(super) fn hear(&mut self, attempt: u64, seats: Vec<Seat>, top: usize) {
        let (known, upto) = self.heard.entry(attempt).or_default();
        *upto = top.max(*upto);
        known.extend(seats.into_iter().map(|seat| (seat.process, seat)));
    }
    /// An attempt begins, or goes on.
    fn in_attempt(&mut self, attempt: u64) {
        if self.attempt != attempt {
            let (known, top) = self.heard.remove(&attempt).unwrap_or_default();
            self.heard.retain(|other, _| *other > attempt);
            (self.attempt, self.all, self.top) = (attempt, known.into_values().collect(), top);
        }
    }
    /// Nobody sits anywhere.
    pub(super) fn clear(&mut self, attempt: u64) {
        self.in_attempt(attempt);
        (self.all, self.top) = (Vec::new(), 0);
    }
    fn seat(&mut self, process: u32, workers: usize, address: String) {
        if self.all.iter().all(|seat| seat.process != process) {
            self.all.push(Seat { process, first: self.top, workers, address });
            self.top += workers;
        }
    }
}
fn takes_part(layout: &Layout, process: u32) -> bool {
    layout.members().iter().any(|worker| process_of(*worker) == process)
}

impl Leader {
    /// Says who is to take part, going by those who are there and whom others can reach. How many processes that are.
    pub(super) fn count(&mut self) -> usize {
        let reached = self.processes.all().into_iter().filter(|process| !self.apart.contains_key(process));
        let counts: Vec<usize> = reached.map(|process| self.processes.workers(process).len()).collect();
        let (processes, workers) = (counts.len(), counts.iter().sum());
        let once = |enough: usize| if processes >= enough { workers } else { usize::from(u16::MAX) };
        let (target, least) = (once(self.wanted.processes), once(self.wanted.least));
        let (stay, go) = self.sort_out();
        self.balancing.weigh(&mut self.coordinator);
        if !self.coordinator.is_running() {
            self.coordinator.let_go(BTreeSet::new());
            self.coordinator.expect(target, least);
            return processes;
        }
        let workers = |processes: &[u32]| -> BTreeSet<usize> {
            processes.iter().flat_map(|process| self.processes.workers(*process)).collect()
        };
        // More than there are, if somebody waits for that.
        let target = workers(&stay).len().max(self.scalers.wanted().unwrap_or_default());
        let go = workers(&go);
        self.coordinator.let_go(go);
        self.coordinator.expect(target, least);
        processes
    }
    /// Which processes are to take part, and which are not.
    fn sort_out(&self) -> (Vec<u32>, Vec<u32>) {
        let layout = self.coordinator.layout();
        let mut all = self.processes.all();
        // Whom others cannot reach is not reckoned with.
        all.retain(|process| !self.apart.contains_key(process));
        all.sort_by_key(|process| (self.leaving.contains(process), !takes_part(layout, *process), *process));
        let wanted = all.iter().filter(|process| !self.leaving.contains(process)).count();
        let stay = match wanted.min(self.limit.map_or(wanted, |limit| limit.processes)) {
            // Somebody has to do it, for as long as there is nobody else.
            0 => all.len(),
            stay => stay,
        };
        let go = all.split_off(stay);
        (all, go)
    }
    /// Whether others can do what this process does, so that it need not be missed.
    pub(super) fn can_be_drained(&self, process: u32) -> bool {
        self.coordinator.is_running() && !self.stopping && self.sort_out().1.contains(&process)
    }
    /// Somebody wants so many workers.
    pub(super) fn rescale(&mut self, workers: usize, reply: Sender<Result<Moved>>) {
        let sizes: BTreeSet<usize> =
            self.processes.all().into_iter().map(|process| self.processes.workers(process).len()).collect();
        let refuse = |why: String| drop(reply.send(Err(Error::Config(why))));
        let size = match sizes.first() {
            Some(size) if sizes.len() == 1 => *size,
            Some(_) => {
                return refuse(
                    "the processes of this job have unequal numbers of workers: start or end processes instead".into(),
                );
            }
            None => return refuse("no process with workers is there yet: ask again when the job runs".into()),
        };
        let processes = workers / size;
        if !workers.is_multiple_of(size) || processes == 0 || processes > PROCESSES as usize {
            return refuse(format!(
                "each process of this job has {size} workers, and there may be {PROCESSES} processes: ask for a multiple of {size} up to \
                 {}",
                size * PROCESSES as usize
            ));
        }
        if self.stopping {
            return refuse("the job is stopping".into());
        }
        tracing::info!(workers, processes, "the number of workers is to change");
        let nth = self.limit.map_or(0, |limit| limit.nth) + 1;
        let limit = Limit { term: self.coordinator.term(), nth, processes };
        self.keep_to(limit);
        self.tell_all(&Order::Limit(limit));
        let now = self.outside.now();
        self.scalers.ask(Wish::Workers(workers), now, reply);
        self.count();
        if self.coordinator.layout().members().len() == workers && !self.coordinator.is_moving() {
            self.scalers.answer(workers, None, now);
        } else {
            self.on(Event::Tick);
        }
    }
    /// So many processes are to take part, unless something newer was said.
    pub(super) fn keep_to(&mut self, limit: Limit) {
        if self.limit.is_some_and(|known| known >= limit) {
            return;
        }
        let processes = limit.processes;
        self.limit = Some(limit);
        self.wanted.processes = processes;
        self.wanted.least = self.wanted.least.min(processes);
        self.lead.wants(processes);
        self.outside.scale(processes);
    }
    /// What a change is made with: all processes that take part in it, those too that are about to join.
    pub(super) fn seated(&mut self, change: Option<&Change>) -> Setup {
        self.seats.in_attempt(self.coordinator.attempt());
        let members = change.map_or_else(|| self.coordinator.layout().members().to_vec(), Change::members);
        for (process, workers, address) in self.processes.setup(&members) {
            self.seats.seat(process, workers, address);
        }
        Setup {
            seats: self.seats.all.clone(),
            seed: self.seeds.get(&self.coordinator.attempt()).copied().unwrap_or_else(|| self.vault.seed()),
            interval: self.coordinator.interval(),
            restore: None,
            stopping: self.stopping,
        }
    }
    /// Tells all who take part which processes do, and which are about to.
    pub(super) fn tell_seats(&mut self) {
        let attempt = self.coordinator.attempt();
        let order = Order::Seats { attempt, seats: self.seats.all.clone() };
        let members = self.processes_of(&self.coordinator.participants());
        members.into_iter().for_each(|process| self.tell(process, &order));
    }
    /// Those who do not take part are not reckoned with any more.
    fn clear_away(&mut self) {
        let layout = self.coordinator.layout().clone();
        self.seats.in_attempt(self.coordinator.attempt());
        self.seats.all.retain(|seat| takes_part(&layout, seat.process));
        self.tell_seats();
    }
    /// Has workers prepare for a change, or not any more.
    pub(super) fn tell_these(&mut self, to: &[usize], command: Command) {
        match &command {
            Command::Prepare { change, .. } => {
                if let Some(Moving { since, groups, .. }) = self.coordinator.moving() {
                    self.scalers.begin(since, groups);
                }
                self.seated(Some(change));
                self.tell_seats();
            }
            Command::Unprepare => self.clear_away(),
            _ => {}
        }
        self.command(&self.processes_of(to), command);
    }
    /// The layout has changed.
    pub(super) fn moved(&mut self, layout: &Layout) {
        let (now, workers) = (self.outside.now(), layout.members().len());
        let moved = self.scalers.done(workers, now);
        self.balancing.rest(now);
        if let Some(moved) = moved {
            tracing::info!("there are now {moved}");
            self.lead.note(|state| state.survived.moves.add(moved, now));
        }
        self.scalers.answer(workers, moved, now);
        self.clear_away();
        self.dismiss();
        if std::mem::take(&mut self.stop_due) {
            self.stop_now();
        }
    }
    /// The layout does not change.
    pub(super) fn not_moved(&mut self) {
        self.lead.note(|state| state.survived.moves.given_up += 1);
        self.scalers.turn_down("too few processes have come, or one of them was lost; those that come later take part");
        self.clear_away();
        self.dismiss();
    }
    /// Those go who are not needed, and take no part.
    pub(super) fn dismiss(&mut self) {
        if !self.coordinator.is_running() || self.coordinator.is_moving() {
            return;
        }
        let (_, go) = self.sort_out();
        for process in go {
            if !takes_part(self.coordinator.layout(), process) {
                tracing::info!(process, "a process has nothing left to do, and goes");
                self.tell(process, &Order::End(None));
                let workers = self.processes.forget(process);
                self.lose(process, workers);
            }
        }
    }
    /// Ends the sources, as soon as no change is being made: one that had ended on some workers only would lose what others read.
    pub(super) fn stop(&mut self) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        tracing::info!("job is stopping");
        let actions: Vec<Action> = self.coordinator.stay();
        self.act(actions);
        if self.coordinator.is_handing_over() {
            self.stop_due = true;
        } else {
            self.stop_now();
        }
    }
    fn stop_now(&mut self) {
        self.tell_all(&Order::Stop);
        if self.coordinator.attempt() == 0 {
            self.over = Some(Err(Error::custom("the job has been stopped before it began")));
        }
    }
}
