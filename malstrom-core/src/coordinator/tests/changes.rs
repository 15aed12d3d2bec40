//! A layout that changes.
use super::*;
use crate::coordinator::member::Command;
use crate::exchange::layout::Change;

fn report_of(worker: usize, report: Report) -> Event {
    Event::Report { worker, attempt: 1, report }
}
/// A coordinator of one worker, with so many more that have joined and have nothing to do, behind its first snapshot.
fn with_spares(spares: usize) -> Coordinator {
    let mut coordinator = going(1, origin(1, 0, None));
    (1..=spares).for_each(|worker| drop(coordinator.on(Duration::ZERO, Event::Joined { worker, standing: None })));
    coordinator.on(SECOND, Event::Tick);
    coordinator.on(SECOND, report_of(0, Report::Written(1)));
    coordinator.on(SECOND, Event::Committed { interval: 1 });
    coordinator
}
fn wish(coordinator: &mut Coordinator, target: usize) -> Vec<Action> {
    assert_eq!(coordinator.on(SECOND, Event::Target(target)), [Action::Record { target }]);
    coordinator.on(SECOND, Event::Recorded { target })
}
fn prepared(actions: &[Action]) -> (u64, Vec<usize>, u64) {
    match actions {
        [Action::TellThese { to, command: Command::Prepare { plan, base, .. } }] => (*plan, to.clone(), *base),
        other => panic!("{other:?}"),
    }
}
fn cut(actions: &[Action]) -> (Barrier, Arc<Change>) {
    match actions {
        [Action::Tell(Command::Trigger { barrier, change: Some(change) })] => (*barrier, change.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_grows_and_shrinks() {
    let mut coordinator = with_spares(1);
    let (plan, to, base) = prepared(&wish(&mut coordinator, 2));
    assert_eq!((to, base), (vec![1], 1));
    let followed = report_of(1, Report::Followed { plan, base, bytes: 10 });
    let (barrier, change) = cut(&coordinator.on(SECOND, followed));
    assert_eq!((barrier.interval, change.bases.get(&1)), (2, Some(&1)));
    assert_eq!((coordinator.participants(), change.new.members().to_vec()), (vec![0, 1], vec![0, 1]));
    assert!(
        matches!(coordinator.on(SECOND, report_of(0, Report::Written(2)))[..], [Action::Store { .. }]),
        "1 had nothing"
    );
    coordinator.on(SECOND, report_of(0, Report::Installed(2)));
    coordinator.on(SECOND, Event::Committed { interval: 2 });
    assert_eq!(coordinator.on(100 * SECOND, Event::Tick), [], "no barrier begins while something is under way");
    let actions = coordinator.on(100 * SECOND, report_of(1, Report::Installed(2)));
    assert!(
        matches!(&actions[..], [Action::Moved { .. }, Action::Tell(Command::Trigger { change: None, .. })]),
        "{actions:?}"
    );
    for worker in 0..2 {
        coordinator.on(100 * SECOND, report_of(worker, Report::Written(3)));
    }
    coordinator.on(100 * SECOND, Event::Committed { interval: 3 });

    let (plan, to, base) = prepared(&wish(&mut coordinator, 1));
    assert_eq!((to, base), (vec![0], 3));
    let (barrier, _) = cut(&coordinator.on(100 * SECOND, report_of(0, Report::Followed { plan, base, bytes: 10 })));
    for worker in 0..2 {
        coordinator.on(100 * SECOND, report_of(worker, Report::Written(barrier.interval)));
    }
    coordinator.on(100 * SECOND, report_of(0, Report::Installed(barrier.interval)));
    let actions = coordinator.on(100 * SECOND, Event::Committed { interval: barrier.interval });
    assert_eq!(actions.last(), Some(&Action::TellThese { to: vec![1], command: Command::Release }));
    assert_eq!(
        coordinator.on(300 * SECOND, Event::Tick),
        [],
        "nothing is committed before it has published what it had"
    );
    let actions = coordinator.on(300 * SECOND, report_of(1, Report::Left));
    assert!(
        matches!(&actions[..], [Action::Moved { layout }, Action::Tell(Command::Trigger { .. })] if layout.members() == [0]),
        "{actions:?}"
    );
}
#[test]
fn who_gains_reads_again_until_little_has_changed_but_not_for_ever() {
    let mut coordinator = with_spares(1);
    let (mut plan, _, mut base) = prepared(&wish(&mut coordinator, 2));
    let much = 100 << 20;
    for round in 1..5 {
        let actions = coordinator.on(SECOND, report_of(1, Report::Followed { plan, base, bytes: much }));
        let taken = barrier(&actions).expect("a snapshot is taken for it");
        coordinator.on(SECOND, report_of(0, Report::Written(taken.interval)));
        let actions = coordinator.on(SECOND, Event::Committed { interval: taken.interval });
        (plan, _, base) = prepared(&actions[1..]);
        assert_eq!(base, taken.interval, "round {round}");
    }
    cut(&coordinator.on(SECOND, report_of(1, Report::Followed { plan, base, bytes: much })));
}
#[test]
fn up_to_the_cut_it_can_be_dropped_and_not_after() {
    let mut coordinator = with_spares(2);
    let (plan, _, base) = prepared(&wish(&mut coordinator, 2));
    let actions = coordinator.on(SECOND, Event::Lost { worker: 1 });
    assert!(
        matches!(&actions[..2], [Action::TellThese { command: Command::Unprepare, .. }, Action::NotMoved]),
        "{actions:?}"
    );
    let (next, to, _) = prepared(&actions[2..]);
    assert_eq!(to, [2], "there is another one");
    assert_eq!(
        coordinator.on(SECOND, report_of(2, Report::Followed { plan, base, bytes: 0 })),
        [],
        "of the plan before"
    );
    cut(&coordinator.on(SECOND, report_of(2, Report::Followed { plan: next, base, bytes: 0 })));
    assert_eq!(coordinator.on(SECOND, Event::Lost { worker: 2 }), [Action::Claim]);
}
#[test]
fn a_snapshot_that_a_cut_needs_is_stored_until_it_is() {
    let mut coordinator = with_spares(1);
    let (plan, _, base) = prepared(&wish(&mut coordinator, 2));
    cut(&coordinator.on(SECOND, report_of(1, Report::Followed { plan, base, bytes: 0 })));
    assert_eq!(coordinator.on(60 * SECOND, Event::Tick), [], "nobody gives it up, however long it takes");
    coordinator.on(60 * SECOND, report_of(0, Report::Written(2)));
    assert_eq!(coordinator.on(60 * SECOND, Event::Failed { interval: 2 }), []);
    assert!(matches!(coordinator.on(61 * SECOND, Event::Tick)[..], [Action::Store { .. }]));
    assert_eq!(coordinator.on(61 * SECOND, Event::Failed { interval: 2 }), []);
    assert!(matches!(coordinator.on(62 * SECOND, Event::Tick)[..], [Action::Store { .. }]));
    assert_eq!(coordinator.on(62 * SECOND, Event::Failed { interval: 2 }), [Action::Unstorable]);
}
#[test]
fn workers_that_do_not_come_are_not_waited_for_for_ever() {
    let mut coordinator = with_spares(0);
    assert_eq!(wish(&mut coordinator, 3), []);
    assert!(coordinator.is_moving());
    let mut actions = coordinator.on(SECOND + Policy::default().patience, Event::Tick);
    actions.retain(|action| !matches!(action, Action::Tell(Command::Trigger { .. })));
    assert_eq!(actions, [Action::NotMoved]);
    assert_eq!((coordinator.target(), coordinator.is_moving()), (1, false));
}
