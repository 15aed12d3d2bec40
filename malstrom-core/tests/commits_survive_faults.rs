//! What a failing store, and other coordinators, do to commits.
#![allow(clippy::unwrap_used, missing_docs)]
mod vaults;

use malstrom_core::Error;
use malstrom_core::snapshot::log::{Entry, Record};
use malstrom_core::snapshot::{Archive, Kind, Location};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vaults::faulty::{Fault, Faulty};
use vaults::{Toy, in_memory, objects, open};

const SNAPSHOTS: u8 = 3;

fn healthy(store: &Arc<InMemory>) -> Location {
    Location::new(Arc::clone(store) as Arc<dyn ObjectStore>, "some/prefix")
}

/// Commits some snapshots, of which the `n`th has the key `n`. How many were committed, and the error that ended it.
fn job(location: &Location) -> (u8, Option<Error>) {
    let mut vault = match open(location) {
        Ok(vault) => vault,
        Err(error) => return (0, Some(error)),
    };
    let mut toy = Toy::new(&["a"]);
    for n in 1..=SNAPSHOTS {
        toy.put("a", 0, n, Some(n));
        if let Err(error) = toy.snapshot(&mut vault) {
            assert!(!vault.is_open());
            // Whoever goes on all the same does not write over what may be committed.
            toy.put("a", 0, n, None);
            assert!(toy.snapshot(&mut vault).is_err(), "it goes on after {error:?}");
            return (n - 1, Some(error));
        }
    }
    (SNAPSHOTS, None)
}
/// How many snapshots a job that starts then finds.
fn found(store: &Arc<InMemory>) -> u8 {
    let mut vault = open(&healthy(store)).unwrap();
    let mut toy = Toy::new(&["a"]);
    if vault.archive().latest().is_some() {
        toy.restore(&mut vault, "latest", 2).unwrap();
    }
    let keys: Vec<u8> = toy.state.keys().map(|(.., key)| *key).collect();
    assert_eq!(keys, (1..=keys.len() as u8).collect::<Vec<_>>());
    assert_eq!(vault.archive().verify().unwrap().damage, []);
    keys.len() as u8
}

/// From the `first` write of the log on, `times` writes fail; what follows them in the log fails as well if it is `blind`.
fn with_fault(fault: Fault, first: usize, times: usize, blind: bool) -> (Arc<InMemory>, Location) {
    let (store, writes) = (Arc::new(InMemory::new()), AtomicUsize::new(0));
    let location = Faulty::location(&store, move |write, path| {
        let log = path.contains("/log");
        let at = if write && log { writes.fetch_add(1, Ordering::SeqCst) } else { writes.load(Ordering::SeqCst) };
        match (write, log) {
            (true, true) if (first..first.saturating_add(times)).contains(&at) => fault,
            (false, true) if blind && at > first => Fault::Before,
            _ => Fault::None,
        }
    });
    (store, location)
}

#[test]
fn a_write_that_fails_now_and_then_is_no_trouble() {
    for first in 0..=usize::from(SNAPSHOTS) {
        for (fault, times) in [(Fault::Before, 1), (Fault::Before, 3), (Fault::After, 1), (Fault::After, usize::MAX)] {
            let (store, location) = with_fault(fault, first, times, false);
            let (committed, error) = job(&location);
            assert!(error.is_none(), "{fault:?} {first} {times}: {error:?}");
            assert_eq!(committed, SNAPSHOTS);
            assert_eq!(found(&store), SNAPSHOTS);
        }
    }
}

/// As by a client that tries again what it has not heard of, and is then told that the object is there already.
#[test]
fn a_write_that_is_repeated_is_no_trouble() {
    let store = Arc::new(InMemory::new());
    let location = Faulty::location(&store, |write, _| if write { Fault::Twice } else { Fault::None });
    let (committed, error) = job(&location);
    assert!(error.is_none(), "{error:?}");
    assert_eq!((committed, found(&store)), (SNAPSHOTS, SNAPSHOTS));
}

#[test]
fn what_nobody_knows_is_not_taken_for_committed_nor_for_aborted() {
    for first in 0..=usize::from(SNAPSHOTS) {
        for (fault, times, blind, there) in [
            // It is never written.
            (Fault::Before, usize::MAX, false, 0),
            (Fault::Before, usize::MAX, true, 0),
            // It is written, and cannot be read.
            (Fault::After, usize::MAX, true, 1),
            (Fault::None, 0, true, 1),
        ] {
            let (store, location) = with_fault(fault, first, times, blind);
            let (committed, error) = job(&location);
            let error = error.unwrap();
            assert!(matches!(error, Error::Uncertain { .. }), "{fault:?} {first} {blind}: {error:?}");
            assert!(format!("{error:?}").contains("the store has failed"), "{error:?}");
            // The first write is the claim.
            assert_eq!(usize::from(committed), first.saturating_sub(1));
            let expected = if first == 0 { 0 } else { committed + there };
            assert_eq!(found(&store), expected, "{fault:?} {first} {blind}");
        }
    }
}

#[test]
fn a_snapshot_that_cannot_be_written_is_aborted_and_the_next_one_has_what_it_had() {
    for place in ["segments", "manifests"] {
        let store = Arc::new(InMemory::new());
        let writes = AtomicUsize::new(0);
        let location = Faulty::location(&store, move |write, path| {
            let second = write && path.contains(place) && writes.fetch_add(1, Ordering::SeqCst) == 1;
            if second { Fault::Before } else { Fault::None }
        });
        let mut vault = open(&location).unwrap();
        let mut toy = Toy::new(&["a"]);
        toy.put("a", 7, 1, Some(1));
        toy.snapshot(&mut vault).unwrap();
        toy.put("a", 7, 2, Some(2));
        let error = toy.snapshot(&mut vault).unwrap_err();
        assert!(error.to_string().contains(&format!("cannot write `faulty/some/prefix/{place}/")), "{error}");
        assert!(vault.is_open());
        toy.put("a", 7, 3, Some(3));
        toy.snapshot(&mut vault).unwrap();
        assert_eq!(found(&store), 3);
    }
}

#[test]
fn a_store_that_reads_less_than_there_is_is_found_out() {
    let (short, store) = (Arc::new(AtomicUsize::new(0)), Arc::new(InMemory::new()));
    let switch = Arc::clone(&short);
    let location = Faulty::location(&store, move |write, path| {
        let short = switch.load(Ordering::SeqCst) > 0 && !write && path.contains("/segments/");
        if short { Fault::Short } else { Fault::None }
    });
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    toy.put("a", 1, 1, Some(1));
    toy.snapshot(&mut vault).unwrap();
    let saved = vault.archive().latest().unwrap().clone();
    let restore = vault.restore(&saved).unwrap();
    short.store(1, Ordering::SeqCst);
    for error in [toy.load(&restore, 1).unwrap_err(), vault.restore(&saved).unwrap_err()] {
        assert!(format!("{error:?}").contains("shorter than it was"), "{error:?}");
    }
}

#[test]
fn a_store_that_lets_an_object_be_created_twice_is_refused() {
    let store = Arc::new(InMemory::new());
    let location = Faulty::location(&store, |write, _| if write { Fault::Overwrite } else { Fault::None });
    let error = open(&location).unwrap_err().to_string();
    assert!(
        error.contains("ignores `If-None-Match`") && error.contains("Use a store with conditional writes"),
        "{error}"
    );
    assert!(objects(&store).is_empty(), "it has left something");
}

#[test]
fn who_comes_later_takes_over() {
    let (store, location) = in_memory();
    let mut first = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    toy.snapshot(&mut first).unwrap();
    let mut second = open(&location).unwrap();
    assert_eq!((first.term(), second.term()), (1, 2));
    assert_eq!(second.archive().list().len(), 1);
    let error = toy.snapshot(&mut first).unwrap_err();
    assert!(matches!(error, Error::Fenced { term: 2 }), "{error:?}");
    assert!(!first.is_open());
    let manifests = || objects(&store).keys().filter(|path| path.as_ref().contains("/manifests/")).count();
    let before = manifests();
    assert!(toy.snapshot(&mut first).is_err());
    assert_eq!(manifests(), before);
    toy.snapshot(&mut second).unwrap();
    // What the first has written and not committed is gone after a while, what is committed is not.
    second.collect(second.next_interval()).unwrap();
    assert_eq!(second.archive().verify().unwrap().damage, []);
    let permit = toy.snapshot(&mut second).unwrap().permit();
    assert_eq!((permit.interval(), permit.term()), (3, 2));
}

/// Coordinators that take over from each other all the time, each with its own thread.
#[test]
fn what_somebody_believes_to_be_committed_is_committed() {
    let (store, location) = in_memory();
    let believed = std::sync::Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..12 {
                    let mut vault = match open(&location) {
                        Ok(vault) => vault,
                        Err(Error::Fenced { .. }) => continue,
                        Err(error) => panic!("{error:?}"),
                    };
                    let mut toy = Toy::new(&["a"]);
                    if let Some(saved) = vault.archive().latest().cloned() {
                        // Another one may have taken over and deleted it.
                        match vault.restore(&saved) {
                            Ok(restore) => match toy.load(&restore, 1) {
                                Ok(()) => {}
                                Err(_) => continue,
                            },
                            Err(Error::Fenced { .. }) => continue,
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                    loop {
                        toy.put("a", 3, 1, Some(1));
                        match toy.snapshot(&mut vault) {
                            Ok(committed) => {
                                let permit = committed.permit();
                                believed.lock().unwrap().insert((permit.interval(), permit.term()));
                            }
                            Err(Error::Fenced { term }) => {
                                assert!(term > vault.term());
                                break;
                            }
                            Err(error) => panic!("{error:?}"),
                        }
                        if vault.next_interval() % 7 == 0 {
                            break;
                        }
                        match vault.collect(vault.next_interval()) {
                            Ok(_) => {}
                            Err(Error::Fenced { .. }) => break,
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                }
            });
        }
    });
    let mut log = Vec::new();
    for (name, bytes) in objects(&store) {
        if let Some(seq) = name.as_ref().strip_prefix("some/prefix/log/") {
            log.push((Entry::decode(seq.parse().unwrap(), &bytes).unwrap(), bytes));
        }
    }
    log.sort_by_key(|(entry, _)| entry.seq);
    for pair in log.windows(2) {
        assert_eq!(pair[1].0.prev, xxhash_rust::xxh3::xxh3_128(&pair[0].1));
        assert!(pair[1].0.term >= pair[0].0.term);
    }
    let snapshots: Vec<_> = log
        .iter()
        .filter_map(|(entry, _)| match entry.record {
            Record::Snapshot { interval, .. } => Some((interval, entry.term)),
            _ => None,
        })
        .collect();
    assert!(snapshots.windows(2).all(|pair| pair[0].0 < pair[1].0), "{snapshots:?}");
    let believed = believed.into_inner().unwrap();
    assert!(believed.len() > 4 && believed.iter().all(|known| snapshots.contains(known)));
    assert_eq!(Archive::open(&location).unwrap().verify().unwrap().damage, []);
}

#[test]
fn a_draft_is_committed_only_if_it_can_be_restored() {
    let (_, location) = in_memory();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    toy.put("a", 1, 1, Some(1));
    let changes = malstrom_core::contract::snapshot::Scope::Changes { round: 0 };
    let draft = toy.draft_of(&vault, Kind::Snapshot, 1, changes, 1, &[]).unwrap();
    assert!(vault.commit(draft).unwrap_err().to_string().contains("nothing to which they belong"));
    let mut draft = toy.draft(&vault, Kind::Snapshot, 2, &[]).unwrap();
    draft.interval += 1;
    assert!(vault.commit(draft.clone()).unwrap_err().to_string().contains("written for another snapshot"));
    draft.written.clear();
    assert!(vault.commit(draft).unwrap_err().to_string().contains("no process has written anything"));
    let draft = toy.draft_of(&vault, Kind::Savepoint("s".into()), 1, changes, 1, &[]).unwrap();
    assert!(vault.commit(draft).unwrap_err().to_string().contains("to have everything"));
    toy.snapshot(&mut vault).unwrap();
    let draft = toy.draft_of(&vault, Kind::Snapshot, 1, vault.next_scope(), 1, &[]).unwrap();
    assert!(vault.commit(draft).unwrap_err().to_string().contains("there was an interval 1 already"));
    assert!(vault.is_open());

    // State of a key group, and not a word about its layout.
    let mut chunks = toy.chunks(2, vault.next_scope(), 1, &[1]).remove(0);
    chunks.schemas.clear();
    let error = vault.writer(0).write(&Kind::Snapshot, 2, vault.next_scope(), &toy.operators, chunks).unwrap_err();
    assert!(error.to_string().contains("operator `a` has written State"), "{error}");
}

#[test]
fn a_thread_that_runs_asynchronous_code_is_told_so() {
    let (_, location) = in_memory();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(async { open(&location).map(drop) }).unwrap_err();
    assert!(format!("{error:?}").contains("spawn_blocking"), "{error:?}");
    // Nor does it matter where a vault is dropped.
    let vault = open(&location).unwrap();
    runtime.block_on(async { drop(vault) });
}

/// It may be within reach when it is tried again; what is damaged stays so.
#[test]
fn a_store_that_cannot_be_read_for_a_while_is_told_from_one_that_is_damaged() {
    let store = Arc::new(InMemory::new());
    let mut vault = open(&healthy(&store)).unwrap();
    let mut toy = Toy::new(&["a"]);
    toy.put("a", 0, 1, Some(1));
    toy.snapshot(&mut vault).unwrap();
    let restoring = |fault: Fault| {
        let reads = Arc::new(AtomicUsize::new(0));
        let seen = reads.clone();
        // The footer is read first, and then what is to be restored.
        let faulty = Faulty::location(&store, move |write, path| match path.contains("/segments/") && !write {
            true if seen.fetch_add(1, Ordering::SeqCst) > 0 => fault,
            _ => Fault::None,
        });
        let archive = Archive::open(&faulty).unwrap();
        let restore = archive.restore(archive.latest().unwrap()).unwrap();
        assert!(reads.load(Ordering::SeqCst) >= 1);
        Toy::new(&["a"]).load(&restore, 1)
    };
    restoring(Fault::None).unwrap();
    let error = restoring(Fault::Before).unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
    let error = restoring(Fault::Short).unwrap_err();
    assert!(matches!(error, Error::Snapshot { cause: Some(_), .. }), "{error:?}");
}
