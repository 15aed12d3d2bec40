//! Committing: the manifest, then the entry in the log.
use super::archive::{KEPT, Opened, kept, savepoint, savepoint_manifest};
use super::format::checksum;
use super::log::Record;
use super::manifest::{Kind, Layout, Manifest, Saved, needed};
use super::segment::Segment;
use super::vault::Vault;
use super::writer::{Written, merge};
use crate::contract::sink::CommitPermit;
use crate::contract::snapshot::{Part, Schema, Scope};
use crate::error::{Error, Result};
use crate::failpoint::{Failpoint, reach};
use std::collections::BTreeMap;

type Layouts = BTreeMap<(String, Part), Layout>;

/// A snapshot that is complete but not committed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Whether it is a savepoint.
    pub kind: Kind,
    /// Its interval.
    pub interval: u64,
    /// Whether the job has ended.
    pub ended: bool,
    /// What each process has written.
    pub written: Vec<Written>,
}
/// A snapshot that is committed: what was staged for it may be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed(Saved);
impl Committed {
    /// A permit for one sink of one worker.
    pub fn permit(&self) -> CommitPermit {
        CommitPermit::new(self.0.interval, self.0.term)
    }
    /// What was committed.
    pub fn saved(&self) -> &Saved {
        &self.0
    }
}

impl Vault {
    /// Commits a snapshot or a savepoint.
    ///
    /// # Errors
    /// If [`is_open`](Vault::is_open) afterwards, it is not committed and can be aborted. Otherwise the job has to be
    /// restored: [`Fenced`](Error::Fenced) if another coordinator has taken over, [`Uncertain`](Error::Uncertain) if nobody
    /// knows whether it is committed.
    pub fn commit(&mut self, draft: Draft) -> Result<Committed> {
        let (base, manifest) = self.draw_up(draft)?;
        let what = match &manifest.kind {
            Kind::Snapshot => format!("snapshot {}", manifest.interval),
            Kind::Savepoint(name) => format!("savepoint `{name}`"),
        };
        let bytes = manifest.encode();
        let (interval, sum) = (manifest.interval, checksum(&bytes));
        // What may lie in the store must not be written again, with something else.
        if interval == self.tried.0 && sum != self.tried.1 {
            return Err(Error::snapshot(format!(
                "interval {interval}: it was tried before, with something else in it"
            )));
        }
        self.tried = (interval, sum);
        let object = match &manifest.kind {
            Kind::Snapshot => format!("manifests/{:010}-{interval:020}", self.term()),
            Kind::Savepoint(name) => savepoint_manifest(name),
        };
        let record = match manifest.kind.clone() {
            Kind::Snapshot => Record::Snapshot { interval, manifest: object.clone(), checksum: sum },
            Kind::Savepoint(name) => Record::Savepoint { name, interval, manifest: object.clone(), checksum: sum },
        };
        let nonce = (self.nonces)();
        let (store, ledger) = (self.archive.store.clone(), &mut self.ledger);
        store.wait(async {
            store.write(&object, vec![bytes]).await?;
            reach(Failpoint::BeforeLog);
            ledger.append(record, nonce, &what).await
        })?;

        let kind = manifest.kind.clone();
        let saved = Saved { kind, interval, term: self.term(), manifest: object.clone(), checksum: sum };
        let opened = Opened::new(base, manifest);
        if saved.kind == Kind::Snapshot {
            self.opened.insert(object, opened.clone());
            self.parent = Some(opened);
            self.restored = None;
        }
        self.archive.saved.push(saved.clone());
        self.archive.saved = kept(&self.archive.saved, KEPT);
        let saved_now = &self.archive.saved;
        self.opened.retain(|manifest, _| saved_now.iter().any(|saved| saved.manifest == *manifest));
        Ok(Committed(saved))
    }

    /// The manifest of a draft, and where the names in it begin.
    fn draw_up(&self, draft: Draft) -> Result<(String, Manifest)> {
        let refuse = |why: String| Err(Error::snapshot(format!("interval {}: {why}", draft.interval)));
        if !self.is_open() {
            return Err(Error::Uncertain {
                what: format!("interval {}", draft.interval),
                cause: "this coordinator could not write to the commit log before".into(),
            });
        }
        // One that could not be stored may be tried again.
        let again =
            draft.interval == self.tried.0 && self.archive.saved.iter().all(|saved| saved.interval < draft.interval);
        if draft.interval < self.next_interval() && !again {
            return refuse(format!("there was an interval {} already", self.next_interval() - 1));
        }
        let (base, mut segments) = match &draft.kind {
            Kind::Snapshot => {
                let parent = self.parent.as_ref().map(|parent| parent.manifest.segments.clone());
                (String::new(), parent.unwrap_or_default())
            }
            Kind::Savepoint(name) => {
                self.check_name(name)?;
                (savepoint(name), Vec::new())
            }
        };
        let mut schemas = BTreeMap::new();
        let mut scope = None;
        for Written { segment, kind, schemas: theirs } in draft.written {
            if segment.interval != draft.interval
                || kind != draft.kind
                || *scope.get_or_insert(segment.scope) != segment.scope
            {
                return refuse(format!("{segment:?} was written for another snapshot"));
            }
            for (key, schema) in theirs {
                merge(&mut schemas, key, schema)?;
            }
            segments.push(segment);
        }
        let Some(scope) = scope else { return refuse("no process has written anything".into()) };
        if matches!(draft.kind, Kind::Savepoint(_)) && scope != Scope::Whole {
            return refuse("a savepoint is to have everything".into());
        }
        let Some(needed) = needed(&segments) else {
            return refuse("it has changes and nothing to which they belong".into());
        };
        let segments: Vec<Segment> = needed.to_vec();
        let live = match draft.kind {
            Kind::Snapshot => kept(&self.archive.saved, KEPT - 1),
            Kind::Savepoint(_) => Vec::new(),
        };
        let manifest = Manifest {
            job: self.job.name.clone(),
            key_groups: self.key_groups.count() as u32,
            seed: self.seed,
            interval: draft.interval,
            term: self.term(),
            attempt: self.attempt,
            kind: draft.kind,
            scope,
            ended: draft.ended,
            layouts: self.layouts(schemas, draft.interval, scope),
            segments,
            live,
        };
        Ok((base, manifest))
    }
    /// How everything is laid out that a snapshot has, if the operators have said this about their own.
    ///
    /// An operator that had nothing to write may have said nothing, but what it wrote before still counts. What was not asked
    /// for when the job was restored was dropped, and does not, even if there is an operator of that name again.
    fn layouts(&self, schemas: BTreeMap<(String, Part), Schema>, draft: u64, scope: Scope) -> Layouts {
        let new = |(key, schema)| (key, Layout { schema, since: draft });
        let mut layouts: Layouts = schemas.into_iter().map(new).collect();
        if let Some(parent) = self.parent.as_ref().filter(|_| scope != Scope::Whole) {
            for (key, before) in &parent.manifest.layouts {
                if self.restored.as_ref().is_none_or(|restored| restored.has_claimed(&key.0, key.1)) {
                    layouts.entry(key.clone()).or_insert_with(|| before.clone()).since = before.since;
                }
            }
        }
        layouts
    }
}
