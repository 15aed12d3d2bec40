//! Every interleaving of some coordinators that claim, append to and prune one commit log, any of which may sleep between
//! any two requests to the store for as long as it likes. It is the state machine of the product that runs here; the model
//! is the store.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
use bytes::Bytes;
use malstrom_core::snapshot::log::{Entry, Log, LogError, Record, Reply, Request};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::collections::{BTreeMap, BTreeSet};

/// What the model is run with.
#[derive(Clone)]
struct Store {
    coordinators: usize,
    /// No entry gets a higher number.
    last: u64,
    /// How many entries pruning keeps.
    keep: u64,
    /// Whether coordinators also write savepoints, which do not let the log be pruned.
    savepoints: bool,
    /// How many requests to create an entry are answered with "unclear", and arrive at once, later or never.
    unclear: u8,
    /// Whether the list after a create shows what lies behind. If it does not, it is as if nobody looked.
    sees: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Coordinator {
    log: Log,
    ask: Option<Request>,
    /// The entry it is creating; none while it only reads.
    appending: Option<(u64, Bytes)>,
    /// The newest snapshot it has read, from which it would restore.
    restored: u64,
    nonces: u8,
    dead: bool,
}
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    entries: BTreeMap<u64, Bytes>,
    /// Entries in the order in which they became the newest.
    chain: Vec<(u64, Bytes)>,
    /// Entries that their coordinators believe to be committed, with the coordinator.
    acted: BTreeSet<(u64, Bytes)>,
    coordinators: Vec<Coordinator>,
    /// Requests that were given up but may still arrive.
    late: Vec<(u64, Bytes)>,
    unclear: u8,
    wrong: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Answer(usize),
    /// The reply is "unclear"; whether it was applied.
    Unclear(usize, bool),
    Arrive(usize),
    Snapshot(usize),
    Savepoint(usize),
    Delete(usize, u64),
}

fn is_claim(seq: u64, bytes: &[u8]) -> bool {
    matches!(Entry::decode(seq, bytes).unwrap().record, Record::Claim { .. })
}

impl State {
    fn create(&mut self, seq: u64, bytes: Bytes) -> bool {
        if self.entries.contains_key(&seq) {
            return false;
        }
        let head = self.entries.keys().max().copied().unwrap_or(0);
        if seq == head + 1 && self.chain.last().map_or(0, |(seq, _)| *seq) == head {
            self.chain.push((seq, bytes.clone()));
        }
        self.entries.insert(seq, bytes);
        true
    }
    fn blame(&mut self, wrong: &'static str) {
        self.wrong.get_or_insert(wrong);
    }
    /// One coordinator goes on.
    fn deliver(&mut self, i: usize, reply: Reply) {
        let coordinator = &mut self.coordinators[i];
        let appending = coordinator.appending.clone();
        match (coordinator.log.on(reply), appending) {
            (Ok(Some(request)), _) => coordinator.ask = Some(request),
            (Ok(None), None) => {
                let commits =
                    coordinator.log.entries().iter().filter(|entry| !matches!(entry.record, Record::Claim { .. }));
                coordinator.restored = commits.map(|entry| entry.seq).max().unwrap_or(0);
                self.claim(i);
            }
            (Ok(None), Some((seq, bytes))) => {
                coordinator.ask = None;
                coordinator.appending = None;
                let restored = coordinator.restored;
                if is_claim(seq, &bytes) {
                    // What was read before may be of an entry that was created after its number was deleted, but then the
                    // claim does not succeed.
                    let read = coordinator.log.entries().to_vec();
                    if read.iter().any(|entry| !self.chain.contains(&(entry.seq, entry.encode()))) {
                        self.blame("a coordinator restores what is not on the chain");
                    }
                    let missed = |(commit, bytes): &(u64, Bytes)| {
                        *commit < seq && *commit > restored && !is_claim(*commit, bytes)
                    };
                    if self.acted.iter().any(missed) {
                        self.blame("a coordinator has claimed the log without having seen what was committed");
                    }
                }
                self.acted.insert((seq, bytes));
            }
            (Err(LogError::Fenced { .. } | LogError::Uncertain), _) => self.stop(i),
            (Err(LogError::Moved), _) => self.start(i),
            (Err(_), _) => self.blame("the log cannot be read"),
        }
    }
    fn stop(&mut self, i: usize) {
        let coordinator = &mut self.coordinators[i];
        coordinator.log.give_up();
        coordinator.ask = None;
        coordinator.dead = true;
    }
    fn start(&mut self, i: usize) {
        let (log, ask) = Log::load();
        let coordinator = &mut self.coordinators[i];
        coordinator.log = log;
        coordinator.ask = Some(ask);
        coordinator.appending = None;
    }
    fn nonce(&mut self, i: usize) -> u128 {
        self.coordinators[i].nonces += 1;
        (i as u128) << 8 | u128::from(self.coordinators[i].nonces)
    }
    fn claim(&mut self, i: usize) {
        let nonce = self.nonce(i);
        let request = self.coordinators[i].log.claim("", "", nonce).unwrap();
        self.append(i, request);
    }
    fn append(&mut self, i: usize, request: Request) {
        let Request::Create { seq, bytes } = request.clone() else { panic!("it begins with something else") };
        self.coordinators[i].appending = Some((seq, bytes));
        self.coordinators[i].ask = Some(request);
    }
}

impl Model for Store {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let (log, ask) = Log::load();
        let new = Coordinator { log, ask: Some(ask), appending: None, restored: 0, nonces: 0, dead: false };
        vec![State { coordinators: vec![new; self.coordinators], unclear: self.unclear, ..State::default() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (i, coordinator) in state.coordinators.iter().enumerate() {
            match &coordinator.ask {
                _ if coordinator.dead => {}
                Some(Request::Create { seq, .. }) if *seq > self.last => {}
                Some(Request::Create { .. }) => {
                    actions.push(Action::Answer(i));
                    if state.unclear > 0 {
                        actions.extend([Action::Unclear(i, true), Action::Unclear(i, false)]);
                    }
                }
                Some(_) => actions.push(Action::Answer(i)),
                None => {
                    if coordinator.log.head() < self.last {
                        actions.push(Action::Snapshot(i));
                        if self.savepoints {
                            actions.push(Action::Savepoint(i));
                        }
                    }
                    let until = coordinator.log.prunable(self.keep);
                    // In any order: a deletion may stop in the middle.
                    actions.extend(state.entries.range(..=until).map(|(seq, _)| Action::Delete(i, *seq)));
                }
            }
        }
        actions.extend((0..state.late.len()).map(Action::Arrive));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut state = state.clone();
        match action {
            Action::Answer(i) => {
                let reply = match state.coordinators[i].ask.clone()? {
                    Request::List { after } if after > 0 && !self.sees => Reply::Listed(Vec::new()),
                    Request::List { after } => {
                        Reply::Listed(state.entries.range(after + 1..).map(|(s, _)| *s).collect())
                    }
                    Request::Get { seq } => Reply::Got(state.entries.get(&seq).cloned()),
                    Request::Create { seq, bytes } if state.create(seq, bytes.clone()) => Reply::Created,
                    Request::Create { .. } => Reply::Exists,
                };
                state.deliver(i, reply);
            }
            Action::Unclear(i, applied) => {
                let Some(Request::Create { seq, bytes }) = state.coordinators[i].ask.clone() else { return None };
                state.unclear -= 1;
                if applied {
                    state.create(seq, bytes);
                } else {
                    state.late.push((seq, bytes));
                }
                state.deliver(i, Reply::Unclear);
            }
            Action::Arrive(at) => {
                let (seq, bytes) = state.late.remove(at);
                state.create(seq, bytes);
            }
            Action::Snapshot(i) | Action::Savepoint(i) => {
                let nonce = state.nonce(i);
                let (interval, manifest, checksum) = (0, String::new(), 0);
                let record = match action {
                    Action::Snapshot(_) => Record::Snapshot { interval, manifest, checksum },
                    _ => Record::Savepoint { name: String::new(), interval, manifest, checksum },
                };
                let request = state.coordinators[i].log.append(record, nonce).unwrap();
                state.append(i, request);
            }
            Action::Delete(_, seq) => {
                state.entries.remove(&seq);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("what is acted upon is on the chain", |_, state: &State| {
                state.acted.iter().all(|entry| state.chain.contains(entry))
            }),
            Property::always("nothing goes wrong", |_, state: &State| state.wrong.is_none()),
            Property::always("each entry of the chain names the one before it, and terms grow", |_, state: &State| {
                let entries: Vec<_> =
                    state.chain.iter().map(|(seq, bytes)| Entry::decode(*seq, bytes).unwrap()).collect();
                entries.windows(2).zip(&state.chain).all(|(pair, (_, bytes))| {
                    let claims = matches!(pair[1].record, Record::Claim { .. });
                    pair[1].prev == xxhash_rust::xxh3::xxh3_128(bytes)
                        && pair[1].seq == pair[0].seq + 1
                        && pair[1].term == pair[0].term + u64::from(claims)
                })
            }),
            Property::sometimes("the log is taken over and pruned", |_, state: &State| {
                state.coordinators.iter().filter(|c| c.dead).count() > 0 && !state.entries.contains_key(&1)
            }),
            Property::sometimes("a number is used again after it was deleted", |_, state: &State| {
                state.entries.iter().any(|(seq, bytes)| !state.chain.contains(&(*seq, bytes.clone())))
            }),
        ]
    }
}

fn nothing_breaks(stores: &[Store]) {
    for store in stores {
        let checker = store.clone().checker().spawn_bfs().join();
        eprintln!("{} states", checker.unique_state_count());
        checker.assert_properties();
    }
}

#[test]
fn no_interleaving_breaks_the_log() {
    nothing_breaks(&[
        Store { coordinators: 2, last: 4, keep: 1, savepoints: false, unclear: 1, sees: true },
        Store { coordinators: 3, last: 3, keep: 1, savepoints: false, unclear: 0, sees: true },
    ]);
}

#[test]
#[ignore = "takes some minutes"]
fn no_interleaving_of_more_breaks_the_log() {
    nothing_breaks(&[
        Store { coordinators: 2, last: 5, keep: 1, savepoints: false, unclear: 1, sees: true },
        Store { coordinators: 2, last: 4, keep: 1, savepoints: true, unclear: 1, sees: true },
        Store { coordinators: 3, last: 3, keep: 1, savepoints: false, unclear: 1, sees: true },
        Store { coordinators: 3, last: 4, keep: 1, savepoints: false, unclear: 0, sees: true },
    ]);
}

#[test]
fn it_takes_a_look_behind_the_entry() {
    let blind = Store { coordinators: 3, last: 4, keep: 1, savepoints: false, unclear: 0, sees: false };
    let checker = blind.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let found = checker.discovery("what is acted upon is on the chain").expect("nobody missed the look behind");
    eprintln!("after {} states: {:?}", checker.unique_state_count(), found.into_actions());
}
