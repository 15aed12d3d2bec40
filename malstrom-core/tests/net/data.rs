//! The data lane.
use super::proxy::{Proxy, Way};
use super::*;

fn config() -> Config {
    Config { grace: 20 * SECOND, ..MeshSettings::config() }
}
/// What somebody sends: data of all sizes, and now and then a control frame.
fn traffic(rng: &mut Rng, count: u64) -> Vec<Message> {
    let messages = (0..count).map(|interval| {
        let len = match rng.below(4) {
            0 => rng.below(16),
            1 | 2 => rng.below(4 << 10),
            _ => rng.below(100 << 10),
        };
        let payload: Vec<u8> = (0..len).map(|at| (at ^ interval) as u8).collect();
        let kind = [Kind::Data, Kind::Data, Kind::Credit, Kind::Splits, Kind::Arrived][rng.below(5) as usize];
        // Control frames are small.
        let payload = if kind == Kind::Data { payload } else { payload[..payload.len().min(500)].to_vec() };
        let mut draw = || rng.draw() as u16;
        Message { kind, exchange: draw(), from: draw(), to: draw(), interval, payload: payload.into() }
    });
    messages.collect()
}
fn put(outbox: &Outbox, messages: &[Message]) {
    for message in messages {
        outbox.put(message.clone());
    }
}

#[test]
fn each_message_arrives_once_and_in_order_over_connections_that_break() {
    for seed in 0..6 {
        let mut rng = Rng(seed);
        let (a, b) = (Process::new(0), Process::new(1));
        let proxy = Proxy::start(b.address());
        let (_meshes, [there, back]) = pair(&a, &b, config(), Some(proxy.address()));
        let (to_b, to_a) = (traffic(&mut rng, 400), traffic(&mut rng, 400));
        let mut cuts = 0;
        for (one, other) in to_b.chunks(20).zip(to_a.chunks(20)) {
            put(&there, one);
            put(&back, other);
            match rng.below(4) {
                0 => proxy.cut(),
                1 => proxy.cut_after(rng.below(200 << 10) + 1),
                2 => {
                    // Nothing is read: what is closed with something unread is reset.
                    proxy.stall(Way::Back, true);
                    std::thread::sleep(5 * MS);
                    proxy.cut();
                    proxy.stall(Way::Back, false);
                }
                _ => continue,
            }
            cuts += 1;
            std::thread::sleep(rng.below(30) as u32 * MS);
        }
        let done = || b.count(0) >= to_b.len() && a.count(1) >= to_a.len();
        eventually(30 * SECOND, "all has arrived", || done() || !a.failures().is_empty() || !b.failures().is_empty());
        assert_eq!((a.failures(), b.failures()), (vec![], vec![]), "seed {seed}");
        assert!(proxy.begun() > 3 && cuts > 3, "seed {seed}: {cuts} cuts, {} connections", proxy.begun());
        std::thread::sleep(20 * MS);
        assert!(b.received.lock().unwrap()[&0] == to_b, "seed {seed}: there");
        assert!(a.received.lock().unwrap()[&1] == to_a, "seed {seed}: back");
    }
}

#[test]
fn three_processes_talk_to_each_other() {
    let processes = [0, 1, 2].map(Process::new);
    let mut meshes = Vec::new();
    let mut sent: HashMap<(u32, u32), Vec<Message>> = HashMap::new();
    let mut rng = Rng(7);
    for a in &processes {
        let others = processes.iter().filter(|b| b.me != a.me);
        let peers: Vec<Peer> = others.map(|b| peer(b.me, b.address())).collect();
        for to in &peers {
            let messages = traffic(&mut rng, 300);
            put(&to.outbox, &messages);
            sent.insert((a.me, to.process), messages);
        }
        meshes.push(a.mesh(FIRST, config(), peers));
    }
    for (&(from, to), messages) in &sent {
        let to = &processes[to as usize];
        eventually(20 * SECOND, "all has arrived", || to.count(from) >= messages.len());
        assert!(to.received.lock().unwrap()[&from] == *messages, "{from} to {}", to.me);
    }
}

#[test]
fn two_processes_that_both_only_write_do_not_wait_for_each_other() {
    let (a, b) = (Process::new(0), Process::new(1));
    // More than fits between them.
    let (_meshes, boxes) = pair(&a, &b, Config { window: 64 << 20, ..config() }, None);
    let payload = Bytes::from(vec![7; 1 << 20]);
    for outbox in &boxes {
        for interval in 0..100 {
            outbox.put(message(interval, payload.clone()));
        }
    }
    eventually(20 * SECOND, "all has arrived", || a.count(1) == 100 && b.count(0) == 100);
}

#[test]
fn what_a_slow_peer_does_not_take_stays_in_the_outbox() {
    let (a, b) = (Process::new(0), Process::new(1));
    let proxy = Proxy::start(b.address());
    let config = Config { silence: 60 * SECOND, ..config() };
    let (_meshes, [there, _]) = pair(&a, &b, config, Some(proxy.address()));
    there.put(message(0, "x"));
    eventually(5 * SECOND, "the first has arrived", || b.count(0) == 1);
    proxy.stall(Way::There, true);
    proxy.stall(Way::Back, true);
    let (payload, count) = (Bytes::from(vec![7; 64 << 10]), 400);
    for interval in 0..count {
        there.put(message(interval, payload.clone()));
    }
    // When it takes no more, it has what the window allows.
    std::thread::sleep(300 * MS);
    let mut left = 0;
    while there.take().is_some() {
        left += 1;
    }
    let taken = (count - left) * (64 << 10);
    assert!(taken <= config.window, "{taken} bytes of a window of {}", config.window);
    assert!(taken >= config.window / 2, "only {taken} bytes were taken, so this shows nothing");
}

#[test]
fn a_peer_that_falls_silent_is_noticed() {
    let (a, b) = (Process::new(0), Process::new(1));
    let proxy = Proxy::start(b.address());
    let config = Config { silence: 400 * MS, beat: 100 * MS, grace: 500 * MS, ..config() };
    let (_meshes, [there, _]) = pair(&a, &b, config, Some(proxy.address()));
    there.put(message(0, "x"));
    eventually(5 * SECOND, "the first has arrived", || b.count(0) == 1);
    // Much longer than the silence: an idle session says something now and then.
    std::thread::sleep(SECOND);
    assert_eq!((a.failures(), proxy.begun()), (vec![], 1));
    let since = now();
    proxy.stall(Way::Back, true);
    eventually(3 * SECOND, "it is noticed", || !a.failures().is_empty());
    assert!(now() - since < 2 * SECOND, "{:?}", now() - since);
    let (process, why) = a.failures()[0].clone();
    assert!(process == 1 && why.starts_with("process 1 could not be reached for 500ms"), "{why}");
    assert!(why.contains("nothing was heard from process 1 for 400ms"), "{why}");
}

#[test]
fn a_peer_that_was_silent_for_less_than_the_grace_has_missed_nothing() {
    let (a, b) = (Process::new(0), Process::new(1));
    let proxy = Proxy::start(b.address());
    let config = Config { silence: 200 * MS, beat: 50 * MS, ..config() };
    let (_meshes, [there, back]) = pair(&a, &b, config, Some(proxy.address()));
    let (to_b, to_a) = (traffic(&mut Rng(1), 300), traffic(&mut Rng(2), 300));
    put(&there, &to_b[..100]);
    proxy.stall(Way::There, true);
    put(&there, &to_b[100..]);
    put(&back, &to_a);
    let before = proxy.begun();
    eventually(5 * SECOND, "the connection is given up", || proxy.begun() > before);
    proxy.stall(Way::There, false);
    eventually(10 * SECOND, "all has arrived", || b.count(0) == 300 && a.count(1) == 300);
    assert!(b.received.lock().unwrap()[&0] == to_b && a.received.lock().unwrap()[&1] == to_a);
}

#[test]
fn who_begins_an_attempt_first_waits_for_the_other() {
    for (pause, connections) in [(300 * MS, 1), (2500 * MS, 2)] {
        let (a, b) = (Process::new(0), Process::new(1));
        let proxy = Proxy::start(b.address());
        let to_b = peer(1, proxy.address());
        to_b.outbox.put(message(1, "x"));
        let _a = a.mesh(FIRST, config(), vec![to_b]);
        std::thread::sleep(pause);
        let since = now();
        let _b = b.mesh(FIRST, config(), vec![peer(0, a.address())]);
        eventually(5 * SECOND, "it has arrived", || b.count(0) == 1);
        // The connection is held until there is somebody for it.
        assert!(now() - since < SECOND, "{:?}", now() - since);
        assert_eq!(proxy.begun(), connections);
    }
}

#[test]
fn a_mesh_that_is_dropped_is_noticed_at_once() {
    // By who connects: it hears that the attempt is over. By who is connected to: its grace begins.
    for (dropped, config) in [(1, config()), (0, Config { grace: 300 * MS, silence: 60 * SECOND, ..config() })] {
        let processes = [Process::new(0), Process::new(1)];
        let (meshes, [there, back]) = pair(&processes[0], &processes[1], config, None);
        there.put(message(0, "x"));
        back.put(message(0, "y"));
        let both = || processes[0].count(1) == 1 && processes[1].count(0) == 1;
        eventually(5 * SECOND, "both have something", both);
        let since = now();
        let [a, b] = meshes;
        let (gone, _kept) = if dropped == 0 { (a, b) } else { (b, a) };
        drop(gone);
        let other = &processes[1 - dropped];
        eventually(2 * SECOND, "the other one has noticed", || !other.failures().is_empty());
        assert!(now() - since < SECOND, "{:?}", now() - since);
        if dropped == 1 {
            let why = other.failures()[0].1.clone();
            assert!(why.ends_with("refuses this process: attempt 1 of term 1 is over in process 1"), "{why}");
        }
        assert_eq!(processes[dropped].failures(), []);
    }
}

#[test]
fn after_a_mesh_is_dropped_nothing_is_delivered() {
    let (a, b) = (Process::new(0), Process::new(1));
    let ([_kept, gone], [there, _]) = pair(&a, &b, config(), None);
    for interval in 0..2000 {
        there.put(message(interval, vec![1; 10 << 10]));
    }
    eventually(5 * SECOND, "something has arrived", || b.count(0) > 0);
    drop(gone);
    let count = b.count(0);
    std::thread::sleep(50 * MS);
    assert_eq!(b.count(0), count);
}

#[test]
fn a_later_attempt_begins_on_the_same_port() {
    let (a, b) = (Process::new(0), Process::new(1));
    let (meshes, _boxes) = pair(&a, &b, config(), None);
    let second = Attempt { term: 1, attempt: 2 };
    drop(meshes);
    let (to_b, to_a) = (peer(1, b.address()), peer(0, a.address()));
    to_b.outbox.put(message(9, "x"));
    to_a.outbox.put(message(8, "y"));
    let _meshes = [a.mesh(second, config(), vec![to_b]), b.mesh(second, config(), vec![to_a])];
    eventually(5 * SECOND, "both have something", || a.count(1) == 1 && b.count(0) == 1);
    assert_eq!((a.failures(), b.failures()), (vec![], vec![]));
}

#[test]
fn a_peer_that_was_restarted_ends_the_session() {
    let a = Process::new(0);
    let b = Process::new(1);
    let proxy = Proxy::start(b.address());
    let to_b = peer(1, proxy.address());
    to_b.outbox.put(message(1, "x"));
    let _a = a.mesh(FIRST, config(), vec![to_b]);
    let first = b.mesh(FIRST, config(), vec![peer(0, a.address())]);
    eventually(5 * SECOND, "it has arrived", || b.count(0) == 1);
    // Another one takes its place, which has nothing of what it had.
    let again = Process::new(1);
    let _again = again.mesh(FIRST, config(), vec![peer(0, a.address())]);
    proxy.set_target(again.address());
    proxy.cut();
    eventually(5 * SECOND, "the session is over", || !a.failures().is_empty());
    let why = a.failures()[0].1.clone();
    assert!(why.starts_with("process 1 was restarted and has lost its session"), "{why}");
    drop(first);
}

#[test]
fn what_cannot_be_taken_ends_the_session_once() {
    let (a, b) = (Process::new(0), Process::new(1));
    let to_b = peer(1, b.address());
    for interval in 0..10 {
        to_b.outbox.put(message(interval, "x"));
    }
    let _a = a.mesh(FIRST, Config { grace: SECOND, ..config() }, vec![to_b]);
    let failures = b.failures.clone();
    let _b = Mesh::start(
        &b.listener,
        MeshSettings { attempt: FIRST, me: 1, peers: vec![peer(0, a.address())], config: config() },
        Arc::new(|_, message| if message.interval == 3 { Err("there is no worker 5".to_owned()) } else { Ok(()) }),
        Arc::new(move |peer, error| failures.lock().unwrap().push((peer, error.to_string()))),
    );
    eventually(5 * SECOND, "both have noticed", || !a.failures().is_empty() && !b.failures().is_empty());
    assert_eq!(b.failures(), [(0, "a message of process 0 cannot be taken: there is no worker 5".to_owned())]);
    let why = a.failures()[0].1.clone();
    assert!(why.contains("process 1 has given up attempt 1 of term 1 with process 0"), "{why}");
}

#[test]
fn a_message_that_is_too_large_ends_the_session_with_its_size() {
    let (a, b) = (Process::new(0), Process::new(1));
    let (_meshes, [there, _]) = pair(&a, &b, config(), None);
    there.put(message(0, vec![0; 5 << 20]));
    eventually(5 * SECOND, "it is noticed", || !a.failures().is_empty());
    let why = a.failures()[0].1.clone();
    assert!(why.starts_with("a message of 5242912 bytes to process 1 is too large, as at most 4194304"), "{why}");
}

#[test]
fn a_slow_network_only_takes_longer() {
    let (a, b) = (Process::new(0), Process::new(1));
    let proxy = Proxy::start(b.address());
    proxy.delay(20 * MS);
    let (_meshes, [there, _]) = pair(&a, &b, config(), Some(proxy.address()));
    let messages = traffic(&mut Rng(3), 100);
    put(&there, &messages);
    eventually(20 * SECOND, "all has arrived", || b.count(0) == messages.len());
    assert!(b.received.lock().unwrap()[&0] == messages);
}

#[test]
fn a_peer_that_takes_nothing_holds_up_nobody() {
    let [a, b, c] = [0, 1, 2].map(Process::new);
    let proxy = Proxy::start(b.address());
    let config = Config { silence: 60 * SECOND, ..config() };
    let (to_b, to_c) = (peer(1, proxy.address()), peer(2, c.address()));
    let (stuck, free) = (to_b.outbox.clone(), to_c.outbox.clone());
    let _b = b.mesh(FIRST, config, vec![peer(0, a.address())]);
    let _c = c.mesh(FIRST, config, vec![peer(0, a.address())]);
    let _a = a.mesh(FIRST, config, vec![to_b, to_c]);
    stuck.put(message(0, "x"));
    eventually(5 * SECOND, "the first has arrived", || b.count(0) == 1);
    proxy.stall(Way::There, true);
    for interval in 0..1000 {
        stuck.put(message(interval, vec![1; 64 << 10]));
        free.put(message(interval, vec![1; 64 << 10]));
    }
    eventually(10 * SECOND, "the other one has all", || c.count(0) == 1000);
    assert!(b.count(0) < 500, "{} have got through", b.count(0));
    proxy.stall(Way::There, false);
    eventually(20 * SECOND, "and then this one as well", || b.count(0) == 1001);
}

#[test]
fn what_is_of_the_other_lane_ends_the_session() {
    use malstrom_core::net::frame::{Frame, encode};
    use malstrom_core::net::identity::Lane;
    use std::io::Write;
    let b = Process::new(1);
    let _b = b.mesh(FIRST, config(), vec![peer(0, "127.0.0.1:1")]);
    let mut stream = control::raw(&b.address(), Lane::Data { from: 0, to: 1, term: 1, attempt: 1 });
    let mut bytes = Vec::new();
    encode(&Frame::Ping, &mut bytes).unwrap();
    stream.write_all(&bytes).unwrap();
    eventually(5 * SECOND, "it is noticed", || !b.failures().is_empty());
    assert_eq!(b.failures(), [(0, "cannot read what process 0 sends".to_owned())]);
}

#[test]
fn a_mesh_is_settled_when_the_others_have_everything() {
    let (a, b) = (Process::new(0), Process::new(1));
    let proxy = Proxy::start(b.address());
    let ([mesh, _b], [there, _]) = pair(&a, &b, config(), Some(proxy.address()));
    assert!(mesh.is_settled());
    for round in 1..20 {
        for interval in 0..20 {
            there.put(message(interval, vec![1; 60 << 10]));
        }
        assert!(!mesh.is_settled() || b.count(0) == round * 20);
        if round % 4 == 0 {
            proxy.cut_after(300 << 10);
        }
        eventually(5 * SECOND, "it is settled", || mesh.is_settled());
        assert_eq!(b.count(0), round * 20);
    }
    proxy.stall(Way::There, true);
    there.put(message(0, "x"));
    std::thread::sleep(100 * MS);
    assert!(!mesh.is_settled());
    proxy.stall(Way::There, false);
    eventually(5 * SECOND, "it is settled", || mesh.is_settled());
}

#[test]
fn a_panic_of_who_takes_messages_ends_the_session_and_nothing_else() {
    let (a, b) = (Process::new(0), Process::new(1));
    let to_b = peer(1, b.address());
    to_b.outbox.put(message(0, "x"));
    let _a = a.mesh(FIRST, config(), vec![to_b]);
    let failures = b.failures.clone();
    let _b = Mesh::start(
        &b.listener,
        MeshSettings { attempt: FIRST, me: 1, peers: vec![peer(0, a.address())], config: config() },
        Arc::new(|_, _| panic!("what a pity")),
        Arc::new(move |peer, error| failures.lock().unwrap().push((peer, error.to_string()))),
    );
    eventually(5 * SECOND, "both have noticed", || !a.failures().is_empty() && !b.failures().is_empty());
    assert_eq!(b.failures(), [(0, "taking a message of process 0 panicked: what a pity".to_owned())]);
}
