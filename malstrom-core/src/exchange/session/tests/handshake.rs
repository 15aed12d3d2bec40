//! Who is let in.
use super::*;

#[test]
fn a_peer_of_a_former_attempt_is_turned_away_and_the_session_waits_for_the_right_one() {
    for former in [Attempt { term: 3, attempt: 1 }, Attempt { term: 2, attempt: 9 }] {
        let mut both = ends(CONFIG);
        both[0].send(data(0, 1)).unwrap_err();
        let mut zombie = Session::<Item>::new(CONFIG, former, [1, 0], 71, Duration::ZERO);
        let from_a = both[0].connected(MS).unwrap();
        let error = both[0].receive(MS, zombie.connected(MS).unwrap()).unwrap_err();
        assert_eq!(error, SessionError::Stale { peer: 1, ours: ATTEMPT, theirs: former });
        assert!(!error.ends_session() && !both[0].is_up());
        // The other one hears that its time is over.
        let error = zombie.receive(MS, from_a).unwrap_err();
        assert_eq!(error, SessionError::Outdated { peer: 0, ours: former, theirs: ATTEMPT });
        assert!(zombie.failure().is_some());
        connect(&mut both, MS).unwrap();
        assert!(both[0].is_up());
    }
}

#[test]
fn a_peer_that_was_restarted_does_not_go_on_with_the_session() {
    let mut both = connected(CONFIG);
    both[0].send(data(0, 10)).unwrap();
    settle(&mut both, MS);
    let [mut a, _] = both;
    a.send(data(1, 10)).unwrap();
    let mut anew = Session::<Item>::new(CONFIG, ATTEMPT, [1, 0], 99, MS);
    let (from_a, from_new) = (a.connected(MS).unwrap(), anew.connected(MS).unwrap());
    assert_eq!(a.receive(MS, from_new), Err(SessionError::Restarted { peer: 1 }));
    assert_eq!(anew.receive(MS, from_a), Err(SessionError::Unknown { peer: 0 }));
    assert!(a.failure().is_some() && anew.failure().is_some());
    assert_eq!(a.kept(), 0);
}

#[test]
fn a_restarted_peer_is_found_out_before_any_frame() {
    // Nothing was sent, so no number of a frame gives it away.
    let [mut a, _] = connected(CONFIG);
    let mut anew = Session::<Item>::new(CONFIG, ATTEMPT, [1, 0], 99, MS);
    a.connected(MS).unwrap();
    assert_eq!(a.receive(MS, anew.connected(MS).unwrap()), Err(SessionError::Restarted { peer: 1 }));
    // And the other way round: the peer is the old one, and this one is new.
    let [mut a, _] = connected(CONFIG);
    let mut anew = Session::<Item>::new(CONFIG, ATTEMPT, [1, 0], 99, MS);
    anew.connected(MS).unwrap();
    assert_eq!(anew.receive(MS, a.connected(MS).unwrap()), Err(SessionError::Unknown { peer: 0 }));
}

#[test]
fn a_handshake_of_which_one_half_is_lost_is_done_again() {
    let mut both = ends(CONFIG);
    let [a, b] = &mut both;
    let from_a = a.connected(MS).unwrap();
    b.connected(MS).unwrap();
    b.receive(MS, from_a).unwrap();
    assert!(b.is_up() && !a.is_up());
    connect(&mut both, MS).unwrap();
    assert!(both.iter().all(Session::is_up));
}

#[test]
fn a_connection_to_somebody_else_is_closed() {
    let [mut a, _] = ends(CONFIG);
    let mut third = Session::<Item>::new(CONFIG, ATTEMPT, [2, 0], 72, MS);
    a.connected(MS).unwrap();
    let error = a.receive(MS, third.connected(MS).unwrap()).unwrap_err();
    assert_eq!(error, SessionError::Misrouted { expected: [1, 0], found: [2, 0] });
    assert!(!error.ends_session());
}

#[test]
fn a_peer_has_to_greet_once_and_first() {
    let [mut a, mut b] = ends(CONFIG);
    a.connected(MS).unwrap();
    let error = a.receive(MS, Packet::Frame { seq: 1, frame: data(0, 1) }).unwrap_err();
    assert_eq!(error, SessionError::OutOfTurn { peer: 1, what: "no greeting" });
    a.connected(MS).unwrap();
    let hello = b.connected(MS).unwrap();
    a.receive(MS, hello.clone()).unwrap();
    let error = a.receive(MS, hello).unwrap_err();
    assert_eq!(error, SessionError::OutOfTurn { peer: 1, what: "a second greeting" });
    assert!(!error.ends_session() && !a.is_up());
}
