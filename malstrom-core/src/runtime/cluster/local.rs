//! A cluster on one machine, for development: one command starts the coordinator and the processes with workers, shows what they log,
//! and starts those again that die.
//!
//! Each is this same program with the same command line; a variable says which part it plays. They hang on their standard input: when
//! that ends, so do they, so that nothing is left running whatever becomes of the process that has started them.
use super::Gone;
use crate::error::{Error, Result};
use crate::runtime::clock::Clock;
use crate::runtime::signals::{self, Stop};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Says which part a process plays: `coordinator PORT`, `coordinator PORT again` or `worker NUMBER PORT`.
const PART: &str = "MALSTROM_PART";
/// How often it is looked whether all are still there.
const LOOK: Duration = Duration::from_millis(20);
/// Who dies within this time of its start is started again only after a pause, which is twice as long each time.
const SOON: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Who has left is replaced after this time, unless the job has ended.
const REPLACED: Duration = Duration::from_secs(1);
/// When the job is over, the others end within this time, or are ended.
const END: Duration = Duration::from_secs(5);
/// What a process of this machine ends with that was told to go, while the job goes on.
const LEFT: i32 = 4;

/// The part that this process plays in a cluster of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Coordinator { port: u16, again: bool },
    Worker { number: u32, port: u16 },
}
impl Part {
    fn read(text: &str) -> Option<Part> {
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            ["coordinator", port] => Some(Part::Coordinator { port: port.parse().ok()?, again: false }),
            ["coordinator", port, "again"] => Some(Part::Coordinator { port: port.parse().ok()?, again: true }),
            ["worker", number, port] => Some(Part::Worker { number: number.parse().ok()?, port: port.parse().ok()? }),
            _ => None,
        }
    }
    fn write(self) -> String {
        match self {
            Part::Coordinator { port, again: false } => format!("coordinator {port}"),
            Part::Coordinator { port, again: true } => format!("coordinator {port} again"),
            Part::Worker { number, port } => format!("worker {number} {port}"),
        }
    }
    /// Where it answers over HTTP, if the job is to at `address`: that is for the coordinator, and others take any free port beside it.
    pub(crate) fn serves(self, address: String) -> String {
        match (self, address.rsplit_once(':')) {
            (Part::Worker { .. }, Some((host, _))) => format!("{host}:0"),
            // What is no address is found to be none.
            (Part::Coordinator { .. }, _) | (_, None) => address,
        }
    }
    fn name(self) -> String {
        match self {
            Part::Coordinator { .. } => "coordinator".to_owned(),
            Part::Worker { number, .. } => format!("worker {number}"),
        }
    }
}
/// The part that this process plays, if it was started by another one for that. From now on it ends when that one does.
pub(crate) fn part() -> Option<Part> {
    let part = Part::read(&crate::runtime::clock::variable(PART)?)?;
    let listen = || {
        for line in std::io::stdin().lock().lines() {
            match line {
                Ok(line) if line == "stop" => signals::stop_current(),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        std::process::exit(3)
    };
    // Without that it ends when somebody ends it.
    let _ = std::thread::Builder::new().name("malstrom-parent".into()).spawn(listen);
    Some(part)
}

/// What the coordinator of a cluster of this machine says to the process that has started it, beside what it logs.
const SAYS: &str = "\u{1}malstrom processes ";
/// Has as many processes with workers be started as there are to be, if this one belongs to a cluster of this machine.
pub(crate) fn scale(processes: usize) {
    if crate::runtime::clock::variable(PART).is_some() {
        say(format_args!("{SAYS}{processes}"));
    }
}

/// What a process ends with that has done its work.
pub(crate) fn code(part: Option<Part>, gone: Gone) -> i32 {
    match gone {
        Gone::Left if part.is_some() => LEFT,
        Gone::Left | Gone::Over => 0,
    }
}

/// Says something to whoever watches, if anybody still does.
fn say(what: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// One of the processes.
struct Started {
    part: Part,
    child: Option<Child>,
    since: Duration,
    /// How often in a row it has died soon.
    deaths: u32,
    again: Option<Duration>,
    /// It was not needed any more.
    left: bool,
}
/// Has the coordinator stop the job.
struct Stopping {
    begun: AtomicBool,
    coordinator: Mutex<Option<ChildStdin>>,
}
impl Stopping {
    fn say(&self) {
        if let Some(stdin) = &mut *crate::runtime::attempt::lock(&self.coordinator) {
            // Who is gone needs no telling; its successor is told.
            let _ = stdin.write_all(b"stop\n").and_then(|()| stdin.flush());
        }
    }
}
impl Stop for Stopping {
    fn stop(&self) {
        self.begun.store(true, Ordering::SeqCst);
        self.say();
    }
    fn is_stopping(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }
}

/// Runs the job in a coordinator and `processes` processes with workers. What it ends with is what the process is to end with.
pub(crate) fn run(processes: usize, clock: Clock) -> Result<i32> {
    let cannot = |doing| move |cause: std::io::Error| Error::Runtime { doing, cause: cause.into() };
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let port = port.map_err(cannot("find a port for the coordinator"))?.port();
    let stopping = Arc::new(Stopping { begun: AtomicBool::new(false), coordinator: Mutex::new(None) });
    let stop: Arc<dyn Stop> = stopping.clone();
    signals::stop_on_signal(Arc::downgrade(&stop))?;
    let parts = (0u32..).take(processes).map(|number| Part::Worker { number, port });
    let parts = [Part::Coordinator { port, again: false }].into_iter().chain(parts);
    let fresh = |part| Started {
        part,
        child: None,
        since: Duration::ZERO,
        deaths: 0,
        again: Some(Duration::ZERO),
        left: false,
    };
    let mut all: Vec<Started> = parts.map(fresh).collect();
    let (wanted, mut there) = (Arc::new(AtomicUsize::new(processes)), processes);
    say(format_args!("starting a coordinator on port {port} and {processes} processes with workers"));
    let code = loop {
        let mut over = None;
        let now_wanted = wanted.load(Ordering::SeqCst);
        if std::mem::replace(&mut there, now_wanted) != now_wanted {
            for number in (0u32..).take(now_wanted) {
                let part = Part::Worker { number, port };
                match all.iter_mut().find(|one| one.part == part) {
                    None => all.push(fresh(part)),
                    // It was not needed, and is again.
                    Some(one) if one.left && one.child.is_none() => *one = fresh(part),
                    Some(_) => {}
                }
            }
        }
        for one in &mut all {
            let now = clock.now();
            if one.again.is_some_and(|at| now >= at) {
                one.start(now, &stopping, &wanted).map_err(cannot("start a process of the cluster"))?;
            }
            let Some(child) = &mut one.child else { continue };
            let Some(status) = child.try_wait().map_err(cannot("look after a process of the cluster"))? else {
                continue;
            };
            one.child = None;
            over = one.ended(status, now).or(over);
        }
        if let Some(code) = over {
            break code;
        }
        std::thread::sleep(LOOK);
    };
    let until = clock.now() + END;
    while clock.now() < until && all.iter_mut().any(Started::is_there) {
        std::thread::sleep(LOOK);
    }
    for child in all.iter_mut().filter_map(|one| one.child.as_mut()) {
        let _ = child.kill().and_then(|()| child.wait().map(drop));
    }
    drop(stop);
    Ok(code)
}
impl Started {
    fn start(&mut self, now: Duration, stopping: &Stopping, wanted: &Arc<AtomicUsize>) -> std::io::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(std::env::args_os().skip(1)).env(PART, self.part.write());
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        // What the terminal sends goes to the one who looks after all of them.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        if let Some(stderr) = child.stderr.take() {
            let (name, wanted) = (self.part.name(), wanted.clone());
            let show = move || {
                for line in BufReader::new(stderr).lines().map_while(std::result::Result::ok) {
                    if let Some(processes) = line.strip_prefix(SAYS).and_then(|said| said.parse().ok()) {
                        wanted.store(processes, Ordering::SeqCst);
                        continue;
                    }
                    say(format_args!("[{name}] {line}"));
                }
            };
            std::thread::Builder::new().name("malstrom-log".into()).spawn(show)?;
        }
        if let Part::Coordinator { port, .. } = self.part {
            *crate::runtime::attempt::lock(&stopping.coordinator) = child.stdin.take();
            if stopping.is_stopping() {
                stopping.say();
            }
            // The next one takes over what runs.
            self.part = Part::Coordinator { port, again: true };
        }
        (self.child, self.since, self.again) = (Some(child), now, None);
        Ok(())
    }
    /// It has ended. With what the cluster ends, if it does.
    fn ended(&mut self, status: ExitStatus, now: Duration) -> Option<i32> {
        let coordinates = matches!(self.part, Part::Coordinator { .. });
        match status.code() {
            Some(code) if coordinates && code != 101 => return Some(code),
            Some(2) => return Some(2),
            Some(0) => {
                self.left = true;
                return None;
            }
            Some(LEFT) => {
                self.again = Some(now + REPLACED);
                return None;
            }
            _ => {}
        }
        self.deaths = if now.saturating_sub(self.since) < SOON { self.deaths + 1 } else { 0 };
        let pause = match self.deaths {
            0 | 1 => Duration::ZERO,
            deaths => PAUSE.saturating_mul(1 << (deaths - 2).min(10)).min(LONGEST_PAUSE),
        };
        say(format_args!("{} has ended ({status}) and is started again", self.part.name()));
        self.again = Some(now + pause);
        None
    }
    fn is_there(&mut self) -> bool {
        // One that cannot be asked is ended like those that do not end.
        self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(Some(_))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_it_was_written() {
        let parts = [
            Part::Coordinator { port: 7070, again: false },
            Part::Coordinator { port: 1, again: true },
            Part::Worker { number: 3, port: 65535 },
        ];
        for part in parts {
            assert_eq!(Part::read(&part.write()), Some(part));
        }
        assert_eq!(Part::read("worker x 1"), None);
    }
    #[test]
    fn the_coordinator_answers_at_the_address_that_is_given() {
        let (coordinator, worker) = (Part::Coordinator { port: 1, again: true }, Part::Worker { number: 0, port: 1 });
        for (given, beside) in [("127.0.0.1:8080", "127.0.0.1:0"), ("[::1]:80", "[::1]:0"), ("nowhere", "nowhere")] {
            assert_eq!(coordinator.serves(given.into()), given);
            assert_eq!(worker.serves(given.into()), beside);
        }
    }
}
