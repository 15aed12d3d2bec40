//! What goes wrong, and when.
use super::faulty::StoreFault;
use std::fmt;
use std::time::Duration;

/// With how many workers a job begins, and what happens to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// How many workers it begins with.
    pub workers: usize,
    /// In the order of their times.
    pub faults: Vec<Fault>,
}
/// One thing that happens to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Before which step of the simulation, counted from 1 through all attempts.
    pub at: u64,
    /// What it is.
    pub what: What,
}
/// What can happen to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// All workers and the coordinator are gone at once. The job goes on from the last committed snapshot.
    Crash {
        /// With so many workers, or as many as before.
        then: Option<usize>,
    },
    /// The job gets so many workers while it goes on; if they are in several processes it is restarted for that.
    Rescale {
        /// How many it has then.
        workers: usize,
    },
    /// The job is stopped with a last snapshot, and started with so many workers.
    Restart {
        /// How many it has then.
        workers: usize,
    },
    /// Somebody asks for a savepoint.
    Savepoint,
    /// One worker does nothing for a while.
    Pause {
        /// Its number; counted on from 0 if there are not so many.
        worker: usize,
        /// For so many steps of the simulation.
        steps: u64,
    },
    /// The clock of the machine jumps ahead.
    Jump(Duration),
    /// Something goes wrong with what is written to the store next.
    Store(StoreFault),
}

impl Schedule {
    /// Each schedule that is simpler than this one by one thing: a fault less, or a worker less.
    pub(crate) fn simpler(&self) -> Vec<Schedule> {
        let mut simpler = Vec::new();
        for at in (0..self.faults.len()).rev() {
            let mut faults = self.faults.clone();
            faults.remove(at);
            simpler.push(Schedule { faults, ..*self });
        }
        if self.workers > 1 {
            simpler.push(Schedule { workers: self.workers - 1, faults: self.faults.clone() });
        }
        for (at, fault) in self.faults.iter().enumerate() {
            let fewer = match fault.what {
                What::Rescale { workers } if workers > 1 => What::Rescale { workers: workers - 1 },
                What::Restart { workers } if workers > 1 => What::Restart { workers: workers - 1 },
                What::Crash { then: Some(_) } => What::Crash { then: None },
                _ => continue,
            };
            let mut schedule = self.clone();
            schedule.faults[at].what = fewer;
            simpler.push(schedule);
        }
        simpler
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Workers(self.workers))?;
        if self.faults.is_empty() {
            return f.write_str(", and nothing goes wrong");
        }
        self.faults.iter().try_for_each(|fault| write!(f, "\nstep {}: {}", fault.at, fault.what))
    }
}
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Crash { then: None } => f.write_str("all workers crash"),
            What::Crash { then: Some(workers) } => {
                write!(f, "all workers crash, and the job goes on with {}", Workers(*workers))
            }
            What::Rescale { workers } => write!(f, "the job is to have {}", Workers(*workers)),
            What::Restart { workers } => write!(f, "the job is stopped, to go on with {}", Workers(*workers)),
            What::Savepoint => f.write_str("a savepoint is asked for"),
            What::Pause { worker, steps } => write!(f, "worker {worker} does nothing for {steps} steps"),
            What::Jump(by) => write!(f, "the clock jumps ahead by {by:?}"),
            What::Store(fault) => write!(f, "{fault}"),
        }
    }
}
struct Workers(usize);
impl fmt::Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} worker{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}
