use super::*;
use std::collections::{BTreeMap, VecDeque};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const CONFIG: Config = Config {
    window: 200,
    allowance: 50,
    grace: Duration::from_secs(3600),
    silence: Duration::from_secs(2),
    beat: Duration::from_millis(500),
};

fn attempt(number: u64) -> Attempt {
    Attempt { term: 1, attempt: number }
}
/// Which opening of the sender's end a message was sent in, which of the receiver's that was meant for, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tag {
    attempt: u64,
    life: u64,
    number: usize,
}

/// Processes that talk to each other, and what should come of it.
struct World {
    links: Links<Tag>,
    random: Random,
    now: Duration,
    nodes: usize,
    /// The attempt of each process, and how often its sessions were begun.
    attempts: Vec<u64>,
    lives: Vec<u64>,
    newest: u64,
    /// Since they were opened: how many messages of each pair were sent, and how many have arrived.
    sent: BTreeMap<(usize, usize), Vec<u64>>,
    got: BTreeMap<(usize, usize), (Tag, usize)>,
    /// What each process holds of each peer, to be consumed.
    held: BTreeMap<(usize, usize), VecDeque<u64>>,
    failed: Vec<(usize, usize, SessionError)>,
    trace: Vec<(Duration, Event<Tag>)>,
    delivered: usize,
    refused: usize,
}
impl World {
    fn new(nodes: usize, seed: u64, config: Config) -> Self {
        let random = Random::new(seed);
        let mut world = World {
            links: Links::new(nodes, Settings::default(), config, &random),
            random: random.branch("world"),
            now: Duration::ZERO,
            nodes,
            attempts: vec![0; nodes],
            lives: vec![0; nodes],
            newest: 1,
            sent: BTreeMap::new(),
            got: BTreeMap::new(),
            held: BTreeMap::new(),
            failed: Vec::new(),
            trace: Vec::new(),
            delivered: 0,
            refused: 0,
        };
        for node in 0..nodes {
            world.begin(node);
        }
        world
    }
    /// A process takes part in the newest attempt, with new sessions.
    fn begin(&mut self, node: usize) {
        self.attempts[node] = self.newest;
        self.lives[node] += 1;
        for peer in (0..self.nodes).filter(|peer| *peer != node) {
            self.links.open(self.now, node, peer, attempt(self.newest));
            self.sent.insert((node, peer), Vec::new());
            self.got.remove(&(peer, node));
            self.held.insert((peer, node), VecDeque::new());
        }
    }
    fn send(&mut self, from: usize, to: usize) {
        let control = self.random.one_in(8);
        let bytes = if control { self.random.below(20) } else { self.random.below(80) };
        let sent = self.sent.entry((from, to)).or_default();
        let tag = Tag { attempt: self.attempts[from], life: self.lives[from], number: sent.len() };
        let taken = match control {
            true => self.links.send_control(self.now, from, to, tag, bytes),
            false => self.links.send(self.now, from, to, tag, bytes),
        };
        match taken {
            Ok(()) => sent.push(bytes.max(1)),
            Err(refused) => {
                self.refused += usize::from(matches!(refused, Unsent::NoCredit(_)));
                assert_eq!(refused.into_frame(), tag);
            }
        }
    }
    fn consume(&mut self, from: usize, to: usize) {
        let Some(bytes) = self.held.get_mut(&(from, to)).and_then(VecDeque::pop_front) else { return };
        self.links.consumed(self.now, to, from, bytes);
    }
    fn poll(&mut self, until: Duration) {
        while let Some(at) = self.links.next().filter(|at| *at <= until) {
            self.now = at;
            while let Some(event) = self.links.poll(at) {
                self.trace.push((at, event.clone()));
                match event {
                    Event::Message { from, to, message, bytes } => self.arrived(from, to, message, bytes),
                    Event::Failed { node, peer, error } => self.failed.push((node, peer, error)),
                    Event::Credit { .. } | Event::Datagram { .. } => {}
                }
            }
        }
        self.now = until;
    }
    fn arrived(&mut self, from: usize, to: usize, tag: Tag, bytes: u64) {
        assert_eq!(tag.attempt, self.attempts[to], "{from} to {to}: a message of another attempt");
        match self.got.get_mut(&(from, to)) {
            Some((last, _)) if tag.number != last.number + 1 || tag.life != last.life => {
                panic!("{from} to {to}: {tag:?} after {last:?}")
            }
            Some((last, count)) => (*last, *count) = (tag, *count + 1),
            None => {
                assert_eq!(tag.number, 0, "{from} to {to}: {tag:?} comes first");
                self.got.insert((from, to), (tag, 1));
            }
        }
        let held = self.held.entry((from, to)).or_default();
        held.push_back(bytes.max(1));
        assert!(held.iter().sum::<u64>() <= 250, "a process holds more than window and allowance");
        self.delivered += 1;
    }
    /// Two different processes.
    fn two(&mut self) -> (usize, usize) {
        let a = self.random.index(self.nodes);
        (a, (a + 1 + self.random.index(self.nodes - 1)) % self.nodes)
    }
    /// So many steps of traffic; each time, `harm` may do something.
    fn run(&mut self, steps: usize, mut harm: impl FnMut(&mut World)) {
        for _ in 0..steps {
            let next = self.now + Duration::from_micros(self.random.below(20_000));
            self.poll(next);
            for _ in 0..3 {
                let (a, b) = self.two();
                self.send(a, b);
                let (a, b) = self.two();
                self.consume(a, b);
            }
            for node in 0..self.nodes {
                for peer in 0..self.nodes {
                    assert!(self.links.session(node, peer).is_none_or(|session| session.kept() <= 250));
                }
            }
            harm(self);
        }
    }
    /// No harm any more: everything that was sent arrives in a few seconds.
    fn calm(&mut self) {
        for _ in 0..100 {
            self.poll(self.now + 100 * MS);
            for at in 0..self.nodes * self.nodes {
                while self.held.get(&(at / self.nodes, at % self.nodes)).is_some_and(|held| !held.is_empty()) {
                    self.consume(at / self.nodes, at % self.nodes);
                }
            }
        }
        for ((from, to), sent) in &self.sent {
            let got = self.got.get(&(*from, *to)).map_or(0, |(_, count)| *count);
            assert_eq!(got, sent.len(), "{from} to {to}");
            let session = self.links.session(*from, *to).expect("it is open");
            assert!(session.kept() == 0 && session.has_credit(200, false) && !session.has_credit(201, false));
        }
    }
}
/// Something that a session survives.
fn weather(world: &mut World) {
    let (a, b) = world.two();
    let now = world.now;
    let until = now + MS * (1 + world.random.index(4000) as u32);
    match world.random.below(60) {
        0 => world.links.network().break_link(now, a, b),
        1 => world.links.network().cut(now, a, b, until),
        2 => world.links.network().slow(now, a, until, 5 * MS),
        _ => {}
    }
}

#[test]
fn whatever_the_network_does_messages_arrive_once_and_in_order() {
    let (mut delivered, mut refused) = (0, 0);
    for seed in 0..100 {
        let mut world = World::new(4, seed, CONFIG);
        world.run(500, weather);
        world.calm();
        assert_eq!(world.failed, []);
        delivered += world.delivered;
        refused += world.refused;
    }
    assert!(delivered > 20_000 && refused > 1000, "{delivered} {refused}");
}

/// Processes crash, and come back in a later attempt; the others follow when they hear of it.
fn crashes(seed: u64) -> World {
    let mut world = World::new(4, seed, Config { grace: 2 * SECOND, ..CONFIG });
    let mut dead = vec![false; 4];
    world.run(800, |world| {
        weather(world);
        let (node, _) = world.two();
        match world.random.below(150) {
            0 => {
                world.links.crash(world.now, node);
                dead[node] = true;
                world.newest += 1;
            }
            1 | 2 if dead[node] => {
                world.links.restart(world.now, node);
                dead[node] = false;
                world.begin(node);
            }
            // Some hear of a new attempt, or that a session is over, sooner than others.
            3..30 if !dead[node] && world.attempts[node] < world.newest => world.begin(node),
            30..50 if !world.failed.is_empty() => {
                world.failed.clear();
                world.newest += 1;
            }
            _ => {}
        }
    });
    // Faults end, and all processes take part in one attempt.
    world.newest += 1;
    for (node, dead) in dead.into_iter().enumerate() {
        if dead {
            world.links.restart(world.now, node);
        }
        world.begin(node);
    }
    // The last cuts and slow readers.
    world.poll(world.now + 5 * SECOND);
    world.newest += 1;
    for node in 0..4 {
        world.begin(node);
    }
    world.failed.clear();
    world.run(100, |_| {});
    world.calm();
    world
}
#[test]
fn nothing_gets_from_one_life_or_attempt_into_another() {
    let (mut delivered, mut attempts) = (0, 0);
    for seed in 0..100 {
        let world = crashes(seed);
        assert_eq!(world.failed, []);
        delivered += world.delivered;
        attempts += world.newest;
    }
    assert!(delivered > 20_000 && attempts > 500, "{delivered} {attempts}");
}

#[test]
fn what_happens_follows_from_the_seed() {
    for seed in 0..5 {
        assert_eq!(crashes(seed).trace, crashes(seed).trace);
    }
    assert_ne!(crashes(1).trace, crashes(2).trace);
}

#[test]
fn a_process_that_comes_back_in_the_same_attempt_does_not_go_on_with_its_sessions() {
    for seed in 0..50 {
        let mut world = World::new(2, seed, Config { grace: 5 * SECOND, ..CONFIG });
        world.run(50, |_| {});
        world.links.crash(world.now, 1);
        world.poll(world.now + 100 * MS);
        world.links.restart(world.now, 1);
        world.begin(1);
        let (before, since) = (world.delivered, world.now);
        // What the other end sends is for the process that is gone.
        for _ in 0..10 {
            world.send(0, 1);
            world.send(1, 0);
        }
        world.poll(since + 10 * SECOND);
        assert_eq!(world.delivered, before);
        // Who hears it first closes the connection; the other one hears it as well, or nothing any more.
        let known = |(node, _, error): &(usize, usize, SessionError)| match node {
            0 => *error == SessionError::Restarted { peer: 1 },
            _ => *error == SessionError::Unknown { peer: 0 },
        };
        let lost = |(_, peer, error): &(usize, usize, SessionError)| {
            *error == SessionError::Grace { peer: *peer as u32, grace: 5 * SECOND }
        };
        let [first, second] = &world.failed[..] else { panic!("seed {seed}: {:?}", world.failed) };
        assert!(known(first) && (known(second) || lost(second)), "seed {seed}: {first:?}, {second:?}");
    }
}

#[test]
fn who_cannot_be_reached_for_the_grace_has_failed() {
    let config = Config { grace: 3 * SECOND, ..CONFIG };
    let mut world = World::new(2, 1, config);
    world.poll(SECOND);
    assert!(world.links.session(0, 1).unwrap().is_up());
    // Shorter than silence and grace together.
    world.links.network().cut(SECOND, 0, 1, 5 * SECOND);
    world.poll(7 * SECOND);
    assert_eq!(world.failed, []);
    assert!(world.links.session(0, 1).unwrap().is_up());
    // And longer.
    world.links.network().cut(7 * SECOND, 0, 1, 20 * SECOND);
    world.poll(13 * SECOND);
    let mut failed = world.failed.clone();
    failed.sort_by_key(|(node, ..)| *node);
    let grace = |peer| SessionError::Grace { peer, grace: 3 * SECOND };
    assert_eq!(failed, [(0, 1, grace(1)), (1, 0, grace(0))]);
    assert!(matches!(
        world.links.send(world.now, 0, 1, Tag { attempt: 1, life: 1, number: 0 }, 1),
        Err(Unsent::Failed(_))
    ));
}

#[test]
fn a_peer_that_never_opens_its_end_has_failed_after_the_grace() {
    let mut links = Links::<()>::new(2, Settings::default(), Config { grace: SECOND, ..CONFIG }, &Random::new(1));
    links.open(Duration::ZERO, 0, 1, attempt(1));
    let mut events = Vec::new();
    while let Some(now) = links.next().filter(|now| *now < 5 * SECOND) {
        events.extend(std::iter::from_fn(|| links.poll(now)).map(|event| (now, event)));
    }
    let error = SessionError::Grace { peer: 1, grace: SECOND };
    assert_eq!(events, [(SECOND, Event::Failed { node: 0, peer: 1, error })]);
}

#[test]
fn who_was_refused_is_told_when_there_is_credit() {
    let mut world = World::new(2, 3, CONFIG);
    world.poll(SECOND);
    let tag = |number| Tag { attempt: 1, life: 1, number };
    world.links.send(world.now, 0, 1, tag(0), 150).unwrap();
    assert_eq!(world.links.send(world.now, 0, 1, tag(1), 100), Err(Unsent::NoCredit(tag(1))));
    world.poll(2250 * MS);
    let credit =
        |world: &World| world.trace.iter().filter(|(_, event)| *event == Event::Credit { from: 0, to: 1 }).count();
    assert_eq!((credit(&world), world.delivered), (0, 1));
    world.consume(0, 1);
    // At once, and not only with what is said now and then anyway.
    world.poll(2300 * MS);
    assert_eq!(credit(&world), 1);
    world.links.send(world.now, 0, 1, tag(1), 100).unwrap();
    // The same for control messages.
    world.links.send_control(world.now, 0, 1, tag(2), 150).unwrap();
    assert!(world.links.send_control(world.now, 0, 1, tag(3), 1).is_err());
    world.poll(4 * SECOND);
    assert_eq!(credit(&world), 1);
    world.consume(0, 1);
    world.poll(5 * SECOND);
    assert_eq!(credit(&world), 2);
    world.links.send_control(world.now, 0, 1, tag(3), 1).unwrap();
}

#[test]
fn a_crashed_process_says_nothing_and_is_missed() {
    let mut world = World::new(2, 1, Config { grace: SECOND, ..CONFIG });
    world.poll(SECOND);
    world.links.crash(SECOND, 1);
    let tag = Tag { attempt: 1, life: 1, number: 0 };
    assert_eq!(world.links.send(SECOND, 1, 0, tag, 1), Err(Unsent::Failed(tag)));
    assert!(world.links.session(1, 0).is_none());
    world.poll(10 * SECOND);
    assert_eq!(world.failed, [(0, 1, SessionError::Grace { peer: 1, grace: SECOND })]);
}
