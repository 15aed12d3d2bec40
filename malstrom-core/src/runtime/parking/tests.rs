//! A worker that sleeps and those who wake it, in all orders. If all threads sleep, the model checker says so.
use super::{Bed, Flag};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use loom::thread::{self, Thread};

impl Flag for AtomicBool {
    fn load(&self, order: Ordering) -> bool {
        self.load(order)
    }
    fn store(&self, value: bool, order: Ordering) {
        self.store(value, order);
    }
    fn swap(&self, value: bool, order: Ordering) -> bool {
        self.swap(value, order)
    }
    fn fence() {
        fence(Ordering::SeqCst);
    }
}
/// What a worker is given, and how: as by a channel, with nothing stronger than release and acquire.
struct Given {
    bed: Bed<AtomicBool, Thread>,
    records: AtomicUsize,
}
impl Given {
    fn give(&self) {
        self.records.fetch_add(1, Ordering::Release);
        if let Some(thread) = self.bed.to_wake() {
            thread.unpark();
        }
    }
    /// The loop of a worker, until so many records have come. Whoever oversleeps one waits for ever.
    fn work(&self, until: usize) {
        self.bed.move_in(thread::current());
        loop {
            if self.records.load(Ordering::Acquire) == until {
                return;
            }
            self.bed.announce();
            // What came before the announcement woke nobody.
            if self.records.load(Ordering::Acquire) == until {
                return self.bed.stay_up();
            }
            thread::park();
            self.bed.stay_up();
        }
    }
}

fn check(givers: usize, each: usize) {
    let mut builder = loom::model::Builder::new();
    // With more of them, it takes minutes and finds the same.
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let given = Arc::new(Given { bed: Bed::new(), records: AtomicUsize::new(0) });
        given.bed.move_in(thread::current());
        let give = || {
            let given = given.clone();
            thread::spawn(move || (0..each).for_each(|_| given.give()))
        };
        let givers: Vec<_> = (0..givers).map(|_| give()).collect();
        given.work(givers.len() * each);
        givers.into_iter().for_each(|giver| giver.join().unwrap());
    });
}
#[test]
fn no_wake_up_is_lost() {
    check(1, 1);
    check(1, 2);
}
#[test]
fn two_may_wake_one() {
    check(2, 1);
}
