//! How aggregates stand on streams with windows.
use crate::contract::code::{OfList, OfPair, OfRecord};
use crate::contract::form::{Meta, NoWindows, Windowing};
use crate::contract::kept::{Kept, Per};
use crate::contract::key::PartitionKey;
use crate::contract::windows::{Aligned, Counts, Cut, Lateness, Lenient, Often, OnTime, Once, Sessions, Spec, Times};
use crate::stream::aggregate::{Aggregate, AggregateStage};
use crate::stream::env::Env;
use crate::stream::link::Wrap;
use crate::stream::windows::HostStage;
use crate::stream::windows::counted::CountHost;
use crate::stream::windows::panes::PaneHost;
use crate::stream::windows::sessions::SessionHost;

/// How an aggregate stands on a stream with these windows.
pub trait Gathers<M: Meta, T, A>: Windowing {
    /// What it emits.
    type Out: 'static;
    /// The stage.
    fn gather(spec: Self::Spec, aggregate: A, node: usize) -> impl Wrap<M, T, M, Self::Out>;
    /// What it keeps, under this name.
    fn kept(name: &'static str, aggregate: &A) -> Kept;
}
impl<K, M, T, A> Gathers<M, T, A> for NoWindows
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
{
    type Out = A::Out;
    fn gather((): (), aggregate: A, node: usize) -> impl Wrap<M, T, M, A::Out> {
        AggregateStage { aggregate, node }
    }
    fn kept(name: &'static str, aggregate: &A) -> Kept {
        Kept::by_codec::<K, _, _>(name, aggregate.codec(), Per::Key)
    }
}
impl<K, M, T, A, N, L> Gathers<M, T, A> for Cut<Aligned<N>, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    N: Times,
    L: Lateness,
{
    type Out = A::Closed;
    fn gather(spec: Spec<Aligned<N>>, aggregate: A, node: usize) -> impl Wrap<M, T, M, A::Closed> {
        let make = move |env: &Env| PaneHost::<K, T, A, N, L>::new(aggregate, spec, env, node);
        HostStage { make, around: (), node }
    }
    fn kept(name: &'static str, aggregate: &A) -> Kept {
        Kept::by_codec::<K, _, _>(name, aggregate.codec(), Per::Window)
    }
}
impl<K, M, T, A, L> Gathers<M, T, A> for Cut<Sessions, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    L: Lateness,
{
    type Out = A::Closed;
    fn gather(spec: Spec<Sessions>, aggregate: A, node: usize) -> impl Wrap<M, T, M, A::Closed> {
        let make = move |env: &Env| SessionHost::<K, T, A, L>::new(aggregate, spec, env, node);
        HostStage { make, around: (), node }
    }
    fn kept(name: &'static str, aggregate: &A) -> Kept {
        if A::MERGES {
            return Kept::by_codec::<K, _, _>(name, aggregate.codec(), Per::Session);
        }
        let records = aggregate.record_code().map(|code| OfList(OfPair(OfRecord::<i64>::new(), code)));
        Kept::by_codec::<K, Vec<(i64, T)>, _>(name, records, Per::Session)
    }
}
impl<K, M, T, A, L> Gathers<M, T, A> for Cut<Counts, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    L: Lateness,
{
    type Out = A::Closed;
    fn gather(spec: Spec<Counts>, aggregate: A, node: usize) -> impl Wrap<M, T, M, A::Closed> {
        let make = move |env: &Env| CountHost::<K, T, A>::new(aggregate, spec, env, node);
        HostStage { make, around: (), node }
    }
    fn kept(name: &'static str, aggregate: &A) -> Kept {
        Kept::by_codec::<K, _, _>(name, aggregate.codec(), Per::Count)
    }
}

/// How `fold`, whose states do not merge, comes by its records on a stream with these windows.
pub trait FoldsIn<T>: Windowing {
    /// A copy of a record for a further window.
    fn copier() -> Option<fn(&T) -> T>;
}
impl<T> FoldsIn<T> for NoWindows {
    fn copier() -> Option<fn(&T) -> T> {
        None
    }
}
impl<T, L: Lateness> FoldsIn<T> for Cut<Aligned<Once>, L> {
    fn copier() -> Option<fn(&T) -> T> {
        None
    }
}
impl<T: Clone, L: Lateness> FoldsIn<T> for Cut<Aligned<Often>, L> {
    fn copier() -> Option<fn(&T) -> T> {
        Some(T::clone)
    }
}
impl<T> FoldsIn<T> for Cut<Sessions, OnTime> {
    fn copier() -> Option<fn(&T) -> T> {
        None
    }
}
/// A session that may have to be corrected is gone through again.
impl<T: Clone> FoldsIn<T> for Cut<Sessions, Lenient> {
    fn copier() -> Option<fn(&T) -> T> {
        Some(T::clone)
    }
}
impl<T, L: Lateness> FoldsIn<T> for Cut<Counts, L> {
    fn copier() -> Option<fn(&T) -> T> {
        None
    }
}
