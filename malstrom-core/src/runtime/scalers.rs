//! Who waits for another number of workers, and what comes of it.
use super::attempt::Moved;
use crate::coordinator::Report;
use crate::error::{Error, Result};
use crate::worker::Handed;
use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// What somebody wants of the workers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To be so many.
    Workers(usize),
    /// To have as much to do as each other.
    Balance,
}
/// Who wants another number of workers, or other shares.
#[derive(Default)]
pub(crate) struct Scalers {
    asked: Vec<Asked>,
    /// What those are to say who have been started to join the others, when they have been made.
    pub(crate) joining: BTreeMap<usize, Report>,
    /// The change that is under way: since when, and how many key groups move by it.
    pub(crate) under_way: Option<(Duration, usize)>,
    /// What moved by it, in bytes, and for how long a segment stood still.
    bytes: u64,
    pause: Duration,
}
struct Asked {
    wish: Wish,
    since: Duration,
    reply: Sender<Result<Moved>>,
}
impl Scalers {
    /// Somebody wants this.
    pub(crate) fn ask(&mut self, wish: Wish, since: Duration, reply: Sender<Result<Moved>>) {
        self.asked.push(Asked { wish, since, reply });
    }
    /// How many workers are wanted, by who has asked last for some number and waits.
    pub(crate) fn wanted(&self) -> Option<usize> {
        let workers = |asked: &Asked| match asked.wish {
            Wish::Workers(workers) => Some(workers),
            Wish::Balance => None,
        };
        self.asked.iter().rev().find_map(workers)
    }
    /// What a worker says that has been made; `None` if it has not joined others.
    pub(crate) fn prepared(&mut self, worker: usize) -> Option<Report> {
        self.joining.remove(&worker)
    }
    /// A change, or a step of it, is being prepared.
    pub(crate) fn begin(&mut self, since: Duration, groups: usize) {
        if let Some((_, all)) = &mut self.under_way {
            *all = groups.max(*all);
        } else {
            (self.under_way, self.bytes, self.pause) = (Some((since, groups)), 0, Duration::ZERO);
        }
    }
    /// All is at a worker that it gains.
    pub(crate) fn arrived(&mut self, handed: Handed) {
        self.took_in(handed.taken, handed.stood);
    }
    /// One has taken in so many bytes, and a segment of it stood still for so long.
    pub(crate) fn took_in(&mut self, bytes: u64, stood: Duration) {
        self.bytes += bytes;
        self.pause = self.pause.max(stood);
    }
    /// All that was to move has: what that was, if anything was.
    pub(crate) fn done(&mut self, workers: usize, now: Duration) -> Option<Moved> {
        let (bytes, pause) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.pause));
        let (since, groups) = self.under_way.take()?;
        Some(Moved { workers, groups, bytes, took: now.saturating_sub(since), pause })
    }
    /// There are so many workers now: whoever wants that is told what moved, if anything did.
    pub(crate) fn answer(&mut self, workers: usize, moved: Option<Moved>, now: Duration) {
        let moved =
            moved.unwrap_or(Moved { workers, groups: 0, bytes: 0, took: Duration::ZERO, pause: Duration::ZERO });
        let granted = |wish| wish == Wish::Balance || wish == Wish::Workers(workers);
        for asked in self.asked.extract_if(.., |asked| granted(asked.wish)) {
            // Whoever has asked may be gone.
            let _ = asked.reply.send(Ok(Moved { took: now.saturating_sub(asked.since), ..moved }));
        }
    }
    /// The job has begun anew, with so many workers, who have as many key groups as each other.
    pub(crate) fn begun(&mut self, workers: usize, now: Duration) {
        let moved = self.done(workers, now);
        self.refuse("the job has begun anew meanwhile: ask again", |wish| wish == Wish::Balance);
        self.answer(workers, moved, now);
    }
    /// Nothing moves. A change for which somebody waits may have been dropped on its way: one of the number of workers is made again by
    /// itself, and another one is not.
    pub(crate) fn rests(&mut self) {
        self.under_way = None;
        self.refuse("a process was out of reach meanwhile: ask again", |wish| wish == Wish::Balance);
    }
    /// There will not be as many as anybody wants.
    pub(crate) fn turn_down(&mut self, why: &str) {
        self.under_way = None;
        self.refuse(why, |_| true);
    }
    fn refuse(&mut self, why: &str, whom: impl Fn(Wish) -> bool) {
        for asked in self.asked.extract_if(.., |asked| whom(asked.wish)) {
            let why = match asked.wish {
                Wish::Workers(workers) => format!("there are not {workers} workers: {why}"),
                Wish::Balance => format!("key groups have not moved: {why}"),
            };
            // Whoever has asked may be gone.
            let _ = asked.reply.send(Err(Error::custom(why)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    const NOW: Duration = Duration::from_secs(1);

    /// Somebody wants two workers, and somebody else equal shares.
    fn asked() -> (Scalers, [Receiver<Result<Moved>>; 2]) {
        let mut scalers = Scalers::default();
        let answers = [Wish::Workers(2), Wish::Balance].map(|wish| {
            let (reply, answer) = channel();
            scalers.ask(wish, Duration::ZERO, reply);
            answer
        });
        scalers.begin(Duration::ZERO, 7);
        (scalers, answers)
    }

    #[test]
    fn what_has_moved_is_what_all_wait_for_who_have_it() {
        let (mut scalers, [workers, balance]) = asked();
        let moved = scalers.done(3, NOW);
        scalers.answer(3, moved, NOW);
        assert_eq!(balance.try_recv().ok().and_then(Result::ok).map(|moved| moved.groups), Some(7));
        assert!(workers.try_recv().is_err(), "there are three");
    }
    /// What was dropped on its way is made again only if it is for other workers.
    #[test]
    fn nobody_waits_for_equal_shares_when_nothing_moves_any_more() {
        let (mut scalers, [workers, balance]) = asked();
        scalers.rests();
        assert!(balance.try_recv().is_ok_and(|answer| answer.is_err()));
        assert!(workers.try_recv().is_err());
        assert_eq!(scalers.done(2, NOW), None);
        scalers.answer(2, None, NOW);
        assert!(workers.try_recv().is_ok_and(|answer| answer.is_ok()));
    }
    #[test]
    fn a_job_that_has_begun_anew_has_not_shared_anything_out() {
        let (mut scalers, [workers, balance]) = asked();
        scalers.begun(2, NOW);
        assert!(balance.try_recv().is_ok_and(|answer| answer.is_err()));
        assert!(workers.try_recv().is_ok_and(|answer| answer.is_ok()));
    }
}
