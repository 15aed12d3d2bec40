//! State with its deadlines on the way to a snapshot, and back.
use super::{Aged, KeyedTable};
use crate::contract::code::Codec;
use crate::contract::key::PartitionKey;
use crate::contract::record::{CodecError, Record};
use crate::contract::snapshot::{Barrier, Part, Task};
use crate::contract::state::Deadline;
use crate::state::saved::{Chapter, Draft, Edition, Layout, Owner};
use crate::state::table::Entries;
use std::marker::PhantomData;

/// A deadline that is not known, because there was none when the state was written.
const UNKNOWN: i64 = i64::MIN;

/// State behind its deadline, if it has one. The bucket is not written: it follows from the deadline.
struct OfAged<K, C, D>(C, PhantomData<fn(K, D)>);
impl<K: Record, S, C: Codec<S>, D: Deadline> Entries<K, Aged<S, D>> for OfAged<K, C, D> {
    #[inline(always)]
    fn put(&self, key: &K, aged: &Aged<S, D>, draft: &mut Draft) -> Result<(), CodecError> {
        draft.put(
            |out| key.encode(out),
            |out| {
                if D::EXPIRES {
                    out.extend_from_slice(&aged.deadline.time().to_le_bytes());
                }
                self.0.encode(&aged.state, out)
            },
        )
    }
    fn gone(&self, key: &K, draft: &mut Draft) -> Result<(), CodecError> {
        draft.gone(|out| key.encode(out))
    }
    fn key(&self, key: &[u8]) -> Result<K, CodecError> {
        K::decode(key)
    }
    fn value(&self, edition: Edition, value: &[u8]) -> Result<Aged<S, D>, CodecError> {
        let (time, state) = match value.split_first_chunk() {
            _ if !edition.expires => (UNKNOWN, value),
            Some((time, state)) => (i64::from_le_bytes(*time), state),
            None => return Err(CodecError::new("the time at which it expires is missing")),
        };
        Ok(Aged { state: self.0.decode(edition.version, state)?, deadline: D::at(time, 0) })
    }
}

impl<K: PartitionKey, S: 'static, D: Deadline> KeyedTable<K, S, D> {
    /// From now on the table knows what changes, and can write it to snapshots.
    pub fn track(&mut self, owner: Owner, codec: impl Codec<S>) {
        let layout = Layout::of_entries::<K, S>(&codec).expiring(D::EXPIRES);
        self.chapter = Some(Chapter::new(owner, Part::State, layout));
        self.table.track_by(Box::new(OfAged(codec, PhantomData)));
    }
    /// A barrier passes.
    pub fn flip(&mut self, barrier: Barrier) {
        if let Some(chapter) = &mut self.chapter {
            chapter.flip_table(&mut self.table, barrier);
        }
    }
    /// Does something about the state. `now` is for state that has been given a time to live since it was written.
    pub fn persist(&mut self, task: Task<'_, '_>, now: i64) {
        let Some(chapter) = &mut self.chapter else { return };
        if let Task::Give(_, groups) = &task {
            let key_groups = self.table.key_groups();
            self.wheel.retain(|_, keys| {
                keys.retain(|(hash, _)| !groups.contains(key_groups.of(*hash)));
                !keys.is_empty()
            });
        }
        let come = chapter.persist_table(&mut self.table, task);
        if D::EXPIRES {
            come.into_iter().for_each(|group| self.enlist_group(group, now));
        }
    }
    /// Puts every key of a group on the wheel.
    fn enlist_group(&mut self, group: u16, now: i64) {
        let (ttl, step) = (self.ttl, self.step());
        for (hash, key, aged) in self.table.iter_group_unseen(group) {
            let time = match aged.deadline.time() {
                // Before time is known, nothing can have expired.
                UNKNOWN if now == i64::MIN => i64::MAX,
                UNKNOWN => now.saturating_add(ttl),
                time => time,
            };
            let bucket = super::bucket(time, step);
            aged.deadline = D::at(time, bucket);
            self.wheel.entry(bucket).or_default().push((hash, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
