use super::*;
use crate::contract::form::Under;
use crate::exchange::batch::Envelope;
use crate::exchange::places::Places;
use crate::exchange::wire;
use crate::stream::signal::{Mark, Signal};
use proptest::prelude::*;

type M = Under<u64, ()>;
const WINDOW: u64 = 200;

/// Process 0 with worker 0, process 1 with worker 1, and the ends of the line between them.
struct Two {
    lines: [Lines; 2],
    ends: [Far<M, String>; 2],
}
impl Two {
    fn new(window: u64) -> Self {
        let lines = [0, 1].map(|here| Lines::new(Places::new(here, [(0, 1), (1, 1)]), window));
        let wire = Rc::new(wire::records::<M, String>(7));
        let ends = [0, 1].map(|here: usize| lines[here].far([3, here as u16, 1 - here as u16], &wire).unwrap());
        Two { lines, ends }
    }
    /// Brings what is under way to the other process.
    fn carry(&self, from: u32) -> Vec<Message> {
        let outbox = self.lines[from as usize].outbox(1 - from).unwrap();
        let messages: Vec<Message> = std::iter::from_fn(|| outbox.take()).collect();
        for message in &messages {
            self.lines[1 - from as usize].deliver(from, message.clone()).unwrap();
        }
        messages
    }
}
fn batch(texts: &[&str], signals: Vec<(usize, Signal)>) -> Batch<M, String> {
    let envelope = |text: &&str| Envelope { hash: 0, stamp: (), key: text.len() as u64, record: (*text).to_owned() };
    Batch { records: texts.iter().map(envelope).collect(), signals }
}
fn texts(batch: &Batch<M, String>) -> Vec<&str> {
    batch.records.iter().map(|envelope| envelope.record.as_str()).collect()
}

#[test]
fn a_sender_goes_as_far_as_the_window_until_the_other_end_has_read() {
    let two = Two::new(WINDOW);
    let mut sent = 0;
    while matches!(two.ends[0].send(&mut batch(&["some text"], Vec::new()), 0), Ok(Sent::All)) {
        sent += 1;
    }
    let size = two.carry(0).iter().map(|message| message.payload.len() as u64).collect::<Vec<_>>();
    assert_eq!(size.len(), sent);
    assert!(size.iter().sum::<u64>() < WINDOW + size[0], "the last batch goes beyond it, and none after that");
    assert!(matches!(two.ends[0].send(&mut batch(&["more"], Vec::new()), 0), Ok(Sent::NoRoom)));

    for _ in 0..sent {
        assert_eq!(texts(&two.ends[1].take().unwrap().unwrap()), ["some text"]);
    }
    assert!(two.ends[1].take().unwrap().is_none());
    assert!(matches!(two.ends[0].send(&mut batch(&["more"], Vec::new()), 0), Ok(Sent::NoRoom)), "it has not heard");
    two.carry(1);
    assert!(matches!(two.ends[0].send(&mut batch(&["more"], Vec::new()), 0), Ok(Sent::All)));
}
#[test]
fn who_sends_more_than_it_may_is_refused() {
    let two = Two::new(WINDOW);
    let payload = Bytes::from(vec![0; WINDOW as usize]);
    let message = Message { kind: Kind::Data, exchange: 3, from: 0, to: 1, interval: 0, payload };
    assert_eq!(two.lines[1].deliver(0, message.clone()), Ok(1..2));
    let error = two.lines[1].deliver(0, message).unwrap_err();
    assert!(error.to_string().contains("more than it was allowed to send"), "{error}");
}
#[test]
fn what_a_sender_may_send_it_may_always() {
    let two = Two::new(WINDOW);
    let credit = |limit: u64| {
        let payload = Bytes::copy_from_slice(&limit.to_le_bytes());
        two.lines[0].deliver(1, Message { kind: Kind::Credit, exchange: 3, from: 1, to: 0, interval: 0, payload })
    };
    assert_eq!((credit(3 * WINDOW), credit(2 * WINDOW)), (Ok(0..1), Ok(0..1)));
    let mut sent = 0;
    while matches!(two.ends[0].send(&mut batch(&["some text"], Vec::new()), 0), Ok(Sent::All)) {
        sent += two.lines[0].outbox(1).unwrap().take().unwrap().payload.len() as u64;
    }
    assert!(sent >= 3 * WINDOW, "only {sent}");
}
#[test]
fn few_emptied_batches_are_kept() {
    let two = Two::new(WINDOW);
    (0..100).for_each(|_| two.ends[0].recycle(batch(&[], Vec::new())));
    assert_eq!(two.ends[0].spare.borrow().len(), SPARE);
}
#[test]
fn what_waits_is_told_in_bytes() {
    let two = Two::new(WINDOW);
    for _ in 0..3 {
        assert!(matches!(two.ends[0].send(&mut batch(&["some text"], Vec::new()), 0), Ok(Sent::All)));
    }
    let sizes: Vec<usize> = two.carry(0).iter().map(|message| message.payload.len()).collect();
    assert_eq!(two.ends[1].waiting(), Waiting { batches: 3, bytes: sizes.iter().sum() });
    two.ends[1].take().unwrap();
    assert_eq!(two.ends[1].waiting(), Waiting { batches: 2, bytes: sizes[1..].iter().sum() });
    assert_eq!(two.ends[0].waiting(), Waiting::default());
}
#[test]
fn who_speaks_for_others_is_refused() {
    let two = Two::new(WINDOW);
    let message = |from, to| Message { kind: Kind::Data, exchange: 0, from, to, interval: 0, payload: Bytes::new() };
    for (from, to) in [(1, 1), (0, 0), (0, 7), (7, 1)] {
        let error = two.lines[1].deliver(0, message(from, to)).unwrap_err();
        assert!(error.to_string().contains("process 0 has sent what it must not"), "{error}");
    }
    let credit = Message { kind: Kind::Credit, payload: Bytes::from_static(b"1"), ..message(0, 1) };
    assert!(two.lines[1].deliver(0, credit).is_err());
}
#[test]
fn a_batch_that_is_too_large_goes_in_parts_and_in_order() {
    let two = Two::new(u64::MAX / 2);
    let large = "x".repeat(MAX_PAYLOAD / 3);
    let all = ["first", &large, &large, "middle", &large, &large, "last"];
    let time = |time| Signal::Time(Mark::At(time));
    let signals = vec![(0, time(1)), (3, time(2)), (4, time(3)), (7, time(4))];
    let mut held = VecDeque::from([batch(&all, signals)]);
    while let Some(mut next) = held.pop_front() {
        match two.ends[0].send(&mut next, 0).unwrap() {
            Sent::All => {}
            Sent::NoRoom => panic!("there is room"),
            Sent::Halved(rest) => {
                held.push_front(rest);
                held.push_front(next);
            }
        }
    }
    assert!(two.carry(0).iter().all(|message| message.payload.len() <= MAX_PAYLOAD));
    let (mut arrived, mut times, mut before) = (Vec::new(), Vec::new(), 0);
    while let Some(batch) = two.ends[1].take().unwrap() {
        arrived.extend(texts(&batch).into_iter().map(str::len));
        times.extend(batch.signals.iter().map(|(at, signal)| (before + at, *signal)));
        before += batch.records.len();
    }
    assert_eq!(arrived, all.map(str::len));
    assert_eq!(times, [(0, time(1)), (3, time(2)), (4, time(3)), (7, time(4))]);
}
#[test]
fn a_record_that_is_too_large_says_what_to_do() {
    let two = Two::new(u64::MAX / 2);
    let large = "x".repeat(MAX_PAYLOAD + 1);
    let error = two.ends[0].send(&mut batch(&[&large], Vec::new()), 0).err().unwrap();
    assert!(error.to_string().contains("16 MiB") && error.to_string().contains("take it apart"), "{error}");
}

proptest! {
    /// Whoever is slow, all arrives in order, and never more than a window and a batch is kept for a worker.
    #[test]
    fn all_arrives_in_order(steps in prop::collection::vec((0..4u8, 0..60usize), 1..400), window in 1..500u64) {
        let two = Two::new(window);
        let (mut held, mut next, mut expected, mut kept) = (VecDeque::new(), 0usize, 0usize, 0u64);
        let mut largest = 0;
        let check = |read: Option<Batch<M, String>>, expected: &mut usize| {
            for envelope in read.iter().flat_map(|batch| &batch.records) {
                assert_eq!(envelope.record.split(' ').next(), Some(expected.to_string().as_str()));
                *expected += 1;
            }
            read.is_some()
        };
        let send = |held: &mut VecDeque<Batch<M, String>>| {
            while let Some(mut batch) = held.pop_front() {
                if matches!(two.ends[0].send(&mut batch, 0).unwrap(), Sent::NoRoom) {
                    held.push_front(batch);
                    break;
                }
            }
        };
        for (what, size) in steps {
            match what {
                0 => {
                    held.push_back(batch(&[&format!("{next} {}", "x".repeat(size))], Vec::new()));
                    next += 1;
                    send(&mut held);
                }
                1 => {
                    for message in two.carry(0) {
                        kept += message.payload.len() as u64;
                        largest = largest.max(message.payload.len() as u64);
                    }
                }
                2 => drop(two.carry(1)),
                _ => {
                    let waiting: u64 = lock(&two.ends[1].line.arrived).front().map_or(0, |bytes| bytes.len() as u64);
                    check(two.ends[1].take().unwrap(), &mut expected);
                    kept -= waiting;
                }
            }
            prop_assert!(kept < window + largest.max(1), "{kept} bytes are kept");
        }
        while expected < next {
            send(&mut held);
            two.carry(0);
            while check(two.ends[1].take().unwrap(), &mut expected) {}
            two.carry(1);
        }
        prop_assert!(held.is_empty());
    }
}
