//! Sleeping and waking of workers.
//!
//! A worker announces that it will sleep, looks at its inputs once more, and sleeps. Who gives it something does so
//! first and looks at the announcement then. One of the two sees the other, so no wake-up is lost.
use crate::exchange::fabric::Wake;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::Thread;
use std::time::Duration;

#[derive(Debug, Default)]
struct Bed {
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

/// The places where the workers of a process sleep.
#[derive(Debug)]
pub(crate) struct Dormitory(Vec<Bed>);
impl Dormitory {
    pub(crate) fn new(workers: usize) -> Self {
        Dormitory((0..workers).map(|_| Bed::default()).collect())
    }
    /// Says that the current thread is worker `worker`.
    pub(crate) fn move_in(&self, worker: usize) {
        let _ = self.0[worker].thread.set(std::thread::current());
    }
    /// Announces sleep. Inputs must be looked at again before [`sleep`](Self::sleep).
    pub(crate) fn announce(&self, worker: usize) {
        self.0[worker].asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }
    /// Takes the announcement back.
    pub(crate) fn stay_up(&self, worker: usize) {
        self.0[worker].asleep.store(false, Ordering::Relaxed);
    }
    /// Sleeps until woken, or for `at_most`.
    pub(crate) fn sleep(&self, worker: usize, at_most: Option<Duration>) {
        match at_most {
            Some(pause) => std::thread::park_timeout(pause),
            None => std::thread::park(),
        }
        self.stay_up(worker);
    }
}
impl Wake for Dormitory {
    #[inline]
    fn wake(&self, worker: usize) {
        fence(Ordering::SeqCst);
        let bed = &self.0[worker];
        if bed.asleep.load(Ordering::Relaxed)
            && bed.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = bed.thread.get()
        {
            thread.unpark();
        }
    }
}
