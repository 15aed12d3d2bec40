//! The state of an operator by key, and its expiry.
//!
//! State with a time to live (`#[keyed_state(ttl = "30d")]`) carries a deadline, which every use of it puts off. Whether it
//! has passed is looked at when the state is used; the memory is given back by a wheel of coarse buckets, in which each
//! key lies once and is put off lazily, so that a use costs no more than a store.
mod saved;

use super::saved::Chapter;
use super::table::{Ranks, StateTable};
use crate::contract::state::Deadline;
use std::collections::BTreeMap;
use std::fmt;

/// Into how many buckets a time to live is divided: memory is given back this much too late, at most.
const BUCKETS: i64 = 64;

/// The end of the bucket of a deadline.
fn bucket(time: i64, step: i64) -> i64 {
    time.div_euclid(step).saturating_add(1).saturating_mul(step)
}

struct Aged<S, D> {
    state: S,
    deadline: D,
}
/// State by key, with a deadline of type `D`: `()` for state that is kept for ever.
pub struct KeyedTable<K, S, D> {
    table: StateTable<K, Aged<S, D>>,
    ttl: i64,
    /// The end of a bucket, and the keys whose deadline was in it when they were put there.
    wheel: BTreeMap<i64, Vec<(u64, K)>>,
    /// Where it is written to, if it is.
    chapter: Option<Chapter>,
}
impl<K, S, D> fmt::Debug for KeyedTable<K, S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedTable").field("table", &self.table).finish_non_exhaustive()
    }
}

impl<K: Eq + Clone, S, D: Deadline> KeyedTable<K, S, D> {
    /// An empty table for the groups in `ranks`; `ttl` in ticks.
    pub fn new(ranks: Ranks, ttl: i64) -> Self {
        KeyedTable { table: StateTable::new(ranks), ttl: ttl.max(1), wheel: BTreeMap::new(), chapter: None }
    }
    /// How many keys have state.
    pub fn len(&self) -> usize {
        self.table.len()
    }
    /// Whether no key has state.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
    /// See [`StateTable::touch`].
    #[inline(always)]
    pub fn touch(&self, hash: u64) {
        self.table.touch(hash);
    }
    /// See [`StateTable::worth_touching`].
    #[inline(always)]
    pub fn worth_touching(&self) -> bool {
        self.table.worth_touching()
    }

    /// How long a bucket is.
    fn step(&self) -> i64 {
        (self.ttl / BUCKETS).max(1)
    }
    /// Puts off a deadline after a use at `now`.
    #[inline(always)]
    fn put_off(&self, deadline: D, now: i64) -> D {
        D::at(deadline.time().max(now.saturating_add(self.ttl)), deadline.bucket())
    }
    /// The deadline of state that is made at `now`, for a key that is put on the wheel.
    #[cold]
    fn enlist(&mut self, hash: u64, key: &K, time: i64) -> D {
        let bucket = bucket(time, self.step());
        self.wheel.entry(bucket).or_default().push((hash, key.clone()));
        D::at(time, bucket)
    }

    /// The state of `key` at time `now`, made fresh if there is none, or if it has expired.
    #[inline(always)]
    pub fn entry(&mut self, hash: u64, key: &K, now: i64, fresh: impl Fn() -> S) -> &mut S {
        if !D::EXPIRES {
            return &mut self.table.entry(hash, key, || Aged { state: fresh(), deadline: D::at(0, 0) }).state;
        }
        let kept = self.table.peek(hash, key).map(|aged| aged.deadline);
        let deadline = match kept {
            Some(deadline) => self.put_off(deadline, now),
            None => self.enlist(hash, key, now.saturating_add(self.ttl)),
        };
        let aged = self.table.entry(hash, key, || Aged { state: fresh(), deadline });
        if kept.is_some_and(|deadline| deadline.time() <= now) {
            aged.state = fresh();
        }
        aged.deadline = deadline;
        &mut aged.state
    }
    /// The state of `key` at time `now`, if it has any. Its deadline is put off.
    #[inline]
    pub fn get(&mut self, hash: u64, key: &K, now: i64) -> Option<&mut S> {
        if !D::EXPIRES {
            return self.table.get(hash, key).map(|aged| &mut aged.state);
        }
        let kept = self.table.peek(hash, key)?.deadline;
        if kept.time() <= now {
            self.table.remove(hash, key);
            return None;
        }
        let deadline = self.put_off(kept, now);
        let aged = self.table.get(hash, key)?;
        aged.deadline = deadline;
        Some(&mut aged.state)
    }
    /// Sets the state of `key`, which has none.
    pub fn insert(&mut self, hash: u64, key: &K, now: i64, state: S) {
        let deadline = if D::EXPIRES { self.enlist(hash, key, now.saturating_add(self.ttl)) } else { D::at(0, 0) };
        self.table.insert(hash, key, Aged { state, deadline });
    }
    /// Drops the state of `key`.
    pub fn remove(&mut self, hash: u64, key: &K) {
        self.table.remove(hash, key);
    }
    /// Gives back the memory of keys whose state has expired at `now`, looking at `most` of them. Whether there may be
    /// more.
    pub fn expire(&mut self, now: i64, most: usize) -> bool {
        if !D::EXPIRES {
            return false;
        }
        for _ in 0..most {
            let Some(mut first) = self.wheel.first_entry().filter(|first| *first.key() <= now) else { return false };
            let bucket = *first.key();
            let Some((hash, key)) = first.get_mut().pop() else {
                first.remove();
                continue;
            };
            // A key that was dropped and made again in between is on the wheel a second time.
            match self.table.peek(hash, &key).map(|aged| aged.deadline).filter(|kept| kept.bucket() == bucket) {
                Some(kept) if kept.time() > now => {
                    let deadline = self.enlist(hash, &key, kept.time());
                    // Buckets are not saved.
                    if let Some(aged) = self.table.get_unseen(hash, &key) {
                        aged.deadline = deadline;
                    }
                }
                Some(_) => drop(self.table.remove(hash, &key)),
                None => {}
            }
        }
        true
    }
    /// When [`expire`](Self::expire) next has something to do.
    pub fn next_expiry(&self) -> Option<i64> {
        self.wheel.first_key_value().map(|(bucket, _)| *bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::key::KeyGroups;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Against a map of (state, last use).
        #[test]
        fn state_lives_as_long_as_it_is_used(
            uses in proptest::collection::vec((0u64..8, 0i64..400, any::<bool>()), 0..300),
            ttl in 1i64..2000,
        ) {
            let mut table = KeyedTable::<u64, u64, (i64, i64)>::new(Ranks::all(KeyGroups::DEFAULT), ttl);
            let mut oracle: HashMap<u64, (u64, i64)> = HashMap::new();
            let mut now = 0;
            for (key, pause, drop) in uses {
                now += pause;
                while table.expire(now, 2) {}
                let hash = key << 52;
                let kept = oracle.entry(key).or_insert((0, now));
                if kept.1 + ttl <= now {
                    kept.0 = 0;
                }
                *kept = (kept.0 + 1, now);
                let state = table.entry(hash, &key, now, || 0);
                *state += 1;
                prop_assert_eq!(*state, kept.0);
                if drop {
                    table.remove(hash, &key);
                    oracle.remove(&key);
                }
            }
            now += 3 * ttl;
            while table.expire(now, 100) {}
            prop_assert_eq!(table.len(), 0);
            prop_assert_eq!(table.next_expiry(), None);
        }
    }
}
