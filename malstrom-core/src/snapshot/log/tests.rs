use super::*;
use std::collections::BTreeMap;

type Entries = BTreeMap<u64, Bytes>;

/// Answers until there is nothing more to ask.
fn drive(log: &mut Log, entries: &mut Entries, mut next: Option<Request>) -> Result<(), LogError> {
    while let Some(request) = next {
        next = log.on(match request {
            Request::List { after } => Reply::Listed(entries.range(after + 1..).map(|(seq, _)| *seq).collect()),
            Request::Get { seq } => Reply::Got(entries.get(&seq).cloned()),
            Request::Create { seq, .. } if entries.contains_key(&seq) => Reply::Exists,
            Request::Create { seq, bytes } => {
                entries.insert(seq, bytes);
                Reply::Created
            }
        })?;
    }
    Ok(())
}
fn load(entries: &mut Entries) -> Result<Log, LogError> {
    let (mut log, first) = Log::load();
    drive(&mut log, entries, Some(first))?;
    Ok(log)
}
fn claim(entries: &mut Entries, nonce: u128) -> Log {
    let mut log = load(entries).unwrap();
    let request = log.claim("job", "me", nonce).unwrap();
    drive(&mut log, entries, Some(request)).unwrap();
    log
}
fn snapshot(log: &mut Log, entries: &mut Entries, nonce: u128) -> Result<(), LogError> {
    let record = Record::Snapshot { interval: 1, manifest: String::new(), checksum: 0 };
    let request = log.append(record, nonce)?;
    drive(log, entries, Some(request))
}
/// Another entry in the place of one, with its own checksum right.
fn replace(entries: &mut Entries, seq: u64, change: impl FnOnce(&mut Entry)) {
    let mut entry = Entry::decode(seq, &entries[&seq]).unwrap();
    change(&mut entry);
    entries.insert(seq, entry.encode());
}

#[test]
fn what_was_appended_is_loaded() {
    let mut entries = Entries::new();
    let mut log = claim(&mut entries, 1);
    snapshot(&mut log, &mut entries, 2).unwrap();
    let mut log = claim(&mut entries, 3);
    assert_eq!((log.head(), log.term()), (3, 2));
    // Back to the newest snapshot, and further if it is asked for.
    assert_eq!(log.entries().iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2]);
    let older = log.older();
    drive(&mut log, &mut entries, older).unwrap();
    assert_eq!(log.entries().iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(log.older(), None);
}

#[test]
fn an_entry_in_the_place_of_another_is_found() {
    let mut entries = Entries::new();
    let _ = (claim(&mut entries, 1), claim(&mut entries, 2), claim(&mut entries, 3));
    let unreadable = |change: fn(&mut Entries), expected: &str| {
        let mut broken = entries.clone();
        change(&mut broken);
        match load(&mut broken) {
            Err(LogError::Unreadable { why, .. }) => assert!(why.to_string().contains(expected), "{why}"),
            other => panic!("{other:?}"),
        }
    };
    unreadable(|entries| replace(entries, 2, |entry| entry.nonce = 9), "not its successor");
    unreadable(|entries| drop(entries.remove(&2)), "missing");
    let lower = |entries: &mut Entries| replace(entries, 3, |entry| entry.term = 1);
    unreadable(lower, "lower term");
}

#[test]
fn what_lies_before_the_newest_snapshot_and_does_not_chain_is_the_end_of_the_log() {
    let mut entries = Entries::new();
    let mut log = claim(&mut entries, 1);
    snapshot(&mut log, &mut entries, 2).unwrap();
    replace(&mut entries, 1, |entry| entry.nonce = 9);
    let mut log = load(&mut entries).unwrap();
    let older = log.older();
    drive(&mut log, &mut entries, older).unwrap();
    assert_eq!(log.entries().len(), 1);
}

#[test]
fn who_does_not_hold_the_log_deletes_nothing() {
    let mut entries = Entries::new();
    let mut first = claim(&mut entries, 1);
    for nonce in 2..6 {
        snapshot(&mut first, &mut entries, nonce).unwrap();
    }
    assert_eq!((first.prunable(1), first.prunable(3), first.prunable(9)), (4, 2, 0));
    assert_eq!(load(&mut entries).unwrap().prunable(1), 0);
    claim(&mut entries, 7);
    assert_eq!(snapshot(&mut first, &mut entries, 8), Err(LogError::Fenced { term: 2 }));
    assert_eq!(first.prunable(1), 0);
    assert_eq!(snapshot(&mut first, &mut entries, 9), Err(LogError::Closed));
}
