//! The control lane.
use super::proxy::{Proxy, Way};
use super::refusals::link;
use super::*;
use malstrom_core::net::control::{
    Control, ControlEvent, Link, LinkEvent, LinkSettings, MOST_WAITING, SILENCE, SendError,
};
use malstrom_core::net::identity::{Greeting, Lane};
use std::io::{Read, Write};
use std::net::TcpStream;

type Heard = Arc<Mutex<Vec<ControlEvent>>>;
fn control(process: &Process, silence: Duration) -> (Control, Heard) {
    let heard = Heard::default();
    let kept = heard.clone();
    (process.listener.control(silence, Box::new(move |event| kept.lock().unwrap().push(event))), heard)
}
fn linked(
    process: &Process,
    silence: Duration,
    address: impl Fn() -> Vec<String> + Send + Sync + 'static,
) -> (Link, Arc<Mutex<Vec<LinkEvent>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let kept = said.clone();
    let settings = LinkSettings { addresses: Arc::new(address), identity: identity(), tls: None, silence, seed: 1 };
    (Link::start(&process.io, settings, Box::new(move |event| kept.lock().unwrap().push(event))), said)
}
fn opened(heard: &Heard) -> Vec<malstrom_core::net::control::ConnectionId> {
    let heard = heard.lock().unwrap();
    heard.iter().filter_map(|event| if let ControlEvent::Opened(id, ..) = event { Some(*id) } else { None }).collect()
}
fn closed(heard: &Heard) -> usize {
    heard.lock().unwrap().iter().filter(|event| matches!(event, ControlEvent::Closed(_))).count()
}
fn ups(said: &Mutex<Vec<LinkEvent>>) -> usize {
    said.lock().unwrap().iter().filter(|event| **event == LinkEvent::Up).count()
}

#[test]
fn both_ends_hear_each_other_in_order() {
    let (coordinator, worker) = (Process::new(0), Process::new(1));
    let (control, heard) = control(&coordinator, SILENCE);
    let (link, said) = link(&worker, identity(), coordinator.address(), None);
    eventually(5 * SECOND, "it is up", || ups(&said) == 1 && opened(&heard).len() == 1);
    let id = opened(&heard)[0];
    let texts: Vec<Bytes> = (0..1000_usize).map(|n| Bytes::from(vec![n as u8; n * 7])).collect();
    for text in &texts {
        link.send(text.clone()).unwrap();
        control.send(id, text.clone()).unwrap();
    }
    let there = || heard.lock().unwrap().len() > texts.len() && said.lock().unwrap().len() > texts.len();
    eventually(5 * SECOND, "all has arrived", there);
    let expected: Vec<_> = texts.iter().map(|text| ControlEvent::Said(id, text.clone())).collect();
    assert!(heard.lock().unwrap()[1..] == expected);
    let expected: Vec<_> = texts.iter().map(|text| LinkEvent::Said(text.clone())).collect();
    assert!(said.lock().unwrap()[1..] == expected);
    // What was said last still arrives.
    link.send("bye".into()).unwrap();
    drop(link);
    eventually(5 * SECOND, "it is gone", || closed(&heard) == 1);
    let last = heard.lock().unwrap()[texts.len() + 1..].to_vec();
    assert_eq!(last, [ControlEvent::Said(id, "bye".into()), ControlEvent::Closed(id)]);
    assert_eq!(control.send(id, "x".into()), Err(SendError::Down));
}

#[test]
fn a_connection_is_closed_when_all_is_sent_that_was_before() {
    let (coordinator, worker) = (Process::new(0), Process::new(1));
    let (control, heard) = control(&coordinator, SILENCE);
    let (_link, said) = link(&worker, identity(), coordinator.address(), None);
    eventually(5 * SECOND, "it is up", || opened(&heard).len() == 1);
    let id = opened(&heard)[0];
    let text = Bytes::from(vec![1; 10 << 20]);
    control.send(id, text.clone()).unwrap();
    control.close(id);
    assert_eq!(control.send(id, "x".into()), Err(SendError::Down));
    eventually(5 * SECOND, "it is closed", || said.lock().unwrap().len() >= 3);
    let said = said.lock().unwrap()[..3].to_vec();
    assert!(said[0] == LinkEvent::Up && said[1] == LinkEvent::Said(text));
    assert_eq!(said[2], LinkEvent::Down("the other end has closed the connection".into()));
    eventually(5 * SECOND, "it comes again, with another id", || opened(&heard).len() == 2);
    assert_ne!(opened(&heard)[0], opened(&heard)[1]);
}

#[test]
fn whoever_waits_for_a_coordinator_finds_it_when_it_comes_and_where_it_goes() {
    let worker = Process::new(1);
    let address = Arc::new(Mutex::new(Vec::new()));
    let asked = address.clone();
    let (link, said) = linked(&worker, SILENCE, move || asked.lock().unwrap().clone());
    assert_eq!(link.send("x".into()), Err(SendError::Down));
    let is_down = || said.lock().unwrap().contains(&LinkEvent::Down("no address of a coordinator is known yet".into()));
    eventually(SECOND, "it is down", is_down);
    let one = Process::new(0);
    let (control_one, heard) = control(&one, SILENCE);
    // The first one does not answer, so the second one is tried.
    *address.lock().unwrap() = vec![Process::new(5).address(), one.address()];
    eventually(5 * SECOND, "it is up", || ups(&said) == 1 && opened(&heard).len() == 1);
    let other = Process::new(0);
    let (_control_other, heard) = control(&other, SILENCE);
    *address.lock().unwrap() = vec![other.address()];
    drop(control_one);
    eventually(5 * SECOND, "it is up again", || ups(&said) == 2 && opened(&heard).len() == 1);
}

#[test]
fn connections_that_break_come_again() {
    let (coordinator, worker) = (Process::new(0), Process::new(1));
    let (_control, heard) = control(&coordinator, SILENCE);
    let proxy = Proxy::start(coordinator.address());
    let (_link, said) = link(&worker, identity(), proxy.address(), None);
    for round in 1..6 {
        eventually(5 * SECOND, "it is up", || ups(&said) == round && opened(&heard).len() == round);
        proxy.refuse(true);
        proxy.cut();
        eventually(5 * SECOND, "the end is noticed", || closed(&heard) == round);
        proxy.refuse(false);
    }
}

#[test]
fn who_falls_silent_is_given_up_by_both_ends() {
    let (coordinator, worker) = (Process::new(0), Process::new(1));
    let (_control, heard) = control(&coordinator, 400 * MS);
    let proxy = Proxy::start(coordinator.address());
    let to = proxy.address();
    let (_link, said) = linked(&worker, 400 * MS, move || vec![to.clone()]);
    eventually(5 * SECOND, "it is up", || ups(&said) == 1 && opened(&heard).len() == 1);
    // Who is only idle is kept.
    std::thread::sleep(SECOND);
    assert_eq!((closed(&heard), said.lock().unwrap().len()), (0, 1));
    proxy.refuse(true);
    proxy.stall(Way::There, true);
    proxy.stall(Way::Back, true);
    let since = now();
    eventually(2 * SECOND, "both have noticed", || closed(&heard) == 1 && said.lock().unwrap().len() > 1);
    assert!(now() - since > 200 * MS, "{:?}", now() - since);
    let expected = "nothing was heard from the other end for 400ms; the connection to it is given up";
    assert_eq!(said.lock().unwrap()[1], LinkEvent::Down(expected.into()));
}

/// Who connects as a process would, and does nothing else by itself.
pub(super) fn raw(address: &str, lane: Lane) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&Greeting::Hello(identity(), lane).encode().unwrap()).unwrap();
    let mut bytes = Vec::new();
    let greeting = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
        if let Some((greeting, _)) = Greeting::decode(&bytes).unwrap() {
            break greeting;
        }
    };
    assert_eq!(greeting, Greeting::Welcome(identity()));
    stream.write_all(&Greeting::Ready.encode().unwrap()).unwrap();
    stream
}

#[test]
fn who_does_not_read_is_closed_before_it_fills_the_memory() {
    let coordinator = Process::new(0);
    let (control, heard) = control(&coordinator, 60 * SECOND);
    let stream = raw(&coordinator.address(), Lane::Control);
    eventually(5 * SECOND, "it is up", || opened(&heard).len() == 1);
    let id = opened(&heard)[0];
    let message = Bytes::from(vec![1; 1 << 20]);
    let mut sent = 0;
    let error = loop {
        match control.send(id, message.clone()) {
            Ok(()) => sent += message.len(),
            Err(error) => break error,
        }
        assert!(sent < 4 * MOST_WAITING, "nothing stops it");
    };
    assert_eq!(error, SendError::Slow);
    assert!(sent >= MOST_WAITING);
    eventually(5 * SECOND, "it is closed", || closed(&heard) == 1);
    drop(stream);
}

#[test]
fn what_is_no_frame_closes_the_connection() {
    let coordinator = Process::new(0);
    let (_control, heard) = control(&coordinator, SILENCE);
    for (round, garbage) in [&[0xff; 64][..], b"GET / HTTP/1.1\r\nHost: malstrom\r\n\r\n"].iter().enumerate() {
        let mut stream = raw(&coordinator.address(), Lane::Control);
        stream.write_all(garbage).unwrap();
        eventually(5 * SECOND, "it is closed", || closed(&heard) == round + 1);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    let said = heard.lock().unwrap().iter().any(|event| matches!(event, ControlEvent::Said(..)));
    assert!(!said);
}

#[test]
fn a_message_that_is_too_large_is_not_taken() {
    let (coordinator, worker) = (Process::new(0), Process::new(1));
    let (_control, heard) = control(&coordinator, SILENCE);
    let (link, said) = link(&worker, identity(), coordinator.address(), None);
    eventually(5 * SECOND, "it is up", || ups(&said) == 1);
    let bytes = (16 << 20) + 1;
    assert_eq!(link.send(vec![0; bytes].into()), Err(SendError::TooLarge { bytes }));
    link.send("x".into()).unwrap();
    eventually(5 * SECOND, "the next one arrives", || heard.lock().unwrap().len() == 2);
}

#[test]
fn a_control_in_the_place_of_another_stays_when_that_one_goes() {
    let (coordinator, worker) = (Process::new(0), Process::new(1));
    let (old, _) = control(&coordinator, SILENCE);
    let (_new, heard) = control(&coordinator, SILENCE);
    drop(old);
    let (link, said) = link(&worker, identity(), coordinator.address(), None);
    eventually(SECOND, "it is up", || ups(&said) == 1);
    link.send("x".into()).unwrap();
    eventually(5 * SECOND, "it arrives", || heard.lock().unwrap().len() == 2);
}

#[test]
fn what_a_coordinator_says_last_is_heard_although_it_ends() {
    let worker = Process::new(1);
    let coordinator = Process::new(0);
    let (control, heard) = control(&coordinator, SILENCE);
    let (_link, said) = link(&worker, identity(), coordinator.address(), None);
    eventually(5 * SECOND, "it is up", || opened(&heard).len() == 1);
    let text = Bytes::from(vec![1; 10 << 20]);
    control.send(opened(&heard)[0], text.clone()).unwrap();
    drop(control);
    assert_eq!(closed(&heard), 1);
    drop(coordinator);
    eventually(5 * SECOND, "all is heard", || said.lock().unwrap().len() >= 3);
    assert!(said.lock().unwrap()[1] == LinkEvent::Said(text));
}

#[test]
fn what_is_of_the_other_lane_closes_the_connection() {
    use malstrom_core::exchange::session::Packet;
    use malstrom_core::net::frame::{Frame, encode};
    let coordinator = Process::new(0);
    let (_control, heard) = control(&coordinator, SILENCE);
    let mut stream = raw(&coordinator.address(), Lane::Control);
    let mut bytes = Vec::new();
    encode(&Frame::Packet(Packet::Ack { received: 0, limit: 0 }), &mut bytes).unwrap();
    stream.write_all(&bytes).unwrap();
    eventually(SECOND, "it is closed", || closed(&heard) == 1);
}

#[test]
fn where_there_is_no_coordinator_any_more_nobody_is_let_in_and_is_told_so_once() {
    let (coordinator, worker) = (Process::new(0), Process::new(1));
    let (control, heard) = control(&coordinator, SILENCE);
    drop(control);
    let (_link, said) = link(&worker, identity(), coordinator.address(), None);
    // It is held for a while, as there may be one soon. After that it is tried again.
    std::thread::sleep(5 * SECOND);
    let said = said.lock().unwrap().clone();
    let expected = "there is no coordinator at this address, or not yet";
    assert!(matches!(&said[..], [LinkEvent::Down(why)] if why.contains(expected)), "{said:?}");
    assert_eq!(*heard.lock().unwrap(), []);
}
