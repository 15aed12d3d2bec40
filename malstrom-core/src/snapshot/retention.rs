//! Deleting what is no longer needed: mark what the kept snapshots refer to, then sweep the rest.
//!
//! What an object is for is told by its name alone. Everything is classified before anything is deleted; then segments go
//! first and manifests last, oldest first, so that a crash in between leaves no manifest without its segments that is not
//! garbage itself.
use super::manifest::Kind;
use super::store::Listed;
use super::vault::Vault;
use super::writer::parse;
use crate::error::Result;
use std::collections::{BTreeMap, HashSet};

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many objects.
    pub objects: u64,
    /// How many bytes they had.
    pub bytes: u64,
    /// How many entries of the log.
    pub entries: u64,
}

/// What is known when an object is judged.
struct Marks {
    needed: HashSet<String>,
    term: u64,
    in_flight: u64,
}
impl Marks {
    /// Whether nobody needs an object, and nobody will. What another coordinator has written since it took over, what this one
    /// is still writing, and whatever has another name, is not garbage.
    fn is_garbage(&self, object: &str) -> bool {
        let name = object.rsplit('/').next().unwrap_or_default();
        let old = parse(name)
            .is_some_and(|(term, interval)| term < self.term || (term == self.term && interval < self.in_flight));
        old && !self.needed.contains(object)
    }
}

impl Vault {
    /// Deletes what no snapshot that is kept needs. `in_flight` is the oldest interval of this term that is still being written,
    /// or the next one.
    ///
    /// # Errors
    /// If the store cannot be listed or a manifest not be read; then nothing is deleted. If something cannot be deleted, it is
    /// tried again the next time.
    pub fn collect(&mut self, in_flight: u64) -> Result<Swept> {
        let store = self.archive.store.clone();
        store.wait(async {
            let needed = match self.mark().await {
                Ok(needed) => needed,
                Err(error) => return Err(self.ledger.suspect(error).await),
            };
            let marks = Marks { needed, term: self.ledger.term(), in_flight };
            let mut segments = store.list("segments", None).await?;
            let mut manifests = store.list("manifests", None).await?;
            if !self.tidied {
                segments.extend(abandoned(&store.list("savepoints", None).await?));
            }
            segments.retain(|listed| marks.is_garbage(&listed.object));
            manifests.retain(|listed| marks.is_garbage(&listed.object));
            let mut swept = Swept::default();
            for garbage in [segments, manifests] {
                let objects: Vec<String> = garbage.iter().map(|listed| listed.object.clone()).collect();
                store.delete(&objects).await?;
                swept.objects += objects.len() as u64;
                swept.bytes += garbage.iter().map(|listed| listed.length).sum::<u64>();
            }
            self.tidied = true;
            swept.entries = self.ledger.prune().await?;
            Ok(swept)
        })
    }
    /// The objects that the kept snapshots need.
    async fn mark(&mut self) -> Result<HashSet<String>> {
        let mut needed = HashSet::new();
        for saved in self.archive.saved.iter().filter(|saved| saved.kind == Kind::Snapshot) {
            if !self.opened.contains_key(&saved.manifest) {
                let opened = self.archive.opened(saved).await?;
                self.opened.insert(saved.manifest.clone(), opened);
            }
            needed.insert(saved.manifest.clone());
        }
        // Also what the next snapshot will be relative to.
        for opened in self.opened.values().chain(&self.parent) {
            needed.extend(opened.objects());
        }
        Ok(needed)
    }
}

/// The objects of savepoints that were never completed. Complete ones are never deleted, whether the log knows them or not.
fn abandoned(listed: &[Listed]) -> Vec<Listed> {
    let mut by_name: BTreeMap<&str, Vec<&Listed>> = BTreeMap::new();
    for object in listed {
        if let Some(name) = object.object.split('/').nth(1) {
            by_name.entry(name).or_default().push(object);
        }
    }
    by_name.retain(|_, objects| !objects.iter().any(|listed| listed.object.ends_with("/manifest")));
    by_name.into_values().flatten().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_garbage_is_told_by_name() {
        let needed = HashSet::from(["segments/1-5-0".to_owned()]);
        let marks = Marks { needed, term: 2, in_flight: 8 };
        for garbage in ["segments/1-4-0", "segments/1-99-0", "manifests/2-7"] {
            assert!(marks.is_garbage(garbage), "{garbage}");
        }
        // Needed; in flight; of one who has taken over; somebody else's.
        for kept in ["segments/1-5-0", "segments/2-8-0", "segments/2-9-0", "segments/3-1-0", "segments/notes.txt"] {
            assert!(!marks.is_garbage(kept), "{kept}");
        }
    }

    #[test]
    fn a_savepoint_with_a_manifest_is_never_abandoned() {
        let listed = |object: &str| Listed { object: object.to_owned(), length: 1 };
        let all = ["savepoints/a/manifest", "savepoints/a/segments/1-2-0", "savepoints/b/segments/1-3-0"].map(listed);
        assert_eq!(abandoned(&all), [listed("savepoints/b/segments/1-3-0")]);
    }
}
