//! Key groups that move from worker to worker, for each kind of windows: what comes out is what one worker emits that has
//! all of them.
mod parts;

use super::*;
use crate::contract::code::Code;
use crate::contract::join::{Inner, Outer, Side};
use crate::contract::never::Never;
use crate::contract::record::Record;
use crate::contract::snapshot::{GroupSet, Outcome};
use crate::contract::windows::Counts;
use crate::state::saved::model::{Gift, given};
use crate::state::saved::{Change, Changes};
use crate::stream::aggregate::{Fold, Sum};
use crate::stream::call::CannotFail;
use crate::stream::windows::counted::CountHost;
use crate::stream::windows::join::{IntervalJoin, OfBoth, WindowJoin};
use crate::stream::windows::operators::{AlignedOps, CountOps, SessionOps};
use crate::stream::windows::sessions::SessionHost;
use parts::{Sided, Tallies};
use proptest::prelude::*;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::LazyLock;

/// Two of them are written in full in the same round.
const GROUPS: [u16; 6] = [0, 1, 16, 17, 2049, 4095];

/// Two keys of each.
static KEYS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let of = |of: u16| (0..).filter(move |key| KeyGroups::DEFAULT.of(hash(*key)) == of).take(2);
    GROUPS.into_iter().flat_map(of).collect()
});

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A record of a key, so far ahead of the watermark.
    Record(usize, i64),
    Time(i64),
    Save,
    /// Groups move to so many workers, each to one of these. The barrier passes those who join, or not.
    Move(usize, [usize; GROUPS.len()], bool),
    Restore(usize),
}
fn event() -> impl Strategy<Value = Event> {
    let moves = (1usize..4, any::<[usize; GROUPS.len()]>(), any::<bool>());
    prop_oneof![
        24 => (0usize..12, -25i64..60).prop_map(|(key, ahead)| Event::Record(key, ahead)),
        8 => (1i64..25).prop_map(Event::Time),
        2 => Just(Event::Save),
        3 => moves.prop_map(|(workers, to, aligned)| Event::Move(workers, to, aligned)),
        1 => (1usize..4).prop_map(Event::Restore),
    ]
}

/// Workers, and what they have written.
struct Job<Out, F> {
    make: F,
    workers: Vec<(Stage<Out>, GroupSet)>,
    written: Written,
    /// How far time had come when the last snapshot was taken.
    saved: i64,
}
impl<Out: Debug + 'static, F: Fn(&Env) -> (Box<dyn Push<M, u64>>, Seen<M, Out>)> Job<Out, F> {
    fn new(make: F) -> Self {
        let mut job = Job { make, workers: Vec::new(), written: Written::default(), saved: i64::MIN };
        job.restore(1);
        job
    }
    fn stage(&self, groups: &GroupSet) -> Stage<Out> {
        let (push, seen) = (self.make)(&env(&groups.iter().collect::<Vec<_>>()));
        Stage(push, seen)
    }
    fn restore(&mut self, n: usize) {
        let groups = (0..n).map(|worker| GROUPS.into_iter().skip(worker).step_by(n).collect::<GroupSet>());
        let start = |groups: GroupSet| {
            let mut stage = self.stage(&groups).load(&self.written, &groups.iter().collect::<Vec<_>>()).unwrap();
            stage.pump();
            (stage, groups)
        };
        self.workers = groups.map(start).collect();
    }
    fn barrier(&self, time: i64) -> (Barrier, i64) {
        let interval = self.written.0.len() as u64 + 1;
        let round = [0, 9, 1, 9][interval as usize % 4];
        let scope = if interval == 1 { Scope::Whole } else { Scope::Changes { round } };
        (Barrier { interval, scope, last: false }, time)
    }
    /// Has all write that the barrier has passed, as one snapshot.
    fn write(&mut self, barrier: Barrier, passed: usize) {
        let (mut chunks, mut schemas) = (Vec::new(), Vec::new());
        for (Stage(push, _), _) in &mut self.workers[..passed] {
            push.signal(Signal::Barrier(barrier));
            let mut pen = Pen::new(usize::MAX);
            push.persist(Task::Save(&mut pen));
            let (of_worker, its_schemas) = pen.finish();
            chunks.extend(of_worker);
            schemas.extend(its_schemas.into_iter().map(|(_, part, schema)| (part, schema)));
        }
        self.written.0.push((chunks, schemas));
    }
    fn settle(&mut self) {
        let outcome = Outcome::Committed { interval: self.written.0.len() as u64, term: 1 };
        self.workers.iter_mut().for_each(|(stage, _)| stage.0.persist(Task::Settle(outcome)));
    }
    fn save(&mut self, time: i64) {
        let (barrier, saved) = self.barrier(time);
        self.write(barrier, self.workers.len());
        self.saved = saved;
        self.settle();
    }
    fn hand_over(&mut self, time: i64, n: usize, to: [usize; GROUPS.len()], aligned: bool) {
        let (barrier, saved) = self.barrier(time);
        let before = self.workers.len();
        for _ in before..n {
            self.workers.push((self.stage(&GroupSet::new()), GroupSet::new()));
        }
        self.write(barrier, if aligned { self.workers.len() } else { before });
        self.saved = saved;
        let mine = |worker: usize| -> GroupSet {
            GROUPS.into_iter().zip(to).filter(|(_, to)| to % n == worker).map(|(group, _)| group).collect()
        };
        let mut gifts: Vec<Gift> = (0..n).map(|_| Gift::default()).collect();
        for (giver, (stage, groups)) in self.workers.iter_mut().enumerate() {
            for (taker, gift) in gifts.iter_mut().enumerate().filter(|(taker, _)| *taker != giver) {
                let goes: GroupSet = mine(taker).iter().filter(|group| groups.contains(*group)).collect();
                if !goes.is_empty() {
                    let Gift { chunks, schemas } = given(&goes, |task| stage.0.persist(task));
                    gift.chunks.extend(chunks);
                    gift.schemas.extend(schemas);
                }
            }
        }
        // Who leaves has nothing that it would emit.
        for (stage, _) in &mut self.workers[n..] {
            stage.time(time + 1_000).0.finish(End::Complete);
            assert_eq!(stage.pump().taken(), [""; 0]);
        }
        self.workers.truncate(n);
        for (taker, ((stage, groups), gift)) in self.workers.iter_mut().zip(&gifts).enumerate() {
            *groups = mine(taker);
            gift.to(groups, |task| stage.0.persist(task));
            stage.pump();
        }
        self.settle();
    }
    fn feed(&mut self, event: Event, time: &mut i64) -> Vec<String> {
        match event {
            Event::Record(number, ahead) => {
                let key = KEYS[number];
                let at = time.saturating_add(ahead);
                let owner =
                    self.workers.iter_mut().find(|(_, groups)| groups.contains(KeyGroups::DEFAULT.of(hash(key))));
                owner.unwrap().0.records(key, &[at]);
            }
            Event::Time(step) => {
                *time += step;
                for (stage, _) in &mut self.workers {
                    stage.time(*time);
                }
            }
            Event::Save => self.save(*time),
            Event::Move(n, to, aligned) => self.hand_over(*time, n, to, aligned),
            Event::Restore(n) if !self.written.0.is_empty() => {
                self.restore(n);
                *time = self.saved;
            }
            Event::Restore(_) => {}
        }
        let mut seen: Vec<String> = self.workers.iter_mut().flat_map(|(stage, _)| stage.taken()).collect();
        seen.sort_unstable();
        seen
    }
}
impl<Out: Debug> Stage<Out> {
    /// What was emitted since the last call.
    fn taken(&mut self) -> Vec<String> {
        self.1.records.take().into_iter().map(|out| format!("{out:?}")).collect()
    }
}

/// Whether workers that hand groups over emit what one does that has all of them. No record is more than `late` behind.
fn compare<Out: Debug + 'static>(
    late: i64,
    events: &[Event],
    make: impl Fn(&Env) -> (Box<dyn Push<M, u64>>, Seen<M, Out>) + Copy,
) -> Result<(), TestCaseError> {
    let (mut one, mut several) = (Job::new(make), Job::new(make));
    let (mut time, mut also) = (100, 100);
    for event in events {
        let event = &match *event {
            Event::Record(key, ahead) => Event::Record(key, ahead.max(-late)),
            other => other,
        };
        let alone = match event {
            Event::Move(..) => Event::Save,
            Event::Restore(_) => Event::Restore(1),
            other => *other,
        };
        prop_assert_eq!(several.feed(*event, &mut also), one.feed(alone, &mut time), "at {:?}", event);
        prop_assert_eq!(time, also);
    }
    Ok(())
}
/// A stage that emits what a host does.
fn stage<T: 'static, H: Host<M, T, X>, X: Around<M>>(
    env: &Env,
    around: X,
    make: impl FnOnce(&Env) -> H + 'static,
) -> (impl Push<M, T>, Seen<M, H::Out>) {
    let seen = Seen::default();
    let push = HostPush::new(make(env), around, seen.clone(), env.clock(), env.site(0));
    let kept = Some(Kept { figures: Figures::new(env.owner(0)), ranks: env.ranks() });
    (HostPush { kept, ..push }, seen)
}
fn boxed<T: 'static>((push, seen): (impl Push<M, u64>, Seen<M, T>)) -> (Box<dyn Push<M, u64>>, Seen<M, T>) {
    (Box::new(push), seen)
}
fn sided<T: 'static>((push, seen): (impl Push<M, Side<u64, u64>>, Seen<M, T>)) -> (Box<dyn Push<M, u64>>, Seen<M, T>) {
    (Box::new(Sided(push)), seen)
}
fn sums() -> Sum<fn(&u64) -> u64, u64> {
    Sum(|record| *record, Some(Code::of()))
}
fn aligned<N: Times>(size: i64, every: i64, lateness: i64) -> Spec<Aligned<N>> {
    Spec { windows: Aligned::new(size, every, 0), lateness }
}
fn branches() -> Branches<CannotFail, Never, (), ()> {
    Branches { on_fail: CannotFail, side_ends: (), types: PhantomData }
}
type Pushes<Out> = (Box<dyn Push<M, u64>>, Seen<M, Out>);
fn panes<N: Times, L: Lateness>(env: &Env, spec: Spec<Aligned<N>>) -> Pushes<Emitted> {
    boxed(stage(env, (), move |env| PaneHost::<u64, u64, _, N, L>::new(sums(), spec, env, 0)))
}
fn both() -> Option<OfBoth<u64, u64>> {
    OfBoth::of((Some(Code::of()), Some(Code::of())))
}

macro_rules! kinds {
    ($($name:ident $(at most $late:literal)?: |$env:ident| $make:expr;)+) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(events in prop::collection::vec(event(), 1..120)) {
                    let late = [$($late,)? i64::MAX][0];
                    compare(late, &events, |$env: &Env| $make)?;
                }
            )+
        }
    };
}
kinds! {
    tumbling: |env| panes::<Once, OnTime>(env, aligned(10, 10, 0));
    tumbling_with_lateness: |env| panes::<Once, Lenient>(env, aligned(10, 10, 15));
    sliding_over_few_panes: |env| panes::<Often, OnTime>(env, aligned(30, 10, 0));
    sliding_over_many_panes: |env| panes::<Often, OnTime>(env, aligned(60, 5, 0));
    sliding_with_lateness: |env| panes::<Often, Lenient>(env, aligned(20, 5, 12));
    folded: |env| {
        let fold = || Fold(0u64, |all: u64, record: u64| all.wrapping_mul(3) + record, Some(|r: &u64| *r), (Some(Code::of()), Some(Code::of())));
        boxed(stage(env, (), move |env| PaneHost::<u64, u64, _, Often, OnTime>::new(fold(), aligned(20, 10, 0), env, 0)))
    };
    // Later ones do not come to sessions: they are late.
    sessions at most 10: |env| {
        let spec = Spec { windows: Sessions { gap: 12 }, lateness: 0 };
        boxed(stage(env, (), move |env| SessionHost::<u64, u64, _, OnTime>::new(sums(), spec, env, 0)))
    };
    sessions_with_lateness at most 20: |env| {
        let spec = Spec { windows: Sessions { gap: 12 }, lateness: 10 };
        boxed(stage(env, (), move |env| SessionHost::<u64, u64, _, Lenient>::new(sums(), spec, env, 0)))
    };
    counted: |env| {
        let spec = Spec { windows: Counts { records: 3 }, lateness: 0 };
        boxed(stage(env, (), move |env| CountHost::<u64, u64, _>::new(sums(), spec, env, 0)))
    };
    window_join: |env| {
        let windows = Aligned::<Often>::new(20, 10, 0);
        sided(stage(env, (), move |env| WindowJoin::<u64, u64, u64, Outer, _>::new(windows, both(), env, 0)))
    };
    interval_join: |env| {
        sided(stage(env, (), move |env| IntervalJoin::<u64, u64, u64, Outer>::new(15, both(), env, 0)))
    };
    operators: |env| {
        boxed(stage(env, branches(), move |env| AlignedOps::<u64, _, Often, OnTime>::new(Tallies, aligned(20, 10, 0), env, 0)))
    };
    operators_with_lateness: |env| {
        boxed(stage(env, branches(), move |env| AlignedOps::<u64, _, Often, Lenient>::new(Tallies, aligned(20, 10, 12), env, 0)))
    };
    operators_in_sessions at most 20: |env| {
        let spec = Spec { windows: Sessions { gap: 12 }, lateness: 10 };
        boxed(stage(env, branches(), move |env| SessionOps::<u64, _, Lenient>::new(Tallies, spec, env, 0)))
    };
    counted_operators: |env| {
        let spec = Spec { windows: Counts { records: 3 }, lateness: 0 };
        boxed(stage(env, branches(), move |env| CountOps::<u64, _>::new(Tallies, spec, env, 0)))
    };
    what_is_late_for_sessions: |env| {
        let (seen, spec) = (Seen::default(), Spec { windows: Sessions { gap: 12 }, lateness: 5 });
        let stage = WindowStage { spec, on_late: DropLate, node: 0 };
        (Box::new(Wrap::<M, u64, M, u64>::wrap(stage, env, seen.clone())), seen)
    };
    what_is_late_for_windows: |env| {
        let seen = Seen::default();
        let stage = WindowStage { spec: aligned::<Often>(20, 10, 5), on_late: DropLate, node: 0 };
        (Box::new(Wrap::<M, u64, M, u64>::wrap(stage, env, seen.clone())), seen)
    };
}

/// Has the group of one stage move to another one, which has the groups `all` then.
fn hand_over(from: &mut Stage, of: u16, to: &mut Stage, all: &[u16]) {
    let barrier = Barrier { interval: 1, scope: Scope::Whole, last: false };
    for Stage(push, _) in [&mut *from, &mut *to] {
        push.signal(Signal::Barrier(barrier));
        push.persist(Task::Save(&mut Pen::new(usize::MAX)));
    }
    let gift = given(&[of].into_iter().collect(), |task| from.0.persist(task));
    gift.to(&all.iter().copied().collect(), |task| to.0.persist(task));
}

#[test]
fn workers_that_time_has_not_come_equally_far_for() {
    let spec = || Spec { windows: Aligned::<Once>::new(10, 10, 0), lateness: 0 };
    let (a, b) = (key(0), key(1));
    let fresh = |of| Stage::of::<_, OnTime>(spec(), &[of], &Written::default()).unwrap();
    let begin = || {
        let (mut behind, mut ahead) = (fresh(0), fresh(1));
        assert_eq!(behind.records(a, &[5, 15]).time(9).seen(), [(a, 0, 9, 1)]);
        assert_eq!(ahead.records(b, &[5, 15, 25]).time(19).seen(), [(b, 0, 9, 1), (b, 10, 19, 1)]);
        (behind, ahead)
    };
    // What had not closed where it was does so where it comes to.
    let (mut behind, mut ahead) = begin();
    hand_over(&mut behind, 0, &mut ahead, &[0, 1]);
    assert_eq!(ahead.pump().seen(), [(a, 10, 19, 1)]);
    assert_eq!(ahead.records(a, &[16]).time(29).seen(), [(b, 20, 29, 1)]);

    // What had closed does not do so again, and is late where time is told to have come less far.
    let (mut behind, mut ahead) = begin();
    hand_over(&mut ahead, 1, &mut behind, &[0, 1]);
    assert_eq!(behind.pump().seen(), [(a, 10, 19, 1)], "time is that of all");
    assert_eq!(behind.records(b, &[16]).time(12).seen(), []);
    assert_eq!(behind.time(19).seen(), []);
    assert_eq!(behind.time(29).seen(), [(b, 20, 29, 1)]);

    // Windows that have closed may fire again, where the others of the worker have not closed yet.
    let spec = || Spec { windows: Aligned::<Once>::new(10, 10, 0), lateness: 100 };
    let fresh = |of| Stage::of::<_, Lenient>(spec(), &[of], &Written::default()).unwrap();
    let (mut behind, mut ahead) = (fresh(0), fresh(1));
    assert_eq!(behind.records(a, &[5, 15]).time(9).seen(), [(a, 0, 9, 1)]);
    assert_eq!(ahead.records(b, &[5, 15]).time(19).seen(), [(b, 0, 9, 1), (b, 10, 19, 1)]);
    hand_over(&mut ahead, 1, &mut behind, &[0, 1]);
    assert_eq!(behind.pump().seen(), [(a, 10, 19, 1)]);
    assert_eq!(behind.records(b, &[16]).seen(), [(b, 10, 19, 2)]);
}

#[test]
fn an_input_that_has_ended_stays_so() {
    let spec = || Spec { windows: Aligned::<Once>::new(10, 10, 0), lateness: 100 };
    let fresh = |of| Stage::of::<_, Lenient>(spec(), &[of], &Written::default()).unwrap();
    let (mut giver, mut taker) = (fresh(0), fresh(1));
    giver.records(key(0), &[5]).time(9);
    taker.0.finish(End::Complete);
    taker.pump();
    hand_over(&mut giver, 0, &mut taker, &[0, 1]);
    let marks = taker.1.marks.borrow().len();
    assert_eq!(taker.pump().seen(), []);
    assert_eq!(taker.1.marks.borrow().len(), marks, "nothing is promised behind the end");
}

#[test]
fn who_has_given_all_away_has_nothing_to_look_at() {
    fn idles<Out: Debug + 'static>((push, seen): Pushes<Out>) {
        let mut stage = Stage(push, seen);
        stage.records(key(0), &[5]).pump();
        stage.0.signal(Signal::Barrier(Barrier { interval: 1, scope: Scope::Whole, last: false }));
        stage.0.persist(Task::Save(&mut Pen::new(usize::MAX)));
        given(&[0].into_iter().collect(), |task| stage.0.persist(task));
        stage.0.signal(Signal::Time(Mark::At(1_000)));
        assert!(stage.0.pump().is_free());
        assert_eq!(stage.pump().taken(), [""; 0]);
    }
    let spec = Spec { windows: Sessions { gap: 12 }, lateness: 0 };
    idles(boxed(stage(&env(&[0]), (), move |env| SessionHost::<u64, u64, _, OnTime>::new(sums(), spec, env, 0))));
    idles(sided(stage(&env(&[0]), (), move |env| IntervalJoin::<u64, u64, u64, Inner>::new(15, both(), env, 0))));
}

#[test]
fn each_group_is_in_the_figures_of_its_owner() {
    let spec = || Spec { windows: Aligned::<Once>::new(10, 10, 0), lateness: 0 };
    let fresh = |of: &[u16]| Stage::of::<_, OnTime>(spec(), of, &Written::default()).unwrap();
    let (mut giver, mut taker, mut written) = (fresh(&[0, 1, 16]), fresh(&[17]), Written::default());
    hand_over(&mut giver, 1, &mut taker, &[1, 17]);
    save(&mut [giver, taker], &mut written);
    let times = written.0[0].0.iter().filter(|chunk| chunk.head.part == Part::Time);
    let runs = times.map(|chunk| match Changes::of(&chunk.bytes).next() {
        Some(Ok(Change::Put { value, .. })) => Row::decode(value).unwrap().4,
        other => panic!("{other:?}"),
    });
    assert_eq!(runs.collect::<Vec<_>>(), [vec![(0, 0), (16, 16)], vec![(1, 1), (17, 17)]]);
}
