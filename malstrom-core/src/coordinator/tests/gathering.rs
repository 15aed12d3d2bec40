//! Who is waited for, for how long, and what those change who come and go.
use super::*;

fn begun(actions: &[Action]) -> Option<Vec<usize>> {
    actions.iter().find_map(|action| match action {
        Action::Tell(Command::Begin { layout, .. }) => Some(layout.members().to_vec()),
        _ => None,
    })
}
/// A coordinator that has claimed the log at 0, waits for three and goes on with two, after ten seconds.
fn gathering() -> Coordinator {
    let policy = Policy { silence: Duration::MAX, patience: 10 * SECOND, least: 2, moves: false, ..policy(3) };
    let (mut coordinator, _) = Coordinator::new(policy);
    coordinator.on(Duration::ZERO, Event::Claimed(origin(1, 0, None)));
    coordinator
}
fn join(coordinator: &mut Coordinator, now: Duration, worker: usize) -> Option<Vec<usize>> {
    begun(&coordinator.on(now, Event::Joined { worker, standing: None }))
}

#[test]
fn it_goes_on_with_those_who_are_there_once_it_has_waited_and_they_are_enough() {
    let mut coordinator = gathering();
    assert_eq!(join(&mut coordinator, SECOND, 5), None);
    assert_eq!(coordinator.due(), Some(10 * SECOND));
    assert_eq!(begun(&coordinator.on(10 * SECOND, Event::Tick)), None, "one is not enough");
    assert_eq!(coordinator.due(), None, "there is nothing to wait for but another one");
    assert_eq!(join(&mut coordinator, 11 * SECOND, 2), Some(vec![2, 5]));
}
#[test]
fn it_learns_from_those_who_come_how_many_there_will_be() {
    let mut coordinator = gathering();
    coordinator.expect(usize::from(u16::MAX), usize::from(u16::MAX));
    (0..3).for_each(|worker| assert_eq!(join(&mut coordinator, SECOND, worker), None));
    assert_eq!(begun(&coordinator.on(20 * SECOND, Event::Tick)), None, "nobody knows whether they are enough");
    coordinator.expect(4, 4);
    assert_eq!(join(&mut coordinator, 21 * SECOND, 3), Some(vec![0, 1, 2, 3]));
}
#[test]
fn where_nothing_may_move_nothing_does() {
    let mut coordinator = gathering();
    join(&mut coordinator, SECOND, 0);
    join(&mut coordinator, SECOND, 1);
    assert_eq!(begun(&coordinator.on(10 * SECOND, Event::Tick)), Some(vec![0, 1]));
    for worker in [0, 1] {
        let ready = report(&coordinator, worker, Report::Ready);
        coordinator.on(10 * SECOND, ready);
    }
    assert!(coordinator.is_running());
    assert_eq!(join(&mut coordinator, 10 * SECOND, 2), None);
    assert!(!coordinator.is_moving());
    assert!(barrier(&coordinator.on(10 * SECOND, Event::Hasten)).is_some(), "before the second is over");
}
#[test]
fn a_snapshot_that_one_cannot_write_is_given_up_at_once() {
    let mut coordinator = going(2, origin(1, 0, None));
    assert_eq!(barrier(&coordinator.on(SECOND, Event::Tick)).unwrap().interval, 1);
    assert_eq!(coordinator.on(SECOND, Event::Failed { interval: 7 }), []);
    let aborted = Action::Tell(Command::Settle(Outcome::Aborted { interval: 1 }));
    assert_eq!(coordinator.on(SECOND, Event::Failed { interval: 1 }), [aborted]);
    assert_eq!(barrier(&coordinator.on(2 * SECOND, Event::Tick)).unwrap().interval, 2);
}
