//! Looks at the commit log of a job from outside: as a reader who believes nobody.
use super::violation::{Invariant, Violation};
use crate::snapshot::log::{Entry, Record};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_128;

/// A snapshot that workers were told is committed: its interval, and the term of who told them.
pub type Acted = (u64, u64);

/// What is wrong with a log of these entries, by their numbers, where workers have acted on these snapshots.
///
/// # Errors
/// What is wrong.
pub(super) fn audit(entries: &BTreeMap<u64, Bytes>, acted: &[Acted]) -> Result<(), Violation> {
    let wrong = |what: String| Err(Violation { invariant: Invariant::CommitLog, what });
    let (mut last, mut committed): (Option<(Entry, u128)>, BTreeSet<Acted>) = Default::default();
    let mut newest = 0;
    for (seq, bytes) in entries {
        let entry = match Entry::decode(*seq, bytes) {
            Ok(entry) => entry,
            Err(why) => return wrong(format!("entry {seq} cannot be read: {why:?}")),
        };
        let (before, hash) = last.as_ref().map_or((0, 0), |(entry, hash)| (entry.seq, *hash));
        if *seq != before + 1 {
            return wrong(format!("entry {seq} comes after entry {before}"));
        }
        if entry.prev != hash {
            return wrong(format!("entry {seq} is not the successor of the entry before it"));
        }
        let term = last.as_ref().map_or(0, |(entry, _)| entry.term);
        let claims = matches!(entry.record, Record::Claim { .. });
        if if claims { entry.term <= term } else { entry.term != term } {
            return wrong(format!("entry {seq} has term {}, and the one before it has term {term}", entry.term));
        }
        if let Record::Snapshot { interval, .. } | Record::Savepoint { interval, .. } = entry.record {
            if interval <= newest {
                return wrong(format!(
                    "entry {seq} commits snapshot {interval}, and snapshot {newest} was committed before"
                ));
            }
            newest = interval;
            committed.insert((interval, entry.term));
        }
        last = Some((entry, xxh3_128(bytes)));
    }
    match acted.iter().find(|acted| !committed.contains(acted)) {
        Some((interval, term)) => wrong(format!(
            "workers were told that snapshot {interval} is committed, by term {term}, and no entry says so"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of claims (`None`) and snapshots.
    fn log(records: &[(u64, Option<u64>)]) -> BTreeMap<u64, Bytes> {
        let mut prev = 0;
        let entry = |(seq, (term, interval)): (u64, &(u64, Option<u64>))| {
            let record = match interval {
                None => Record::Claim { job: "j".into(), id: "i".into() },
                Some(interval) => Record::Snapshot { interval: *interval, manifest: "m".into(), checksum: 0 },
            };
            let bytes = Entry { seq, term: *term, nonce: u128::from(seq), prev, record }.encode();
            prev = xxh3_128(&bytes);
            (seq, bytes)
        };
        (1..).zip(records).map(entry).collect()
    }
    fn wrong(entries: &BTreeMap<u64, Bytes>, acted: &[Acted]) -> String {
        audit(entries, acted).unwrap_err().what
    }
    #[test]
    fn what_a_log_can_be_is_told_from_what_it_cannot_be() {
        let good = log(&[(1, None), (1, Some(1)), (1, Some(2)), (3, None), (3, Some(5))]);
        assert_eq!(audit(&good, &[(1, 1), (5, 3)]), Ok(()));
        assert!(wrong(&good, &[(1, 1), (3, 3)]).contains("snapshot 3 is committed"));
        assert!(wrong(&good, &[(5, 1)]).contains("by term 1"), "it is another one of that number");
        let mut gap = good.clone();
        gap.remove(&3);
        assert!(wrong(&gap, &[]).contains("entry 4 comes after entry 2"));
        let mut other = good.clone();
        other.insert(2, log(&[(1, None), (1, Some(7))])[&2].clone());
        assert!(wrong(&other, &[]).contains("entry 3 is not the successor"));
        let mut torn = good;
        torn.insert(5, torn[&5].slice(..40));
        assert!(wrong(&torn, &[]).contains("entry 5 cannot be read"));
        assert!(wrong(&log(&[(1, None), (2, Some(1))]), &[]).contains("term 2"), "who has not claimed it");
        assert!(wrong(&log(&[(1, None), (1, None)]), &[]).contains("term 1"), "two with the same term");
        assert!(wrong(&log(&[(1, None), (1, Some(4)), (1, Some(4))]), &[]).contains("snapshot 4 was committed before"));
    }
}
