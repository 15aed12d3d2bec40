//! What share of its time a worker spends at work, and what share it is held back. Nothing here reads a clock: the loop of the
//! worker says what time it is whenever it has looked anyway.
use std::time::Duration;

/// The shares are those of about so much time.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);
const HALF: Duration = Duration::from_secs(WINDOW.as_secs() / 2);

/// What a worker does from one look at the clock to the next. It may do both: of two segments one may have work while the other
/// is held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doing {
    /// Its step did something.
    pub(crate) busy: bool,
    /// A segment had input, and those downstream no room for it.
    pub(crate) held_back: bool,
}
/// For how long it has been doing what.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    at: Duration,
    busy: Duration,
    held_back: Duration,
}
impl Spent {
    fn until(self, now: Duration, doing: Doing) -> Spent {
        let passed = |does: bool| if does { now.saturating_sub(self.at) } else { Duration::ZERO };
        Spent {
            at: now.max(self.at),
            busy: self.busy + passed(doing.busy),
            held_back: self.held_back + passed(doing.held_back),
        }
    }
}

/// What a worker has been doing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    doing: Doing,
    spent: Spent,
    /// What it was at the beginning of the time that the shares are of, and where that begins next.
    since: Spent,
    next: Spent,
}
/// The shares of a worker's time, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shares {
    pub(crate) busy: f64,
    pub(crate) held_back: f64,
}
impl Load {
    /// That of a worker that begins now.
    pub(crate) fn new(now: Duration) -> Self {
        let spent = Spent { at: now, ..Spent::default() };
        Load { doing: Doing::default(), spent, since: spent, next: spent }
    }
    /// Until now it has done what it said.
    #[inline]
    pub(crate) fn until(&mut self, now: Duration) {
        if now.saturating_sub(self.next.at) >= HALF {
            self.turn(now);
        }
        self.spent = self.spent.until(now, self.doing);
    }
    /// Has the time of the shares begin later.
    #[cold]
    fn turn(&mut self, now: Duration) {
        let half = now.saturating_sub(HALF);
        // After a long sleep nothing counts that was before it.
        self.since = if half > self.spent.at { self.spent.until(half, self.doing) } else { self.next };
        self.next = self.spent.until(now, self.doing);
    }
    /// What it does from now on. Whether that is something else than before.
    #[inline]
    pub(crate) fn does(&mut self, doing: Doing) -> bool {
        std::mem::replace(&mut self.doing, doing) != doing
    }
    /// The shares at a time at which it still does what it last said.
    pub(crate) fn shares(&self, now: Duration) -> Shares {
        let tail = now.saturating_sub(self.spent.at).min(WINDOW).as_secs_f64();
        let known = self.spent.at.saturating_sub(self.since.at).as_secs_f64();
        let head = known.min(WINDOW.as_secs_f64() - tail);
        let share = |spent: Duration, does: bool| {
            let does = f64::from(u8::from(does));
            match head + tail {
                0.0 => does,
                all => {
                    let average = if known > 0.0 { spent.as_secs_f64() / known } else { 0.0 };
                    ((average * head + does * tail) / all).clamp(0.0, 1.0)
                }
            }
        };
        Shares {
            busy: share(self.spent.busy.saturating_sub(self.since.busy), self.doing.busy),
            held_back: share(self.spent.held_back.saturating_sub(self.since.held_back), self.doing.held_back),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }
    const BUSY: Doing = Doing { busy: true, held_back: false };
    const HELD: Doing = Doing { busy: false, held_back: true };

    /// How many of the first milliseconds of a life hold for `does`, for each number of them.
    fn sums(life: &[Doing], does: fn(&Doing) -> bool) -> Vec<u64> {
        let counted = life.iter().scan(0, |sum, doing| {
            *sum += u64::from(does(doing));
            Some(*sum)
        });
        std::iter::once(0).chain(counted).collect()
    }
    proptest! {
        /// A worker that does each thing for so many milliseconds, against a recording of each millisecond of its life.
        #[test]
        fn the_shares_are_those_of_the_last_seconds(
            life in prop::collection::vec((any::<bool>(), any::<bool>(), 1..2_000u64), 1..40),
            began in 0..20_000u64,
            tail in 0..12_000u64,
        ) {
            let mut load = Load::new(millis(began));
            let (mut recorded, mut now) = (Vec::new(), began);
            for (busy, held_back, lasts) in life {
                let doing = Doing { busy, held_back };
                load.until(millis(now));
                load.does(doing);
                now += lasts;
                recorded.extend((0..lasts).map(|_| doing));
            }
            load.until(millis(now));
            let last = recorded.last().copied().unwrap_or_default();
            let (all, tail) = (recorded.len(), tail.min(10_000));
            let shares = load.shares(millis(now + tail));
            let busy: (f64, fn(&Doing) -> bool) = (shares.busy, |doing| doing.busy);
            for (share, does) in [busy, (shares.held_back, |doing| doing.held_back)] {
                let sums = sums(&recorded, does);
                // What was recorded last, for five seconds at least, and then what has been going on since.
                let is_of = |known: usize| {
                    let average = (sums[all] - sums[all - known]) as f64 / known as f64;
                    let head = (known as u64).min(10_000 - tail) as f64;
                    let tail = tail as f64;
                    let expected = (average * head + f64::from(u8::from(does(&last))) * tail) / (head + tail);
                    (share - expected).abs() < 1e-6
                };
                prop_assert!((all.min(5_000)..=all.min(14_000)).any(is_of), "{share} of {all} ms and {tail} ms");
            }
        }
    }
    #[test]
    fn after_a_long_sleep_the_time_before_it_does_not_count() {
        let mut load = Load::new(Duration::ZERO);
        load.does(BUSY);
        load.until(millis(8_000));
        assert_eq!(load.shares(millis(8_000)), Shares { busy: 1.0, held_back: 0.0 });
        load.does(HELD);
        let shares = load.shares(millis(13_000));
        assert_eq!(shares, Shares { busy: 0.5, held_back: 0.5 });
        assert_eq!(load.shares(millis(60_000)), Shares { busy: 0.0, held_back: 1.0 });
        load.until(millis(60_000));
        load.does(BUSY);
        load.until(millis(63_000));
        assert_eq!(load.shares(millis(63_000)), Shares { busy: 0.375, held_back: 0.625 });
    }
}
