//! What a worker writes that has given groups away or taken them in. That all comes back is shown where tables are saved.
use crate::contract::code::OfRecord;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Extent, GroupSet, Part, Task};
use crate::state::saved::model::{Gift, Owners, Store, given, groups_of, hash, key, owner};
use crate::state::saved::{Chapter, Draft, Layout};
use crate::state::table::{Ranks, StateTable};

type Worker = (StateTable<u64, u64>, Chapter);
fn worker(groups: &GroupSet) -> Worker {
    let mut table = StateTable::new(Ranks::of(KeyGroups::DEFAULT, groups.iter()));
    table.track(OfRecord::<u64>::new());
    (table, Chapter::new(owner(3), Part::State, Layout::of_entries::<u64, u64>(&OfRecord::<u64>::new())))
}
fn persist((table, chapter): &mut Worker, task: Task<'_, '_>) {
    chapter.persist_table(table, task);
}
fn fill(worker: &mut Worker) {
    for (hash, key) in (0..700).map(key) {
        worker.0.insert(hash, &key, 1);
    }
}
/// What a snapshot has in full, and how many changes.
fn commit(store: &mut Store, workers: &mut [&mut Worker]) -> (Vec<u16>, u32) {
    let barrier = store.begin(false, workers.len());
    workers.iter_mut().for_each(|worker| worker.1.flip_table(&mut worker.0, barrier));
    finish(store, workers)
}
fn finish(store: &mut Store, workers: &mut [&mut Worker]) -> (Vec<u16>, u32) {
    while store.slice(usize::MAX, |at, task| persist(workers[at], task)) {}
    let outcome = store.commit();
    workers.iter_mut().for_each(|worker| persist(worker, Task::Settle(outcome)));
    let (full, deltas): (Vec<_>, Vec<_>) = store.last().iter().map(|chunk| chunk.head).partition(|head| head.full);
    (full.iter().map(|head| head.group).collect(), deltas.iter().map(|head| head.entries).sum())
}

#[test]
fn who_joins_goes_on_from_the_snapshot_at_which_it_came() {
    for aligned in [false, true] {
        let mut store = Store::default();
        let all = Owners::even(1).groups(0);
        let (mut before, mut after) = (worker(&all), worker(&GroupSet::new()));
        fill(&mut before);
        let barrier = store.begin(false, 1 + usize::from(aligned));
        before.1.flip_table(&mut before.0, barrier);
        if aligned {
            after.1.flip_table(&mut after.0, barrier);
            while store.slice(usize::MAX, |at, task| persist([&mut before, &mut after][at], task)) {}
        } else {
            while store.slice(usize::MAX, |_, task| persist(&mut before, task)) {}
        }
        given(&all, |task| persist(&mut before, task)).to(&all, |task| persist(&mut after, task));
        finish(&mut store, &mut [&mut before, &mut after]);
        assert_eq!((before.0.len(), after.0.len()), (0, 700));

        // In the round of groups 1, 17 and 2049. Who gave them away says nothing of them any more.
        let changed = (0..700).map(key).find(|(hash, _)| KeyGroups::DEFAULT.of(*hash) == 18).unwrap();
        after.0.insert(changed.0, &changed.1, 2);
        assert_eq!(commit(&mut store, &mut [&mut before, &mut after]), (vec![1, 17, 2049], 1));
        let mut restored = worker(&all);
        store.restore(&groups_of(0, 1), |task| persist(&mut restored, task)).unwrap();
        assert_eq!(restored.0.len(), 700);
        assert_eq!(restored.0.peek(changed.0, &changed.1), Some(&2));
    }
}

#[test]
fn that_something_is_gone_is_not_said_by_who_gave_it_away() {
    let mut store = Store::default();
    let all = Owners::even(1).groups(0);
    let (mut before, mut after) = (worker(&all), worker(&GroupSet::new()));
    fill(&mut before);
    commit(&mut store, &mut [&mut before]);
    for (hash, key) in (0..700).map(key) {
        before.0.remove(hash, &key);
    }
    given(&all, |task| persist(&mut before, task)).to(&all, |task| persist(&mut after, task));
    assert_eq!(commit(&mut store, &mut [&mut before, &mut after]), (vec![1, 17, 2049], 0));
}

#[test]
fn tables_of_one_worker_go_over_to_the_same_ranks() {
    let (first, given): (Ranks, GroupSet) = (Ranks::all(KeyGroups::DEFAULT), (0..2048).collect());
    let [mut one, mut other] = [StateTable::<u64, u64>::new(first.clone()), StateTable::new(first)];
    for table in [&mut one, &mut other] {
        table.track(OfRecord::<u64>::new());
        table.give(&given, |_, _| {}).unwrap();
    }
    assert!(std::ptr::eq(one.ranks.groups(), other.ranks.groups()));
    assert_eq!((one.ranks.owned(), one.ranks.places()), (2048, 4096));
    let rest: GroupSet = (2048..4096).collect();
    [&mut one, &mut other].into_iter().for_each(|table| table.lay_out(table.ranks.moved(&rest), 0));
    assert!(std::ptr::eq(one.ranks.groups(), other.ranks.groups()));
    assert_eq!((one.ranks.owned(), one.ranks.places()), (2048, 2048));
}

#[test]
fn what_was_not_given_so_is_refused() {
    let all = Owners::even(1).groups(0);
    let mut before = worker(&all);
    fill(&mut before);
    let mut gift = given(&[17, 18].into_iter().collect(), |task| persist(&mut before, task));
    let refusal = |gift: &Gift, groups: &[u16]| {
        let mut after = worker(&GroupSet::new());
        let result = gift.try_to(&groups.iter().copied().collect(), |task| persist(&mut after, task));
        result.err().map(|error| format!("{error:?}")).unwrap_or_default()
    };
    assert_eq!(refusal(&gift, &[0, 17, 18]), "");
    let stranger = refusal(&gift, &[0, 17]);
    assert!(stranger.contains("(key group 18)") && stranger.contains("was not to have it"), "{stranger}");
    gift.chunks[0].head.full = false;
    assert!(refusal(&gift, &[17, 18]).contains("not given in full"));
    gift.chunks[0].head.full = true;
    gift.chunks[0].bytes.truncate(30);
    assert!(refusal(&gift, &[17, 18]).contains("(key group 17)"));
    let mut untracked = StateTable::<u64, u64>::new(Ranks::all(KeyGroups::DEFAULT));
    assert!(untracked.give(&all, |_, _: Draft| {}).is_err());
}

/// Groups come in any order into a table that has something already: that its slots are filled unevenly then is no reason to
/// have more of them.
#[test]
fn taking_asks_for_no_more_room_than_is_needed() {
    let (mut giver, mut taker) = (worker(&GroupSet::new()), worker(&[0].into_iter().collect()));
    // It was loaded with far more than it has still.
    taker.0.expect(Extent { full: 0, all: 100_000 });
    for key in (0..).filter(|key| KeyGroups::DEFAULT.of(hash(*key)) == 0).take(1_000) {
        taker.0.insert(hash(key), &key, key);
    }
    let others: GroupSet = (1..20).collect();
    giver.0.rehome(Ranks::of(KeyGroups::DEFAULT, others.iter()));
    for key in (0..).filter(|key| others.contains(KeyGroups::DEFAULT.of(hash(*key)))).take(200) {
        giver.0.insert(hash(key), &key, key);
    }
    let gift = given(&others, |task| persist(&mut giver, task));
    let slots = taker.0.slots;
    gift.to(&(0..20).collect(), |task| persist(&mut taker, task));
    assert_eq!(taker.0.len(), 1_200);
    assert!(taker.0.slots <= 2 * slots, "{slots} slots became {}", taker.0.slots);
}

/// Prints what it costs to give and to take a million entries. Run it in a release build, with `--ignored --nocapture`.
#[test]
#[ignore = "it prints figures, and checks nothing that others do not"]
fn what_it_costs_to_move() {
    const ENTRIES: u64 = 1_000_000;
    #[expect(clippy::disallowed_methods, reason = "it measures")]
    let timed = |what: &str, entries: usize, run: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        run();
        println!("{what}: {:.1} ns for each of {entries} entries", start.elapsed().as_nanos() as f64 / entries as f64);
    };
    for _ in 0..5 {
        let (all, half, rest): (GroupSet, GroupSet, GroupSet) =
            ((0..4096).collect(), (0..2048).collect(), (2048..4096).collect());
        let [mut giver, mut taker, mut joiner] = [&all, &rest, &GroupSet::new()].map(worker);
        for key in 0..2 * ENTRIES {
            let hash = hash(key);
            giver.0.insert(hash, &key, key);
            if KeyGroups::DEFAULT.of(hash) >= 2048 {
                taker.0.insert(hash, &key, key);
            }
        }
        let (mut gift, moved) = (Gift::default(), half.iter().map(|group| giver.0.iter_group(group).count()).sum());
        timed("give", moved, &mut || gift = given(&half, |task| persist(&mut giver, task)));
        let stays = giver.0.len();
        timed("lay out what stays", stays, &mut || Gift::default().to(&rest, |task| persist(&mut giver, task)));
        timed("take, by one that joins", moved, &mut || gift.to(&half, |task| persist(&mut joiner, task)));
        timed("take, by one with as many", moved, &mut || gift.to(&all, |task| persist(&mut taker, task)));
    }
}
