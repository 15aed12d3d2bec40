//! What the processes of a cluster print and log, passed on by the one that has started them.
//!
//! It passes it on so that it is the one to notice that nobody reads it any more: to a process that prints, that is an error like any
//! other, and whoever looks after it would start it again.
use crate::runtime::clock::Clock;
use std::io::{ErrorKind, Read, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A line that is longer is passed on in pieces.
const LONGEST: usize = 1 << 16;

/// The standard output, which all share.
#[derive(Debug, Default)]
pub(super) struct Printed {
    lost: OnceLock<std::io::Error>,
    begun: AtomicU64,
    done: AtomicU64,
}
impl Printed {
    /// Prints what comes from a process, to its end. Once nothing can be printed any more it is taken all the same: the process is not to
    /// fail before it is ended.
    pub(super) fn print(&self, mut from: impl Read) {
        let print = |lines: &[u8]| {
            self.passing_on(|| {
                let mut output = std::io::stdout().lock();
                output.write_all(lines).and_then(|()| output.flush())
            })
        };
        if let Err(error) = pass_on(&mut from, print) {
            // The first one to notice says why.
            let _ = self.lost.set(error);
            let _ = std::io::copy(&mut from, &mut std::io::sink());
        }
    }
    /// Does what may have to wait for a slow reader.
    pub(super) fn passing_on<T>(&self, pass: impl FnOnce() -> T) -> T {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let passed = pass();
        self.done.fetch_add(1, Ordering::SeqCst);
        passed
    }
    /// Why nothing can be printed any more, if that is so.
    pub(super) fn lost(&self) -> Option<&std::io::Error> {
        self.lost.get()
    }
    /// Whether nobody reads it any more.
    pub(super) fn is_unread(&self) -> bool {
        self.lost().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    }
    /// Waits until all has been passed on that the processes have said, which have ended: for as long as a slow reader takes, and for
    /// `patience` where something else than the process may still hold its output.
    pub(super) fn wait_for(&self, passing: &[JoinHandle<()>], clock: Clock, (look, patience): (Duration, Duration)) {
        let passed = || (self.begun.load(Ordering::SeqCst), self.done.load(Ordering::SeqCst));
        let (mut before, mut until) = (passed(), clock.now() + patience);
        while passing.iter().any(|thread| !thread.is_finished()) && self.lost().is_none() && clock.now() < until {
            std::thread::sleep(look);
            let now = passed();
            if now.0 != now.1 || now != before {
                (before, until) = (now, clock.now() + patience);
            }
        }
    }
}
/// Passes on whole lines, so that those of several processes do not mix.
fn pass_on(mut from: impl Read, mut print: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let (mut held, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // There is nothing more to be had of it.
            Err(_) => break,
        };
        held.extend_from_slice(&piece[..read]);
        let whole = match held.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if held.len() >= LONGEST => held.len(),
            None => continue,
        };
        print(&held[..whole])?;
        held.drain(..whole);
    }
    if held.is_empty() { Ok(()) } else { print(&held) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what it has in these pieces.
    struct Pieces(Vec<&'static [u8]>);
    impl Read for Pieces {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            into[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }
    fn passed(pieces: Vec<&'static [u8]>) -> Vec<String> {
        let mut all = Vec::new();
        let print = |lines: &[u8]| {
            all.push(String::from_utf8_lossy(lines).into_owned());
            Ok(())
        };
        pass_on(Pieces(pieces), print).expect("all can be printed");
        all
    }

    #[test]
    fn lines_stay_whole_and_what_ends_in_no_line_is_printed_too() {
        assert_eq!(passed(vec![b"one\ntw", b"o\nthr", b"ee"]), ["one\n", "two\n", "three"]);
        assert_eq!(passed(vec![b"one\ntwo\n", b"three\n"]), ["one\ntwo\n", "three\n"]);
        assert!(passed(vec![]).is_empty());
    }
    #[test]
    fn a_line_without_end_is_not_kept_in_memory() {
        let pieces = vec![[b'x'; 8192].as_slice(); 20];
        let all = passed(pieces);
        assert_eq!(all.iter().map(String::len).collect::<Vec<_>>(), [LONGEST, LONGEST, 20 * 8192 - 2 * LONGEST]);
    }
    #[test]
    fn it_ends_where_nothing_can_be_printed() {
        let mut pieces = Pieces(vec![b"one\n", b"two\n"]);
        let outcome = pass_on(&mut pieces, |_| Err(ErrorKind::BrokenPipe.into()));
        assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::BrokenPipe));
        assert_eq!(pieces.0.len(), 1, "the rest is for somebody else to take");
    }
}
