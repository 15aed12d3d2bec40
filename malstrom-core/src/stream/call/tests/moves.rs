//! Chains that hand key groups over go on as one that has all of them.
use super::*;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::GroupSet;
use crate::state::saved::model::{Event, Move, Owners, event_or_move};
use crate::state::table::Ranks;

#[derive(Clone, Copy, Debug)]
enum Op {
    Item(Item),
    Snapshot(Event),
}
fn op() -> impl Strategy<Value = Op> {
    prop_oneof![5 => item().prop_map(Op::Item), 1 => event_or_move().prop_map(Op::Snapshot)]
}
fn chain_of(groups: &GroupSet, processing: bool) -> Chain<impl Push<M, ()> + use<>> {
    let ids = ["numbered", "adds"].map(Into::into).to_vec();
    let saving = crate::stream::env::Saving { term: 1, interval: 1, cleans: false };
    let ranks = Ranks::of(KeyGroups::DEFAULT, groups.iter());
    let env = Env::new((0, 1), (SEED, 0), ranks, (ids, Vec::new(), true), Some(saving), Rc::new(()));
    // A chain of an unnamed type is taken to borrow what it was made with.
    let env: &'static Env = Box::leak(Box::new(env));
    let end = Shows::default();
    let adds = CallStage { op: Adds { processing }, on_fail: CannotFail, side_ends: (), node: 1 };
    let down = Wrap::<M, _, M, _>::wrap(adds, env, end.clone());
    let push = Wrap::<M, (), M, _>::wrap(AggregateStage { aggregate: Numbered::default(), node: 0 }, env, down);
    Chain { push, end, env, now: 0 }
}
/// What has come out since the last call, by key, but for the arrivals, which each worker counts for itself.
fn taken<P>(chains: &mut [Chain<P>]) -> Vec<Shown> {
    let mut all = Vec::new();
    chains.iter_mut().for_each(|chain| all.append(&mut chain.end.0.borrow_mut().0));
    let mask = |(key, time, text): Shown| {
        let words = text.split(' ').enumerate().filter(|(at, _)| *at != 2 || text.contains("timer"));
        (key, time, words.map(|(_, word)| word).collect::<Vec<_>>().join(" "))
    };
    by_key(&all).into_iter().map(mask).collect()
}
/// Takes a snapshot, at which groups move if `how` says so.
fn cut<P: Push<M, ()>>(
    chains: &mut Vec<Chain<P>>,
    store: &mut Store,
    (owners, how): (&mut Owners, Option<&Move>),
    join: impl Fn() -> Chain<P>,
) {
    let before = chains.len();
    let passed = how.map_or(before, |how| {
        chains.resize_with(before.max(how.workers), join);
        if how.aligned { chains.len() } else { before }
    });
    let barrier = store.begin(false, passed);
    chains[..passed].iter_mut().for_each(|chain| chain.push.signal(Signal::Barrier(barrier)));
    match how {
        Some(how) => {
            let to = Owners::after(how);
            store.hand_over((owners, &to), how, |worker, task| chains[worker].push.persist(task));
            // Whoever leaves has nothing to do any more.
            for mut left in chains.drain(how.workers..) {
                left.push.signal(Signal::Time(Mark::At(i64::MAX - 1)));
                left.pump();
                left.push.finish(End::Complete);
                left.pump();
                assert!(left.end.0.borrow().0.is_empty());
            }
            *owners = to;
        }
        None => while store.slice(50, |worker, task| chains[worker].push.persist(task)) {},
    }
    chains.iter_mut().for_each(Chain::pump);
    let outcome = store.commit();
    chains.iter_mut().for_each(|chain| chain.push.persist(Task::Settle(outcome)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn groups_that_move_take_along_what_they_have(ops in prop::collection::vec(op(), 1..250)) {
        let join = || chain_of(&GroupSet::new(), false);
        let mut owners = Owners::even(1);
        let (mut one, mut several) = (vec![chain_of(&owners.groups(0), false)], vec![chain_of(&owners.groups(0), false)]);
        let (mut of_one, mut of_several, mut alone) = (Store::default(), Store::default(), owners.clone());
        let (mut watermark, mut now, mut saved) = (0, 0, (0, 0));
        for op in ops {
            match op {
                Op::Item(item) => {
                    let mut also = watermark;
                    one[0].feed(item, &mut also, |_| true);
                    one[0].pump();
                    now = one[0].now;
                    for (worker, chain) in several.iter_mut().enumerate() {
                        let mut mine = watermark;
                        chain.feed(item, &mut mine, |hash| owners.of(hash) == worker);
                        chain.pump();
                    }
                    watermark = also;
                }
                Op::Snapshot(Event::Move(how)) => {
                    cut(&mut one, &mut of_one, (&mut alone, None), join);
                    let joins = || {
                        let mut chain = join();
                        chain.at(now);
                        chain
                    };
                    cut(&mut several, &mut of_several, (&mut owners, Some(&how)), joins);
                    saved = (watermark, now);
                }
                Op::Snapshot(Event::Commit) => {
                    cut(&mut one, &mut of_one, (&mut alone, None), join);
                    cut(&mut several, &mut of_several, (&mut owners, None), join);
                    saved = (watermark, now);
                }
                Op::Snapshot(Event::Restore(workers)) if !of_one.is_empty() => {
                    (watermark, now) = saved;
                    let restored = |store: &Store, workers| -> Vec<_> {
                        let restored = |worker| {
                            let mut chain = chain_of(&Owners::even(workers).groups(worker), false);
                            chain.at(now);
                            store.restore(&groups_of(worker, workers), |task| chain.push.persist(task)).unwrap();
                            chain.pump();
                            chain
                        };
                        (0..workers).map(restored).collect()
                    };
                    (one, several, owners) = (restored(&of_one, 1), restored(&of_several, workers), Owners::even(workers));
                }
                Op::Snapshot(_) => {}
            }
            prop_assert_eq!(taken(&mut several), taken(&mut one));
        }
        for chain in one.iter_mut().chain(&mut several) {
            chain.push.finish(End::Complete);
            chain.pump();
        }
        prop_assert_eq!(taken(&mut several), taken(&mut one));
    }
}

#[test]
fn timers_by_the_clock_of_the_machine_fire_where_their_group_is() {
    let (mut store, all) = (Store::default(), Owners::even(1).groups(0));
    let mut chains = vec![chain_of(&all, true)];
    chains[0].at(10);
    let (hash, key) = key(0);
    chains[0].push.push(At { key: &key, hash, stamp: 5 }, ());
    assert_eq!(taken(&mut chains).len(), 1);
    // The first worker keeps nothing: all goes to one that joins.
    let mut joined = chain_of(&GroupSet::new(), true);
    joined.at(10);
    let barrier = store.begin(false, 1);
    chains[0].push.signal(Signal::Barrier(barrier));
    while store.slice(50, |worker, task| chains[worker].push.persist(task)) {}
    let gift = crate::state::saved::model::given(&all, |task| chains[0].push.persist(task));
    gift.to(&all, |task| joined.push.persist(task));
    let due = Some(Duration::from_micros(60));
    assert_eq!(chains[0].push.tick(Duration::from_micros(10)), None);
    assert_eq!(joined.push.tick(Duration::from_micros(10)), due);
    chains[0].at(100);
    chains[0].pump();
    assert!(taken(&mut chains).is_empty());
    joined.at(100);
    joined.pump();
    assert_eq!(joined.end.0.borrow().0[0].2, "2 timer 1001 Unknown");
}
