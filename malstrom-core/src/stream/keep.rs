//! How the ways of keeping state look to a stream keyed by `K`.
use super::At;
use super::env::Env;
use crate::contract::code::{OfSome, OfState};
use crate::contract::form::Meta;
use crate::contract::kept::{Kept, Per};
use crate::contract::keying::{Keep, PerKey, PerKeyOption, Stateless};
use crate::contract::snapshot::{Barrier, Task};
use crate::contract::stage::Operator;
use crate::contract::state::KeyedState;
use crate::state::keyed::KeyedTable;
use std::time::Duration;

/// A way of keeping state, on a stream that travels under `M`.
pub trait KeepFor<M: Meta>: Keep {
    /// What holds the state of all keys of this worker.
    type Table: 'static;
    /// An empty table for operator `node`.
    fn table(env: &Env, node: usize) -> Self::Table;
    /// A barrier passes.
    fn flip(_: &mut Self::Table, _: Barrier) {}
    /// Does something about the state of all keys, at time `now`.
    fn persist(_: &mut Self::Table, _: Task<'_, '_>, _now: i64) {}
    /// Lends the state of one key at time `now`.
    fn with<R>(table: &mut Self::Table, at: At<'_, M>, now: i64, f: impl FnOnce(&mut Self::State) -> R) -> R;
    /// See [`Push::touch`](super::Push::touch).
    fn touch(table: &Self::Table, hash: u64);
    /// See [`Push::worth_touching`](super::Push::worth_touching).
    fn worth_touching(table: &Self::Table) -> bool;
    /// Drops some of the state that has expired at time `now`. Whether there may be more.
    fn expire(_: &mut Self::Table, _now: i64) -> bool {
        false
    }
    /// What it keeps for `Op`, as the plan says it.
    fn kept<Op: Operator>() -> Option<Kept> {
        None
    }
    /// When state expires next.
    fn next_expiry(_: &Self::Table) -> Option<i64> {
        None
    }
}

/// How many keys are looked at for expiry in one go.
const EXPIRE: usize = 1024;

fn ttl<S: KeyedState>() -> i64 {
    S::TTL.map_or(0, |ttl: Duration| i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX))
}

impl<M: Meta> KeepFor<M> for Stateless {
    type Table = ();
    fn table(_: &Env, _: usize) {}
    #[inline(always)]
    fn with<R>(table: &mut (), _: At<'_, M>, _: i64, f: impl FnOnce(&mut ()) -> R) -> R {
        f(table)
    }
    #[inline(always)]
    fn touch(_: &(), _: u64) {}
    #[inline(always)]
    fn worth_touching(_: &()) -> bool {
        false
    }
}

/// What is the same for all state that is kept in a table.
macro_rules! in_a_table {
    ($codec:expr) => {
        fn table(env: &Env, node: usize) -> Self::Table {
            let mut table = KeyedTable::new(env.ranks(), ttl::<S>());
            if env.tracks() {
                table.track(env.owner(node), $codec);
            }
            table
        }
        fn flip(table: &mut Self::Table, barrier: Barrier) {
            table.flip(barrier);
        }
        fn persist(table: &mut Self::Table, task: Task<'_, '_>, now: i64) {
            table.persist(task, now);
        }
        #[inline(always)]
        fn touch(table: &Self::Table, hash: u64) {
            table.touch(hash);
        }
        fn worth_touching(table: &Self::Table) -> bool {
            table.worth_touching()
        }
        fn expire(table: &mut Self::Table, now: i64) -> bool {
            table.expire(now, EXPIRE)
        }
        fn next_expiry(table: &Self::Table) -> Option<i64> {
            table.next_expiry()
        }
        fn kept<Op: Operator>() -> Option<Kept> {
            Some(Kept::state::<S, Op>(Per::Key))
        }
    };
}

impl<M: Meta<Key = S::Key>, S: KeyedState + Default> KeepFor<M> for PerKey<S> {
    type Table = KeyedTable<S::Key, S, S::Deadline>;
    #[inline(always)]
    fn with<R>(table: &mut Self::Table, at: At<'_, M>, now: i64, f: impl FnOnce(&mut S) -> R) -> R {
        f(table.entry(at.hash, at.key, now, S::default))
    }
    in_a_table!(OfState::<S>::new());
}

impl<M: Meta<Key = S::Key>, S: KeyedState> KeepFor<M> for PerKeyOption<S> {
    type Table = KeyedTable<S::Key, Option<S>, S::Deadline>;
    #[inline(always)]
    fn with<R>(table: &mut Self::Table, at: At<'_, M>, now: i64, f: impl FnOnce(&mut Option<S>) -> R) -> R {
        match table.get(at.hash, at.key, now) {
            Some(state) => {
                let result = f(state);
                if state.is_none() {
                    table.remove(at.hash, at.key);
                }
                result
            }
            None => {
                let mut state = None;
                let result = f(&mut state);
                if state.is_some() {
                    table.insert(at.hash, at.key, now, state);
                }
                result
            }
        }
    }
    in_a_table!(OfSome(OfState::<S>::new()));
}
