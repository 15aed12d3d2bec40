//! Whatever byte of whatever object changes: it is found, and never restored.
#![allow(clippy::unwrap_used, missing_docs)]
mod vaults;

use malstrom_core::Error;
use malstrom_core::snapshot::{Archive, Kind, Location};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use vaults::{State, Toy, objects, open, wait};

type Objects = BTreeMap<Path, Vec<u8>>;

fn location_of(objects: &Objects) -> Location {
    let store = InMemory::new();
    wait(async {
        for (path, bytes) in objects {
            store.put(path, bytes.clone().into()).await.unwrap();
        }
    });
    Location::new(Arc::new(store), "p")
}

/// Some snapshots, a savepoint, and another coordinator that goes on. The state of each.
fn sample() -> (Objects, BTreeMap<String, State>) {
    let store = Arc::new(InMemory::new());
    let location = Location::new(Arc::clone(&store) as Arc<dyn ObjectStore>, "p");
    let mut kept = BTreeMap::new();
    let mut toy = Toy::new(&["a", "b"]);
    for start in 0..2u8 {
        let mut vault = open(&location).unwrap();
        if start > 0 {
            toy.restore(&mut vault, "latest", 1).unwrap();
        }
        for n in 0..3u8 {
            toy.put("a", u16::from(n), start, Some(n));
            toy.put("b", 1, n, Some(start));
            let kind = if (start, n) == (0, 1) { Kind::Savepoint("s".into()) } else { Kind::Snapshot };
            let draft = toy.draft(&vault, kind.clone(), 2, &[]).unwrap();
            let saved = vault.commit(draft).unwrap().saved().to_restore();
            toy.settle(&kind);
            kept.insert(saved, toy.state.clone());
        }
        vault.collect(vault.next_interval()).unwrap();
    }
    let names = Archive::open(&location).unwrap();
    kept.retain(|name, _| names.list().iter().any(|saved| saved.to_restore() == *name));
    (objects(&store), kept)
}

fn sampled() -> &'static (Objects, BTreeMap<String, State>) {
    static SAMPLE: std::sync::OnceLock<(Objects, BTreeMap<String, State>)> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(sample)
}

/// What is said about a store; empty if all is well.
fn report(location: &Location) -> String {
    match Archive::open(location).and_then(|archive| archive.verify()) {
        Ok(checked) => checked.damage.iter().map(|damage| format!("{damage}\n")).collect(),
        Err(error) => format!("{error:?}"),
    }
}
/// Whatever can be restored is what it was.
fn restores_right_or_not_at_all(location: &Location, kept: &BTreeMap<String, State>) {
    let Ok(archive) = Archive::open(location) else { return };
    for (name, state) in kept {
        let mut toy = Toy::new(&["a", "b"]);
        let restored = (|| {
            let saved = archive.find(name)?.unwrap();
            toy.load(&archive.restore(&saved)?, 2)
        })();
        assert!(restored.is_err() || toy.state == *state, "{name} was restored wrong");
    }
}

#[test]
fn a_store_without_damage_has_none() {
    let (objects, kept) = sample();
    assert_eq!(report(&location_of(&objects)), "");
    assert!(kept.len() == 4 && objects.len() > 12, "{kept:?}");
    restores_right_or_not_at_all(&location_of(&objects), &kept);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_byte_that_changes_is_found(object: prop::sample::Index, at: prop::sample::Index, mask in 1..=255u8) {
        let (objects, kept) = sampled();
        let path = objects.keys().nth(object.index(objects.len())).unwrap();
        let mut broken = objects.clone();
        let bytes = broken.get_mut(path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        let location = location_of(&broken);
        let found = report(&location);
        prop_assert!(found.contains(path.as_ref()), "byte {at} of {path}: {found}");
        restores_right_or_not_at_all(&location, kept);
    }

    #[test]
    fn an_object_that_is_cut_or_missing_is_found(object: prop::sample::Index, to: Option<prop::sample::Index>) {
        let (objects, kept) = sampled();
        let path = objects.keys().nth(object.index(objects.len())).unwrap().clone();
        let mut broken = objects.clone();
        match to {
            Some(to) => {
                let bytes = broken.get_mut(&path).unwrap();
                bytes.truncate(to.index(bytes.len()));
            }
            // Old entries of the log are deleted in the course of things.
            None if path.as_ref().contains("/log/") => return Ok(()),
            None => drop(broken.remove(&path)),
        }
        let location = location_of(&broken);
        let found = report(&location);
        // A savepoint that was deleted is somebody's wish, but a listing still has it.
        prop_assert!(found.contains(path.as_ref()), "{path}: {found}");
        restores_right_or_not_at_all(&location, kept);
    }
}

fn damaged(objects: &Objects, part: &str) -> Location {
    let path = objects.keys().rfind(|path| path.as_ref().contains(part)).unwrap().clone();
    let mut objects = objects.clone();
    objects.get_mut(&path).unwrap()[9] ^= 1;
    location_of(&objects)
}

#[test]
fn an_older_snapshot_is_never_restored_without_being_asked_for() {
    let (objects, kept) = sample();
    for part in ["manifests/", "segments/0000000002-00000000000000000006"] {
        let location = damaged(&objects, part);
        // The job can start, but not with the newest one.
        let mut vault = open(&location).unwrap();
        assert_eq!(vault.archive().list().len(), 4);
        let mut toy = Toy::new(&["a", "b"]);
        let error = format!("{:?}", toy.restore(&mut vault, "latest", 1).unwrap_err());
        assert!(error.contains("snapshot 6 cannot be restored"), "{error}");
        assert!(error.contains("`--restore 5`") && error.contains("may be put out again"), "{error}");
        assert!(error.contains(part) && error.contains("damaged"), "{error}");
        // If it is asked for, and the job goes on from there.
        toy.restore(&mut vault, "5", 1).unwrap();
        assert_eq!(toy.state, kept["5"]);
        let committed = toy.snapshot(&mut vault).unwrap();
        assert_eq!(committed.permit().interval(), 7);
        let mut vault = open(&location).unwrap();
        toy.restore(&mut vault, "latest", 1).unwrap();
        assert_eq!(toy.state, kept["5"]);
        // Nothing is deleted as long as it is not known what is needed.
        let collected = vault.collect(vault.next_interval());
        assert_eq!(collected.is_err(), part == "manifests/", "{collected:?}");
    }
}

#[test]
fn all_that_is_kept_is_read() {
    let (objects, _) = sampled();
    let checked = Archive::open(&location_of(objects)).unwrap().verify().unwrap();
    let bytes: usize = objects.values().map(Vec::len).sum();
    assert_eq!((checked.objects, checked.bytes), (objects.len() as u64, bytes as u64));
}

#[test]
fn the_newest_entry_of_the_log_has_to_be_read() {
    let (objects, _) = sample();
    let error = open(&damaged(&objects, "log/")).unwrap_err();
    assert!(matches!(&error, Error::Damaged { object, .. } if object.contains("log/")), "{error:?}");
}

#[test]
fn the_scrubber_finds_damage_in_the_background() {
    let (objects, _) = sample();
    let location = damaged(&objects, "segments/0000000002-00000000000000000004");
    let mut vault = open(&location).unwrap();
    let saved = vault.archive().latest().unwrap().clone();
    vault.restore(&saved).unwrap();
    let (mut damage, mut calls) = (Vec::new(), 0);
    // A little at a time, and it does not find the same thing again before it has been everywhere.
    while damage.is_empty() {
        let checked = vault.scrub(30).unwrap();
        assert!(checked.bytes < 100);
        damage.extend(checked.damage);
        calls += 1;
        assert!(calls < 200);
    }
    assert!(calls > 1 && damage[0].object.contains("segments/0000000002-00000000000000000004"), "{damage:?}");
    assert!(damage[0].message.contains("the chunk of `"), "{damage:?}");
    let all = vault.scrub(u64::MAX).unwrap();
    assert!(all.objects as usize >= vault.archive().manifest(&saved).unwrap().segments().count() - 1);
}
