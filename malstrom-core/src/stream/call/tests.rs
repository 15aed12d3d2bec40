//! A chain that is restored goes on as one that was never stopped.
use super::*;
use crate::contract::asks::Asking;
use crate::contract::code::OfRecord;
use crate::contract::extract::Context;
use crate::contract::extract::time::{ProcessingTimers, TimerBuffer, Timers, Watermark};
use crate::contract::form::Under;
use crate::contract::key::KeyGroups;
use crate::contract::keying::{KeyedBy, PerKey};
use crate::contract::snapshot::{Pen, Task};
use crate::contract::stage::{NoFailure, Plain, Stage};
use crate::contract::state::KeyedState;
use crate::contract::time::Timestamp;
use crate::contract::window::{Window, Windowed};
use crate::state::saved::model::{SEED, Store, groups_of, key, ranks_of, worker_of};
use crate::stream::aggregate::{Aggregate, AggregateStage};
use crate::stream::seen::Seen;
use crate::stream::signal::Mark;
use proptest::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

mod moves;

type M = Under<u64, i64>;
type Shown = (u64, i64, String);

/// Adds up what comes, for as long as something comes.
#[derive(Debug, Default)]
struct Total {
    sum: u64,
}
crate::record_by_fields!(Total { sum: u64 });
impl KeyedState for Total {
    type Key = u64;
    const NAME: &'static str = "Total";
    const VERSION: u32 = 1;
    const TTL: Option<Duration> = Some(Duration::from_micros(300));
    type Deadline = (i64, i64);
}
struct Adds {
    processing: bool,
}
impl Stage for Adds {
    const NAME: &'static str = "adds";
    type In = (u64, u64, u64);
    type Out = String;
    type Failure = NoFailure;
    type Need = KeyedBy<u64>;
    type Asks = Asking;
    type Ends = Plain;
    type Outputs = ();
}
impl Operator for Adds {
    type Keep = PerKey<Total>;
    type Sides = ();
    type Timers = TimerBuffer<u64>;
    fn call(
        &mut self,
        state: &mut Total,
        (_, count, arrival): Self::In,
        context: &Context<'_>,
        beside: Beside<'_, Self>,
        out: &mut impl Emit<String, Never>,
    ) {
        state.sum += count;
        let timers = Timers::new(beside.timers, context.ticks());
        timers.after((state.sum % 7) as i64 * 20, state.sum % 3);
        if state.sum.is_multiple_of(5) {
            timers.cancel(context.ticks() + 20, 1_u64);
        }
        if self.processing {
            let processing = ProcessingTimers::new(beside.timers, context.now().as_micros());
            processing.after(Duration::from_micros(state.sum % 4 * 50), 1_000 + state.sum);
        }
        out.emit(format!("{} {count} {arrival} {:?}", state.sum, context.watermark()));
    }
    fn call_timer(
        &mut self,
        state: &mut Total,
        timer: u64,
        context: &Context<'_>,
        _: Beside<'_, Self>,
        out: &mut impl Emit<String, Never>,
    ) {
        state.sum += 1;
        out.emit(format!("{} timer {timer} {:?}", state.sum, context.watermark()));
    }
}

/// How many records of a key there were, and the number of the last one among those of all keys.
#[derive(Default)]
struct Numbered(u64);
impl Aggregate<u64, ()> for Numbered {
    type Kept = (u64, u64);
    type Codec = OfRecord<(u64, u64)>;
    type Out = (u64, u64, u64);
    type Closed = Windowed<u64, u64>;
    fn fresh(&self) -> (u64, u64) {
        (0, 0)
    }
    fn add(&mut self, kept: &mut (u64, u64), (): ()) {
        self.0 += 1;
        *kept = (kept.0 + 1, self.0);
    }
    fn shown(&self, (count, arrival): &(u64, u64), key: &u64) -> Option<(u64, u64, u64)> {
        Some((*key, *count, *arrival))
    }
    fn close(&mut self, _: (u64, u64), _: &u64, _: Window, _: impl FnMut(Self::Closed)) {}
    fn codec(&self) -> Option<Self::Codec> {
        Some(OfRecord::new())
    }
    fn arrivals(&mut self) -> Option<&mut u64> {
        Some(&mut self.0)
    }
}

/// What comes out of a chain, and how much of it before the last barrier.
#[derive(Clone, Default)]
struct Shows(Rc<RefCell<(Vec<Shown>, usize)>>);
impl Push<M, String> for Shows {
    fn push(&mut self, at: At<'_, M>, record: String) {
        self.0.borrow_mut().0.push((*at.key, at.stamp, record));
    }
    fn signal(&mut self, signal: Signal) {
        if let Signal::Barrier(_) = signal {
            let mut seen = self.0.borrow_mut();
            seen.1 = seen.0.len();
        }
    }
    fn touch(&self, _: u64) {}
    fn worth_touching(&self) -> bool {
        false
    }
    fn full(&self) -> bool {
        false
    }
    fn pump(&mut self) -> Flow {
        Flow::Free
    }
    fn tick(&mut self, _: Duration) -> Option<Duration> {
        None
    }
    fn settle(&mut self, _: u64) {}
    fn flush(&mut self) -> bool {
        false
    }
    fn finish(&mut self, _: End) {}
    fn persist(&mut self, _: Task<'_, '_>) {}
    fn passed(&self) -> u64 {
        0
    }
}

struct Chain<P> {
    push: P,
    end: Shows,
    env: &'static Env,
    now: u64,
}
fn env(worker: usize, workers: usize, saves: bool) -> Env {
    let ids = ["numbered", "adds"].map(Into::into).to_vec();
    Env::new(
        (worker, workers),
        (SEED, 0),
        ranks_of(worker, workers),
        (ids, Vec::new(), true),
        saves.then_some(crate::stream::env::Saving { term: 1, interval: 1, cleans: false }),
        Rc::new(()),
    )
}
fn chain(worker: usize, workers: usize, processing: bool) -> Chain<impl Push<M, ()>> {
    // A chain of an unnamed type is taken to borrow what it was made with.
    let env: &'static Env = Box::leak(Box::new(env(worker, workers, true)));
    let end = Shows::default();
    let adds = CallStage { op: Adds { processing }, on_fail: CannotFail, side_ends: (), node: 1 };
    let down = Wrap::<M, _, M, _>::wrap(adds, env, end.clone());
    let push = Wrap::<M, (), M, _>::wrap(AggregateStage { aggregate: Numbered::default(), node: 0 }, env, down);
    Chain { push, end, env, now: 0 }
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Record(usize, i64),
    Watermark(i64),
    Idle,
    Pass(u64),
}
impl<P: Push<M, ()>> Chain<P> {
    fn pump(&mut self) {
        // As each turn of a segment begins.
        self.push.tick(Duration::from_micros(self.now));
        for _ in 0..100_000 {
            if self.push.pump().is_free() {
                return;
            }
        }
        panic!("it never comes to an end");
    }
    fn at(&mut self, now: u64) {
        self.now = now;
        let now = Duration::from_micros(now);
        self.env.set_now(now);
        self.push.tick(now);
    }
    fn feed(&mut self, item: Item, watermark: &mut i64, mine: impl Fn(u64) -> bool) {
        match item {
            Item::Record(number, ahead) => {
                let (hash, key) = key(number);
                if mine(hash) {
                    self.pump();
                    self.push.push(At { key: &key, hash, stamp: watermark.saturating_add(ahead) }, ());
                }
            }
            Item::Watermark(step) => {
                *watermark += step;
                self.push.signal(Signal::Time(Mark::At(*watermark)));
            }
            Item::Idle => self.push.signal(Signal::Time(Mark::Idle(*watermark))),
            Item::Pass(time) => self.at(self.now + time),
        }
    }
}
fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        12 => (0usize..25, 1i64..200).prop_map(|(key, ahead)| Item::Record(key, ahead)),
        6 => (1i64..120).prop_map(Item::Watermark),
        1 => Just(Item::Idle),
        3 => (0u64..100).prop_map(Item::Pass),
    ]
}
/// The results of each key, in order.
fn by_key(results: &[Shown]) -> Vec<Shown> {
    let mut results = results.to_vec();
    results.sort_by_key(|(key, ..)| *key);
    results
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_restored_chain_goes_on_as_if_nothing_had_happened(
        items in prop::collection::vec(item(), 1..200),
        cuts in prop::collection::vec((0usize..200, prop::bool::weighted(0.7)), 0..6),
        room in 1usize..60,
        processing in any::<bool>(),
    ) {
        let (mut a, mut store, mut watermark) = (chain(0, 1, processing), Store::default(), 0);
        // What a restored chain is to be fed and to show: from the last committed snapshot on.
        let mut from = None;
        let mut begun = None;
        for (at, item) in items.iter().enumerate() {
            for (_, commit) in cuts.iter().filter(|(cut, _)| *cut == at) {
                if store.open.is_some() {
                    a.pump();
                    if *commit {
                        while store.slice(room, |_, task| a.push.persist(task)) {}
                        a.push.persist(Task::Settle(store.commit()));
                        from = begun.take();
                    } else if let Some(outcome) = store.abort() {
                        a.push.persist(Task::Settle(outcome));
                    }
                }
                // Signals before and behind it may not have been worked off.
                a.push.signal(Signal::Barrier(store.begin(false, 1)));
                begun = Some((at, watermark, a.now, usize::MAX));
            }
            a.feed(*item, &mut watermark, |_| true);
            if processing {
                // What fires by the clock of the machine shows how far event time has come by then, so it is to have come as far as
                // it can here and there.
                a.pump();
            }
            if store.open.is_some() && at % 3 == 0 {
                a.pump();
                if let Some((.., shown)) = &mut begun {
                    *shown = a.end.0.borrow().1;
                }
                store.slice(room, |_, task| a.push.persist(task));
            }
            if let Some((.., shown)) = &mut begun && a.push.pump().is_free() {
                *shown = a.end.0.borrow().1;
            }
        }
        a.pump();
        if let Some((.., shown)) = &mut begun {
            *shown = a.end.0.borrow().1;
        }
        if store.open.is_some() {
            while store.slice(room, |_, task| a.push.persist(task)) {}
            a.push.persist(Task::Settle(store.commit()));
            from = begun.take();
        }
        a.push.finish(End::Complete);
        a.pump();
        let Some((at, time, now, shown)) = from else { return Ok(()) };
        let expected = by_key(&a.end.0.borrow().0[shown..]);

        let mut b = chain(0, 1, processing);
        b.at(now);
        store.restore(&groups_of(0, 1), |task| b.push.persist(task)).unwrap();
        let mut watermark = time;
        for item in &items[at..] {
            b.feed(*item, &mut watermark, |_| true);
            if processing {
                b.pump();
            } else {
                b.push.pump().is_free();
            }
        }
        b.pump();
        b.push.finish(End::Complete);
        b.pump();
        prop_assert_eq!(&by_key(&b.end.0.borrow().0), &expected);

        // What fires by the clock of the machine does so at the time of the last record of its worker.
        if processing {
            return Ok(());
        }
        // Several workers have their shares, but for the arrivals, which each counts for itself.
        let masked = |results: &[Shown]| -> Vec<Shown> {
            let mask = |(key, time, text): Shown| {
                let words = text.split(' ').enumerate().filter(|(at, _)| *at != 2 || text.contains("timer"));
                (key, time, words.map(|(_, word)| word).collect::<Vec<_>>().join(" "))
            };
            by_key(results).into_iter().map(mask).collect()
        };
        let mut all = Vec::new();
        for worker in 0..3 {
            let mut c = chain(worker, 3, false);
            c.at(now);
            store.restore(&groups_of(worker, 3), |task| c.push.persist(task)).unwrap();
            let mut watermark = time;
            for item in &items[at..] {
                c.feed(*item, &mut watermark, |hash| worker_of(KeyGroups::DEFAULT.of(hash), 3) == worker);
                c.push.pump().is_free();
            }
            c.pump();
            c.push.finish(End::Complete);
            c.pump();
            all.append(&mut c.end.0.borrow_mut().0);
        }
        prop_assert_eq!(masked(&all), masked(&expected));
    }
}

#[test]
fn a_barrier_waits_for_what_is_before_it_and_knows_nothing_of_what_is_behind() {
    let (mut chain, mut store) = (chain(0, 1, true), Store::default());
    let (hash, key) = key(0);
    chain.push.push(At { key: &key, hash, stamp: 5 }, ());
    chain.push.signal(Signal::Time(Mark::At(1_000)));
    chain.push.signal(Signal::Barrier(store.begin(false, 1)));
    chain.push.signal(Signal::Time(Mark::At(2_000)));
    assert_eq!(chain.end.0.borrow().1, 0);
    chain.pump();
    // The record, and a timer.
    assert_eq!(chain.end.0.borrow().1, 2);
    while store.slice(10, |_, task| chain.push.persist(task)) {}
    store.commit();
    let mut restored = self::chain(0, 1, true);
    store.restore(&groups_of(0, 1), |task| restored.push.persist(task)).unwrap();
    restored.push.push(At { key: &key, hash, stamp: 3_000 }, ());
    let shown = restored.end.0.borrow().0[0].2.clone();
    assert!(shown.ends_with(&format!("{:?}", Watermark::At(Timestamp::from_micros(1_000)))), "{shown}");
}

#[test]
fn nothing_is_written_where_snapshots_are_off() {
    let env = env(0, 1, false);
    let adds = CallStage { op: Adds { processing: true }, on_fail: CannotFail, side_ends: (), node: 1 };
    let mut push = Wrap::<M, (u64, u64, u64), M, _>::wrap(adds, &env, Shows::default());
    let (hash, key) = key(0);
    push.push(At { key: &key, hash, stamp: 5 }, (0, 1, 2));
    push.signal(Signal::Barrier(Store::default().begin(false, 1)));
    let mut pen = Pen::new(1_000_000);
    push.persist(Task::Save(&mut pen));
    assert!(!pen.is_postponed());
    assert_eq!(pen.finish(), (Vec::new(), Vec::new()));
}

#[test]
fn what_cannot_be_written_fails_the_job_when_it_is_made() {
    use crate::stream::aggregate::Reduce;
    let env = env(0, 1, true);
    let reduce = AggregateStage { aggregate: Reduce(|a: String, _| a, None), node: 0 };
    let _push = Wrap::<M, String, M, _>::wrap(reduce, &env, Seen::<M, _>::default());
    let error = env.take_failure().unwrap().to_string();
    assert!(
        error.starts_with("`numbered` keeps values of type `core::option::Option<alloc::string::String>` that cannot")
    );
    assert!(error.ends_with("derive `Record` for it, or run without snapshots and without `--elastic`"));
}

#[test]
fn a_timer_by_the_clock_of_the_machine_finds_state_that_ages_in_event_time() {
    let mut chain = chain(0, 1, true);
    chain.at(10_000_000);
    let (hash, key) = key(0);
    chain.push.push(At { key: &key, hash, stamp: 5 }, ());
    chain.at(10_000_050);
    chain.pump();
    assert_eq!(chain.end.0.borrow().0[1].2, "2 timer 1001 Unknown");
}
