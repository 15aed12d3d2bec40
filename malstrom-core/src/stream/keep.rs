//! How the ways of keeping state look to a stream keyed by `K`.
use super::At;
use super::env::Env;
use crate::contract::keying::{Keep, PerKey, PerKeyOption, Stateless};
use crate::contract::state::KeyedState;
use crate::state::table::StateTable;

/// A way of keeping state, on a stream keyed by `K`.
pub trait KeepFor<K>: Keep {
    /// What holds the state of all keys of this worker.
    type Table: 'static;
    /// An empty table.
    fn table(env: &Env) -> Self::Table;
    /// Lends the state of one key.
    fn with<R>(table: &mut Self::Table, at: At<'_, K>, f: impl FnOnce(&mut Self::State) -> R) -> R;
    /// See [`Push::touch`](super::Push::touch).
    fn touch(table: &Self::Table, hash: u64);
    /// See [`Push::worth_touching`](super::Push::worth_touching).
    fn worth_touching(table: &Self::Table) -> bool;
}

impl<K> KeepFor<K> for Stateless {
    type Table = ();
    fn table(_: &Env) {}
    #[inline(always)]
    fn with<R>(table: &mut (), _: At<'_, K>, f: impl FnOnce(&mut ()) -> R) -> R {
        f(table)
    }
    #[inline(always)]
    fn touch(_: &(), _: u64) {}
    #[inline(always)]
    fn worth_touching(_: &()) -> bool {
        false
    }
}

impl<S: KeyedState + Default> KeepFor<S::Key> for PerKey<S> {
    type Table = StateTable<S::Key, S>;
    fn table(env: &Env) -> Self::Table {
        StateTable::new(env.ranks())
    }
    #[inline(always)]
    fn with<R>(table: &mut Self::Table, at: At<'_, S::Key>, f: impl FnOnce(&mut S) -> R) -> R {
        f(table.entry(at.hash, at.key, S::default))
    }
    #[inline(always)]
    fn touch(table: &Self::Table, hash: u64) {
        table.touch(hash);
    }
    fn worth_touching(table: &Self::Table) -> bool {
        table.worth_touching()
    }
}

impl<S: KeyedState> KeepFor<S::Key> for PerKeyOption<S> {
    type Table = StateTable<S::Key, Option<S>>;
    fn table(env: &Env) -> Self::Table {
        StateTable::new(env.ranks())
    }
    #[inline(always)]
    fn with<R>(table: &mut Self::Table, at: At<'_, S::Key>, f: impl FnOnce(&mut Option<S>) -> R) -> R {
        match table.get(at.hash, at.key) {
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
                    table.insert(at.hash, at.key, state);
                }
                result
            }
        }
    }
    #[inline(always)]
    fn touch(table: &Self::Table, hash: u64) {
        table.touch(hash);
    }
    fn worth_touching(table: &Self::Table) -> bool {
        table.worth_touching()
    }
}
