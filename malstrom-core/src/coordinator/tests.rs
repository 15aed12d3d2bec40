//! The coordinator against a job that does anything at any time.
#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn policy(workers: usize) -> Policy {
    Policy { workers, every: SECOND, timeout: 5 * SECOND, attempts: 3 }
}
fn barrier(actions: &[Action]) -> Option<Barrier> {
    actions.iter().find_map(|action| match action {
        Action::Trigger(barrier) => Some(*barrier),
        _ => None,
    })
}

#[test]
fn a_snapshot_that_takes_too_long_is_given_up_and_the_next_has_another_number() {
    let mut coordinator =
        Coordinator::new(policy(2), Origin { term: 7, interval: 41, round: Some(15) }, Duration::ZERO);
    let first = barrier(&coordinator.on(SECOND, Event::Tick)).unwrap();
    assert_eq!((first.interval, first.scope), (42, Scope::Changes { round: 0 }));
    assert_eq!(coordinator.on(2 * SECOND, Event::Written { worker: 1, interval: 42 }), []);
    assert_eq!(coordinator.due(), Some(6 * SECOND));
    let actions = coordinator.on(6 * SECOND, Event::Tick);
    assert_eq!(actions, [Action::Settle(Outcome::Aborted { interval: 42 })]);
    assert_eq!(coordinator.on(6 * SECOND, Event::Written { worker: 0, interval: 42 }), [], "it is too late");
    let second = barrier(&coordinator.on(7 * SECOND, Event::Tick)).unwrap();
    assert_eq!((second.interval, second.scope), (43, Scope::Changes { round: 0 }), "the round is still to be written");
}

/// One worker is slow: its answer to a snapshot that was given up comes while the next one is written.
#[test]
fn an_answer_counts_for_the_snapshot_that_it_is_of() {
    let mut coordinator = Coordinator::new(policy(2), Origin::default(), Duration::ZERO);
    assert_eq!(barrier(&coordinator.on(SECOND, Event::Tick)).unwrap().interval, 1);
    assert_eq!(coordinator.on(6 * SECOND, Event::Tick), [Action::Settle(Outcome::Aborted { interval: 1 })]);
    let second = barrier(&coordinator.on(7 * SECOND, Event::Tick)).unwrap();
    assert_eq!(coordinator.on(8 * SECOND, Event::Written { worker: 0, interval: 2 }), []);
    assert_eq!(coordinator.on(8 * SECOND, Event::Written { worker: 1, interval: 1 }), [], "it has not written 2");
    let stored = coordinator.on(8 * SECOND, Event::Written { worker: 1, interval: 2 });
    assert_eq!(stored, [Action::Store { barrier: second, purpose: Purpose::Recovery }]);
}

#[test]
fn a_savepoint_is_whole_and_does_not_count_as_a_round() {
    let mut coordinator = Coordinator::new(policy(1), Origin { term: 1, interval: 1, round: Some(3) }, Duration::ZERO);
    let saved = barrier(&coordinator.on(SECOND / 2, Event::Savepoint("before".into()))).unwrap();
    assert_eq!(saved.scope, Scope::Whole);
    let purpose = Purpose::Savepoint("before".into());
    let stored = coordinator.on(SECOND, Event::Written { worker: 0, interval: 2 });
    assert_eq!(stored, [Action::Store { barrier: saved, purpose }]);
    let settled = coordinator.on(SECOND, Event::Committed { interval: 2 });
    assert_eq!(settled, [Action::Settle(Outcome::Saved { interval: 2, term: 1 })]);
    let next = barrier(&coordinator.on(2 * SECOND, Event::Tick)).unwrap();
    assert_eq!(next.scope, Scope::Changes { round: 4 });
}

#[test]
fn a_job_whose_last_snapshot_cannot_be_stored_fails() {
    let mut coordinator = Coordinator::new(policy(1), Origin::default(), Duration::ZERO);
    let mut now = Duration::ZERO;
    let mut actions = coordinator.on(now, Event::Finished { worker: 0 });
    for attempt in 1..=3 {
        let last = barrier(&actions).unwrap();
        assert!(last.last);
        coordinator.on(now, Event::Written { worker: 0, interval: last.interval });
        actions = coordinator.on(now, Event::Failed { interval: last.interval });
        if attempt < 3 {
            now += SECOND;
            actions = coordinator.on(now, Event::Tick);
        }
    }
    assert_eq!(actions.last(), Some(&Action::GiveUp));
}

proptest! {
    /// Each trigger is settled once before the next; the numbers grow; nothing is committed that not all have written; rounds
    /// advance with commits only; the job ends when all have finished, and not before.
    #[test]
    fn every_snapshot_is_settled_once(
        workers in 1usize..4,
        steps in proptest::collection::vec((0u8..6, 0usize..4, 0u64..3000), 1..300),
    ) {
        let mut coordinator = Coordinator::new(policy(workers), Origin::default(), Duration::ZERO);
        let (mut now, mut open, mut storing) = (Duration::ZERO, None::<Barrier>, None::<u64>);
        let (mut written, mut finished) = (vec![false; workers], vec![false; workers]);
        let (mut highest, mut commits, mut over) = (0, 0u64, false);
        for (what, worker, millis) in steps {
            now += Duration::from_millis(millis);
            let worker = worker % workers;
            let event = match (what, open) {
                (0, Some(barrier)) => {
                    written[worker] = true;
                    Event::Written { worker, interval: barrier.interval }
                }
                (1, _) => {
                    finished[worker] = true;
                    Event::Finished { worker }
                }
                (2, _) if storing.is_some() => Event::Committed { interval: storing.unwrap() },
                (3, _) if storing.is_some() => Event::Failed { interval: storing.unwrap() },
                (4, _) => Event::Savepoint("s".into()),
                _ => Event::Tick,
            };
            for action in coordinator.on(now, event) {
                prop_assert!(!over, "nothing follows the end");
                match action {
                    Action::Trigger(barrier) => {
                        prop_assert_eq!(open, None);
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
                    Action::Settle(outcome) => {
                        let interval = match outcome {
                            Outcome::Committed { interval, .. } => {
                                commits += 1;
                                interval
                            }
                            Outcome::Saved { interval, .. } | Outcome::Aborted { interval } => interval,
                        };
                        prop_assert_eq!(open.take().map(|barrier| barrier.interval), Some(interval));
                        storing = None;
                    }
                    Action::NoSavepoint(_) => {}
                    Action::End | Action::GiveUp => {
                        prop_assert!(finished.iter().all(|f| *f));
                        over = true;
                    }
                }
            }
        }
    }
}
