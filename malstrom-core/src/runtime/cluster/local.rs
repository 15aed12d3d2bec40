//! A cluster on one machine, for development: one command starts the coordinator and the processes with workers, shows what they log,
//! and starts those again that die.
//!
//! Each is this same program with the same command line; a variable says which part it plays. They hang on their standard input: when
//! that ends, so do they, so that nothing is left running whatever becomes of the process that has started them.
mod printed;
#[cfg(test)]
mod tests;

use super::Gone;
use crate::error::{Error, Result};
use crate::runtime::clock::Clock;
use crate::runtime::signals::{self, Stop};
use printed::Printed;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Says which part a process plays: `coordinator PORT`, `coordinator PORT again` or `worker NUMBER PORT`.
const PART: &str = "MALSTROM_PART";
/// How often it is looked whether all are still there.
const LOOK: Duration = Duration::from_millis(20);
/// Who dies within this time of its start is started again only after a pause, which is twice as long each time.
const SOON: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Who dies as often as that, with no snapshot in between, will do so again.
const DEATHS: u32 = 6;
/// What a process has said last is waited for, for so long if something else holds its output.
const LAST_WORDS: Duration = Duration::from_secs(1);
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
const SAYS_COMMITTED: &str = "\u{1}malstrom committed";
const SAYS_OVER: &str = "\u{1}malstrom over";
/// Has as many processes with workers be started as there are to be, if this one belongs to a cluster of this machine.
pub(crate) fn scale(processes: usize) {
    if crate::runtime::clock::variable(PART).is_some() {
        say(format_args!("{SAYS}{processes}"));
    }
}
/// A snapshot is committed: whoever has died since the one before, the job goes on.
pub(crate) fn committed() {
    if crate::runtime::clock::variable(PART).is_some() {
        say(format_args!("{SAYS_COMMITTED}"));
    }
}
/// The job is over: whatever the program does now, another coordinator has nothing to do.
pub(crate) fn over(part: Option<Part>) {
    if part.is_some() {
        say(format_args!("{SAYS_OVER}"));
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

/// What the processes of the cluster say.
struct Said {
    printed: Printed,
    /// How many processes with workers there are to be.
    wanted: AtomicUsize,
    /// How many snapshots were committed.
    committed: AtomicUsize,
    /// Whether the job is over.
    over: AtomicBool,
}
impl Said {
    fn of(processes: usize) -> Self {
        let (wanted, committed) = (AtomicUsize::new(processes), AtomicUsize::new(0));
        Said { printed: Printed::default(), wanted, committed, over: AtomicBool::new(false) }
    }
}
/// How a cluster ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Over {
    code: i32,
    /// For how long it is waited until all have ended by themselves.
    patience: Duration,
}
/// One of the processes.
struct Started {
    part: Part,
    child: Option<Child>,
    /// Since when it is known to have ended.
    gone: Option<Duration>,
    /// What passes on what it says.
    passing: Vec<JoinHandle<()>>,
    since: Duration,
    /// How often in a row it has died soon.
    deaths: u32,
    /// How often it has died since there were so many snapshots.
    in_vain: (u32, usize),
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
    let mut all: Vec<Started> = parts.map(fresh).collect();
    let (said, mut there) = (Arc::new(Said::of(processes)), processes);
    say(format_args!("starting a coordinator on port {port} and {processes} processes with workers"));
    let over = loop {
        // Whoever has closed the pipe has seen enough, as with `job | head`.
        let mut over = said.printed.lost().map(|_| Over { code: 0, patience: Duration::ZERO });
        let now_wanted = said.wanted.load(Ordering::SeqCst);
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
                one.start(now, &stopping, &said).map_err(cannot("start a process of the cluster"))?;
            }
            let Some(child) = &mut one.child else { continue };
            let Some(status) = child.try_wait().map_err(cannot("look after a process of the cluster"))? else {
                continue;
            };
            if now.saturating_sub(*one.gone.get_or_insert(now)) < LAST_WORDS
                && one.passing.iter().any(|thread| !thread.is_finished())
            {
                continue;
            }
            one.child = None;
            over = one.ended(status, now, &said).or(over);
        }
        if let Some(over) = over {
            break over;
        }
        std::thread::sleep(LOOK);
    };
    let until = clock.now() + over.patience;
    while clock.now() < until && all.iter_mut().any(Started::is_there) {
        std::thread::sleep(LOOK);
    }
    let mut left: Vec<&mut Child> = all.iter_mut().filter_map(|one| one.child.as_mut()).collect();
    // Who has ended meanwhile cannot be killed, and that is as well.
    left.iter_mut().for_each(|child| drop(child.kill()));
    left.into_iter().for_each(|child| drop(child.wait()));
    let passing: Vec<_> = all.into_iter().flat_map(|one| one.passing).collect();
    said.printed.wait_for(&passing, clock, (LOOK, END));
    drop(stop);
    match said.printed.lost() {
        Some(error) if !said.printed.is_unread() => {
            Err(Error::file("write to", "standard output")(std::io::Error::new(error.kind(), error.to_string())))
        }
        _ => Ok(over.code),
    }
}
/// One that is to be started.
fn fresh(part: Part) -> Started {
    Started {
        part,
        child: None,
        gone: None,
        passing: Vec::new(),
        since: Duration::ZERO,
        deaths: 0,
        in_vain: (0, 0),
        again: Some(Duration::ZERO),
        left: false,
    }
}
impl Started {
    fn start(&mut self, now: Duration, stopping: &Stopping, said: &Arc<Said>) -> std::io::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(std::env::args_os().skip(1)).env(PART, self.part.write());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What the terminal sends goes to the one who looks after all of them.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        self.passing.retain(|thread| !thread.is_finished());
        if let Some(stderr) = child.stderr.take() {
            let (name, said) = (self.part.name(), said.clone());
            self.passing.push(thread("malstrom-log").spawn(move || show(stderr, &name, &said))?);
        }
        if let Some(stdout) = child.stdout.take() {
            let said = said.clone();
            self.passing.push(thread("malstrom-print").spawn(move || said.printed.print(stdout))?);
        }
        if let Part::Coordinator { port, .. } = self.part {
            *crate::runtime::attempt::lock(&stopping.coordinator) = child.stdin.take();
            if stopping.is_stopping() {
                stopping.say();
            }
            // The next one takes over what runs.
            self.part = Part::Coordinator { port, again: true };
        }
        (self.child, self.gone, self.since, self.again) = (Some(child), None, now, None);
        Ok(())
    }
    /// It has ended. How the cluster ends, if it does.
    fn ended(&mut self, status: ExitStatus, now: Duration, said: &Said) -> Option<Over> {
        let is_over = said.over.load(Ordering::SeqCst);
        let coordinates = matches!(self.part, Part::Coordinator { .. });
        let over = |code| Some(Over { code, patience: END });
        match status.code() {
            Some(code) if coordinates && (code != 101 || is_over) => return over(code),
            None if coordinates && is_over => return over(1),
            Some(2) => return over(2),
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
        let committed = said.committed.load(Ordering::SeqCst);
        self.in_vain = if self.in_vain.1 == committed { (self.in_vain.0 + 1, committed) } else { (1, committed) };
        if self.in_vain.0 >= DEATHS {
            say(format_args!(
                "error: {} has ended {DEATHS} times with no snapshot in between, the last time with {status}: what it has said above says why",
                self.part.name()
            ));
            // Nobody tells the others that they are to end.
            return Some(Over { code: 1, patience: Duration::ZERO });
        }
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
/// Passes on what a process logs, and does what it says.
fn show(stderr: impl std::io::Read, name: &str, said: &Said) {
    for line in BufReader::new(stderr).split(b'\n').map_while(std::result::Result::ok) {
        // Programs may log what is no text.
        let line = String::from_utf8_lossy(&line);
        if let Some(processes) = line.strip_prefix(SAYS).and_then(|said| said.parse().ok()) {
            said.wanted.store(processes, Ordering::SeqCst);
        } else if line == SAYS_COMMITTED {
            said.committed.fetch_add(1, Ordering::SeqCst);
        } else if line == SAYS_OVER {
            said.over.store(true, Ordering::SeqCst);
        } else if !said.printed.is_unread() {
            // Otherwise it is about that all are being ended, and nobody listens.
            said.printed.passing_on(|| say(format_args!("[{name}] {line}")));
        }
    }
}
