//! Who connects and is no process of a job.
use super::*;
use malstrom_core::net::identity::Greeting;
use std::io::{Read, Write};
use std::net::TcpStream;

/// What is answered to some bytes, until the connection is closed.
fn answer(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(10 * SECOND)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // Without a reset, which could overtake the answer.
    stream.read_to_end(&mut answer).unwrap();
    answer
}
#[track_caller]
fn refused(answer: &[u8], reason: &str) {
    let Ok(Some((Greeting::Refused(refusal), len))) = Greeting::decode(answer) else { panic!("{answer:?}") };
    assert_eq!(len, answer.len());
    assert!(refusal.reason.contains(reason), "{}", refusal.reason);
}

#[test]
fn who_does_not_speak_the_protocol_is_told_so() {
    let process = Process::new(0);
    let address = process.address();
    let hello = Greeting::Ready.encode().unwrap();
    refused(&answer(&address, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"), "does not speak the protocol of Malstrom");
    refused(&answer(&address, &[0x16; 300]), "does not speak the protocol of Malstrom");
    let mut newer = hello.clone();
    newer[8] = 7;
    refused(&answer(&address, &newer), "speaks another version of the protocol (1 and 7)");
    let mut long = hello.clone();
    long[10..12].copy_from_slice(&u16::MAX.to_le_bytes());
    refused(&answer(&address, &long), "greets with 65535 bytes, and at most 2048 are allowed");
    let mut broken = hello.clone();
    *broken.last_mut().unwrap() = 99;
    refused(&answer(&address, &broken), "cannot be read");
    // And then who does is served.
    let other = Process::new(1);
    let (_meshes, [there, _]) = pair(&process, &other, MeshSettings::config(), None);
    there.put(message(0, "x"));
    eventually(5 * SECOND, "it has arrived", || other.count(0) == 1);
}

#[test]
fn who_says_nothing_is_disconnected_and_keeps_nobody_waiting() {
    let process = Process::new(1);
    let mut idle: Vec<_> = (0..50).map(|_| TcpStream::connect(process.address()).unwrap()).collect();
    let other = Process::new(0);
    let (_meshes, [there, _]) = pair(&other, &process, MeshSettings::config(), None);
    there.put(message(0, "x"));
    eventually(3 * SECOND, "it has arrived", || process.count(0) == 1);
    let since = now();
    for stream in &mut idle {
        stream.set_read_timeout(Some(10 * SECOND)).unwrap();
        assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
    }
    assert!(now() - since < 7 * SECOND, "{:?}", now() - since);
}
