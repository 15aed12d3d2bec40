//! A machine that fails at a step that a test has chosen, and forgets what was not made durable.
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A step.
pub(in super::super) enum Op<'a> {
    Create(&'a Path),
    Write(&'a mut File, &'a Path, &'a [u8]),
    Sync(&'a Path),
    Rename(&'a Path, &'a Path),
    Remove(&'a Path),
    SyncDirectory(&'a Path),
}

/// How the machine fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Fault {
    /// The process dies: all it did is there.
    Process,
    /// The power does: only what was made durable is there.
    Power,
}

struct Machine {
    /// How many steps it will do.
    left: usize,
    fault: Fault,
    dead: bool,
    /// How much of files is durable, of those that were written to.
    durable: HashMap<PathBuf, u64>,
    /// What was done to names and is not durable: a file was created, or had a name before.
    names: Vec<(PathBuf, Option<PathBuf>)>,
}

thread_local! {
    static MACHINE: RefCell<Option<Machine>> = const { RefCell::new(None) };
}

/// From now on the machine does so many steps and then fails.
pub(in super::super) fn fail_after(left: usize, fault: Fault) {
    let machine = Machine { left, fault, dead: false, durable: HashMap::new(), names: Vec::new() };
    MACHINE.set(Some(machine));
}

/// Starts the machine again, and says whether it had failed.
pub(in super::super) fn restart() -> bool {
    let Some(machine) = MACHINE.take() else { return false };
    if machine.fault == Fault::Power {
        for (path, was) in machine.names.iter().rev() {
            match was {
                None => fs::remove_file(path).or_else(missing).unwrap(),
                Some(was) => {
                    fs::rename(path, was).or_else(missing).unwrap();
                }
            }
        }
        for (path, length) in &machine.durable {
            let renamed = machine.names.iter().find(|(now, _)| now == path).and_then(|(_, was)| was.as_ref());
            if let Ok(file) = OpenOptions::new().write(true).open(renamed.unwrap_or(path)) {
                file.set_len(*length).unwrap();
            }
        }
    }
    machine.dead
}

fn missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Takes note of a step, unless it is the one to fail at.
pub(super) fn step(op: Op<'_>) -> io::Result<()> {
    MACHINE.with_borrow_mut(|machine| match machine {
        Some(machine) => machine.step(op),
        None => Ok(()),
    })
}

impl Machine {
    fn step(&mut self, op: Op<'_>) -> io::Result<()> {
        if self.left == 0 {
            if let Op::Write(file, _, bytes) = op
                && !std::mem::replace(&mut self.dead, true)
            {
                file.write_all(&bytes[..bytes.len() / 2])?;
            }
            self.dead = true;
            return Err(io::Error::other("the machine has failed"));
        }
        self.left -= 1;
        match op {
            Op::Create(path) => {
                self.names.push((path.to_owned(), None));
                self.durable.insert(path.to_owned(), 0);
            }
            Op::Write(_, path, _) => {
                self.durable.entry(path.to_owned()).or_insert(0);
            }
            Op::Sync(path) => {
                self.durable.insert(path.to_owned(), fs::metadata(path)?.len());
            }
            Op::Rename(from, to) => {
                self.names.push((to.to_owned(), Some(from.to_owned())));
                if let Some(durable) = self.durable.remove(from) {
                    self.durable.insert(to.to_owned(), durable);
                }
            }
            Op::Remove(path) => {
                self.durable.remove(path);
            }
            Op::SyncDirectory(directory) => self.names.retain(|(path, _)| path.parent() != Some(directory)),
        }
        Ok(())
    }
}
