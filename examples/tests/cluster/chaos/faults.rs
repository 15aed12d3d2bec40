//! What goes wrong.
use super::round::{Round, Undo};
use super::{MOST, Random};
use crate::proxy::Way;
use std::thread::sleep;
use std::time::Instant;

impl Round {
    fn kill(&mut self, worker: usize) {
        self.note(format!("worker {worker} is killed"));
        self.places[worker].process.kill();
        self.replace(worker);
    }
    fn kill_the_coordinator(&mut self) {
        self.note("the coordinator is killed".into());
        self.coordinator.kill();
        self.coordinate_elsewhere();
    }
    /// In the middle of what was asked for, somebody dies, or nobody.
    fn perhaps_kill(&mut self, random: &mut Random, worker: usize) {
        sleep(random.millis(0, 300));
        match random.below(4) {
            0 => self.kill(worker),
            1 => self.kill_the_coordinator(),
            _ => {}
        }
    }
    /// A fault, or several.
    pub(super) fn fault(&mut self, random: &mut Random) {
        let worker = random.below(self.places.len() as u64) as usize;
        let way = if random.below(2) == 0 { Way::There } else { Way::Back };
        let now = Instant::now();
        match random.below(18) {
            0 => self.kill(worker),
            1 => self.kill_the_coordinator(),
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
            11 if self.places.len() < MOST as usize => {
                self.note("another process joins".into());
                self.join();
            }
            12 | 13 => {
                let workers = random.between(1, u64::from(MOST) + 1) as usize;
                self.note(format!("there are to be {workers} workers"));
                self.asked.target(&self.coordinator, workers);
                while self.places.len() < workers {
                    self.join();
                }
                self.perhaps_kill(random, worker);
            }
            14 => {
                if random.below(2) == 0 {
                    self.asked.rebalance(&self.coordinator);
                    self.note("all are to have as much to do as each other".into());
                } else {
                    let name = self.asked.savepoint(&self.coordinator);
                    self.note(format!("somebody asks for the savepoint {name}"));
                }
                self.perhaps_kill(random, worker);
            }
            15 | 16 if self.job.has_clocks() => {
                let coordinates = random.below(3) == 0;
                let name = if coordinates { "coordinator".to_owned() } else { format!("worker{worker}") };
                let seconds = [-3600, 0, 3600][random.below(3) as usize];
                self.note(format!("the clock of the {name} is set, with {seconds} seconds too many"));
                self.job.clocks().set(&name, seconds);
            }
            _ => {
                self.note(format!("worker {worker} is told to go"));
                self.places[worker].process.signal_if_there("TERM");
            }
        }
    }
}
