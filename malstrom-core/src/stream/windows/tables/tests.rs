use super::*;
use crate::contract::code::OfRecord;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Book, Chunk, GroupSet, Loaded, Outcome, Part, Pen, ROUNDS, Schema, Scope, Shelf};
use crate::state::key_group::KeyHasher;
use crate::state::saved::model::{Gift, given};
use crate::stream::env::Saving;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::rc::Rc;

const SEED: u64 = 7;
/// Three of them are written in full in the same round.
const GROUPS: [u16; 6] = [0, 1, 16, 17, 32, 4095];
fn hash(key: u64) -> u64 {
    KeyHasher::new(SEED).hash(&key)
}
/// Some keys of those groups.
fn keys() -> Vec<u64> {
    (0..).filter(|key| GROUPS.contains(&KeyGroups::DEFAULT.of(hash(*key)))).take(40).collect()
}

#[derive(Clone, Debug)]
enum Event {
    /// Adds to a key of a window so far ahead of those that are over.
    Add(u8, usize, u64),
    /// One more window is over: by its slots one by one, or together.
    Pass(bool),
    Barrier(bool),
    Slice(usize),
    Commit,
    Abort,
    /// All windows are over, before their time.
    End,
    Restore(usize),
    /// Groups move to so many workers at a barrier, each to one of these.
    Move(usize, [usize; GROUPS.len()]),
}
fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (0u8..4, 0usize..40, 1u64..100).prop_map(|(ahead, key, n)| Event::Add(ahead, key, n)),
        2 => any::<bool>().prop_map(Event::Pass),
        3 => prop::bool::weighted(0.1).prop_map(Event::Barrier),
        6 => (1usize..30).prop_map(Event::Slice),
        3 => Just(Event::Commit),
        1 => Just(Event::Abort),
        1 => Just(Event::End),
        1 => (1usize..4).prop_map(Event::Restore),
        2 => (1usize..4, any::<[usize; GROUPS.len()]>()).prop_map(|(workers, to)| Event::Move(workers, to)),
    ]
}

/// What is in the windows, by window and key.
type Model = BTreeMap<i128, BTreeMap<u64, u64>>;
/// A snapshot: what was there, the last window that was over, and what was written.
#[derive(Clone)]
struct Kept {
    model: Model,
    over: i128,
    chunks: Vec<Chunk>,
    schema: Schema,
}
struct Chain(Vec<Kept>, Vec<u16>);
impl Shelf for Chain {
    fn schema(&self, _: usize, _: Part) -> Option<Schema> {
        self.0.last().map(|kept| kept.schema.clone())
    }
    fn chunks(&self, _: usize, _: Part) -> crate::Result<Vec<Loaded>> {
        let mut loaded = Vec::new();
        for group in &self.1 {
            let of_group = self.0.iter().flat_map(|kept| &kept.chunks).filter(|chunk| chunk.head.group == *group);
            let all: Vec<Loaded> = of_group
                .map(|Chunk { head, bytes }| Loaded {
                    group: *group,
                    full: head.full,
                    entries: head.entries,
                    bytes: bytes.clone().into(),
                })
                .collect();
            let base = all.iter().rposition(|chunk| chunk.full).unwrap();
            loaded.extend_from_slice(&all[base..]);
        }
        Ok(loaded)
    }
}
type Table = Tables<u64, u64>;
fn tables(worker: usize, workers: usize) -> (Table, Vec<u16>) {
    let mine = GROUPS.into_iter().enumerate().filter(|(at, _)| at % workers == worker);
    tables_of(mine.map(|(_, group)| group).collect())
}
fn tables_of(groups: Vec<u16>) -> (Table, Vec<u16>) {
    let saving = Some(Saving { term: 1, interval: 1, cleans: false });
    let known = (vec!["windows".into()], vec![], true);
    let env =
        Env::new((0, 1), (SEED, 0), Ranks::of(KeyGroups::DEFAULT, groups.iter().copied()), known, saving, Rc::new(()));
    (Tables::new(&env, 0, 2, Some(OfRecord::<u64>::new())), groups)
}
fn contents(workers: &[(Table, Vec<u16>)]) -> Model {
    let mut model = Model::new();
    for filled in workers.iter().flat_map(|(tables, _)| tables.list()) {
        let of_window = filled.table.iter().map(|(key, value)| (*key, *value));
        model.entry(filled.number).or_default().extend(of_window);
    }
    model.retain(|_, keys| !keys.is_empty());
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is begun, given up, over or restored meanwhile: a snapshot has what there was at its barrier.
    #[test]
    fn windows_come_back_as_they_were_at_the_barrier(events in prop::collection::vec(event(), 1..150)) {
        let keys = keys();
        let (mut workers, mut model, mut over) = (vec![tables(0, 1)], Model::new(), 0i128);
        let (mut committed, mut interval) = (Vec::<Kept>::new(), 0);
        // What is begun: the barrier, whether it is a savepoint, what is to be in it, and the pens.
        let mut open: Option<(Barrier, bool, Model, i128, Vec<(Pen, bool)>)> = None;
        // Groups have moved at its barrier, so it is not given up.
        let mut moves = false;
        for event in events {
            match event {
                Event::Add(ahead, key, n) => {
                    let (window, key) = (over + 1 + i128::from(ahead), keys[key]);
                    let owner = workers.iter_mut().find(|(_, groups)| groups.contains(&KeyGroups::DEFAULT.of(hash(key))));
                    let (tables, _) = owner.unwrap();
                    *tables.entry(window).entry(hash(key), &key, || 0) += n;
                    *model.entry(window).or_default().entry(key).or_default() += n;
                }
                Event::Pass(one_by_one) => {
                    over += 1;
                    let closed = model.remove(&over).unwrap_or_default();
                    let mut taken = BTreeMap::new();
                    for (tables, _) in &mut workers {
                        if one_by_one && let Some(table) = tables.get(over) {
                            let slots = (0..table.slots()).rev();
                            taken.extend(slots.filter_map(|at| table.clear_slot(at)).map(|(_, key, n)| (key, n)));
                        }
                        tables.release(|window| window <= over);
                    }
                    prop_assert!(!one_by_one || taken == closed);
                }
                Event::End => {
                    model.clear();
                    for (tables, _) in &mut workers {
                        tables.release(|_| true);
                        tables.begin_anew();
                    }
                }
                Event::Barrier(savepoint) if open.is_none() => {
                    interval += 1;
                    let scope = match committed.len() {
                        0 => Scope::Whole,
                        _ if savepoint => Scope::Whole,
                        round => Scope::Changes { round: round as u16 % ROUNDS },
                    };
                    let barrier = Barrier { interval, scope, last: false };
                    workers.iter_mut().for_each(|(tables, _)| tables.flip(barrier));
                    let pens = workers.iter().map(|_| (Pen::new(0), false)).collect();
                    open = Some((barrier, savepoint, model.clone(), over, pens));
                }
                Event::Slice(_) | Event::Commit => {
                    let Some((_, _, _, _, pens)) = &mut open else { continue };
                    let pens = if moves { &mut Vec::new() } else { pens };
                    let room = if let Event::Slice(room) = event { room } else { usize::MAX };
                    for ((pen, done), (tables, _)) in pens.iter_mut().zip(&mut workers).filter(|((_, done), _)| !done) {
                        pen.next_slice(room);
                        tables.persist(Task::Save(pen), |_, _| Ok(None));
                        prop_assert_eq!(pen.failure(), None);
                        *done = !pen.is_postponed();
                    }
                    if matches!(event, Event::Commit) && let Some((barrier, savepoint, model, over, pens)) = open.take() {
                        moves = false;
                        let (mut chunks, mut schema) = (Vec::new(), None);
                        for (pen, _) in pens {
                            let (of_worker, mut schemas) = pen.finish();
                            chunks.extend(of_worker);
                            schema = schemas.pop().map(|(.., schema)| schema).or(schema);
                        }
                        let outcome = if savepoint {
                            Outcome::Saved { interval: barrier.interval, term: 1 }
                        } else {
                            // Each group is written by one worker, once.
                            let mut of: Vec<u16> = chunks.iter().map(|chunk: &Chunk| chunk.head.group).collect();
                            of.sort_unstable();
                            prop_assert!(of.is_sorted_by(|a, b| a < b));
                            committed.push(Kept { model, over, chunks, schema: schema.unwrap() });
                            Outcome::Committed { interval: barrier.interval, term: 1 }
                        };
                        workers.iter_mut().for_each(|(tables, _)| {
                            tables.persist(Task::Settle(outcome), |_, _| Ok(None));
                        });
                    }
                }
                Event::Move(n, to) if open.is_none() => {
                    interval += 1;
                    let round = committed.len() as u16 % ROUNDS;
                    let scope = if committed.is_empty() { Scope::Whole } else { Scope::Changes { round } };
                    let barrier = Barrier { interval, scope, last: false };
                    let mut pens = Vec::new();
                    for (tables, _) in &mut workers {
                        tables.flip(barrier);
                        let mut pen = Pen::new(usize::MAX);
                        tables.persist(Task::Save(&mut pen), |_, _| Ok(None));
                        prop_assert!(!pen.is_postponed());
                        pens.push((pen, true));
                    }
                    workers.resize_with(workers.len().max(n), || tables_of(Vec::new()));
                    let to = GROUPS.into_iter().zip(to.map(|worker| worker % n));
                    let mut gifts: Vec<Gift> = (0..n).map(|_| Gift::default()).collect();
                    for (giver, (tables, groups)) in workers.iter_mut().enumerate() {
                        for (taker, gift) in gifts.iter_mut().enumerate().filter(|(taker, _)| *taker != giver) {
                            let goes = to.clone().filter(|(group, to)| *to == taker && groups.contains(group));
                            let goes: GroupSet = goes.map(|(group, _)| group).collect();
                            let Gift { chunks, schemas } = given(&goes, |task| tables.persist(task, |_, _| Ok(None)));
                            gift.chunks.extend(chunks);
                            gift.schemas.extend(schemas);
                        }
                    }
                    prop_assert!(workers[n..].iter().all(|(tables, _)| tables.list().iter().all(|of| of.table.is_empty())));
                    workers.truncate(n);
                    for (taker, ((tables, groups), gift)) in workers.iter_mut().zip(&gifts).enumerate() {
                        *groups = to.clone().filter(|(_, to)| *to == taker).map(|(group, _)| group).collect();
                        let all: GroupSet = groups.iter().copied().collect();
                        gift.to(&all, |task| tables.persist(task, |_, window| Ok((window > over).then_some(()))));
                        // Who is asked once more has written all.
                        if taker < pens.len() {
                            let mut pen = Pen::new(usize::MAX);
                            tables.persist(Task::Save(&mut pen), |_, _| Ok(None));
                            prop_assert!(!pen.is_postponed() && pen.finish().0.is_empty());
                        }
                    }
                    (open, moves) = (Some((barrier, false, model.clone(), over, pens)), true);
                }
                Event::Abort if !moves => {
                    if let Some((barrier, ..)) = open.take() {
                        let outcome = Outcome::Aborted { interval: barrier.interval };
                        workers.iter_mut().for_each(|(tables, _)| {
                            tables.persist(Task::Settle(outcome), |_, _| Ok(None));
                        });
                    }
                }
                Event::Restore(n) if !committed.is_empty() => {
                    (open, moves) = (None, false);
                    let last = committed.last().unwrap();
                    (model, over) = (last.model.clone(), last.over);
                    workers = (0..n).map(|worker| tables(worker, n)).collect();
                    for (tables, groups) in &mut workers {
                        let chain = Chain(committed.clone(), groups.clone());
                        let mut book = Book::new(&chain);
                        tables.persist(Task::Load(&mut book), |_, window| Ok((window > over).then_some(())));
                        book.close().unwrap();
                    }
                }
                Event::Barrier(_) | Event::Restore(_) | Event::Move(..) | Event::Abort => {}
            }
            prop_assert_eq!(&contents(&workers), &model);
        }
    }
}

/// A chunk of group 0 that is not what was written.
fn refusal(bytes: Vec<u8>, entries: u32) -> String {
    let layout = crate::state::saved::Layout::of_entries::<u64, u64>(&OfRecord::<u64>::new());
    let head = crate::contract::snapshot::Head { node: 0, part: Part::State, group: 0, full: true, entries };
    let kept =
        Kept { model: Model::new(), over: 0, chunks: vec![Chunk { head, bytes }], schema: layout.schema().unwrap() };
    let chain = Chain(vec![kept], vec![0]);
    let mut book = Book::new(&chain);
    tables(0, 6).0.persist(Task::Load(&mut book), |_, window| {
        if window == 5 { Err(CodecError::new("no such window")) } else { Ok(Some(())) }
    });
    format!("{:?}", book.close().unwrap_err())
}
#[test]
fn what_is_of_no_window_is_refused() {
    use crate::state::saved::Draft;
    let write = |key: u64| move |out: &mut Vec<u8>| crate::contract::record::Record::encode(&key, out);
    let key = keys().into_iter().find(|key| KeyGroups::DEFAULT.of(hash(*key)) == 0).unwrap();
    let section = |name: &[u8]| {
        let (mut all, mut one) = (Draft::default(), Draft::default());
        one.put(write(key), write(1)).unwrap();
        all.section(name, one);
        all.into_bytes()
    };
    let mut bare = Draft::default();
    bare.put(write(key), write(1)).unwrap();
    assert!(refusal(bare.into_bytes(), 1).contains("of no window"));
    assert!(refusal(section(b"five"), 1).contains("named after no window"));
    assert!(refusal(section(&5i128.to_le_bytes()), 1).contains("no such window"));
    let counted = refusal(section(&6i128.to_le_bytes()), 2);
    assert!(counted.contains("should have 2 entries and has 1") && counted.contains("key group 0"), "{counted}");
}

#[test]
fn windows_to_come_are_laid_out_for_the_groups_that_are_owned_then() {
    let (mut tables, _) = tables_of(vec![0]);
    for window in 0..2 {
        tables.entry(window).insert(hash(keys()[0]), &keys()[0], 1);
    }
    tables.release(|window| window == 0);
    // A table that was used before lies ready.
    let all: GroupSet = GROUPS.into_iter().collect();
    Gift::default().to(&all, |task| tables.persist(task, |_, _| Ok(None)));
    for window in 1..4 {
        let shown = format!("{:?}", tables.entry(window));
        assert!(shown.contains("owned: 6"), "{shown}");
    }
}
