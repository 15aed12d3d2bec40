//! Sleeping and waking of workers.
//!
//! A worker announces that it will sleep, looks at its inputs once more, and sleeps. Who gives it something does so
//! first and looks at the announcement then. One of the two sees the other, so no wake-up is lost. (`tests.rs` has a model checker go
//! through all interleavings, and all orders in which memory may be seen.)
use crate::exchange::fabric::Wake;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, PoisonError};
use std::thread::Thread;
use std::time::Duration;

/// A flag that threads share: that of the machine, or that of a model of it.
trait Flag: Default {
    fn load(&self, order: Ordering) -> bool;
    fn store(&self, value: bool, order: Ordering);
    fn swap(&self, value: bool, order: Ordering) -> bool;
    /// What this thread has done before is seen by all before what it does behind.
    fn fence();
}
impl Flag for AtomicBool {
    #[inline]
    fn load(&self, order: Ordering) -> bool {
        self.load(order)
    }
    #[inline]
    fn store(&self, value: bool, order: Ordering) {
        self.store(value, order);
    }
    #[inline]
    fn swap(&self, value: bool, order: Ordering) -> bool {
        self.swap(value, order)
    }
    #[inline]
    fn fence() {
        fence(Ordering::SeqCst);
    }
}

/// Where one worker sleeps, which is thread `S`.
#[derive(Debug)]
struct Bed<F, S> {
    asleep: F,
    sleeper: Mutex<Option<S>>,
}
impl<F: Flag, S: Clone> Bed<F, S> {
    fn new() -> Self {
        Bed { asleep: F::default(), sleeper: Mutex::new(None) }
    }
    /// This is the thread that sleeps here: another one if a worker has left, and one of the same number has joined.
    fn move_in(&self, sleeper: S) {
        *self.sleeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(sleeper);
    }
    fn announce(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        F::fence();
    }
    fn stay_up(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }
    /// The sleeper, if it sleeps and nobody else wakes it.
    #[inline]
    fn to_wake(&self) -> Option<S> {
        F::fence();
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::SeqCst) {
            self.sleeper.lock().unwrap_or_else(PoisonError::into_inner).clone()
        } else {
            None
        }
    }
}

/// The places where the workers of a process sleep.
#[derive(Debug)]
pub(crate) struct Dormitory(Vec<Bed<AtomicBool, Thread>>);
impl Dormitory {
    pub(crate) fn new(workers: usize) -> Self {
        Dormitory((0..workers).map(|_| Bed::new()).collect())
    }
    /// Says that the current thread is worker `worker`.
    pub(crate) fn move_in(&self, worker: usize) {
        self.0[worker].move_in(std::thread::current());
    }
    /// Announces sleep. Inputs must be looked at again before [`sleep`](Self::sleep).
    pub(crate) fn announce(&self, worker: usize) {
        self.0[worker].announce();
    }
    /// Takes the announcement back.
    pub(crate) fn stay_up(&self, worker: usize) {
        self.0[worker].stay_up();
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
        if let Some(thread) = self.0[worker].to_wake() {
            thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests;
