//! A round: a job, whoever looks after its processes, and whether its result is right.
use super::asked::Asked;
use super::{Random, WORKERS};
use crate::job::{Job, Process, free_port};
use crate::proxy::{Proxy, Way};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The faults of a round begin within this time, and some time later it must have ended.
const FAULTS: Duration = Duration::from_secs(25);
const END: Duration = Duration::from_secs(150);

/// A worker's process, with what lies between it and the others.
pub(super) struct Place {
    pub(super) process: Process,
    port: u16,
    pub(super) data: Proxy,
    pub(super) control: Proxy,
    /// It has left, and another one comes in its place then.
    back: Option<Instant>,
}
pub(super) struct Round {
    pub(super) job: Job,
    coordinators: [u16; 2],
    pub(super) coordinator: Process,
    at: usize,
    pub(super) places: Vec<Place>,
    /// Those that stand still, or of whom nobody knows any more.
    zombies: Vec<Process>,
    pub(super) begun: Instant,
    /// What is to be undone.
    pub(super) later: Vec<(Instant, Undo)>,
    /// Until when the disk fails.
    pub(super) fails: Instant,
    pub(super) asked: Asked,
}
pub(super) enum Undo {
    Wake(u32),
    Run { worker: usize, control: bool },
    Unlock(&'static str),
    Free,
}
/// Another process comes so long after one that has left.
const AWAY: Duration = Duration::from_millis(1500);
/// So much later what has failed with a disk may still tell of it.
const AFTERWARDS: Duration = Duration::from_secs(1);

impl Round {
    pub(super) fn new(job: Job) -> Round {
        let coordinators = [job.port, free_port()];
        let coordinator = job.coordinator();
        let (zombies, later, asked) = (Vec::new(), Vec::new(), Asked::default());
        let (begun, fails) = (Instant::now(), Instant::now());
        let places = Vec::new();
        let mut round = Round { job, coordinators, coordinator, at: 0, places, zombies, begun, later, fails, asked };
        (0..WORKERS).for_each(|_| round.join());
        round
    }
    /// The processes have ended, and what they have left is there to be looked at.
    pub(super) fn end(self) -> Job {
        self.job
    }
    /// Another process comes.
    pub(super) fn join(&mut self) {
        let port = free_port();
        let coordinator = format!("127.0.0.1:{}", self.coordinators[self.at]);
        let (data, control) = (Proxy::start(format!("127.0.0.1:{port}")), Proxy::start(coordinator));
        let process = start(&self.job, self.places.len() as u32, port, &data, &control);
        self.places.push(Place { process, port, data, control, back: None });
    }
    pub(super) fn note(&mut self, what: String) {
        let line = format!("  {:>7.3} s {what}", self.begun.elapsed().as_secs_f64());
        println!("{line}");
    }
    pub(super) fn replace(&mut self, worker: usize) {
        let place = &self.places[worker];
        // The one before may hold its port still.
        let port = free_port();
        place.data.set_target(format!("127.0.0.1:{port}"));
        let another = start(&self.job, worker as u32, port, &place.data, &place.control);
        let place = &mut self.places[worker];
        (place.port, place.back) = (port, None);
        let before = std::mem::replace(&mut place.process, another);
        place.data.cut();
        self.zombies.push(before);
    }
    /// Another coordinator takes over, at the other address.
    pub(super) fn coordinate_elsewhere(&mut self) {
        self.at = 1 - self.at;
        let port = free_port();
        self.coordinators[self.at] = port;
        let another = self.job.coordinator_at(port);
        let before = std::mem::replace(&mut self.coordinator, another);
        self.zombies.push(before);
        for place in &self.places {
            place.control.set_target(format!("127.0.0.1:{port}"));
            place.control.cut();
        }
    }
    fn undo(&mut self) {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition::<Vec<_>, _>(|(at, _)| *at <= now);
        self.later = later;
        for (_, undo) in due {
            match undo {
                // Who was killed meanwhile does not wake.
                Undo::Wake(id) if self.is_there(id) => crate::job::signal_if_there(id, "CONT"),
                Undo::Wake(_) => {}
                Undo::Unlock(directory) => self.job.disk().lock(directory, false),
                Undo::Free => self.job.disk().free(),
                Undo::Run { worker, control } => {
                    let place = &self.places[worker];
                    let proxy = if control { &place.control } else { &place.data };
                    proxy.stall(Way::There, false);
                    proxy.stall(Way::Back, false);
                }
            }
        }
    }
    fn is_there(&mut self, id: u32) -> bool {
        let workers = self.places.iter_mut().map(|place| &mut place.process);
        let mut all = workers.chain(&mut self.zombies).chain([&mut self.coordinator]);
        all.any(|process| process.id() == id && process.code().is_none())
    }
    /// Who has ended is replaced, as long as the job is not over. With what it has ended, if it has.
    fn look_after(&mut self) -> Option<Result<(), String>> {
        if let Some(code) = self.coordinator.code() {
            if code != Some(0) && Instant::now() < self.fails + AFTERWARDS {
                let log = self.coordinator.log();
                let why = log.lines().next_back().unwrap_or_default();
                self.note(format!("the coordinator has ended with {code:?} and is replaced: {why}"));
                sleep(Duration::from_millis(300));
                self.coordinator = self.job.coordinator_at(self.coordinators[self.at]);
                return None;
            }
            let (said, log) = (self.coordinator.said(), self.coordinator.log());
            return Some(match code {
                Some(0) if said.contains("are booked twice and settled once") => self.asked.is_there(&self.job),
                code => Err(format!("the coordinator has ended with {code:?}:\n{said}\n{log}")),
            });
        }
        for worker in 0..self.places.len() {
            match self.places[worker].process.code() {
                None => {}
                // It has left, was not needed, or the job is over, which the coordinator is about to say.
                Some(Some(0)) => {
                    let now = Instant::now();
                    let back = *self.places[worker].back.get_or_insert(now + AWAY);
                    if now >= back {
                        self.note(format!("worker {worker} has left and is replaced"));
                        self.replace(worker);
                    }
                }
                Some(code) => {
                    let log = self.places[worker].process.log();
                    self.note(format!("worker {worker} has ended with {code:?} and is replaced:\n{log}"));
                    self.replace(worker);
                }
            }
        }
        None
    }
    /// Whether the result is right.
    pub(super) fn run(&mut self, random: &mut Random) -> Result<(), String> {
        let mut next = self.begun + random.millis(1500, 4000);
        loop {
            self.undo();
            if let Some(over) = self.look_after() {
                return over;
            }
            let now = Instant::now();
            if now >= next && self.begun.elapsed() < FAULTS {
                self.fault(random);
                next = Instant::now() + random.millis(50, 5000);
            }
            if self.begun.elapsed() > END {
                return Err(format!("the job does not end:\n{}", self.coordinator.log()));
            }
            sleep(Duration::from_millis(10));
        }
    }
}
fn start(job: &Job, number: u32, port: u16, data: &Proxy, control: &Proxy) -> Process {
    let listen = format!("--listen=127.0.0.1:{port}");
    let (advertise, join) = (format!("--advertise={}", data.address()), format!("--join={}", control.address()));
    job.worker_with(number, &[&listen, &advertise, &join])
}
