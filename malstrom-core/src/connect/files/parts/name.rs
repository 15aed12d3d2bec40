//! What parts are called where snapshots are on.

/// What names a part. Nothing in it is left to chance, so that whoever restores the job finds it; and since a job goes on at a
/// higher interval than that of the snapshot it is restored from, no later part has the name of one that is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    /// The interval in which it begins.
    pub(super) interval: u64,
    /// The worker that writes it.
    pub(super) worker: u64,
    /// Its number among those of this interval and worker.
    pub(super) number: u64,
    /// The term in which it is written. What an attempt has left that failed is told apart from what is being written by that.
    pub(super) term: u64,
}
crate::record_by_fields!(Name { interval: u64, worker: u64, number: u64, term: u64 });

impl Name {
    /// Its name once it is published.
    pub(super) fn public(&self, extension: &str) -> String {
        let Name { interval, worker, number, .. } = self;
        format!("part-{interval:010}-{worker:04}-{number:04}.{extension}")
    }

    /// Its name before.
    pub(super) fn hidden(&self, extension: &str) -> String {
        let Name { interval, worker, number, term } = self;
        format!(".part-{interval:010}-{worker:04}-{number:04}-{term}.{extension}")
    }

    /// The part that has this hidden name.
    pub(super) fn of_hidden(file: &str, extension: &str) -> Option<Name> {
        let mut numbers = file.strip_prefix(".part-")?.strip_suffix(extension)?.strip_suffix('.')?.split('-');
        let mut next = || numbers.next()?.parse().ok();
        let name = Name { interval: next()?, worker: next()?, number: next()?, term: next()? };
        // Anything else that reads as numbers is somebody else's.
        (name.hidden(extension) == file).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_hidden_name_is_read_back(interval: u64, worker: u64, number: u64, term: u64) {
            let name = Name { interval, worker, number, term };
            prop_assert_eq!(Name::of_hidden(&name.hidden("csv"), "csv"), Some(name));
        }
    }

    #[test]
    fn names_of_others_are_not_taken_for_ours() {
        let ours = ".part-0000000001-0002-0003-4.csv";
        assert_eq!(Name::of_hidden(ours, "csv"), Some(Name { interval: 1, worker: 2, number: 3, term: 4 }));
        assert_eq!(Name::of_hidden(ours, "jsonl"), None);
        for other in [
            "part-0000000001-0002-0003.csv",
            ".part-0000-000000.csv",
            ".part-1-2-3-4.csv",
            ".part-0000000001-0002-0003-+4.csv",
            ".part-0000000001-0002-0003-4-5.csv",
            ".part-0000000001-0002-0003-4csv",
            ".part-0000000001-0002-0003.csv",
        ] {
            assert_eq!(Name::of_hidden(other, "csv"), None, "{other}");
        }
    }
}
