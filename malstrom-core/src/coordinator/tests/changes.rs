//! A layout that changes.
use super::*;
use crate::coordinator::member::Command;
use crate::coordinator::member::Standing;
use crate::exchange::layout::{Change, Layout};

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
    coordinator.on(SECOND, report_of(0, Report::Installed { interval: 2, bytes: 0 }));
    coordinator.on(SECOND, Event::Committed { interval: 2 });
    assert_eq!(coordinator.on(100 * SECOND, Event::Tick), [], "no barrier begins while something is under way");
    let actions = coordinator.on(100 * SECOND, report_of(1, Report::Installed { interval: 2, bytes: 0 }));
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
    coordinator.on(100 * SECOND, report_of(0, Report::Installed { interval: barrier.interval, bytes: 0 }));
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

/// A step from its `Prepare` to the word of what follows it, where each group holds so much.
fn step(coordinator: &mut Coordinator, prepare: &[Action], each: u64) -> (Arc<Change>, Vec<Action>) {
    let (plan, to, base) = prepared(prepare);
    let followed = |worker| report_of(worker, Report::Followed { plan, base, bytes: 0 });
    let (barrier, change) =
        cut(&to.iter().flat_map(|worker| coordinator.on(SECOND, followed(*worker))).collect::<Vec<_>>());
    assert_eq!(barrier.scope, Scope::Delta, "records wait for it");
    let (interval, old, new) = (barrier.interval, change.old.members(), change.new.members());
    old.iter().for_each(|worker| drop(coordinator.on(SECOND, report_of(*worker, Report::Written(interval)))));
    for worker in new.iter().copied() {
        let bytes = each * change.groups().filter(|moved| moved.to == worker).count() as u64;
        coordinator.on(SECOND, report_of(worker, Report::Installed { interval, bytes }));
    }
    let actions = coordinator.on(SECOND, Event::Committed { interval });
    (change, actions[1..].to_vec())
}
fn in_steps() -> Policy {
    Policy { silence: Duration::MAX, wave: 1000, groups: 4096, ..policy(1) }
}
#[test]
fn what_is_much_moves_in_steps_and_one_answer_is_given() {
    let (mut coordinator, _) = Coordinator::new(in_steps());
    start(&mut coordinator, 1, origin(1, 6, Some(3)), Duration::ZERO);
    coordinator.on(Duration::ZERO, Event::Joined { worker: 1, standing: None });
    coordinator.on(SECOND, Event::Tick);
    coordinator.on(SECOND, report_of(0, Report::Written(7)));
    coordinator.on(SECOND, Event::Committed { interval: 7 });
    let mut actions = wish(&mut coordinator, 2);
    let (mut moved, mut last) = (Vec::new(), false);
    while !last {
        let (change, next) = step(&mut coordinator, &actions, 10);
        assert!(change.groups().all(|group| (group.from, group.to) == (0, 1)));
        moved.push(change.groups().count());
        (actions, last) = (next, !change.is_followed());
        if let Some(moving) = coordinator.moving() {
            let arrived = moved.iter().sum::<usize>();
            assert_eq!((moving.groups, moving.arrived, moving.workers, moving.before), (2048, arrived, 2, 1));
            assert_eq!((moving.bytes_arrived, moving.bytes), (10 * arrived as u64, 20_480));
        }
    }
    assert_eq!((&moved[..3], moved.iter().sum::<usize>(), moved.len()), (&[2, 32, 100][..], 2048, 23));
    assert!(
        matches!(&actions[..], [Action::Moved { .. }, Action::Tell(Command::Trigger { change: None, barrier })]
            if barrier.scope == Scope::Changes { round: 5 }),
        "the round is that behind the last which had one: {actions:?}"
    );
}
/// A job of one worker that would do with two, half a snapshot's time behind the last one, and now.
fn about_to_grow() -> (Coordinator, Vec<Action>) {
    let (mut coordinator, _) = Coordinator::new(in_steps());
    start(&mut coordinator, 1, origin(1, 6, Some(3)), Duration::ZERO);
    coordinator.on(Duration::ZERO, Event::Joined { worker: 1, standing: None });
    coordinator.on(HALF, Event::Target(2));
    let actions = coordinator.on(HALF, Event::Recorded { target: 2 });
    (coordinator, actions)
}
const HALF: Duration = Duration::from_millis(500);
#[test]
fn a_snapshot_is_taken_before_the_first_step_and_nobody_waits_for_it() {
    let (mut coordinator, actions) = about_to_grow();
    assert_eq!(barrier(&actions).map(|barrier| barrier.scope), Some(Scope::Changes { round: 4 }));
    assert_eq!(coordinator.moving().map(|moving| (moving.stage, moving.workers)), Some((MoveStage::Preparing, 2)));
    coordinator.on(HALF, report_of(0, Report::Written(7)));
    let actions = coordinator.on(HALF, Event::Committed { interval: 7 });
    let (change, _) = step(&mut coordinator, &actions[1..], 0);
    assert_eq!(change.groups().count(), 2);
}
#[test]
fn what_the_snapshot_has_says_how_much_moves_at_once() {
    for (held, groups) in [(0, 2048), (2000, 2048), (40_960, 100), (40_960_000, 1)] {
        let (mut coordinator, _) = about_to_grow();
        coordinator.on(HALF, report_of(0, Report::Written(7)));
        coordinator.holds(held);
        let actions = coordinator.on(HALF, Event::Committed { interval: 7 });
        let shown = coordinator.moving().map(|moving| (moving.bytes, moving.bytes_arrived));
        assert_eq!(shown, Some((held / 2, 0)), "half of the groups move");
        let (change, _) = step(&mut coordinator, &actions[1..], 0);
        assert_eq!(change.groups().count(), groups, "{held} bytes");
    }
}
/// The snapshot that is waited for may turn out to be the last one, or not to come, and so may who was to join.
#[test]
fn a_change_that_waits_for_a_snapshot_can_be_dropped() {
    let (mut coordinator, _) = about_to_grow();
    assert_eq!(coordinator.on(HALF, report_of(0, Report::Finished(0))), [Action::NotMoved]);
    assert!(!coordinator.is_moving());

    let (mut coordinator, _) = about_to_grow();
    assert_eq!(coordinator.on(HALF, Event::Lost { worker: 1 }), [Action::NotMoved]);
    assert_eq!(coordinator.moving().map(|moving| moving.stage), Some(MoveStage::Joining), "another one may come");

    let (mut coordinator, _) = about_to_grow();
    coordinator.on(HALF, Event::Failed { interval: 7 });
    assert!(barrier(&coordinator.on(HALF + SECOND, Event::Tick)).is_some_and(|barrier| barrier.interval == 8));
    coordinator.on(HALF + SECOND, report_of(0, Report::Written(8)));
    prepared(&coordinator.on(HALF + SECOND, Event::Committed { interval: 8 })[1..]);
}
#[test]
fn a_savepoint_that_is_under_way_does_not_stand_in_for_that_snapshot_but_goes_first() {
    let (mut coordinator, _) = Coordinator::new(in_steps());
    start(&mut coordinator, 1, origin(1, 6, Some(3)), Duration::ZERO);
    coordinator.on(Duration::ZERO, Event::Joined { worker: 1, standing: None });
    coordinator.on(HALF, Event::Savepoint("kept".into()));
    coordinator.on(HALF, Event::Recorded { target: 2 });
    coordinator.on(HALF, report_of(0, Report::Written(7)));
    let actions = coordinator.on(HALF, Event::Committed { interval: 7 });
    let taken = barrier(&actions[1..]).expect("the snapshot follows at once");
    assert_eq!((taken.interval, taken.scope), (8, Scope::Changes { round: 4 }));
}
#[test]
fn who_takes_over_goes_on_to_where_the_layout_leads() {
    let first = Layout::even(&[0], 4096, 4);
    let on_the_way = Arc::new(first.toward(&first.spread(&[0, 1]), 100));
    let (mut coordinator, _) = Coordinator::new(Policy { workers: 2, ..in_steps() });
    coordinator.on(Duration::ZERO, Event::Claimed(origin(2, 6, Some(3))));
    let standing = Standing {
        attempt: 1,
        origin: Some(6),
        layout: on_the_way,
        going: true,
        prepared: false,
        begun: Vec::new(),
        installed: 0,
        finished: None,
    };
    coordinator.on(Duration::ZERO, Event::Joined { worker: 0, standing: Some(standing.clone()) });
    coordinator.on(Duration::ZERO, Event::Joined { worker: 1, standing: Some(standing) });
    let actions = coordinator.on(Duration::ZERO, Event::Tick);
    assert!(
        matches!(actions.last(), Some(Action::TellThese { to, command: Command::Prepare { change, .. } })
            if to[..] == [1] && change.old.left() == 1948 && change.groups().count() == 2),
        "{actions:?}"
    );
    assert_eq!(coordinator.moving().map(|moving| moving.groups), Some(1948));
}
