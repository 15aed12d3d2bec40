//! The processes of a job, and what they say.
use crate::DEMO;
use crate::clocks::Clocks;
use crate::command_line::{command, signal};
use crate::disk::{Disk, bound};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// Where a process answers over HTTP it says behind this.
const ANSWERS_AT: &str = "http: listening on http://";
/// An answer takes no longer.
const ANSWER: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// No test takes so long, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something holds, which it must.
#[track_caller]
pub(crate) fn eventually(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < patience, "not within {patience:?}: {what}");
        sleep(POLL);
    }
}
/// A port that nobody has. It is below those that the system gives to who asks for any, so that nobody gets it before it is used.
pub(crate) fn free_port() -> u16 {
    const PORTS: std::ops::Range<u32> = 20_000..32_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Two runs of the tests begin at different ones.
        let number = std::process::id().wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = (PORTS.start + number % (PORTS.end - PORTS.start)) as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// What is answered over HTTP: the status and the body.
fn ask(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    ask_if_there(address, method, path, body).expect("there is an answer")
}
/// The same, of one that may have ended, or ends meanwhile.
pub(crate) fn ask_if_there(address: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    // It may stand still.
    stream.set_read_timeout(Some(ANSWER)).ok()?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
/// Puts something at a path of a job that answers at this port.
pub(crate) fn put(port: u16, path: &str, body: &str) -> (u16, String) {
    ask(&format!("127.0.0.1:{port}"), "PUT", path, body)
}
/// Posts to a path of a job that answers at this port.
pub(crate) fn post(port: u16, path: &str) -> (u16, String) {
    ask(&format!("127.0.0.1:{port}"), "POST", path, "")
}
/// Sends a signal to a process that may have ended.
pub(crate) fn signal_if_there(id: u32, name: &str) {
    let sent = std::process::Command::new("kill").args([format!("-{name}"), id.to_string()]).output();
    sent.expect("`kill` runs");
}
/// A process. It does not outlive the test.
pub(crate) struct Process {
    name: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}
impl Process {
    pub(crate) fn start(program: &str, name: &str, arguments: &[String], logs: &Path) -> Process {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let file = |end: &str| logs.join(format!("{number:04}-{name}.{end}"));
        let (stdout, stderr) = (file("stdout"), file("stderr"));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = command(program, &arguments);
        command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap()).stdin(Stdio::null());
        Process { name: name.to_owned(), child: command.spawn().unwrap(), stdout, stderr }
    }
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
    pub(crate) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }
    /// The same, for one that may have ended.
    pub(crate) fn signal_if_there(&self, name: &str) {
        signal_if_there(self.id(), name);
    }
    pub(crate) fn kill(&mut self) {
        // One that has ended cannot be killed, and that is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
    /// With what it has ended, if it has.
    pub(crate) fn code(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().unwrap().map(|status| status.code())
    }
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap()
    }
    pub(crate) fn count(&self, words: &str) -> usize {
        self.log().matches(words).count()
    }
    #[track_caller]
    pub(crate) fn until_it_logs(&self, words: &str) {
        self.until_it_logs_times(words, 1);
    }
    #[track_caller]
    pub(crate) fn until_it_logs_times(&self, words: &str, times: usize) {
        let start = Instant::now();
        while self.count(words) < times {
            assert!(start.elapsed() < PATIENCE, "{} does not say `{words}`:\n{}", self.name, self.log());
            sleep(POLL);
        }
    }
    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(code) = self.code() {
                return code;
            }
            assert!(start.elapsed() < PATIENCE, "{} does not end:\n{}", self.name, self.log());
            sleep(POLL);
        }
    }
    #[track_caller]
    pub(crate) fn ends_with(&mut self, code: i32) {
        let ended = self.end();
        assert_eq!(ended, Some(code), "{}:\n{}\n{}", self.name, self.said(), self.log());
    }
    /// What it answers over HTTP at this path: the status and the body.
    #[track_caller]
    pub(crate) fn asked(&self, path: &str) -> (u16, String) {
        self.until_it_logs(ANSWERS_AT);
        ask(&self.answers_at().unwrap(), "GET", path, "")
    }
    /// Where it answers over HTTP, if it has said so.
    pub(crate) fn answers_at(&self) -> Option<String> {
        self.log().lines().find_map(|line| line.strip_prefix(ANSWERS_AT)).map(str::to_owned)
    }
    #[track_caller]
    pub(crate) fn is_refused(&mut self, why: &str) {
        self.ends_with(2);
        assert!(self.log().contains(why), "{}", self.log());
    }
    /// The coordinator of a job: its result is right. How often it was restarted.
    #[track_caller]
    pub(crate) fn is_right(&mut self) -> u64 {
        self.ends_with(0);
        let said = self.said();
        assert!(said.contains("are booked twice and settled once"), "{said}");
        self.restarts()
    }
    /// How often its job was restarted, by its report.
    pub(crate) fn restarts(&self) -> u64 {
        let said = self.said();
        let report = said.lines().find(|line| line.contains(" records in ")).unwrap_or_else(|| panic!("{said}"));
        let restarts = report.split(", ").find(|part| part.contains(" restart") && !part.contains("restored"));
        restarts.map_or(0, |part| part.split(' ').next().unwrap().replace(',', "").parse().unwrap())
    }
    /// The most memory that it had, in bytes.
    pub(crate) fn most_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}
impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A job, and where its processes find each other.
pub(crate) struct Job {
    // Before the directory that it lies in.
    disk: Option<Disk>,
    clocks: Option<Clocks>,
    dir: tempfile::TempDir,
    pub(crate) program: String,
    pub(crate) port: u16,
    processes: usize,
    least: usize,
    transfers: u64,
    rate: Option<u64>,
    more: Vec<String>,
}
impl Job {
    /// A job that takes so many seconds if nothing happens.
    pub(crate) fn of(processes: usize, seconds: u64) -> Job {
        const RATE: u64 = 1000;
        Job {
            disk: None,
            clocks: None,
            dir: tempfile::tempdir().unwrap(),
            program: DEMO.to_owned(),
            port: free_port(),
            processes,
            least: processes,
            transfers: seconds * RATE,
            rate: Some(RATE),
            more: Vec::new(),
        }
    }
    pub(crate) fn least(self, least: usize) -> Job {
        Job { least, ..self }
    }
    pub(crate) fn rate(self, rate: Option<u64>, transfers: u64) -> Job {
        Job { rate, transfers, ..self }
    }
    /// It has a disk that can fail, and runs as somebody to whom it can be denied.
    pub(crate) fn on_a_disk(mut self) -> Job {
        self.disk = Some(Disk::new(self.dir()));
        self
    }
    /// Each of its processes has a clock of its own, which may be set.
    pub(crate) fn with_clocks(&mut self) -> Result<(), String> {
        self.clocks = Some(Clocks::new(self.dir())?);
        Ok(())
    }
    pub(crate) fn has_clocks(&self) -> bool {
        self.clocks.is_some()
    }
    pub(crate) fn clocks(&self) -> &Clocks {
        self.clocks.as_ref().expect("it was given some")
    }
    pub(crate) fn disk(&self) -> &Disk {
        self.disk.as_ref().expect("it was given one")
    }
    /// Where snapshots and output lie.
    fn at(&self) -> &Path {
        self.disk.as_ref().map_or(self.dir(), Disk::at)
    }
    /// All processes have these arguments as well.
    pub(crate) fn with(mut self, more: &[&str]) -> Job {
        self.more.extend(more.iter().map(ToString::to_string));
        self
    }
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
    /// What it has written is for people to look at.
    pub(crate) fn keep(self) -> PathBuf {
        let Job { disk, dir, .. } = self;
        if let Some(disk) = disk {
            disk.keep(&dir.path().join("kept"));
        }
        dir.keep()
    }
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
    pub(crate) fn arguments(&self) -> Vec<String> {
        let at = self.at().display();
        let mut arguments = vec![
            format!("--snapshots=file://{at}/snapshots"),
            format!("--output={at}/output"),
            format!("--transfers={}", self.transfers),
            "--workers=1".into(),
            "--every=500ms".into(),
            "--accounts=100".into(),
            "--log=info".into(),
        ];
        arguments.extend(self.rate.map(|rate| format!("--rate={rate}")));
        arguments.extend(self.more.clone());
        arguments
    }
    pub(crate) fn start(&self, name: &str, more: &[&str]) -> Process {
        self.start_armed(name, more, &[])
    }
    /// The same, with variables: `NAME=value`.
    pub(crate) fn start_armed(&self, name: &str, more: &[&str], variables: &[String]) -> Process {
        let mut arguments = self.arguments();
        // What is given twice is refused, unless one of them is for this process alone.
        for one in more {
            if let Some((flag, _)) = one.split_once('=') {
                arguments.retain(|argument| argument.split('=').next() != Some(flag));
            }
            arguments.push((*one).to_owned());
        }
        let (program, bound) = match &self.disk {
            Some(_) => bound(&self.program),
            None => (self.program.clone(), Vec::new()),
        };
        let clock = self.clocks.iter().flat_map(|clocks| clocks.variables(name));
        let all: Vec<String> =
            variables.iter().cloned().chain(clock).chain([program]).chain(bound).chain(arguments).collect();
        Process::start("env", name, &all, self.dir())
    }
    pub(crate) fn coordinator(&self) -> Process {
        self.coordinator_at(self.port)
    }
    pub(crate) fn coordinator_at(&self, port: u16) -> Process {
        self.coordinator_with("coordinator", port, &[])
    }
    /// One that takes over when the first one is silent for two seconds.
    pub(crate) fn standby(&self, port: u16) -> Process {
        self.coordinator_with("standby", port, &["--standby", "--takeover=2s", "--http=127.0.0.1:0"])
    }
    pub(crate) fn coordinator_with(&self, name: &str, port: u16, more: &[&str]) -> Process {
        self.coordinates(name, port, more, &[])
    }
    /// One with these variables.
    pub(crate) fn coordinator_armed(&self, variables: &[String]) -> Process {
        self.coordinates("coordinator", self.port, &[], variables)
    }
    fn coordinates(&self, name: &str, port: u16, more: &[&str], variables: &[String]) -> Process {
        let own = [
            "--role=coordinator",
            &format!("--listen=127.0.0.1:{port}"),
            &format!("--processes={}", self.processes),
            &format!("--min-processes={}", self.least),
        ];
        self.start_armed(name, &[&own, more].concat(), variables)
    }
    pub(crate) fn worker(&self, number: u32) -> Process {
        self.worker_with(number, &[])
    }
    pub(crate) fn worker_with(&self, number: u32, more: &[&str]) -> Process {
        self.works(number, more, &[])
    }
    /// One with these variables.
    pub(crate) fn worker_armed(&self, number: u32, variables: &[String]) -> Process {
        self.works(number, &[], variables)
    }
    fn works(&self, number: u32, more: &[&str], variables: &[String]) -> Process {
        let (join, process) = (format!("--join={}", self.address()), format!("--process={number}"));
        let own = ["--role=worker", &*join, &*process];
        self.start_armed(&format!("worker{number}"), &[&own, more].concat(), variables)
    }
    /// Starts everything.
    pub(crate) fn all(&self) -> (Process, Vec<Process>) {
        let workers = 0..self.processes as u32;
        (self.coordinator(), workers.map(|number| self.worker(number)).collect())
    }
    /// How many bookings are published.
    pub(crate) fn published(&self) -> usize {
        let Ok(parts) = fs::read_dir(self.at().join("output/booked")) else { return 0 };
        let parts = parts.map(|part| part.unwrap().path());
        let parts = parts.filter(|part| !part.file_name().unwrap().to_string_lossy().starts_with('.'));
        let lines = |part: PathBuf| fs::read_to_string(part).map_or(0, |text| text.lines().count().saturating_sub(1));
        parts.map(lines).sum()
    }
    /// The number of the last entry of the commit log.
    fn committed(&self) -> u64 {
        let Ok(entries) = fs::read_dir(self.at().join("snapshots/log")) else { return 0 };
        let number = |name: std::ffi::OsString| name.to_string_lossy().parse().ok();
        entries.filter_map(|entry| number(entry.unwrap().file_name())).max().unwrap_or(0)
    }
    /// Whether there is a savepoint of this name.
    pub(crate) fn has_savepoint(&self, name: &str) -> bool {
        self.at().join("snapshots/savepoints").join(name).join("manifest").exists()
    }
    /// Waits for more snapshots than there are.
    #[track_caller]
    pub(crate) fn goes_on(&self) {
        let before = self.committed();
        eventually("snapshots are committed", PATIENCE, || self.committed() >= before + 3);
    }
}
#[track_caller]
pub(crate) fn all_end(workers: &mut [Process]) {
    workers.iter_mut().for_each(|worker| worker.ends_with(0));
}
