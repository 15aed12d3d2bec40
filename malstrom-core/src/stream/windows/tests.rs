use super::late::{DropLate, Judges, WindowStage};
use super::panes::PaneHost;
use super::*;
use crate::contract::form::Under;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Book, Chunk, Loaded, NO_GROUP, Part, Pen, Schema, Scope, Shelf};
use crate::contract::windows::{Aligned, Lateness, Lenient, Often, OnTime, Once, Sessions, Spec, Times};
use crate::state::key_group::KeyHasher;
use crate::stream::aggregate::Count;
use crate::stream::env::Saving;
use crate::stream::seen::Seen;

mod moves;

type M = Under<u64, i64>;
type Emitted = crate::contract::window::Windowed<u64, u64>;
const SEED: u64 = 7;
fn hash(key: u64) -> u64 {
    KeyHasher::new(SEED).hash(&key)
}
/// A key of a group.
fn key(of: u16) -> u64 {
    (0..).find(|key| KeyGroups::DEFAULT.of(hash(*key)) == of).unwrap_or(0)
}

/// What workers have written: the last snapshot last.
#[derive(Clone, Default)]
struct Written(Vec<(Vec<Chunk>, Vec<(Part, Schema)>)>);
struct Owned<'a>(&'a Written, Vec<u16>);
impl Shelf for Owned<'_> {
    fn schema(&self, _: usize, part: Part) -> Option<Schema> {
        self.0.0.last()?.1.iter().find(|(of, _)| *of == part).map(|(_, schema)| schema.clone())
    }
    fn chunks(&self, _: usize, part: Part) -> crate::Result<Vec<Loaded>> {
        let load = |Chunk { head, bytes }: &Chunk| Loaded {
            group: head.group,
            full: head.full,
            entries: head.entries,
            bytes: bytes.clone().into(),
        };
        let of = |chunks: &[Chunk], group: u16| -> Vec<Loaded> {
            chunks.iter().filter(|c| (c.head.part, c.head.group) == (part, group)).map(load).collect()
        };
        let mut loaded = self.0.0.last().map_or(Vec::new(), |(chunks, _)| of(chunks, NO_GROUP));
        for group in &self.1 {
            let all: Vec<Loaded> = self.0.0.iter().flat_map(|(chunks, _)| of(chunks, *group)).collect();
            let base = all.iter().rposition(|chunk| chunk.full).unwrap_or(0);
            loaded.extend_from_slice(&all[base..]);
        }
        Ok(loaded)
    }
}
/// A stage on a worker.
struct Stage<Out = Emitted>(Box<dyn Push<M, u64>>, Seen<M, Out>);
impl Stage {
    /// That counts in windows, for these groups.
    fn of<N: Times, L: Lateness>(spec: Spec<Aligned<N>>, groups: &[u16], written: &Written) -> crate::Result<Stage> {
        let env = env(groups);
        let make = move |env: &Env| PaneHost::<u64, u64, Count, N, L>::new(Count, spec, env, 0);
        let (stage, seen) = (HostStage { make, around: (), node: 0 }, Seen::default());
        let push = Box::new(Wrap::<M, u64, M, Emitted>::wrap(stage, &env, seen.clone()));
        Stage(push, seen).load(written, groups)
    }
    /// What was emitted since the last call: the key, the first and the last tick, and the count of each window.
    fn seen(&mut self) -> Vec<(u64, i64, i64, u64)> {
        let seen = self.1.records.take().into_iter();
        let of = |(key, out): (u64, Emitted)| {
            (key, out.window.start().as_micros(), out.window.end().as_micros() - 1, out.value)
        };
        let mut seen: Vec<_> = seen.map(of).collect();
        seen.sort_unstable();
        seen
    }
}
impl Stage<u64> {
    /// That lets through what is not late.
    fn judge<W: Judges<u64>>(spec: Spec<W>, written: &Written) -> Stage<u64> {
        let (env, seen) = (env(&[0]), Seen::default());
        let stage = WindowStage { spec, on_late: DropLate, node: 0 };
        let push = Box::new(Wrap::<M, u64, M, u64>::wrap(stage, &env, seen.clone()));
        Stage(push, seen).load(written, &[0]).unwrap()
    }
    /// The times of what was let through since the last call.
    fn passed(&mut self) -> Vec<u64> {
        self.1.records.take().into_iter().map(|(_, time)| time).collect()
    }
}
impl<Out> Stage<Out> {
    fn load(mut self, written: &Written, groups: &[u16]) -> crate::Result<Self> {
        let shelf = Owned(written, groups.to_vec());
        let mut book = Book::new(&shelf);
        self.0.persist(Task::Load(&mut book));
        book.close().map(|()| self)
    }
    fn records(&mut self, key: u64, times: &[i64]) -> &mut Self {
        times
            .iter()
            .for_each(|time| self.0.push(At { key: &key, hash: hash(key), stamp: *time }, time.cast_unsigned()));
        self
    }
    fn pump(&mut self) -> &mut Self {
        while !self.0.pump().is_free() {}
        self
    }
    fn time(&mut self, time: i64) -> &mut Self {
        self.0.signal(Signal::Time(Mark::At(time)));
        self.pump()
    }
}
/// A worker with these groups.
fn env(groups: &[u16]) -> Env {
    let saving = Some(Saving { term: 1, interval: 1, cleans: false });
    let known = (vec!["count".into()], vec![], true);
    Env::new((0, 1), (SEED, 0), Ranks::of(KeyGroups::DEFAULT, groups.iter().copied()), known, saving, Rc::new(()))
}
/// Takes a snapshot and commits it.
fn save<Out>(stages: &mut [Stage<Out>], written: &mut Written) {
    let interval = written.0.len() as u64 + 1;
    // The round is that of a group that nobody has.
    let scope = if interval == 1 { Scope::Whole } else { Scope::Changes { round: 9 } };
    let (mut chunks, mut schemas) = (Vec::new(), Vec::new());
    for Stage(push, _) in stages {
        push.signal(Signal::Barrier(Barrier { interval, scope, last: false }));
        let mut pen = Pen::new(usize::MAX);
        push.persist(Task::Save(&mut pen));
        let (of_worker, its_schemas) = pen.finish();
        chunks.extend(of_worker);
        schemas.extend(its_schemas.into_iter().map(|(_, part, schema)| (part, schema)));
        push.persist(Task::Settle(crate::contract::snapshot::Outcome::Committed { interval, term: 1 }));
    }
    written.0.push((chunks, schemas));
}

#[test]
fn windows_that_had_closed_for_some_groups_close_for_the_others() {
    let spec = || Spec { windows: Aligned::<Often>::new(20, 10, 0), lateness: 0 };
    let (a, b) = (key(0), key(1));
    let mut written = Written::default();
    let fresh = |of| Stage::of::<_, OnTime>(spec(), &[of], &Written::default()).unwrap();
    let mut stages = [fresh(0), fresh(1)];
    assert_eq!(stages[0].records(a, &[5, 15]).time(9).seen(), [(a, -10, 9, 1)]);
    assert_eq!(stages[1].records(b, &[5, 15]).time(19).seen(), [(b, -10, 9, 1), (b, 0, 19, 2)]);
    save(&mut stages, &mut written);
    let mut one = Stage::of::<_, OnTime>(spec(), &[0, 1], &written).unwrap();
    assert_eq!(one.pump().seen(), [(a, 0, 19, 2)], "before anything comes");
    assert_eq!(one.time(19).seen(), []);
    assert_eq!(one.time(29).seen(), {
        let mut both = [(a, 10, 29, 1), (b, 10, 29, 1)];
        both.sort_unstable();
        both
    });

    // The same of windows that may fire again: those that have fired are kept.
    let spec = || Spec { windows: Aligned::<Once>::new(10, 10, 0), lateness: 100 };
    let fresh = |of| Stage::of::<_, Lenient>(spec(), &[of], &Written::default()).unwrap();
    let mut stages = [fresh(0), fresh(1)];
    assert_eq!(stages[0].records(a, &[5, 15]).time(9).seen(), [(a, 0, 9, 1)]);
    assert_eq!(stages[1].records(b, &[5, 15]).time(19).seen(), [(b, 0, 9, 1), (b, 10, 19, 1)]);
    let mut written = Written::default();
    save(&mut stages, &mut written);
    let mut one = Stage::of::<_, Lenient>(spec(), &[0, 1], &written).unwrap();
    assert_eq!(one.pump().seen(), [(a, 10, 19, 1)]);
    assert_eq!(one.records(b, &[16]).seen(), [(b, 10, 19, 2)]);
}

#[test]
fn what_is_over_stays_so_with_another_lateness() {
    let (a, windows) = (key(0), Aligned::<Once>::new(10, 10, 0));
    let strict = Spec { windows, lateness: 0 };
    let lenient = Spec { windows, lateness: 100 };
    let mut written = Written::default();
    let mut stages = [Stage::of::<_, OnTime>(strict, &[0], &written).unwrap()];
    stages[0].records(a, &[5]);
    save(&mut stages, &mut written);
    assert_eq!(stages[0].time(9).seen(), [(a, 0, 9, 1)]);
    save(&mut stages, &mut written);
    for _ in 0..2 {
        let mut stages = [Stage::of::<_, Lenient>(lenient, &[0], &written).unwrap()];
        assert_eq!(stages[0].pump().seen(), []);
        save(&mut stages, &mut written);
        assert_eq!(stages[0].records(a, &[6]).seen(), [(a, 0, 9, 1)], "what was there is gone");
    }
}

#[test]
fn what_was_late_is_late_before_anybody_says_how_far_time_has_come() {
    let (mut written, spec) = (Written::default(), Spec { windows: Aligned::<Once>::new(10, 10, 0), lateness: 0 });
    let mut stages = [Stage::judge(spec, &written)];
    stages[0].time(19);
    save(&mut stages, &mut written);
    assert_eq!(Stage::judge(spec, &written).records(key(0), &[5, 19, 20]).passed(), [20]);
}

#[test]
fn a_record_that_joins_a_session_that_is_open_is_not_late() {
    let (mut written, spec) = (Written::default(), Spec { windows: Sessions { gap: 10 }, lateness: 0 });
    let mut stages = [Stage::judge(spec, &written)];
    stages[0].records(key(0), &[5, 12]).time(18);
    save(&mut stages, &mut written);
    assert_eq!(Stage::judge(spec, &written).records(key(0), &[1, 6]).passed(), [1, 6]);
    assert_eq!(Stage::judge(spec, &Written::default()).time(18).records(key(0), &[1, 6]).passed(), [0; 0]);
}

#[test]
fn other_windows_are_refused() {
    let mut written = Written::default();
    let of = |size| Spec { windows: Aligned::<Once>::new(size, size, 0), lateness: 0 };
    save(&mut [Stage::of::<_, OnTime>(of(10), &[0], &written).unwrap()], &mut written);
    assert!(Stage::of::<_, OnTime>(of(10), &[0], &written).is_ok());
    let error = Stage::of::<_, OnTime>(of(20), &[0], &written).err().map(|error| format!("{error:?}"));
    let says = "cannot restore the windows of `count`\n  because: it was of panes of windows of size 10, every 10, offset 0 \
                and is of panes of windows of size 20, every 20, offset 0. Give the stage another id (`as`), or start anew \
                with `--restore none`";
    assert_eq!(error.as_deref(), Some(says));
}
