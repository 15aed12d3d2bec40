use super::*;

mod any_order;
mod handshake;

const MS: Duration = Duration::from_millis(1);
const ATTEMPT: Attempt = Attempt { term: 3, attempt: 2 };
const CONFIG: Config = Config { window: 100, allowance: 20, grace: MS.saturating_mul(5000), ..SHORT };
const SHORT: Config = Config {
    window: 100,
    allowance: 20,
    grace: Duration::from_secs(1),
    silence: MS.saturating_mul(200),
    beat: MS.saturating_mul(50),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    id: u32,
    bytes: u64,
    control: bool,
}
impl Frame for Item {
    fn bytes(&self) -> u64 {
        self.bytes
    }
    fn is_control(&self) -> bool {
        self.control
    }
}
fn data(id: u32, bytes: u64) -> Item {
    Item { id, bytes, control: false }
}
fn control(id: u32, bytes: u64) -> Item {
    Item { id, bytes, control: true }
}
/// Process 0 and process 1, not connected.
fn ends(config: Config) -> [Session<Item>; 2] {
    [(0, 70), (1, 71)].map(|(own, number)| Session::new(config, ATTEMPT, [own, 1 - own], number, Duration::ZERO))
}
fn connect([a, b]: &mut [Session<Item>; 2], now: Duration) -> Result<(), SessionError> {
    let hello = [a.connected(now)?, b.connected(now)?];
    let [from_a, from_b] = hello;
    let (a, b) = (a.receive(now, from_b), b.receive(now, from_a));
    a.and(b).map(|_| ())
}
fn connected(config: Config) -> [Session<Item>; 2] {
    let mut ends = ends(config);
    connect(&mut ends, Duration::ZERO).unwrap();
    ends
}
/// Hands over all that one end has to send; what the other hands out of it.
fn pump(from: &mut Session<Item>, to: &mut Session<Item>, now: Duration) -> Result<Vec<u32>, SessionError> {
    let mut out = Vec::new();
    while let Some(packet) = from.transmit(now) {
        out.extend(to.receive(now, packet)?.map(|item| item.id));
    }
    Ok(out)
}
/// Both ways, until there is nothing more.
fn settle([a, b]: &mut [Session<Item>; 2], now: Duration) -> [Vec<u32>; 2] {
    let mut out = [Vec::new(), Vec::new()];
    for _ in 0..4 {
        out[1].extend(pump(a, b, now).unwrap());
        out[0].extend(pump(b, a, now).unwrap());
    }
    out
}
fn hello(packet: Packet<Item>) -> Hello {
    match packet {
        Packet::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_lost_is_sent_again_and_only_that() {
    let mut both = connected(CONFIG);
    for id in 0..4 {
        both[0].send(data(id, 10)).unwrap();
    }
    let [a, b] = &mut both;
    // Two of three arrive, and that they have is lost with the connection.
    for id in 0..2 {
        let packet = a.transmit(MS).unwrap();
        assert_eq!(b.receive(MS, packet).unwrap(), Some(data(id, 10)));
    }
    assert!(b.transmit(MS).is_some() && a.transmit(MS).is_some());
    connect(&mut both, MS).unwrap();
    assert_eq!(both[0].kept(), 20);
    let mut sent = Vec::new();
    while let Some(Packet::Frame { seq, .. }) = both[0].transmit(MS) {
        sent.push(seq);
    }
    assert_eq!(sent, [3, 4]);
}

#[test]
fn what_is_sent_without_a_connection_waits_for_one() {
    let mut both = connected(CONFIG);
    both[0].disconnected(MS);
    both[0].send(data(0, 10)).unwrap();
    assert_eq!(both[0].transmit(MS), None);
    connect(&mut both, MS).unwrap();
    assert_eq!(settle(&mut both, MS)[1], [0]);
    assert_eq!(both[0].kept(), 0);
}

#[test]
fn a_frame_that_comes_twice_is_handed_out_once() {
    let [mut a, mut b] = connected(CONFIG);
    a.send(data(0, 10)).unwrap();
    let packet = a.transmit(MS).unwrap();
    assert_eq!(b.receive(MS, packet.clone()).unwrap(), Some(data(0, 10)));
    assert_eq!(b.receive(MS, packet).unwrap(), None);
}

#[test]
fn a_gap_ends_the_session() {
    let [mut a, mut b] = connected(CONFIG);
    a.send(data(0, 10)).unwrap();
    a.send(data(1, 10)).unwrap();
    let _lost = a.transmit(MS);
    let error = b.receive(MS, a.transmit(MS).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "frame 2 of process 0 has come where frame 1 should be; frames are lost on the way");
    assert!(error.ends_session());
    assert_eq!(b.failure(), Some(&error));
    assert_eq!(b.connected(MS), Err(error));
    assert_eq!(b.send(data(9, 1)), Err(Unsent::Failed(data(9, 1))));
    assert_eq!(b.due(), None);
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_ends_the_session() {
    let ack = |received| Packet::Ack { received, limit: 200 };
    let [mut a, _] = connected(CONFIG);
    a.send(data(0, 10)).unwrap();
    a.send(data(1, 10)).unwrap();
    a.transmit(MS).unwrap();
    // The second one is accepted, but was not sent.
    a.receive(MS, ack(1)).unwrap();
    assert_eq!(a.receive(MS, ack(2)), Err(SessionError::NeverSent { peer: 1, received: 2, sent: 1 }));
    assert!(a.failure().is_some());
    // The same in a greeting.
    let [mut a, mut b] = ends(CONFIG);
    a.connected(MS).unwrap();
    let hello = Hello { received: 1, ..hello(b.connected(MS).unwrap()) };
    assert_eq!(a.receive(MS, Packet::Hello(hello)), Err(SessionError::NeverSent { peer: 1, received: 1, sent: 0 }));
}

#[test]
fn who_has_less_than_before_has_lost_it() {
    let mut both = connected(CONFIG);
    both[0].send(data(0, 10)).unwrap();
    both[0].send(data(1, 10)).unwrap();
    settle(&mut both, MS);
    let [mut a, _] = both;
    let error = a.receive(MS, Packet::Ack { received: 1, limit: 100 }).unwrap_err();
    assert_eq!(error.to_string(), "process 1 said that it had frame 2, and now says 1");
    let [mut a, _] = connected(CONFIG);
    let error = a.receive(MS, Packet::Ack { received: 0, limit: 99 }).unwrap_err();
    assert_eq!(error, SessionError::Regressed { peer: 1, what: "room up to byte", had: 100, has: 99 });
}

#[test]
fn data_goes_as_far_as_the_window_and_control_frames_further() {
    let mut both = connected(CONFIG);
    both[0].send(data(0, 60)).unwrap();
    assert_eq!(both[0].send(data(1, 41)), Err(Unsent::NoCredit(data(1, 41))));
    both[0].send(data(1, 40)).unwrap();
    assert!(!both[0].has_credit(1, false) && both[0].has_credit(20, true));
    both[0].send(control(2, 15)).unwrap();
    assert_eq!(both[0].send(control(3, 6)), Err(Unsent::NoCredit(control(3, 6))));
    assert_eq!(settle(&mut both, MS)[1], [0, 1, 2]);
    // That it has arrived is not enough.
    assert!(!both[0].has_credit(1, false));
    both[1].consumed(60);
    settle(&mut both, MS);
    // What control frames have used is missing.
    assert!(both[0].has_credit(45, false) && !both[0].has_credit(46, false));
    both[1].consumed(55);
    settle(&mut both, MS);
    assert!(both[0].has_credit(100, false) && !both[0].has_credit(101, false));
}

#[test]
fn nothing_is_taken_before_the_peer_has_said_what_it_takes() {
    let [mut a, _] = ends(CONFIG);
    assert_eq!(a.send(data(0, 1)), Err(Unsent::NoCredit(data(0, 1))));
    assert_eq!(a.send(control(0, 1)), Err(Unsent::NoCredit(control(0, 1))));
}

#[test]
fn what_is_larger_than_the_window_never_goes() {
    let [mut a, _] = connected(CONFIG);
    assert_eq!(a.send(data(0, 101)), Err(Unsent::TooLarge { frame: data(0, 101), bytes: 101, most: 100 }));
    assert!(a.send(control(0, 120)).is_ok());
    let narrow = Config { window: 30, ..CONFIG };
    for (one, other) in [(CONFIG, narrow), (narrow, CONFIG)] {
        let a = Session::new(one, ATTEMPT, [0, 1], 70, Duration::ZERO);
        let b = Session::new(other, ATTEMPT, [1, 0], 71, Duration::ZERO);
        let mut both = [a, b];
        connect(&mut both, MS).unwrap();
        // The smaller window holds in both directions.
        for end in &mut both {
            assert_eq!(end.send(data(0, 31)), Err(Unsent::TooLarge { frame: data(0, 31), bytes: 31, most: 30 }));
            end.send(data(0, 30)).unwrap();
        }
        assert_eq!(settle(&mut both, MS), [[0], [0]]);
    }
}

#[test]
fn empty_frames_do_not_fill_the_memory_either() {
    let [mut a, _] = connected(CONFIG);
    let sent = (0..1000).take_while(|id| a.send(data(*id, 0)).is_ok()).count();
    assert_eq!(sent, 100);
}

#[test]
fn a_peer_that_sends_more_than_it_may_is_found_out() {
    let frame = |seq, frame| Packet::Frame { seq, frame };
    let [_, mut b] = connected(CONFIG);
    b.receive(MS, frame(1, data(0, 90))).unwrap();
    b.receive(MS, frame(2, control(1, 30))).unwrap();
    assert_eq!(b.receive(MS, frame(3, control(2, 1))), Err(SessionError::Overrun { peer: 0, sent: 121, limit: 120 }));
    let [_, mut b] = connected(CONFIG);
    assert_eq!(b.receive(MS, frame(1, data(0, 101))), Err(SessionError::Overrun { peer: 0, sent: 101, limit: 100 }));
}

#[test]
fn a_peer_that_grants_too_much_does_not_fill_the_memory() {
    let [mut a, _] = connected(CONFIG);
    a.receive(MS, Packet::Ack { received: 0, limit: u64::MAX }).unwrap();
    let sent = (0..1000).take_while(|id| a.send(data(*id, 1)).is_ok()).count();
    assert_eq!(sent, 100);
}

#[test]
fn who_consumes_what_it_never_got_grants_no_more_for_it() {
    let [mut a, mut b] = connected(CONFIG);
    b.consumed(1000);
    assert_eq!(b.transmit(MS), None);
    a.send(data(0, 10)).unwrap();
    pump(&mut a, &mut b, MS).unwrap();
    b.consumed(1000);
    assert_eq!(b.transmit(MS), Some(Packet::Ack { received: 1, limit: 110 }));
}

#[test]
fn a_frame_as_large_as_the_window_follows_a_small_one() {
    // The credit of the small one is too little to be worth a word, but it is needed.
    let mut both = connected(CONFIG);
    both[0].send(data(0, 1)).unwrap();
    assert_eq!(settle(&mut both, MS)[1], [0]);
    assert!(!both[0].has_credit(100, false));
    both[1].consumed(1);
    settle(&mut both, MS);
    assert!(both[0].has_credit(100, false));
}

#[test]
fn what_arrives_together_is_acknowledged_together() {
    let mut both = connected(CONFIG);
    for id in 0..10 {
        both[0].send(data(id, 5)).unwrap();
    }
    let [a, b] = &mut both;
    assert_eq!(pump(a, b, MS).unwrap().len(), 10);
    assert_eq!(b.transmit(MS), Some(Packet::Ack { received: 10, limit: 100 }));
    assert_eq!(b.transmit(MS), None);
}

#[test]
fn a_session_that_was_broken_for_the_grace_is_over() {
    let [mut a, _] = connected(SHORT);
    a.disconnected(100 * MS);
    assert_eq!(a.due(), Some(1100 * MS));
    assert_eq!(a.tick(1099 * MS), Ok(()));
    // A connection on which nobody greets is not one.
    a.connected(1000 * MS).unwrap();
    assert_eq!(a.due(), Some(1100 * MS));
    let error = a.tick(1100 * MS).unwrap_err();
    assert_eq!(error, SessionError::Grace { peer: 1, grace: SHORT.grace });
    assert!(error.to_string().starts_with("process 1 could not be reached for 1s;"));
    assert_eq!(a.tick(1100 * MS), Err(error));
}

#[test]
fn a_session_that_comes_back_within_the_grace_is_not_over_later() {
    let mut both = connected(SHORT);
    both[0].disconnected(100 * MS);
    connect(&mut both, 1000 * MS).unwrap();
    both[0].disconnected(1150 * MS);
    assert_eq!(both[0].tick(2100 * MS), Ok(()));
    assert!(both[0].tick(2150 * MS).is_err());
}

#[test]
fn a_silent_connection_is_given_up() {
    let [mut a, _] = connected(SHORT);
    assert_eq!(a.tick(199 * MS), Ok(()));
    let error = a.tick(200 * MS).unwrap_err();
    assert_eq!(error, SessionError::Silent { peer: 1, silence: SHORT.silence });
    assert!(!error.ends_session() && !a.is_up());
    // From then on the grace runs; and one where nobody greets is given up as well.
    assert_eq!(a.due(), Some(1200 * MS));
    a.connected(300 * MS).unwrap();
    assert_eq!(a.due(), Some(500 * MS));
    assert!(matches!(a.tick(500 * MS), Err(SessionError::Silent { .. })));
    assert_eq!(a.due(), Some(1200 * MS));
}

#[test]
fn a_peer_that_sends_frames_is_not_silent() {
    let [mut a, mut b] = connected(SHORT);
    b.send(data(0, 10)).unwrap();
    let packet = b.transmit(40 * MS).unwrap();
    assert!(matches!(packet, Packet::Frame { .. }));
    a.receive(150 * MS, packet).unwrap();
    assert_eq!(a.tick(349 * MS), Ok(()));
    assert!(a.tick(350 * MS).is_err());
}

#[test]
fn ends_that_have_nothing_to_say_hear_each_other() {
    let mut both = connected(SHORT);
    let mut packets = 0;
    for _ in 0..1000 {
        let due = both.iter().filter_map(Session::due).min().filter(|now| *now < Duration::from_secs(10));
        let Some(now) = due else { break };
        for end in 0..2 {
            both[end].tick(now).unwrap();
            while let Some(packet) = both[end].transmit(now) {
                packets += 1;
                both[1 - end].receive(now, packet).unwrap();
            }
        }
    }
    assert!(both.iter().all(Session::is_up));
    assert_eq!(packets, 2 * 199);
}

#[test]
fn packets_of_a_connection_that_is_gone_are_ignored() {
    let [mut a, mut b] = connected(CONFIG);
    a.send(data(0, 10)).unwrap();
    let packet = a.transmit(MS).unwrap();
    b.disconnected(MS);
    assert_eq!(b.receive(MS, packet), Ok(None));
}
