//! Whatever was committed, aborted, collected and restored before: a restore gives back the state that there was.
#![allow(clippy::unwrap_used, missing_docs)]
mod vaults;

use malstrom_core::contract::key::KeyGroups;
use malstrom_core::snapshot::{Kind, Location};
use proptest::prelude::*;
use std::collections::BTreeMap;
use vaults::{GROUPS, State, Toy, in_memory, job, nonces, open};

#[derive(Clone, Debug)]
enum Step {
    Put {
        operator: usize,
        group: u16,
        key: u8,
        value: Option<u8>,
    },
    /// Some groups are written in full out of turn.
    Snapshot {
        processes: u16,
        commit: bool,
        out_of_turn: Vec<u16>,
    },
    Savepoint,
    Collect,
    Scrub(u64),
    /// The job starts anew with one of the snapshots, and perhaps without one of its operators.
    Restart {
        which: prop::sample::Index,
        workers: u16,
        without: Option<usize>,
    },
}
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..3usize, 0..GROUPS, 0..6u8, any::<Option<u8>>())
            .prop_map(|(operator, group, key, value)| Step::Put { operator, group, key, value }),
        10 => (1..4u16, prop::bool::weighted(0.8), prop::collection::vec(0..GROUPS, 0..3))
            .prop_map(|(processes, commit, out_of_turn)| Step::Snapshot { processes, commit, out_of_turn }),
        1 => Just(Step::Savepoint),
        3 => Just(Step::Collect),
        1 => (1..2000u64).prop_map(Step::Scrub),
        2 => (any::<prop::sample::Index>(), 1..5u16, prop::option::weighted(0.3, 0..3usize))
            .prop_map(|(which, workers, without)| Step::Restart { which, workers, without }),
    ]
}

fn run(location: &Location, steps: Vec<Step>) {
    let all = ["a", "b", "c"];
    let mut vault = open(location).unwrap();
    let mut toy = Toy::new(&all);
    let mut kept: BTreeMap<String, State> = BTreeMap::new();
    let mut aborted = 0;
    for step in steps {
        match step {
            Step::Put { operator, group, key, value } => {
                if toy.operators.iter().any(|id| id == all[operator]) {
                    toy.put(all[operator], group, key, value);
                }
            }
            Step::Snapshot { processes, commit, out_of_turn } => {
                let interval = vault.next_interval() + aborted;
                let scope = vault.next_scope();
                let draft = toy.draft_of(&vault, Kind::Snapshot, interval, scope, processes, &out_of_turn).unwrap();
                if commit {
                    let committed = vault.commit(draft).unwrap();
                    assert_eq!(committed.permit().interval(), interval);
                    kept.insert(committed.saved().to_restore(), toy.state.clone());
                    toy.settle(&Kind::Snapshot);
                    aborted = 0;
                } else {
                    aborted += 1;
                }
            }
            Step::Savepoint => {
                let kind = Kind::Savepoint(format!("s{}", kept.len()));
                let interval = vault.next_interval() + aborted;
                let scope = malstrom_core::contract::snapshot::Scope::Whole;
                let committed =
                    vault.commit(toy.draft_of(&vault, kind.clone(), interval, scope, 2, &[]).unwrap()).unwrap();
                kept.insert(committed.saved().to_restore(), toy.state.clone());
                toy.settle(&kind);
                aborted = 0;
            }
            Step::Collect => drop(vault.collect(vault.next_interval()).unwrap()),
            Step::Scrub(budget) => assert_eq!(vault.scrub(budget).unwrap().damage, []),
            Step::Restart { which, workers, without } => {
                vault = open(location).unwrap();
                aborted = 0;
                let names: Vec<String> = vault.archive().list().iter().map(|saved| saved.to_restore()).collect();
                let mut operators: Vec<&str> =
                    all.into_iter().filter(|id| without.is_none_or(|w| all[w] != *id)).collect();
                operators.rotate_left(usize::from(workers) % 2);
                toy = Toy::new(&operators);
                if names.is_empty() {
                    vault.begin(0);
                    continue;
                }
                let name = &names[which.index(names.len())];
                let restore = toy.restore(&mut vault, name, workers).unwrap();
                let mut expected = kept[name].clone();
                let had = expected.keys().any(|(id, ..)| !operators.contains(&id.as_str()));
                assert!(
                    !had || restore.refuse_unclaimed(&[]).is_err(),
                    "state of an operator that is gone was dropped"
                );
                restore.refuse_unclaimed(&without.map(|w| all[w].to_owned()).into_iter().collect::<Vec<_>>()).unwrap();
                expected.retain(|(id, ..), _| operators.contains(&id.as_str()));
                assert_eq!(toy.state, expected, "{name}");
            }
        }
    }
    let savepoints: Vec<_> = kept.keys().filter(|name| name.starts_with('s')).cloned().collect();
    let archive = malstrom_core::snapshot::Archive::open(location).unwrap();
    assert_eq!(archive.list(), vault.archive().list());
    assert_eq!(archive.verify().unwrap().damage, []);
    for name in savepoints {
        assert!(archive.list().iter().any(|saved| saved.to_restore() == name), "savepoint {name} is gone");
    }
    for saved in archive.list() {
        let mut toy = Toy::new(&all);
        toy.load(&archive.restore(saved).unwrap(), 2).unwrap();
        assert_eq!(toy.state, kept[&saved.to_restore()], "{saved}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_restore_gives_back_the_state_that_there_was(steps in prop::collection::vec(step(), 0..250)) {
        run(&in_memory().1, steps);
    }
}

#[test]
fn a_group_that_is_written_in_full_and_has_nothing_has_nothing() {
    let (_, location) = in_memory();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    toy.put("a", 0, 1, Some(1));
    toy.snapshot(&mut vault).unwrap();
    // Nothing says that the key was removed but that it is not there.
    toy.put("a", 0, 1, None);
    toy.snapshot(&mut vault).unwrap();
    assert!(vault.next_scope().is_full(1) && !vault.next_scope().is_full(0));
    toy.put("a", 0, 2, Some(2));
    toy.restore(&mut vault, "latest", 1).unwrap();
    assert_eq!(toy.state, State::new());
}

#[test]
fn a_savepoint_that_was_deleted_makes_room_for_another_of_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let location: Location = format!("file://{}", dir.path().display()).parse().unwrap();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    let kind = Kind::Savepoint("s".into());
    for value in 1..3 {
        toy.put("a", 0, 0, Some(value));
        vault.commit(toy.draft(&vault, kind.clone(), 1, &[]).unwrap()).unwrap();
        toy.snapshot(&mut vault).unwrap();
        assert!(vault.check_name("s").is_err());
        if value == 1 {
            std::fs::remove_dir_all(dir.path().join("savepoints/s")).unwrap();
            assert_eq!(vault.archive().verify().unwrap().damage, []);
            let saved = vault.archive().find("s").unwrap().unwrap();
            assert!(vault.restore(&saved).unwrap_err().to_string().contains("savepoint `s` (1) cannot be restored"));
        }
    }
    for _ in 0..2 {
        assert_eq!(vault.archive().list().iter().filter(|saved| saved.kind == kind).count(), 1);
        assert_eq!(vault.archive().verify().unwrap().damage, []);
        vault = open(&location).unwrap();
    }
    toy.restore(&mut vault, "s", 1).unwrap();
    assert_eq!(toy.state.into_values().collect::<Vec<_>>(), [2]);
}

/// Another coordinator takes over behind a savepoint, and the workers go on: what they write is relative to what they wrote before it.
#[test]
fn a_job_that_goes_on_behind_a_savepoint_writes_what_has_changed_since_the_snapshot_before_it() {
    let (_, location) = in_memory();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    (0..6).for_each(|key| toy.put("a", 5, key, Some(key)));
    toy.snapshot(&mut vault).unwrap();
    toy.put("a", 6, 1, Some(7));
    let draft = toy.draft(&vault, Kind::Savepoint("s".into()), 1, &[]).unwrap();
    vault.commit(draft).unwrap();
    toy.put("a", 6, 2, Some(8));
    let interval = vault.next_interval();
    let changes = toy.draft(&vault, Kind::Snapshot, 1, &[]).unwrap();
    assert_eq!(changes.interval, interval);

    let mut successor = open(&location).unwrap();
    let newest = successor.archive().find("latest").unwrap().unwrap();
    assert_eq!(newest.kind, Kind::Savepoint("s".into()));
    successor.restore(&newest).unwrap();
    successor.goes_on(42).unwrap();
    successor.commit(changes).unwrap();
    let mut other = Toy::new(&["a"]);
    other.restore(&mut open(&location).unwrap(), "latest", 3).unwrap();
    assert_eq!(other.state, toy.state);
}

#[test]
fn an_operator_that_comes_back_has_nothing() {
    let (_, location) = in_memory();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a", "b"]);
    toy.put("a", 1, 1, Some(1));
    toy.put("b", 1, 1, Some(1));
    toy.snapshot(&mut vault).unwrap();
    // It is dropped, and a few snapshots later, while its chunks are still in a segment that is needed, it is back.
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["b"]);
    let restore = toy.restore(&mut vault, "latest", 1).unwrap();
    let error = restore.refuse_unclaimed(&[]).unwrap_err().to_string();
    assert!(error.contains("`a`") && !error.contains("`b`"), "{error}");
    restore.refuse_unclaimed(&["a".to_owned()]).unwrap();
    toy.snapshot(&mut vault).unwrap();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a", "b"]);
    let restore = toy.restore(&mut vault, "latest", 1).unwrap();
    let b: Vec<_> = vec![("b".to_owned(), 1, 1)];
    assert_eq!(toy.state.keys().cloned().collect::<Vec<_>>(), b);
    restore.refuse_unclaimed(&[]).unwrap();
    // Nor after it has written something itself.
    toy.put("a", 17, 1, Some(9));
    toy.snapshot(&mut vault).unwrap();
    toy.restore(&mut vault, "latest", 1).unwrap();
    assert_eq!(toy.state.keys().cloned().collect::<Vec<_>>(), [vec![("a".to_owned(), 17, 1)], b].concat());
}

#[test]
fn an_operator_that_says_nothing_keeps_what_it_wrote() {
    let (_, location) = in_memory();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    // Not one of those that are written in full next.
    toy.put("a", 7, 1, Some(1));
    toy.snapshot(&mut vault).unwrap();
    for _ in 0..2 {
        let (interval, scope) = (vault.next_interval(), vault.next_scope());
        let written =
            vault.writer(0).write(&Kind::Snapshot, interval, scope, &toy.operators, Default::default()).unwrap();
        let draft =
            malstrom_core::snapshot::Draft { kind: Kind::Snapshot, interval, ended: false, written: vec![written] };
        vault.commit(draft).unwrap();
        let expected = toy.state.clone();
        vault = open(&location).unwrap();
        toy.restore(&mut vault, "latest", 3).unwrap();
        assert_eq!(toy.state, expected);
    }
}

#[test]
fn a_savepoint_is_complete_in_itself() {
    let (_, location) = in_memory();
    let dir = tempfile::tempdir().unwrap();
    let here: Location = format!("file://{}/here", dir.path().display()).parse().unwrap();
    let mut vault = open(&here).unwrap();
    vault.begin(42);
    let mut toy = Toy::new(&["a"]);
    for key in 0..6 {
        toy.put("a", 5, key, Some(key));
        toy.snapshot(&mut vault).unwrap();
    }
    let kind = Kind::Savepoint("moved".to_owned());
    vault.commit(toy.draft(&vault, kind, 2, &[]).unwrap()).unwrap();
    let error = vault.check_name("moved").unwrap_err().to_string();
    assert!(error.contains("a savepoint `moved` already"), "{error}");

    // Copied into another location, under another name.
    let there: Location = format!("file://{}/there", dir.path().display()).parse().unwrap();
    let (from, to) = (dir.path().join("here/savepoints/moved"), dir.path().join("there/savepoints/copy"));
    std::fs::create_dir_all(to.join("segments")).unwrap();
    for file in std::fs::read_dir(from.join("segments")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join("segments").join(file.file_name())).unwrap();
    }
    std::fs::copy(from.join("manifest"), to.join("manifest")).unwrap();
    std::fs::remove_dir_all(dir.path().join("here")).unwrap();
    let mut vault = open(&there).unwrap();
    let mut other = Toy::new(&["a"]);
    other.restore(&mut vault, "copy", 3).unwrap();
    assert_eq!(other.state, toy.state);
    assert_eq!(vault.seed(), 42);
    // The next snapshot does not depend on it.
    other.snapshot(&mut vault).unwrap();
    vault.collect(vault.next_interval()).unwrap();
    std::fs::remove_dir_all(&to).unwrap();
    let mut vault = open(&there).unwrap();
    other.restore(&mut vault, "latest", 3).unwrap();
    assert_eq!(other.state, toy.state);
    drop(location);
}

#[test]
fn several_workers_read_at_once() {
    let (_, location) = in_memory();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a", "b"]);
    for group in 0..GROUPS {
        toy.put("a", group, 0, Some(group as u8));
    }
    toy.snapshot(&mut vault).unwrap();
    let saved = vault.archive().latest().unwrap().clone();
    let restore = vault.restore(&saved).unwrap();
    std::thread::scope(|scope| {
        for workers in 1..6 {
            let (restore, toy) = (restore.clone(), &toy);
            scope.spawn(move || {
                let mut other = Toy::new(&["a", "b"]);
                other.load(&restore, workers).unwrap();
                assert_eq!(other.state, toy.state);
            });
        }
    });
}

#[test]
fn a_location_belongs_to_one_job() {
    let (_, location) = in_memory();
    let first = open(&location).unwrap();
    let other = malstrom_core::snapshot::Vault::open(&location, job("other"), nonces());
    let error = other.unwrap_err().to_string();
    assert!(error.contains("has the snapshots of the job `job`, and this job is `other`"), "{error}");
    assert!(first.is_open());
    // The other has not claimed it.
    let mut first = first;
    Toy::new(&["a"]).snapshot(&mut first).unwrap();
    assert!(malstrom_core::snapshot::Vault::open(&location, job("other"), nonces()).is_err());
}

#[test]
fn fewer_key_groups_are_refused() {
    let (_, location) = in_memory();
    let mut vault = open(&location).unwrap();
    Toy::new(&["a"]).snapshot(&mut vault).unwrap();
    let job = malstrom_core::snapshot::Job { key_groups: Some(KeyGroups::LEAST), ..job("job") };
    let mut vault = malstrom_core::snapshot::Vault::open(&location, job, nonces()).unwrap();
    let saved = vault.archive().latest().unwrap().clone();
    let error = vault.restore(&saved).unwrap_err().to_string();
    assert_eq!(
        error,
        "snapshot 1 cannot be restored: it has 4096 key groups, and 128 are asked for; groups can be split, but not put together: \
         leave out `--key-groups`, or ask for 4096 or more"
    );
}

#[test]
fn snapshots_are_found_by_number_and_name() {
    let (_, location) = in_memory();
    let mut vault = open(&location).unwrap();
    let mut toy = Toy::new(&["a"]);
    assert_eq!(vault.archive().find("latest").unwrap(), None);
    for _ in 0..5 {
        toy.snapshot(&mut vault).unwrap();
    }
    vault.commit(toy.draft(&vault, Kind::Savepoint("v1".into()), 1, &[]).unwrap()).unwrap();
    let find = |which: &str| vault.archive().find(which).map(|found| found.map(|saved| saved.interval));
    assert_eq!(find("latest").unwrap(), Some(6));
    assert_eq!(find("v1").unwrap(), Some(6));
    assert_eq!(find("4").unwrap(), Some(4));
    assert_eq!(find("none").unwrap(), None);
    // The last three are kept.
    let error = find("2").unwrap_err().to_string();
    assert!(error.contains("no snapshot `2`") && error.contains("there are 3, 4, 5, v1"), "{error}");
}
