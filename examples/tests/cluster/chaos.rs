//! Random faults at random times, for as long as one likes:
//!
//! ```sh
//! MALSTROM_CHAOS_SECONDS=1800 cargo test -p malstrom-examples --test cluster -- --ignored chaos --nocapture
//! ```
//! Each round is a job of its own, whose result is checked. `MALSTROM_CHAOS_SEED` repeats the faults of a run, and
//! `MALSTROM_CHAOS_PROGRAM` names another build of the program.
use crate::job::{Job, Process, free_port};
use crate::proxy::{Proxy, Way};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

const WORKERS: u32 = 3;
/// The faults of a round begin within this time, and some time later it must have ended.
const FAULTS: Duration = Duration::from_secs(25);
const END: Duration = Duration::from_secs(150);

/// splitmix64.
struct Random(u64);
impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^ (drawn >> 31)
    }
    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least)
    }
    fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }
}

/// A worker's process, with what lies between it and the others.
struct Place {
    process: Process,
    port: u16,
    data: Proxy,
    control: Proxy,
}
struct Round {
    job: Job,
    coordinators: [u16; 2],
    coordinator: Process,
    at: usize,
    places: Vec<Place>,
    /// Those that stand still, or of whom nobody knows any more.
    zombies: Vec<Process>,
    begun: Instant,
    events: Vec<String>,
    /// What is to be undone.
    later: Vec<(Instant, Undo)>,
    /// Until when the disk fails.
    fails: Instant,
}
enum Undo {
    Wake(u32),
    Run { worker: usize, control: bool },
    Unlock(&'static str),
    Free,
}
/// So much later what has failed with a disk may still tell of it.
const AFTERWARDS: Duration = Duration::from_secs(1);

impl Round {
    fn new(job: Job) -> Round {
        let coordinators = [job.port, free_port()];
        let coordinator = job.coordinator();
        let places = (0..WORKERS).map(|number| {
            let port = free_port();
            let (data, control) = (Proxy::start(format!("127.0.0.1:{port}")), Proxy::start(job.address()));
            Place { process: start(&job, number, port, &data, &control), port, data, control }
        });
        let places = places.collect();
        let (zombies, events, later) = (Vec::new(), Vec::new(), Vec::new());
        let (begun, fails) = (Instant::now(), Instant::now());
        Round { job, coordinators, coordinator, at: 0, places, zombies, begun, events, later, fails }
    }
    fn note(&mut self, what: String) {
        let line = format!("  {:>7.3} s {what}", self.begun.elapsed().as_secs_f64());
        println!("{line}");
        self.events.push(line);
    }
    fn replace(&mut self, worker: usize) {
        let place = &self.places[worker];
        // The one before may hold its port still.
        let port = free_port();
        place.data.set_target(format!("127.0.0.1:{port}"));
        let another = start(&self.job, worker as u32, port, &place.data, &place.control);
        let place = &mut self.places[worker];
        place.port = port;
        let before = std::mem::replace(&mut place.process, another);
        place.data.cut();
        self.zombies.push(before);
    }
    /// Another coordinator takes over, at the other address.
    fn coordinate_elsewhere(&mut self) {
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
    fn fault(&mut self, random: &mut Random) {
        let worker = random.below(u64::from(WORKERS)) as usize;
        let way = if random.below(2) == 0 { Way::There } else { Way::Back };
        let now = Instant::now();
        match random.below(12) {
            0 => {
                self.note(format!("worker {worker} is killed"));
                self.places[worker].process.kill();
                self.replace(worker);
            }
            1 => {
                self.note("the coordinator is killed".into());
                self.coordinator.kill();
                self.coordinate_elsewhere();
            }
            2 => {
                let pause = random.millis(100, 8000);
                self.note(format!("worker {worker} stands still for {pause:?}"));
                self.places[worker].process.signal_if_there("STOP");
                self.later.push((now + pause, Undo::Wake(self.places[worker].process.id())));
            }
            3 => {
                let pause = random.millis(1000, 8000);
                self.note(format!("worker {worker} is replaced while it stands still for {pause:?}"));
                self.places[worker].process.signal_if_there("STOP");
                self.later.push((now + pause, Undo::Wake(self.places[worker].process.id())));
                self.replace(worker);
            }
            4 => {
                let pause = random.millis(100, 8000);
                let elsewhere = random.below(2) == 0;
                self.note(format!("the coordinator stands still for {pause:?}, replaced: {elsewhere}"));
                self.coordinator.signal_if_there("STOP");
                self.later.push((now + pause, Undo::Wake(self.coordinator.id())));
                if elsewhere {
                    self.coordinate_elsewhere();
                }
            }
            5 => {
                let pause = random.millis(100, 9000);
                self.note(format!("nothing goes {way:?} on the data lane of worker {worker} for {pause:?}"));
                self.places[worker].data.stall(way, true);
                self.later.push((now + pause, Undo::Run { worker, control: false }));
            }
            6 => {
                let pause = random.millis(100, 9000);
                self.note(format!("nothing goes {way:?} on the control lane of worker {worker} for {pause:?}"));
                self.places[worker].control.stall(way, true);
                self.later.push((now + pause, Undo::Run { worker, control: true }));
            }
            7 => {
                let times = random.between(1, 12);
                self.note(format!("the lanes of worker {worker} are cut {times} times"));
                for _ in 0..times {
                    let place = &self.places[worker];
                    place.data.cut();
                    if random.below(3) == 0 {
                        place.control.cut();
                    }
                    place.data.cut_after(random.between(1, 100_000));
                    sleep(random.millis(1, 200));
                }
            }
            8 | 9 => {
                let pause = random.millis(100, 5000);
                let directory = if random.below(2) == 0 { "snapshots" } else { "output" };
                self.note(format!("nobody gets at `{directory}` for {pause:?}"));
                self.job.disk().lock(directory, true);
                self.later.push((now + pause, Undo::Unlock(directory)));
                self.fails = self.fails.max(now + pause);
            }
            10 => {
                let pause = random.millis(100, 5000);
                let full = self.job.disk().fill();
                self.note(format!("the disk is full for {pause:?}: {full}"));
                self.later.push((now + pause, Undo::Free));
                self.fails = self.fails.max(now + pause);
            }
            _ => {
                self.note(format!("worker {worker} is told to go"));
                self.places[worker].process.signal_if_there("TERM");
            }
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
                Some(0) if said.contains("are booked twice and settled once") => Ok(()),
                code => Err(format!("the coordinator has ended with {code:?}:\n{said}\n{log}")),
            });
        }
        for worker in 0..self.places.len() {
            match self.places[worker].process.code() {
                None => {}
                // It has left, or the job is over, which the coordinator is about to say.
                Some(Some(0)) => {
                    sleep(Duration::from_millis(500));
                    if self.coordinator.code().is_none() {
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
    fn run(&mut self, random: &mut Random) -> Result<(), String> {
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
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
#[ignore = "takes as long as one likes"]
fn chaos() {
    let seconds = Duration::from_secs(variable("MALSTROM_CHAOS_SECONDS").unwrap_or(60));
    let drawn = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64;
    let mut seed = variable("MALSTROM_CHAOS_SEED").unwrap_or_else(drawn);
    let (begun, mut rounds, mut wrong) = (Instant::now(), 0, 0);
    while rounds == 0 || begun.elapsed() < seconds {
        println!("round {rounds}: MALSTROM_CHAOS_SEED={seed}");
        let mut job = Job::of(WORKERS as usize, 10).least(1 + (seed % u64::from(WORKERS)) as usize);
        // A disk may fail several times before there is a snapshot.
        job = job.with(&["--restarts=100"]).on_a_disk();
        if let Ok(program) = std::env::var("MALSTROM_CHAOS_PROGRAM") {
            job.program = program;
        }
        let mut round = Round::new(job);
        let outcome = round.run(&mut Random(seed));
        println!(
            "  {:>7.3} s {}",
            round.begun.elapsed().as_secs_f64(),
            if outcome.is_ok() { "right" } else { "WRONG" }
        );
        if let Err(why) = outcome {
            wrong += 1;
            let Round { job, coordinator, places, zombies, .. } = round;
            drop((coordinator, places, zombies));
            println!("{why}\nwhat is there is kept in {}", job.keep().display());
        }
        (rounds, seed) = (rounds + 1, Random(seed).next());
    }
    println!("{rounds} rounds, {wrong} of them wrong");
    assert_eq!(wrong, 0);
}
