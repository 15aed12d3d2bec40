//! Whatever happens in whatever order, what was sent arrives.
use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Debug)]
enum Step {
    Send {
        end: usize,
        bytes: u64,
        control: bool,
    },
    Transmit {
        end: usize,
        packets: usize,
    },
    Deliver {
        end: usize,
        packets: usize,
    },
    /// The next frame for an end arrives twice.
    Twice {
        end: usize,
    },
    Consume {
        end: usize,
        frames: usize,
    },
    /// What is on its way is lost; the ends may not know yet.
    Break {
        told: [bool; 2],
    },
    Connect,
}
fn step() -> impl Strategy<Value = Step> {
    let (end, some) = (0..2usize, 1..6usize);
    prop_oneof![
        4 => (end.clone(), 0..50u64, prop::bool::weighted(0.2))
            .prop_map(|(end, bytes, control)| Step::Send { end, bytes, control }),
        4 => (end.clone(), some.clone()).prop_map(|(end, packets)| Step::Transmit { end, packets }),
        4 => (end.clone(), some.clone()).prop_map(|(end, packets)| Step::Deliver { end, packets }),
        1 => end.clone().prop_map(|end| Step::Twice { end }),
        3 => (end, some).prop_map(|(end, frames)| Step::Consume { end, frames }),
        1 => any::<[bool; 2]>().prop_map(|told| Step::Break { told }),
        2 => Just(Step::Connect),
    ]
}

/// Two sessions, what is on its way between them, and what it should come to.
struct World {
    ends: [Session<Item>; 2],
    /// What is on its way to each end, while there is a connection.
    wires: [VecDeque<Packet<Item>>; 2],
    live: bool,
    sent: [Vec<Item>; 2],
    /// What each end was handed, and how many of it it has consumed.
    got: [Vec<Item>; 2],
    consumed: [usize; 2],
    ids: u32,
}
impl World {
    fn new() -> Self {
        World {
            ends: ends(CONFIG),
            wires: Default::default(),
            live: false,
            sent: Default::default(),
            got: Default::default(),
            consumed: [0, 0],
            ids: 0,
        }
    }
    fn run(&mut self, step: &Step) {
        match *step {
            Step::Send { end, bytes, control } => {
                self.ids += 1;
                let item = Item { id: self.ids, bytes, control };
                if self.ends[end].send(item).is_ok() {
                    self.sent[end].push(item);
                    // Window and allowance hold for what the other end has not consumed.
                    let pending = self.pending(end);
                    assert!(pending <= if control { 120 } else { 100 }, "{pending} bytes on their way");
                }
            }
            Step::Transmit { end, packets } => {
                for _ in 0..packets {
                    let Some(packet) = self.ends[end].transmit(MS) else { break };
                    if self.live {
                        self.wires[1 - end].push_back(packet);
                    }
                }
            }
            Step::Deliver { end, packets } => {
                for _ in 0..packets {
                    let Some(packet) = self.wires[end].pop_front() else { break };
                    self.got[end].extend(self.ends[end].receive(MS, packet).unwrap());
                }
            }
            Step::Twice { end } => {
                if let Some(packet @ Packet::Frame { .. }) = self.wires[end].front().cloned() {
                    self.wires[end].push_front(packet);
                }
            }
            Step::Consume { end, frames } => {
                let until = (self.consumed[end] + frames).min(self.got[end].len());
                let bytes = self.got[end][self.consumed[end]..until].iter().map(|item| item.bytes.max(1)).sum();
                self.consumed[end] = until;
                self.ends[end].consumed(bytes);
            }
            Step::Break { told } => {
                self.live = false;
                for (end, told) in told.into_iter().enumerate() {
                    self.wires[end].clear();
                    if told {
                        self.ends[end].disconnected(MS);
                    }
                }
            }
            Step::Connect => {
                self.live = true;
                for end in 0..2 {
                    let hello = self.ends[end].connected(MS).unwrap();
                    self.wires[1 - end].clear();
                    self.wires[1 - end].push_back(hello);
                }
            }
        }
        for end in 0..2 {
            assert!(self.sent[end].starts_with(&self.got[1 - end]), "in order, and each once");
            assert!(self.ends[end].kept() <= 120);
        }
    }
    /// The bytes that an end has sent and the other has not consumed.
    fn pending(&self, end: usize) -> u64 {
        self.sent[end][self.consumed[1 - end]..].iter().map(|item| item.bytes.max(1)).sum()
    }
    /// Nothing goes wrong any more, and everything is consumed.
    fn calm(&mut self) {
        self.run(&Step::Connect);
        for _ in 0..20 {
            for end in 0..2 {
                self.run(&Step::Transmit { end, packets: usize::MAX });
                self.run(&Step::Deliver { end: 1 - end, packets: usize::MAX });
                self.run(&Step::Consume { end: 1 - end, frames: 10_000 });
            }
        }
    }
}
proptest! {
    #[test]
    fn what_was_sent_arrives_once_and_in_order(steps in prop::collection::vec(step(), 0..200)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
        }
        world.calm();
        for end in 0..2 {
            prop_assert_eq!(&world.got[1 - end], &world.sent[end]);
            prop_assert_eq!(world.ends[end].kept(), 0);
            // No credit is lost.
            prop_assert!(world.ends[end].has_credit(100, false) && !world.ends[end].has_credit(101, false));
        }
    }
}
