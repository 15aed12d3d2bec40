//! The coordinator against a job that does anything at any time.
#![allow(clippy::unwrap_used)]
use super::member::Command;
use super::*;
use crate::contract::snapshot::{Barrier, Outcome, ROUNDS, Scope};
use proptest::prelude::*;

mod changes;
mod gathering;
mod takeovers;

const SECOND: Duration = Duration::from_secs(1);

fn policy(workers: usize) -> Policy {
    Policy {
        workers,
        groups: 16,
        splits: 4,
        every: SECOND,
        timeout: 5 * SECOND,
        tries: 3,
        wave: u64::MAX,
        ..Policy::default()
    }
}
/// A coordinator of so many workers that go on.
fn going(workers: usize, origin: Origin) -> Coordinator {
    let (mut coordinator, _) = Coordinator::new(Policy { silence: Duration::MAX, ..policy(workers) });
    start(&mut coordinator, workers, origin, Duration::ZERO);
    coordinator
}
fn start(coordinator: &mut Coordinator, workers: usize, origin: Origin, now: Duration) -> Vec<Action> {
    let attempt = origin.term;
    coordinator.on(now, Event::Claimed(origin));
    (0..workers).for_each(|worker| drop(coordinator.on(now, Event::Joined { worker, standing: None })));
    let ready = |worker| Event::Report { worker, attempt, report: Report::Ready };
    (0..workers).flat_map(|worker| coordinator.on(now, ready(worker))).collect()
}
fn origin(term: u64, interval: u64, round: Option<u16>) -> Origin {
    Origin { term, interval, round, ..Origin::default() }
}
fn report(coordinator: &Coordinator, worker: usize, report: Report) -> Event {
    Event::Report { worker, attempt: coordinator.term(), report }
}
fn barrier(actions: &[Action]) -> Option<Barrier> {
    actions.iter().find_map(|action| match action {
        Action::Tell(Command::Trigger { barrier, .. }) => Some(*barrier),
        _ => None,
    })
}

#[test]
fn a_snapshot_that_takes_too_long_is_given_up_and_the_next_has_another_number() {
    let mut coordinator = going(2, origin(7, 41, Some(15)));
    let first = barrier(&coordinator.on(SECOND, Event::Tick)).unwrap();
    assert_eq!((first.interval, first.scope), (42, Scope::Changes { round: 0 }));
    let written = |worker| Event::Report { worker, attempt: 7, report: Report::Written(42) };
    assert_eq!(coordinator.on(2 * SECOND, written(1)), []);
    assert_eq!(coordinator.due(), Some(6 * SECOND));
    let actions = coordinator.on(6 * SECOND, Event::Tick);
    assert_eq!(actions, [Action::Tell(Command::Settle(Outcome::Aborted { interval: 42 }))]);
    assert_eq!(coordinator.on(6 * SECOND, written(0)), [], "it is too late");
    let second = barrier(&coordinator.on(7 * SECOND, Event::Tick)).unwrap();
    assert_eq!((second.interval, second.scope), (43, Scope::Changes { round: 0 }), "the round is still to be written");
}

/// One worker is slow: its answer to a snapshot that was given up comes while the next one is written.
#[test]
fn an_answer_counts_for_the_snapshot_that_it_is_of() {
    let mut coordinator = going(2, origin(1, 0, None));
    let written = |worker, interval| Event::Report { worker, attempt: 1, report: Report::Written(interval) };
    assert_eq!(barrier(&coordinator.on(SECOND, Event::Tick)).unwrap().interval, 1);
    let aborted = Action::Tell(Command::Settle(Outcome::Aborted { interval: 1 }));
    assert_eq!(coordinator.on(6 * SECOND, Event::Tick), [aborted]);
    let second = barrier(&coordinator.on(7 * SECOND, Event::Tick)).unwrap();
    assert_eq!(coordinator.on(8 * SECOND, written(0, 2)), []);
    assert_eq!(coordinator.on(8 * SECOND, written(1, 1)), [], "it has not written 2");
    let stored = coordinator.on(8 * SECOND, written(1, 2));
    assert_eq!(stored, [Action::Store { barrier: second, purpose: Purpose::Recovery, change: None }]);
}

#[test]
fn a_savepoint_is_whole_and_does_not_count_as_a_round() {
    let mut coordinator = going(1, origin(1, 1, Some(3)));
    let saved = barrier(&coordinator.on(SECOND / 2, Event::Savepoint("before".into()))).unwrap();
    assert_eq!(saved.scope, Scope::Whole);
    let purpose = Purpose::Savepoint("before".into());
    let written = report(&coordinator, 0, Report::Written(2));
    assert_eq!(coordinator.on(SECOND, written), [Action::Store { barrier: saved, purpose, change: None }]);
    let settled = coordinator.on(SECOND, Event::Committed { interval: 2 });
    assert_eq!(settled, [Action::Tell(Command::Settle(Outcome::Saved { interval: 2, term: 1 }))]);
    let next = barrier(&coordinator.on(2 * SECOND, Event::Tick)).unwrap();
    assert_eq!(next.scope, Scope::Changes { round: 4 });
}

#[test]
fn a_job_whose_last_snapshot_cannot_be_stored_fails() {
    let mut coordinator = going(1, origin(1, 0, None));
    let mut now = Duration::ZERO;
    let finished = report(&coordinator, 0, Report::Finished(0));
    let mut actions = coordinator.on(now, finished);
    for attempt in 1..=3 {
        let last = barrier(&actions).unwrap();
        assert!(last.last);
        let written = report(&coordinator, 0, Report::Written(last.interval));
        coordinator.on(now, written);
        actions = coordinator.on(now, Event::Failed { interval: last.interval });
        if attempt < 3 {
            now += SECOND;
            actions = coordinator.on(now, Event::Tick);
        }
    }
    assert_eq!(actions.last(), Some(&Action::Unstorable));
}

#[test]
fn an_attempt_that_fails_is_followed_by_another_but_not_for_ever() {
    let mut coordinator = going(1, origin(1, 0, None));
    let mut now = Duration::ZERO;
    for (term, pause) in [(2, 100), (3, 200), (4, 400)] {
        assert_eq!(coordinator.on(now, Event::Broken { attempt: term - 1, restart: true }), []);
        assert_eq!(coordinator.on(now, Event::Broken { attempt: term - 1, restart: true }), [], "it has failed once");
        assert_eq!(coordinator.due(), Some(now + Duration::from_millis(pause)));
        now += Duration::from_millis(pause);
        assert_eq!(coordinator.on(now, Event::Tick), [Action::Claim]);
        assert_eq!(
            start(&mut coordinator, 1, origin(term, 0, None), now),
            [Action::Tell(Command::Go { attempt: term })]
        );
    }
    assert_eq!(coordinator.on(now, Event::Broken { attempt: 4, restart: true }), [Action::GiveUp]);
    assert!(coordinator.is_over());
    let mut coordinator = going(1, origin(1, 0, None));
    assert_eq!(coordinator.on(now, Event::Broken { attempt: 1, restart: false }), [Action::GiveUp]);
}
#[test]
fn a_failure_behind_a_snapshot_is_the_first_again() {
    let mut coordinator = going(1, origin(1, 0, None));
    let mut now = Duration::ZERO;
    for term in 1..20 {
        now += SECOND;
        let taken = barrier(&coordinator.on(now, Event::Tick)).unwrap();
        let written = report(&coordinator, 0, Report::Written(taken.interval));
        coordinator.on(now, written);
        coordinator.on(now, Event::Committed { interval: taken.interval });
        assert_eq!(coordinator.on(now, Event::Broken { attempt: term, restart: true }), []);
        now += SECOND;
        assert_eq!(coordinator.on(now, Event::Tick), [Action::Claim]);
        start(&mut coordinator, 1, origin(term + 1, taken.interval, None), now);
    }
}

#[test]
fn a_worker_that_says_nothing_is_lost_and_the_job_goes_on_with_the_others() {
    let (mut coordinator, _) = Coordinator::new(Policy { every: 100 * SECOND, patience: 20 * SECOND, ..policy(3) });
    start(&mut coordinator, 3, origin(1, 0, None), Duration::ZERO);
    for worker in 0..2 {
        assert_eq!(coordinator.on(9 * SECOND, Event::Heard { worker }), []);
    }
    assert_eq!(coordinator.due(), Some(10 * SECOND));
    assert_eq!(coordinator.on(10 * SECOND, Event::Tick), [Action::Claim]);
    coordinator.on(11 * SECOND, Event::Claimed(origin(2, 0, None)));
    for worker in 0..2 {
        assert_eq!(coordinator.on(12 * SECOND, Event::Joined { worker, standing: None }), [], "3 may come back");
    }
    for now in [21, 30] {
        for worker in 0..2 {
            assert_eq!(coordinator.on(now * SECOND, Event::Heard { worker }), []);
        }
    }
    let actions = coordinator.on(31 * SECOND, Event::Tick);
    let [Action::Tell(Command::Begin { attempt: 2, interval: 1, layout })] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(layout.members(), [0, 1]);
}

#[test]
fn a_worker_may_be_done_before_another_has_begun() {
    let (mut coordinator, _) = Coordinator::new(policy(2));
    coordinator.on(Duration::ZERO, Event::Claimed(origin(1, 0, None)));
    (0..2).for_each(|worker| drop(coordinator.on(Duration::ZERO, Event::Joined { worker, standing: None })));
    let report = |worker, report| Event::Report { worker, attempt: 1, report };
    coordinator.on(Duration::ZERO, report(0, Report::Ready));
    assert_eq!(coordinator.on(Duration::ZERO, report(0, Report::Finished(0))), []);
    coordinator.on(Duration::ZERO, report(1, Report::Ready));
    let last = barrier(&coordinator.on(Duration::ZERO, report(1, Report::Finished(0)))).unwrap();
    assert!(last.last);
}
#[test]
fn a_coordinator_that_was_asleep_blames_nobody() {
    let (mut coordinator, _) = Coordinator::new(policy(2));
    start(&mut coordinator, 2, origin(1, 0, None), Duration::ZERO);
    assert_eq!(coordinator.due(), Some(SECOND), "a snapshot");
    let actions = coordinator.on(60 * SECOND, Event::Tick);
    assert!(barrier(&actions).is_some_and(|barrier| barrier.interval == 1), "{actions:?}");
    coordinator.on(61 * SECOND, Event::Heard { worker: 0 });
    coordinator.on(65 * SECOND, Event::Tick);
    coordinator.on(66 * SECOND, Event::Tick);
    assert_eq!(coordinator.due(), Some(69 * SECOND));
    assert_eq!(coordinator.on(69 * SECOND, Event::Tick), [Action::Claim], "the other says nothing");
}

proptest! {
    /// Each trigger is settled once before the next; the numbers grow; nothing is committed that not all have written; rounds
    /// advance with commits only; the job ends when all have finished, and not before.
    #[test]
    fn every_snapshot_is_settled_once(
        workers in 1usize..4,
        steps in proptest::collection::vec((0u8..6, 0usize..4, 0u64..3000), 1..300),
    ) {
        let mut coordinator = going(workers, origin(1, 0, None));
        let (mut now, mut open, mut storing) = (Duration::ZERO, None::<Barrier>, None::<u64>);
        let (mut written, mut finished) = (vec![false; workers], vec![false; workers]);
        let (mut highest, mut commits, mut over) = (0, 0u64, false);
        for (what, worker, millis) in steps {
            now += Duration::from_millis(millis);
            let worker = worker % workers;
            let event = match (what, open) {
                (0, Some(barrier)) => {
                    written[worker] = true;
                    report(&coordinator, worker, Report::Written(barrier.interval))
                }
                (1, _) => {
                    finished[worker] = true;
                    report(&coordinator, worker, Report::Finished(0))
                }
                (2, _) if storing.is_some() => Event::Committed { interval: storing.unwrap() },
                (3, _) if storing.is_some() => Event::Failed { interval: storing.unwrap() },
                (4, _) => Event::Savepoint("s".into()),
                _ => Event::Tick,
            };
            for action in coordinator.on(now, event) {
                prop_assert!(!over || matches!(action, Action::NoSavepoint(_)), "nothing follows the end");
                match action {
                    Action::Tell(Command::Trigger { barrier, change }) => {
                        prop_assert_eq!((open, change), (None, None));
                        prop_assert!(barrier.interval > highest);
                        prop_assert!(!barrier.last || finished.iter().all(|f| *f));
                        if commits == 0 {
                            prop_assert_eq!(barrier.scope, Scope::Whole);
                        } else if let Scope::Changes { round } = barrier.scope {
                            prop_assert_eq!(u64::from(round), (commits - 1) % u64::from(ROUNDS));
                        }
                        (highest, open) = (barrier.interval, Some(barrier));
                        written.fill(false);
                    }
                    Action::Store { barrier, .. } => {
                        prop_assert_eq!(Some(barrier), open);
                        prop_assert!(written.iter().all(|w| *w));
                        storing = Some(barrier.interval);
                    }
                    Action::Tell(Command::Settle(outcome)) => {
                        commits += u64::from(outcome.is_base());
                        let settled = open.take().unwrap();
                        prop_assert_eq!(settled.interval, outcome.interval());
                        over = settled.last && outcome.is_base();
                        storing = None;
                    }
                    Action::NoSavepoint(_) => {}
                    Action::Unstorable => over = true,
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }
}
