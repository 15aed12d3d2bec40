//! One measurement: in a process of its own, so that the allocator and the caches are fresh, what one peer keeps in
//! globals does not meet what another does, and CPU time and memory are this run's alone.
//!
//! Time is taken around the whole run, from before the dataflow is built until all its threads have ended: nobody gains
//! by doing work early or late. Building takes less than a millisecond. Only Nexmark's events are made before.
use crate::allocations;
use crate::histogram::Percentiles;
use crate::peers::{self, Case, Contestant};
use crate::tally::{self, Checksum};
use crate::workload::Workload;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What a run costs and yields.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    /// Of all threads, user and system.
    pub(crate) cpu_seconds: f64,
    /// What the process had used before the clock started.
    pub(crate) cpu_seconds_before: f64,
    pub(crate) allocations: u64,
    pub(crate) peak_mib: f64,
    #[serde(flatten)]
    pub(crate) checksum: Checksum,
    pub(crate) latency_us: Option<Percentiles>,
}

/// In the child: measures, and prints the result for the parent to read.
pub(crate) fn one(contestant: &str, case: &str) -> ExitCode {
    let (Ok(contestant), Ok(case)) = (serde_json::from_str(contestant), serde_json::from_str(case)) else {
        eprintln!("`one` takes what this program gives it");
        return ExitCode::from(2);
    };
    match serde_json::to_string(&measure(&contestant, &case)) {
        Ok(line) => println!("{line}"),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn measure(contestant: &Contestant, case: &Case) -> Measured {
    // starts the clock that latencies are taken by
    tally::now_ns();
    peers::prepare(case);
    let (cpu_before, allocations_before) = (cpu_seconds(), allocations::total());
    let begin = Instant::now();
    peers::run(contestant, case);
    Measured {
        seconds: begin.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds() - cpu_before,
        cpu_seconds_before: cpu_before,
        allocations: allocations::total() - allocations_before,
        peak_mib: peak_mib(),
        checksum: tally::checksum(),
        latency_us: if case.workload == Workload::W6 { tally::latencies().percentiles() } else { None },
    }
}

/// In the parent: has a child measure.
///
/// # Errors
/// Says what went wrong if there is no result.
pub(crate) fn in_a_child(contestant: &Contestant, case: &Case, timeout: Duration) -> Result<Measured, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let myself = std::env::current_exe().map_err(|error| text(&error))?;
    let contestant = serde_json::to_string(contestant).map_err(|error| text(&error))?;
    let case = serde_json::to_string(case).map_err(|error| text(&error))?;
    let mut command = Command::new(myself);
    command.args(["one", &contestant, &case]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| text(&error))?;
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| text(&error))? {
            break status;
        }
        if begin.elapsed() > timeout {
            child.kill().and_then(|()| child.wait()).map_err(|error| text(&error))?;
            return Err(format!("gave no result within {} s", timeout.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        return Err(format!("failed ({status})"));
    }
    // a line, which fits into the pipe: the child never waited for us to read it
    let mut line = String::new();
    child.stdout.take().ok_or("has no output")?.read_to_string(&mut line).map_err(|error| text(&error))?;
    serde_json::from_str(&line).map_err(|error| format!("printed what is no result: {error}"))
}

/// For how long anything at all has run since the machine started, over all processors.
pub(crate) fn machine_busy_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let ticks = first.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0.0));
    // user nice system idle iowait irq softirq steal; guest time is in user already
    ticks.take(8).enumerate().filter(|(field, _)| ![3, 4].contains(field)).map(|(_, ticks)| ticks / TICKS).sum()
}

/// Of a second: Linux shows user space no other, whatever the kernel's own.
const TICKS: f64 = 100.0;

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // the second field is the program's name in parentheses; user and system time are the 14th and 15th
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse().unwrap_or(0.0) / TICKS).sum()
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
