//! Processes talk to each other over a network that breaks: several of them in this one, over loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]
#[path = "../support/proxy.rs"]
mod proxy;

mod control;
mod data;
mod frames;
mod fuzz;
mod garbage;
mod refusals;
mod speed;
mod tls;

use bytes::Bytes;
use malstrom_core::exchange::message::{Kind, Message, Outbox};
use malstrom_core::exchange::session::{Attempt, Config};
use malstrom_core::net::data::{Mesh, MeshSettings, Peer};
use malstrom_core::net::{Clock, Identity, Io, Listener, Tls};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const FIRST: Attempt = Attempt { term: 1, attempt: 1 };

#[allow(clippy::disallowed_methods, reason = "sockets are real, and so is their time")]
fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
fn io() -> Arc<Io> {
    let clock: Clock = Arc::new(now);
    Io::start(clock).unwrap()
}
fn identity() -> Identity {
    Identity { job: "job".into(), build: 1, pipeline: 2, probe: 3 }
}
/// Waits until something holds, which it must.
#[track_caller]
fn eventually(most: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let since = now();
    while !holds() {
        assert!(now() < since + most, "not within {most:?}: {what}");
        std::thread::sleep(MS);
    }
}
/// splitmix64.
struct Rng(u64);
impl Rng {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.draw() % n
    }
}

/// CRC-32C, bit by bit.
fn crc32c(parts: &[&[u8]]) -> u32 {
    let mut crc = !0_u32;
    for byte in parts.concat() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

fn message(interval: u64, payload: impl Into<Bytes>) -> Message {
    Message { kind: Kind::Data, exchange: 3, from: 4, to: 5, interval, payload: payload.into() }
}

/// One process.
struct Process {
    me: u32,
    io: Arc<Io>,
    listener: Listener,
    received: Arc<Mutex<HashMap<u32, Vec<Message>>>>,
    failures: Arc<Mutex<Vec<(u32, String)>>>,
}
impl Process {
    fn new(me: u32) -> Process {
        Process::with(me, identity(), None)
    }
    fn with(me: u32, identity: Identity, tls: Option<Tls>) -> Process {
        let io = io();
        let listener = io.listen("127.0.0.1:0", identity, tls).unwrap();
        Process { me, io, listener, received: Arc::default(), failures: Arc::default() }
    }
    fn address(&self) -> String {
        self.listener.local_addr().to_string()
    }
    fn mesh(&self, attempt: Attempt, config: Config, peers: Vec<Peer>) -> Mesh {
        let received = self.received.clone();
        let deliver = move |peer, message| {
            received.lock().unwrap().entry(peer).or_default().push(message);
            Ok(())
        };
        let failures = self.failures.clone();
        Mesh::start(
            &self.listener,
            MeshSettings { attempt, me: self.me, peers, config },
            Arc::new(deliver),
            Arc::new(move |peer, error| failures.lock().unwrap().push((peer, error.to_string()))),
        )
    }
    fn count(&self, peer: u32) -> usize {
        self.received.lock().unwrap().get(&peer).map_or(0, Vec::len)
    }
    fn failures(&self) -> Vec<(u32, String)> {
        self.failures.lock().unwrap().clone()
    }
}
fn peer(process: u32, address: impl ToString) -> Peer {
    let number = Rng(u64::from(process) + 99).draw() ^ now().as_nanos() as u64;
    Peer { process, address: address.to_string(), outbox: Arc::new(Outbox::default()), number }
}
/// Sessions of two processes, with what they send each other. The connection leads over `address`, if there is one.
fn pair(a: &Process, b: &Process, config: Config, address: Option<String>) -> ([Mesh; 2], [Arc<Outbox>; 2]) {
    let there = peer(b.me, address.unwrap_or_else(|| b.address()));
    let back = peer(a.me, a.address());
    let boxes = [there.outbox.clone(), back.outbox.clone()];
    ([a.mesh(FIRST, config, vec![there]), b.mesh(FIRST, config, vec![back])], boxes)
}
