//! A coordinator that stands by: it looks at the log and at the heartbeat of the one that is there, and takes over when that one has
//! fallen silent.
//!
//! Only change counts, and how often it was not seen: no clock of another machine is compared, and one that was itself asleep, or could
//! not look, begins to count anew. Two that stand by may decide at the same time; only one of them can claim the entry of the log behind
//! the last that it saw.
use super::lead::Lead;
use super::leader::Input;
use crate::error::{Error, Result};
use crate::snapshot::{End, Heartbeats, Location, Sign};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// What a look has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wait,
    /// The coordinator is silent. The newest entry of the log is this one.
    TakeOver {
        head: u64,
    },
    /// The job is over.
    Over(End),
}
/// What was seen of the coordinator, and for how long nothing of it has changed.
#[derive(Debug)]
pub(super) struct Watch {
    every: Duration,
    takeover: Duration,
    known: Option<Sign>,
    looked: Duration,
    silent: Duration,
}
impl Watch {
    pub(super) fn new(every: Duration, takeover: Duration) -> Self {
        Watch { every, takeover, known: None, looked: Duration::ZERO, silent: Duration::ZERO }
    }
    /// Takes in what was seen at `now`, or that nothing could be.
    pub(super) fn on(&mut self, now: Duration, seen: Option<Sign>) -> Verdict {
        // Who was asleep in between has not looked for so long.
        let passed = now.saturating_sub(self.looked).min(2 * self.every);
        self.looked = now;
        let Some(mut seen) = seen else {
            self.silent = Duration::ZERO;
            return Verdict::Wait;
        };
        let before = self.known.and_then(|known| known.heartbeat);
        if let Some(before) = before {
            // One that was overtaken may not know it yet.
            seen.heartbeat = Some(seen.heartbeat.filter(|heartbeat| heartbeat.term >= before.term).unwrap_or(before));
        }
        let known = self.known.replace(seen);
        if known != Some(seen) {
            self.silent = Duration::ZERO;
            let end = seen.heartbeat.and_then(|heartbeat| heartbeat.end);
            // What was over from the beginning may be about to begin anew.
            return match end {
                Some(end) if known.is_some() && seen.heartbeat != before => Verdict::Over(end),
                _ => Verdict::Wait,
            };
        }
        self.silent += passed;
        match seen.heartbeat {
            // It is not for who stands by to begin a job.
            Some(heartbeat) if heartbeat.end.is_none() && self.silent >= self.takeover => {
                self.silent = Duration::ZERO;
                Verdict::TakeOver { head: seen.head }
            }
            _ => Verdict::Wait,
        }
    }
}

/// How a coordinator has ended that stood by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StoodBy<T> {
    /// It has taken over.
    TookOver(T),
    /// It was not needed, and why not any more.
    Relieved(&'static str),
}
/// Stands by until `claim` has succeeded, which is given the newest entry of the log, or until nobody is to take over any more.
///
/// # Errors
/// If the job has failed, or `claim` has for a reason that does not pass.
pub(super) fn stand_by<T>(
    lead: &Lead,
    location: &Location,
    (every, takeover): (Duration, Duration),
    inputs: &Receiver<Input>,
    mut claim: impl FnMut(u64) -> Result<T>,
) -> Result<StoodBy<T>> {
    let mut heartbeats = Heartbeats::open(location)?;
    let (mut watch, mut blind) = (Watch::new(every, takeover), false);
    loop {
        let seen = heartbeats.look();
        if let Err(error) = &seen
            && !std::mem::replace(&mut blind, true)
        {
            tracing::warn!(cause = ?error, "it cannot be seen whether the coordinator is there");
        }
        blind &= seen.is_err();
        match watch.on(lead.now(), seen.ok()) {
            Verdict::Wait => {}
            Verdict::Over(End::Done) => return Ok(StoodBy::Relieved("the job has ended")),
            Verdict::Over(End::Failed) => {
                return Err(Error::custom("the job has failed, and its coordinator has said why"));
            }
            Verdict::TakeOver { head } => {
                tracing::warn!(silent = ?takeover, "the coordinator shows no sign of life: this one takes over");
                match claim(head) {
                    Ok(claimed) => return Ok(StoodBy::TookOver(claimed)),
                    Err(Error::Fenced { term }) => tracing::info!(term, "another one was faster: this one stands by"),
                    Err(error) if is_passing(&error) => {
                        tracing::warn!(cause = ?error, "the commit log cannot be claimed; it is tried again");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let until = lead.now() + every;
        loop {
            match inputs.recv_timeout(until.saturating_sub(lead.now())) {
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    return Ok(StoodBy::Relieved("it was told to go"));
                }
                Ok(Input::Savepoint(name, reply)) => {
                    // Whoever has asked may be gone.
                    let why = format!("`{name}` was not taken: this coordinator only stands by");
                    drop(reply.send(Err(Error::custom(why))));
                }
                Ok(Input::Rescale(_, reply)) => {
                    let why = "the number of workers is for the coordinator to say, and this one only stands by";
                    drop(reply.send(Err(Error::custom(why))));
                }
                Ok(Input::Rebalance(reply)) => {
                    let why = "key groups are for the coordinator to move, and this one only stands by";
                    drop(reply.send(Err(Error::custom(why))));
                }
                Ok(Input::Control(_) | Input::Overtaken) => {}
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
    }
}
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Storage { .. } | Error::Uncertain { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Heartbeat;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn sign(head: u64, term: u64, beat: u64) -> Option<Sign> {
        Some(Sign { head, heartbeat: Some(Heartbeat { term, beat, end: None }) })
    }
    fn over(head: u64, term: u64, beat: u64, end: End) -> Option<Sign> {
        Some(Sign { head, heartbeat: Some(Heartbeat { term, beat, end: Some(end) }) })
    }
    /// One that has looked once a second at what there is to see, for so many seconds. What each look has come to.
    fn looks(watch: &mut Watch, from: u64, seen: impl IntoIterator<Item = Option<Sign>>) -> Vec<Verdict> {
        (from..).zip(seen).map(|(at, seen)| watch.on(Duration::from_secs(at), seen)).collect()
    }
    fn watch() -> Watch {
        Watch::new(SECOND, 10 * SECOND)
    }

    #[test]
    fn one_that_has_been_silent_for_long_enough_is_taken_over() {
        let mut watch = watch();
        let verdicts = looks(&mut watch, 0, (0..30).map(|at| sign(5, 1, at.min(3))));
        let first = verdicts.iter().position(|verdict| *verdict != Verdict::Wait);
        assert_eq!(first, Some(13), "the beat of second 3 was the last");
        assert_eq!(verdicts[13], Verdict::TakeOver { head: 5 });
        assert_eq!(verdicts[14], Verdict::Wait, "a claim that has failed is tried again only after that time");
        assert_eq!(verdicts[23], Verdict::TakeOver { head: 5 });
    }
    #[test]
    fn the_log_is_a_sign_of_life_too() {
        let verdicts = looks(&mut watch(), 0, (0..30).map(|at| sign(at / 5, 1, 1)));
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Wait));
    }
    #[test]
    fn who_could_not_look_or_was_asleep_counts_anew() {
        let mut watch = watch();
        looks(&mut watch, 0, vec![sign(1, 1, 1); 9]);
        assert_eq!(watch.on(9 * SECOND, None), Verdict::Wait);
        let verdicts = looks(&mut watch, 10, vec![sign(1, 1, 1); 10]);
        assert_eq!(verdicts.iter().position(|verdict| *verdict != Verdict::Wait), Some(9));
        // It wakes, and the other one may be about to as well.
        let mut watch = Watch::new(SECOND, 10 * SECOND);
        looks(&mut watch, 0, vec![sign(1, 1, 1); 5]);
        assert_eq!(watch.on(3600 * SECOND, sign(1, 1, 1)), Verdict::Wait);
        assert_eq!(watch.on(3601 * SECOND, sign(1, 1, 2)), Verdict::Wait);
    }
    #[test]
    fn a_job_that_ends_is_not_taken_over() {
        for end in [End::Done, End::Failed] {
            let mut watch = watch();
            looks(&mut watch, 0, [sign(1, 1, 1), sign(1, 1, 2)]);
            assert_eq!(watch.on(2 * SECOND, over(2, 1, 3, end)), Verdict::Over(end));
        }
    }
    #[test]
    fn a_job_that_was_over_or_never_began_is_waited_for() {
        let mut watch = watch();
        let verdicts = looks(&mut watch, 0, vec![over(7, 1, 9, End::Done); 60]);
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Wait));
        // Somebody claims, and shows itself a moment later.
        assert_eq!(watch.on(60 * SECOND, over(8, 1, 9, End::Done)), Verdict::Wait);
        assert_eq!(watch.on(61 * SECOND, sign(8, 2, 1)), Verdict::Wait);
        let verdicts = looks(&mut watch, 62, vec![sign(8, 2, 1); 10]);
        assert_eq!(verdicts.last(), Some(&Verdict::TakeOver { head: 8 }));

        let nobody = Some(Sign { head: 0, heartbeat: None });
        let verdicts = looks(&mut Watch::new(SECOND, 10 * SECOND), 0, vec![nobody; 60]);
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Wait));
    }
    #[test]
    fn one_that_was_overtaken_is_no_sign_of_life_of_its_successor() {
        let mut watch = watch();
        looks(&mut watch, 0, [sign(1, 1, 1), sign(2, 2, 1)]);
        let verdicts = looks(&mut watch, 2, (2..12).map(|beat| sign(2, 1, beat)));
        assert_eq!(verdicts.last(), Some(&Verdict::TakeOver { head: 2 }));
        let mut watch = Watch::new(SECOND, 10 * SECOND);
        looks(&mut watch, 0, [sign(1, 1, 1), sign(2, 2, 1)]);
        assert_eq!(watch.on(2 * SECOND, over(2, 1, 9, End::Failed)), Verdict::Wait);
    }
    proptest! {
        /// Whatever is seen: nobody takes over from one that shows itself within the time, however late looks are.
        #[test]
        fn one_that_shows_itself_keeps_the_job(
            pauses in proptest::collection::vec(1u64..20_000, 1..200),
            blind in proptest::collection::vec(any::<bool>(), 200),
        ) {
            let mut watch = watch();
            let (mut now, mut beat, mut unchanged) = (0u64, 0, 0u64);
            for (at, pause) in pauses.iter().enumerate() {
                now += pause;
                // It is seen to change at least each 8 looks.
                if unchanged >= 7 || pause % 3 == 0 {
                    (beat, unchanged) = (beat + 1, 0);
                } else {
                    unchanged += 1;
                }
                let seen = sign(1, 1, beat).filter(|_| !blind[at] || pause % 2 == 0);
                let verdict = watch.on(Duration::from_millis(now), seen);
                // So often it was looked that ten seconds may have passed, if looks are two seconds apart at most.
                prop_assert!(verdict == Verdict::Wait || unchanged >= 5, "{verdict:?} after {unchanged}");
            }
        }
    }
}
