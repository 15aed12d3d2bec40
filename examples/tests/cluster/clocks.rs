//! Clocks that are wrong, and that jump. What time of day a process believes it to be is nothing that others depend on.
use crate::job::{Job, all_end};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// So wrong a clock is.
const HOUR: i64 = 3600;

/// The clocks of the processes of a job, each of its own.
pub(crate) struct Clocks {
    library: PathBuf,
    dir: PathBuf,
}
impl Clocks {
    /// Those of a job with this directory; why there are none, where no C compiler is.
    pub(crate) fn new(dir: &Path) -> Result<Clocks, String> {
        let (source, library) = (dir.join("clock.c"), dir.join("clock.so"));
        fs::write(&source, include_str!("clock.c")).unwrap();
        let mut compiler = Command::new("cc");
        let made = compiler.args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).output();
        match made {
            Ok(output) if output.status.success() => Ok(Clocks { library, dir: dir.to_owned() }),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(format!("cc: {error}")),
        }
    }
    fn at(&self, name: &str) -> PathBuf {
        self.dir.join(format!("clock-of-{name}"))
    }
    /// The variables by which the process of this name has its clock.
    pub(crate) fn variables(&self, name: &str) -> [String; 2] {
        [format!("LD_PRELOAD={}", self.library.display()), format!("WRONG_CLOCK={}", self.at(name).display())]
    }
    /// From now on the clock of the process of this name is wrong by so many seconds.
    pub(crate) fn set(&self, name: &str, seconds: i64) {
        let (next, at) = (self.at(&format!("{name}-next")), self.at(name));
        fs::write(&next, seconds.to_string()).unwrap();
        fs::rename(next, at).unwrap();
    }
    /// What time it is to a process of this name, in seconds since 1970.
    fn now(&self, name: &str) -> i64 {
        let output = Command::new("env").args(self.variables(name)).args(["date", "+%s"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    }
}

#[test]
fn clocks_that_are_wrong_and_jump_change_nothing() {
    let mut job = Job::of(2, 12);
    if let Err(why) = job.with_clocks() {
        eprintln!("skipped: no clocks of their own on this machine ({why})");
        return;
    }
    let clocks = job.clocks();
    clocks.set("coordinator", HOUR);
    clocks.set("worker1", -HOUR);
    let between = clocks.now("coordinator") - clocks.now("worker1");
    assert!((2 * HOUR - 5..=2 * HOUR + 5).contains(&between), "they are wrong: {between}");

    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    for (name, seconds) in [("worker0", HOUR), ("coordinator", -HOUR), ("worker1", 24 * HOUR)] {
        clocks.set(name, seconds);
        job.goes_on();
    }
    assert_eq!(coordinator.is_right(), 0, "{}", coordinator.log());
    all_end(&mut workers);
}
