//! What tests need to save and to restore: a store of committed snapshots, and keys of few groups.
use crate::contract::key::KeyGroups;
use crate::contract::record::CodecError;
use crate::contract::snapshot::{
    Barrier, Book, Chunk, GroupSet, Loaded, NO_GROUP, Outcome, Part, Pen, ROUNDS, Schema, Scope, Shelf, Task,
};
use crate::state::key_group::KeyHasher;
use crate::state::saved::Owner;
use crate::state::table::Ranks;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) const SEED: u64 = 42;
/// The groups of the keys: neighbours, far ones, those at the ends, and two that are written in full together.
pub(crate) const SOME: [u16; 7] = [0, 1, 2, 17, 18, 2049, 4095];
/// How many keys there are of each group.
const EACH: usize = 150;
static KEYS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let (mut hasher, mut of) = (KeyHasher::new(SEED), HashMap::<u16, Vec<u64>>::new());
    let mut key = 0;
    while SOME.iter().any(|group| of.get(group).is_none_or(|keys| keys.len() < EACH)) {
        of.entry(KeyGroups::DEFAULT.of(hasher.hash(&key))).or_default().push(key);
        key += 1;
    }
    (0..EACH).flat_map(|at| SOME.map(|group| of[&group][at])).collect()
});

/// The key of a number, and its hash.
pub(crate) fn key(number: usize) -> (u64, u64) {
    let key = KEYS[number % KEYS.len()];
    (hash(key), key)
}
pub(crate) fn hash(key: u64) -> u64 {
    KeyHasher::new(SEED).hash(&key)
}
pub(crate) fn owner(node: usize) -> Owner {
    Owner { node, operator: format!("stage{node}").into(), seed: SEED }
}
/// Which of so many workers owns a group.
pub(crate) fn worker_of(group: u16, workers: usize) -> usize {
    SOME.iter().position(|other| *other == group).unwrap_or(0) % workers
}
/// The groups of a worker.
pub(crate) fn groups_of(worker: usize, workers: usize) -> Vec<u16> {
    SOME.into_iter().filter(|group| worker_of(*group, workers) == worker).collect()
}
pub(crate) fn ranks_of(worker: usize, workers: usize) -> Ranks {
    Ranks::of(KeyGroups::DEFAULT, groups_of(worker, workers))
}

/// What happens around a snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A barrier passes. With `true`, for a savepoint.
    Barrier(bool),
    /// So much is written of it.
    Slice(usize),
    /// It is written to its end and committed; or if it was a savepoint, saved.
    Commit,
    /// It is given up as it is.
    Abort,
    /// All is forgotten, and so many workers go on from the last committed snapshot.
    Restore(usize),
    /// Groups move at a barrier.
    Move(Move),
}
/// Which groups move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    /// How many workers there are then.
    pub(crate) workers: usize,
    /// The worker of each group, modulo their number.
    to: [usize; SOME.len()],
    /// Whether the barrier passes workers that join.
    pub(crate) aligned: bool,
    /// Whether workers that gain nothing lay their tables out anew.
    lays_out: bool,
    /// Which groups are said to come to every worker later on.
    coming: [bool; SOME.len()],
}
pub(crate) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => prop::bool::weighted(0.1).prop_map(Event::Barrier),
        6 => (1usize..200).prop_map(Event::Slice),
        3 => Just(Event::Commit),
        1 => Just(Event::Abort),
        1 => (1usize..6).prop_map(Event::Restore),
    ]
}
/// With groups that move now and then.
pub(crate) fn event_or_move() -> impl Strategy<Value = Event> {
    let moves = (1usize..6, any::<[usize; SOME.len()]>(), any::<bool>(), any::<bool>(), any::<[bool; SOME.len()]>());
    let moves =
        moves.prop_map(|(workers, to, aligned, lays_out, coming)| Move { workers, to, aligned, lays_out, coming });
    prop_oneof![7 => event(), 1 => moves.prop_map(Event::Move)]
}

/// Who owns which groups.
#[derive(Clone, Debug)]
pub(crate) struct Owners {
    pub(crate) workers: usize,
    of: [usize; SOME.len()],
}
impl Owners {
    pub(crate) fn even(workers: usize) -> Self {
        Owners { workers, of: SOME.map(|group| worker_of(group, workers)) }
    }
    pub(crate) fn after(to: &Move) -> Self {
        Owners { workers: to.workers, of: to.to.map(|worker| worker % to.workers) }
    }
    pub(crate) fn of(&self, hash: u64) -> usize {
        SOME.iter().position(|other| *other == KeyGroups::DEFAULT.of(hash)).map_or(0, |at| self.of[at])
    }
    pub(crate) fn groups(&self, worker: usize) -> GroupSet {
        SOME.into_iter().zip(self.of).filter(|(_, owner)| *owner == worker).map(|(group, _)| group).collect()
    }
}

/// The snapshots that are committed, and those that are about to be: the coordinator, and its workers' pens.
#[derive(Default)]
pub(crate) struct Store {
    snapshots: Vec<Vec<Chunk>>,
    schemas: HashMap<(usize, Part), Schema>,
    interval: u64,
    pub(crate) open: Option<Open>,
}
pub(crate) struct Open {
    pub(crate) barrier: Barrier,
    savepoint: bool,
    /// Groups move at its barrier, so it is not given up.
    moves: bool,
    pens: Vec<(Pen, bool)>,
}
impl Store {
    /// Begins a snapshot of so many workers. The one before must be settled.
    pub(crate) fn begin(&mut self, savepoint: bool, workers: usize) -> Barrier {
        self.interval += 1;
        let scope = match self.snapshots.len() {
            0 => Scope::Whole,
            _ if savepoint => Scope::Whole,
            committed => Scope::Changes { round: committed as u16 % ROUNDS },
        };
        let barrier = Barrier { interval: self.interval, scope, last: false };
        self.open =
            Some(Open { barrier, savepoint, moves: false, pens: (0..workers).map(|_| (Pen::new(0), false)).collect() });
        barrier
    }
    /// Has each worker write one slice. Whether something is left to be written.
    pub(crate) fn slice(&mut self, room: usize, mut save: impl FnMut(usize, Task<'_, '_>)) -> bool {
        let Some(open) = &mut self.open else { return false };
        let mut left = false;
        for (worker, (pen, done)) in open.pens.iter_mut().enumerate().filter(|(_, (_, done))| !done) {
            pen.next_slice(room);
            save(worker, Task::Save(pen));
            assert_eq!(pen.failure(), None);
            *done = !pen.is_postponed();
            left |= !*done;
        }
        left
    }
    /// Commits what is written, or only says that it is saved.
    pub(crate) fn commit(&mut self) -> Outcome {
        let open = self.open.take().unwrap();
        assert!(open.pens.iter().all(|(_, done)| *done));
        if open.savepoint {
            return Outcome::Saved { interval: open.barrier.interval, term: 1 };
        }
        let mut snapshot = Vec::new();
        for (pen, _) in open.pens {
            let (chunks, schemas) = pen.finish();
            snapshot.extend(chunks);
            self.schemas.extend(schemas.into_iter().map(|(node, part, schema)| ((node, part), schema)));
        }
        // Each group is written by one worker, once, and in full when it is its turn.
        let mut heads: Vec<_> = snapshot.iter().map(|chunk| chunk.head).collect();
        heads.retain(|head| head.group != NO_GROUP);
        for head in &heads {
            assert!(head.full || !open.barrier.scope.is_full(head.group));
        }
        heads.sort_by_key(|head| (head.node, head.part, head.group));
        assert!(heads.is_sorted_by(|a, b| (a.node, a.part, a.group) < (b.node, b.part, b.group)));
        self.snapshots.push(snapshot);
        Outcome::Committed { interval: open.barrier.interval, term: 1 }
    }
    /// Hands groups over at the barrier that has just passed: each worker writes its part of the snapshot, and gives and takes.
    /// Workers that join are there already, those that leave still.
    pub(crate) fn hand_over(
        &mut self,
        (from, to): (&Owners, &Owners),
        how: &Move,
        mut persist: impl FnMut(usize, Task<'_, '_>),
    ) {
        while self.slice(usize::MAX, &mut persist) {}
        let mut gifts: Vec<Gift> = (0..to.workers).map(|_| Gift::default()).collect();
        for giver in 0..from.workers {
            for (taker, gift) in gifts.iter_mut().enumerate().filter(|(taker, _)| *taker != giver) {
                let wanted = to.groups(taker);
                let given: GroupSet = from.groups(giver).iter().filter(|group| wanted.contains(*group)).collect();
                let Gift { chunks, schemas } = self::given(&given, |task| persist(giver, task));
                gift.chunks.extend(chunks);
                gift.schemas.extend(schemas);
            }
        }
        for (taker, gift) in gifts.iter().enumerate() {
            let gains = gift.chunks.iter().any(|chunk| chunk.head.group != NO_GROUP);
            if gains || how.lays_out {
                let groups = to.groups(taker);
                let coming = SOME.into_iter().zip(how.coming).filter(|(_, comes)| *comes).map(|(group, _)| group);
                let all = groups.iter().chain(coming).collect();
                gift.to(&groups.growing_to(all), |task| persist(taker, task));
            }
        }
        if let Some(open) = &mut self.open {
            open.moves = true;
            // Who is asked once more has written all.
            for worker in 0..open.pens.len().min(to.workers) {
                let mut pen = Pen::new(usize::MAX);
                persist(worker, Task::Save(&mut pen));
                assert!(!pen.is_postponed());
                assert!(pen.finish().0.is_empty());
            }
        }
    }
    /// Gives up what is begun, if that may be.
    pub(crate) fn give_up(&mut self) -> Option<Outcome> {
        if self.open.as_ref().is_some_and(|open| open.moves) { None } else { self.abort() }
    }
    pub(crate) fn abort(&mut self) -> Option<Outcome> {
        self.open.take().map(|open| Outcome::Aborted { interval: open.barrier.interval })
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.snapshots.is_empty()
    }
    /// The chunks of the last committed snapshot.
    pub(crate) fn last(&self) -> &[Chunk] {
        self.snapshots.last().map_or(&[], |last| last)
    }
    /// Restores what a worker owns.
    pub(crate) fn restore(&self, groups: &[u16], load: impl FnOnce(Task<'_, '_>)) -> crate::Result<()> {
        let view = View { store: self, groups };
        let mut book = Book::new(&view);
        load(Task::Load(&mut book));
        book.close()
    }
    /// Spoils the stored schema of a part.
    pub(crate) fn rewrite(&mut self, node: usize, part: Part, change: impl FnOnce(&mut Schema)) {
        change(self.schemas.get_mut(&(node, part)).unwrap());
    }
}
struct View<'a> {
    store: &'a Store,
    groups: &'a [u16],
}
impl Shelf for View<'_> {
    fn schema(&self, node: usize, part: Part) -> Option<Schema> {
        self.store.schemas.get(&(node, part)).cloned()
    }
    fn chunks(&self, node: usize, part: Part) -> crate::Result<Vec<Loaded>> {
        let of = |chunk: &&Chunk| (chunk.head.node, chunk.head.part) == (node, part);
        let mut found: Vec<Loaded> =
            self.store.last().iter().filter(of).filter(|chunk| chunk.head.group == NO_GROUP).map(loaded).collect();
        for group in self.groups.iter().filter(|_| part != Part::Time) {
            let all: Vec<&Chunk> =
                self.store.snapshots.iter().flatten().filter(of).filter(|chunk| chunk.head.group == *group).collect();
            let full = all.iter().rposition(|chunk| chunk.head.full);
            found.extend(all[full.expect("a group begins in full")..].iter().map(|chunk| loaded(chunk)));
        }
        Ok(found)
    }
}

/// What a worker is given.
#[derive(Default)]
pub(crate) struct Gift {
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) schemas: HashMap<(usize, Part), Schema>,
}
/// What a worker gives: each of these groups once and in full.
pub(crate) fn given(groups: &GroupSet, give: impl FnOnce(Task<'_, '_>)) -> Gift {
    let mut pen = Pen::new(0);
    give(Task::Give(&mut pen, groups));
    assert_eq!(pen.failure(), None);
    let (chunks, schemas) = pen.finish();
    let schemas: HashMap<_, _> = schemas.into_iter().map(|(node, part, schema)| ((node, part), schema)).collect();
    assert!(chunks.iter().all(|Chunk { head, .. }| head.full && schemas.contains_key(&(head.node, head.part))));
    for (node, part) in schemas.keys().filter(|(_, part)| *part != Part::Time) {
        let of_part = chunks.iter().map(|chunk| chunk.head).filter(|head| (head.node, head.part) == (*node, *part));
        assert!(of_part.map(|head| head.group).eq(groups.iter()));
    }
    Gift { chunks, schemas }
}
impl Gift {
    /// Hands it to a worker that owns these groups from now on.
    pub(crate) fn to(&self, groups: &GroupSet, take: impl FnOnce(Task<'_, '_>)) {
        self.try_to(groups, take).unwrap();
    }
    pub(crate) fn try_to(&self, groups: &GroupSet, take: impl FnOnce(Task<'_, '_>)) -> crate::Result<()> {
        let mut book = Book::new(self);
        take(Task::Take(&mut book, groups));
        book.close()
    }
}
impl Shelf for Gift {
    fn schema(&self, node: usize, part: Part) -> Option<Schema> {
        self.schemas.get(&(node, part)).cloned()
    }
    fn chunks(&self, node: usize, part: Part) -> crate::Result<Vec<Loaded>> {
        let of = |chunk: &&Chunk| (chunk.head.node, chunk.head.part) == (node, part);
        Ok(self.chunks.iter().filter(of).map(loaded).collect())
    }
}
fn loaded(Chunk { head, bytes }: &Chunk) -> Loaded {
    Loaded { group: head.group, full: head.full, entries: head.entries, bytes: bytes.clone().into() }
}

/// Writes a value that may be broken.
#[derive(Clone)]
pub(crate) struct Picky;
impl crate::contract::code::Codec<u64> for Picky {
    fn describe(&self, d: &mut crate::contract::record::Describe) -> crate::contract::record::TypeRef {
        <u64 as crate::contract::record::Record>::describe(d)
    }
    fn encode(&self, value: &u64, out: &mut Vec<u8>) -> Result<(), CodecError> {
        if *value == u64::MAX {
            return Err(CodecError::new("too large"));
        }
        crate::contract::record::Record::encode(value, out)
    }
    fn decode(&self, _: u32, bytes: &[u8]) -> Result<u64, CodecError> {
        crate::contract::record::Record::decode(bytes)
    }
}
