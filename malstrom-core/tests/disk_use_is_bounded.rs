//! What is no longer needed is deleted, and nothing else.
#![allow(clippy::unwrap_used, missing_docs)]
mod vaults;

use malstrom_core::contract::snapshot::Scope;
use malstrom_core::snapshot::{Archive, Kind, Location, Requests};
use std::collections::BTreeMap;
use std::path::Path;
use vaults::{State, Toy, in_memory, objects, open};

/// The files below a directory, by the directory they lie in: how many, and how many bytes.
fn files(dir: &Path) -> BTreeMap<String, (usize, u64)> {
    let mut found: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let first = path.strip_prefix(dir).unwrap().iter().next().unwrap().to_str().unwrap().to_owned();
            let of = found.entry(first).or_default();
            *of = (of.0 + 1, of.1 + std::fs::metadata(&path).unwrap().len());
        }
    }
    found
}

#[test]
fn a_thousand_snapshots_take_no_more_room_than_a_few() {
    let (store, location) = in_memory();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    let of = |part: &str| objects(&store).keys().filter(|path| path.as_ref().contains(part)).count();
    let mut deleted = 0;
    for n in 0..1000u16 {
        toy.put("a", n % 37, (n % 5) as u8, (n % 3 > 0).then_some(n as u8));
        toy.snapshot(&mut vault).unwrap();
        let swept = vault.collect(vault.next_interval()).unwrap();
        deleted += swept.entries;
        if n % 100 == 99 {
            assert_eq!(Archive::open(&location).unwrap().verify().unwrap().damage, []);
            // What three snapshots need: the segments of the last 16 intervals, and of the two before.
            assert_eq!((of("/manifests/"), of("/segments/"), of("/probe/")), (3, 18, 0));
        }
        if n == 500 {
            vault = open(&location).unwrap();
            toy.restore(&mut vault, "latest", 2).unwrap();
        }
    }
    // The log is deleted once it has a thousand entries and some more.
    assert_eq!(deleted, 0);
    for _ in 0..200 {
        toy.snapshot(&mut vault).unwrap();
        deleted += vault.collect(vault.next_interval()).unwrap().entries;
    }
    assert!((1000..1100).contains(&of("/log/")) && deleted > 100, "{deleted}");
    let archive = Archive::open(&location).unwrap();
    assert_eq!(archive.verify().unwrap().damage, []);
    assert_eq!(archive.list().len(), 3);
    let expected: State = toy.state.clone();
    toy.load(&archive.restore(archive.latest().unwrap()).unwrap(), 3).unwrap();
    assert_eq!(toy.state, expected);
}

#[test]
fn what_is_left_by_those_who_died_is_deleted_and_what_is_not_ours_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let location: Location = format!("file://{}", dir.path().display()).parse().unwrap();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    toy.put("a", 1, 1, Some(1));
    toy.snapshot(&mut vault).unwrap();
    vault.commit(toy.draft(&vault, Kind::Savepoint("good".into()), 1, &[]).unwrap()).unwrap();
    let before = files(dir.path());
    // A snapshot that was never committed, a savepoint that was not, and half of a file.
    toy.draft(&vault, Kind::Snapshot, 3, &[]).unwrap();
    toy.draft_of(&vault, Kind::Savepoint("bad".into()), 9, Scope::Whole, 2, &[]).unwrap();
    std::fs::write(dir.path().join("segments/0000000001-00000000000000000009-0#1"), "half").unwrap();
    std::fs::write(dir.path().join("segments/notes.txt"), "somebody's").unwrap();

    // While they are in flight, nothing is deleted.
    vault.collect(3).unwrap();
    assert_eq!(files(dir.path())["segments"].0, before["segments"].0 + 3 + 2);
    assert_eq!(files(dir.path())["savepoints"].0, before["savepoints"].0 + 2);
    drop(vault);

    let mut vault = open(&location).unwrap();
    let swept = vault.collect(vault.next_interval()).unwrap();
    assert_eq!(swept.objects, 3 + 2);
    let after = files(dir.path());
    assert_eq!(after["segments"].0, before["segments"].0 + 1);
    assert_eq!(after["savepoints"], before["savepoints"]);
    assert_eq!(std::fs::read(dir.path().join("segments/notes.txt")).unwrap(), b"somebody's");
    assert_eq!(vault.archive().verify().unwrap().damage, []);

    // A snapshot that was aborted in this term, once it is over.
    toy.restore(&mut vault, "latest", 1).unwrap();
    toy.draft(&vault, Kind::Snapshot, 1, &[]).unwrap();
    let next = vault.next_interval() + 1;
    let draft = toy.draft_of(&vault, Kind::Snapshot, next, vault.next_scope(), 1, &[]).unwrap();
    assert_eq!(vault.collect(next).unwrap().objects, 1);
    vault.commit(draft).unwrap();
    assert_eq!(vault.archive().verify().unwrap().damage, []);
}

#[test]
fn requests_and_answers_are_no_garbage_of_snapshots() {
    let dir = tempfile::tempdir().unwrap();
    let location: Location = format!("file://{}", dir.path().display()).parse().unwrap();
    let requests = Requests::open(&location).unwrap();
    // Names that look like those of snapshots.
    for name in ["0000000001-00000000000000000001", "asked", "refused"] {
        requests.ask(name, 10, 0).unwrap();
    }
    requests.answer("refused", Err("there is no room")).unwrap();
    let before = files(dir.path())["requests"];
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    for n in 0..5 {
        toy.put("a", 1, 1, Some(n));
        toy.snapshot(&mut vault).unwrap();
        vault.collect(vault.next_interval()).unwrap();
    }
    assert_eq!((before.0, files(dir.path())["requests"]), (3, before));
}

/// A coordinator that sleeps, and has not seen what the next one has committed, deletes nothing of it.
#[test]
fn one_that_was_asleep_deletes_nothing_that_is_needed() {
    let (_, location) = in_memory();
    let mut asleep = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    for key in 0..5 {
        toy.put("a", 3, key, Some(key));
        toy.snapshot(&mut asleep).unwrap();
    }
    for which in ["3", "latest"] {
        let mut awake = open(&location).unwrap();
        toy.restore(&mut awake, which, 1).unwrap();
        toy.put("a", 4, 1, Some(1));
        toy.snapshot(&mut awake).unwrap();
        let state = toy.state.clone();
        let _ = asleep.collect(asleep.next_interval());
        let archive = Archive::open(&location).unwrap();
        assert_eq!(archive.verify().unwrap().damage, []);
        toy.load(&archive.restore(archive.latest().unwrap()).unwrap(), 2).unwrap();
        assert_eq!(toy.state, state);
    }
}
