//! A coordinator that finds a job that runs.
use super::super::member::{Command, Heed, Member, Standing};
use super::*;
use crate::exchange::layout::Layout;

/// A worker in an attempt of these, which began behind a snapshot.
fn member(attempt: u64, origin: u64, members: &[usize]) -> Member {
    let mut member = Member::default();
    member.hears(attempt, Command::Lead);
    let layout = Arc::new(Layout::even(members, 16, 4));
    member.hears(attempt, Command::Begin { attempt, interval: origin + 1, layout });
    member.hears(attempt, Command::Go { attempt });
    member
}
fn stands(member: &mut Member, term: u64) -> Option<Standing> {
    match member.hears(term, Command::Lead) {
        Heed::Join(standing) => standing,
        other => panic!("{other:?}"),
    }
}
fn trigger(interval: u64) -> Command {
    let barrier = Barrier { interval, scope: Scope::Whole, last: false };
    Command::Trigger { barrier, change: None }
}
/// A coordinator that has claimed the log, in which there is this.
fn claimed(workers: usize, origin: Origin) -> Coordinator {
    let (mut coordinator, _) =
        Coordinator::new(Policy { silence: Duration::MAX, patience: 20 * SECOND, ..policy(workers) });
    coordinator.on(Duration::ZERO, Event::Claimed(origin));
    coordinator
}
fn join(coordinator: &mut Coordinator, worker: usize, standing: Option<Standing>) -> Vec<Action> {
    coordinator.on(Duration::ZERO, Event::Joined { worker, standing })
}
fn begins(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Tell(Command::Begin { .. })))
}

#[test]
fn a_barrier_that_one_has_heard_of_is_told_to_all_and_what_is_written_counts() {
    let mut workers = [member(1, 0, &[0, 1]), member(1, 0, &[0, 1])];
    workers[0].hears(1, trigger(1));
    workers[0].written(1);
    let mut coordinator = claimed(2, Origin { term: 2, ..Origin::default() });
    let standing = stands(&mut workers[0], 2);
    assert_eq!(join(&mut coordinator, 0, standing), [], "the other is waited for");
    let standing = stands(&mut workers[1], 2);
    let actions = join(&mut coordinator, 1, standing);
    assert_eq!(barrier(&actions).map(|barrier| barrier.interval), Some(1));
    assert!(
        !begins(&actions) && !actions.iter().any(|action| matches!(action, Action::Tell(Command::Settle(_)))),
        "{actions:?}"
    );
    let Some(Action::Tell(Command::Trigger { barrier, change })) =
        actions.iter().find(|action| matches!(action, Action::Tell(Command::Trigger { .. })))
    else {
        panic!("{actions:?}")
    };
    let again = Command::Trigger { barrier: *barrier, change: change.clone() };
    assert_eq!(workers[0].hears(2, again.clone()), Heed::Ignore, "it has begun that");
    assert_eq!(workers[1].hears(2, again.clone()), Heed::Do(again));
    let written = Event::Report { worker: 1, attempt: 1, report: Report::Written(1) };
    assert!(matches!(coordinator.on(SECOND, written)[..], [Action::Store { .. }]), "the other has written");
}
#[test]
fn what_became_of_a_snapshot_is_repeated() {
    let mut workers = [member(1, 0, &[0, 1]), member(1, 0, &[0, 1])];
    workers.iter_mut().for_each(|worker| drop(worker.hears(1, trigger(1))));
    workers[0].hears(1, trigger(2));
    let outcome = Outcome::Committed { interval: 1, term: 1 };
    let origin =
        Origin { term: 2, interval: 1, attempt: 1, round: Some(15), outcome: Some(outcome), ..Origin::default() };
    let mut coordinator = claimed(2, origin);
    let standing = stands(&mut workers[0], 2);
    join(&mut coordinator, 0, standing);
    let standing = stands(&mut workers[1], 2);
    let actions = join(&mut coordinator, 1, standing);
    let told = |at: usize| match &actions[at] {
        Action::Tell(Command::Trigger { barrier, .. }) => (barrier.interval, None),
        Action::Tell(Command::Settle(outcome)) => (0, Some(*outcome)),
        _ => (0, None),
    };
    assert!(matches!(&actions[0], Action::TellThese { command: Command::Unprepare, .. }), "{actions:?}");
    assert_eq!([told(1), told(2), told(3)], [(1, None), (0, Some(outcome)), (2, None)]);
}
#[test]
fn an_attempt_that_was_replaced_does_not_go_on() {
    // 0 and 1 stand in the first attempt; 2 and 3 have begun another since, and have taken a snapshot.
    let mut old = [member(1, 0, &[0, 1]), member(1, 0, &[0, 1])];
    let mut new = [member(2, 0, &[2, 3]), member(2, 0, &[2, 3])];
    let layout = Some(Arc::new(Layout::even(&[2, 3], 16, 4)));
    let outcome = Some(Outcome::Committed { interval: 1, term: 2 });
    let origin = Origin { term: 3, interval: 1, attempt: 2, layout, outcome, ..Origin::default() };
    let mut coordinator = claimed(2, origin.clone());
    for (worker, member) in old.iter_mut().enumerate() {
        let standing = stands(member, 3);
        assert_eq!(join(&mut coordinator, worker, standing), [], "those of the newer attempt may come");
    }
    let standing = stands(&mut new[0], 3);
    assert_eq!(join(&mut coordinator, 2, standing), []);
    let standing = stands(&mut new[1], 3);
    assert!(!begins(&join(&mut coordinator, 3, standing)), "they go on");
    assert_eq!((coordinator.attempt(), coordinator.participants()), (2, vec![2, 3]));
    // They do not come: the snapshot is restored.
    let mut coordinator = claimed(2, origin);
    for (worker, member) in old.iter_mut().enumerate() {
        let standing = member.standing().cloned();
        join(&mut coordinator, worker, standing);
    }
    let actions = coordinator.on(20 * SECOND, Event::Tick);
    assert!(matches!(&actions[..], [Action::Tell(Command::Begin { attempt: 3, interval: 2, .. })]), "{actions:?}");
}
#[test]
fn an_attempt_with_other_key_groups_does_not_go_on() {
    // They have 16 groups each, and the job is to have 32 from now on.
    let mut workers = [member(1, 0, &[0, 1]), member(1, 0, &[0, 1])];
    let (mut coordinator, _) = Coordinator::new(Policy { silence: Duration::MAX, groups: 32, ..policy(2) });
    coordinator.on(Duration::ZERO, Event::Claimed(Origin { term: 2, interval: 3, attempt: 1, ..Origin::default() }));
    let mut actions = Vec::new();
    for (worker, member) in workers.iter_mut().enumerate() {
        let standing = stands(member, 2);
        actions = join(&mut coordinator, worker, standing);
    }
    let [Action::Tell(Command::Begin { attempt: 2, interval: 4, layout })] = &actions[..] else {
        panic!("the snapshot is restored: {actions:?}")
    };
    assert_eq!(layout.groups(), 32);
}
#[test]
fn what_is_reported_before_all_have_joined_counts() {
    let mut workers = [member(1, 0, &[0, 1]), member(1, 0, &[0, 1])];
    let mut coordinator = claimed(2, Origin { term: 2, ..Origin::default() });
    let standing = stands(&mut workers[0], 2);
    join(&mut coordinator, 0, standing);
    coordinator.on(SECOND, Event::Report { worker: 0, attempt: 1, report: Report::Finished(0) });
    let standing = stands(&mut workers[1], 2);
    join(&mut coordinator, 1, standing);
    let finished = Event::Report { worker: 1, attempt: 1, report: Report::Finished(0) };
    let last = barrier(&coordinator.on(SECOND, finished)).expect("both have finished");
    assert!(last.last);
}
#[test]
fn one_that_has_lost_what_it_had_is_a_reason_to_restore() {
    let mut workers = [member(1, 0, &[0, 1])];
    let mut coordinator = claimed(2, Origin { term: 2, ..Origin::default() });
    let standing = stands(&mut workers[0], 2);
    join(&mut coordinator, 0, standing);
    assert!(begins(&join(&mut coordinator, 1, None)));
}
#[test]
fn a_last_snapshot_that_is_committed_only_has_to_be_published() {
    let mut workers = [member(1, 0, &[0, 1]), member(1, 0, &[0, 1])];
    let last = Barrier { interval: 1, scope: Scope::Whole, last: true };
    let outcome = Outcome::Committed { interval: 1, term: 1 };
    for worker in &mut workers {
        worker.hears(1, Command::Trigger { barrier: last, change: None });
    }
    workers[0].hears(1, Command::Settle(outcome));
    let origin = Origin { term: 2, interval: 1, attempt: 1, outcome: Some(outcome), ..Origin::default() };
    let mut coordinator = claimed(2, origin);
    let standing = stands(&mut workers[0], 2);
    join(&mut coordinator, 0, standing);
    let standing = stands(&mut workers[1], 2);
    let actions = join(&mut coordinator, 1, standing);
    assert_eq!(actions.last(), Some(&Action::Tell(Command::Settle(outcome))));
    let left = Event::Report { worker: 1, attempt: 1, report: Report::Left };
    assert_eq!(coordinator.on(SECOND, left), [Action::End], "the other has published before");
}
#[test]
fn who_has_heard_of_a_higher_term_ignores_the_lower() {
    let mut worker = member(1, 0, &[0]);
    assert!(matches!(worker.hears(3, Command::Lead), Heed::Join(Some(_))));
    assert_eq!(worker.hears(1, trigger(1)), Heed::Ignore);
    assert_eq!(worker.hears(2, Command::Lead), Heed::Ignore);
    assert!(matches!(worker.hears(3, trigger(1)), Heed::Do(_)));
}

/// The connection breaks before the coordinator has heard how a worker stands, and it knows nothing of that one when it comes back.
#[test]
fn an_answer_that_is_lost_is_given_again_on_the_next_connection() {
    let mut workers = [member(1, 0, &[0, 1]), member(1, 0, &[0, 1])];
    let mut coordinator = claimed(2, Origin { term: 2, ..Origin::default() });
    let standing = stands(&mut workers[0], 2);
    join(&mut coordinator, 0, standing);
    stands(&mut workers[1], 2).expect("it says so, and nobody hears it");
    coordinator.on(SECOND, Event::Lost { worker: 1 });
    assert_eq!(workers[1].hears(2, Command::Lead), Heed::Ignore, "on the same connection it says so once");

    workers[1].connected();
    let standing = stands(&mut workers[1], 2);
    let actions = join(&mut coordinator, 1, standing);
    assert!(!begins(&actions) && coordinator.is_running(), "{actions:?}");
    assert_eq!(workers[1].hears(2, Command::Lead), Heed::Ignore);
}
/// One says that it has failed, on a connection that breaks: it stands in no attempt, which is as good.
#[test]
fn a_failure_that_is_not_heard_of_is_seen_from_how_a_worker_stands() {
    let mut workers = [member(1, 0, &[0, 1]), member(1, 0, &[0, 1])];
    let mut coordinator = claimed(2, Origin { term: 2, ..Origin::default() });
    for (worker, member) in workers.iter_mut().enumerate() {
        let standing = stands(member, 2);
        join(&mut coordinator, worker, standing);
    }
    assert!(coordinator.is_running());
    workers[1].left();
    workers[1].connected();
    let standing = stands(&mut workers[1], 2);
    assert_eq!(standing, None);
    assert!(join(&mut coordinator, 1, standing).contains(&Action::Claim));
}

/// It is not known whether a savepoint was committed that was being stored, and another one was asked for.
fn uncertain(interval: u64) -> (Coordinator, Vec<Action>) {
    let mut coordinator = going(1, origin(1, 0, None));
    coordinator.on(SECOND / 2, Event::Savepoint("first".into()));
    coordinator.on(SECOND / 2, Event::Savepoint("second".into()));
    let written = report(&coordinator, 0, Report::Written(1));
    assert!(matches!(coordinator.on(SECOND / 2, written)[..], [Action::Store { .. }]));
    assert_eq!(coordinator.on(SECOND, Event::Uncertain), [Action::Claim]);
    coordinator.on(SECOND, Event::Claimed(origin(2, interval, None)));
    let mut worker = member(1, 0, &[0]);
    worker.hears(1, trigger(1));
    worker.written(1);
    let standing = stands(&mut worker, 2);
    let actions = join(&mut coordinator, 0, standing);
    (coordinator, actions)
}
#[test]
fn a_savepoint_that_was_not_committed_is_taken_again() {
    let (mut coordinator, actions) = uncertain(0);
    assert!(matches!(actions[..], [.., Action::Store { .. }]), "{actions:?}");
    // It was written for a savepoint of another term.
    coordinator.on(SECOND, Event::Failed { interval: 1 });
    coordinator.on(2 * SECOND, Event::Tick);
    assert_eq!(coordinator.savepoint_under_way(), Some("first"));
}
#[test]
fn a_savepoint_that_was_committed_is_not_taken_again() {
    let (mut coordinator, _) = uncertain(1);
    let ready = Event::Report { worker: 0, attempt: 2, report: Report::Ready };
    coordinator.on(SECOND, ready);
    coordinator.on(2 * SECOND, Event::Tick);
    assert_eq!(coordinator.savepoint_under_way(), Some("second"));
}
#[test]
fn what_cannot_be_stored_while_it_gathers_is_given_up_when_the_job_goes_on() {
    let mut worker = member(1, 0, &[0, 1]);
    worker.hears(1, trigger(1));
    let mut coordinator = claimed(2, Origin { term: 2, ..Origin::default() });
    let standing = stands(&mut worker, 2);
    join(&mut coordinator, 0, standing);
    assert_eq!(coordinator.on(SECOND, Event::Failed { interval: 1 }), []);
    let standing = stands(&mut member(1, 0, &[0, 1]), 2);
    let actions = join(&mut coordinator, 1, standing);
    assert_eq!(actions.last(), Some(&Action::Tell(Command::Settle(Outcome::Aborted { interval: 1 }))));
}
