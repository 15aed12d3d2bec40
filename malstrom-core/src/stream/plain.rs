//! The built-in stages without state: `map`, `filter`, `filter_map`, `flat_map`, `inspect`.
use super::env::{Env, Site};
use super::link::Wrap;
use super::{At, Push, hands_on};
use crate::contract::form::Meta;

/// Settles a stage that counted what it passed on.
macro_rules! settle_counted {
    () => {
        #[inline]
        fn settle(&mut self, arrived: u64) {
            let passed = std::mem::take(&mut self.passed);
            self.site.add(|c| {
                c.records_in += arrived;
                c.records_out += passed;
            });
            self.down.settle(passed);
        }
        hands_on!();
    };
}
pub(crate) struct MapStage<F> {
    pub(crate) f: F,
    pub(crate) node: usize,
}
struct MapPush<F, P> {
    f: F,
    down: P,
    site: Site,
}
impl<M: Meta, T: 'static, R: 'static, F: FnMut(T) -> R + 'static> Wrap<M, T, M, R> for MapStage<F> {
    fn wrap<P: Push<M, R>>(self, env: &Env, down: P) -> impl Push<M, T> {
        MapPush::<F, P> { f: self.f, down, site: env.site(self.node) }
    }
}
impl<M: Meta, T, R, F: FnMut(T) -> R + 'static, P: Push<M, R>> Push<M, T> for MapPush<F, P> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        let guard = self.site.guard();
        let record = (self.f)(record);
        guard.disarm();
        self.down.push(at, record);
    }
    hands_on!(@settle);
}

pub(crate) struct FilterStage<F> {
    pub(crate) f: F,
    pub(crate) node: usize,
}
struct FilterPush<F, P> {
    f: F,
    down: P,
    passed: u64,
    site: Site,
}
impl<M: Meta, T: 'static, F: FnMut(&T) -> bool + 'static> Wrap<M, T, M, T> for FilterStage<F> {
    fn wrap<P: Push<M, T>>(self, env: &Env, down: P) -> impl Push<M, T> {
        FilterPush::<F, P> { f: self.f, down, passed: 0, site: env.site(self.node) }
    }
}
impl<M: Meta, T, F: FnMut(&T) -> bool + 'static, P: Push<M, T>> Push<M, T> for FilterPush<F, P> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        let guard = self.site.guard();
        let keep = (self.f)(&record);
        guard.disarm();
        // Counted outside of the branch: what is left inside may then be small enough to be computed without one.
        self.passed += u64::from(keep);
        if keep {
            self.down.push(at, record);
        }
    }
    settle_counted!();
}

pub(crate) struct InspectStage<F> {
    pub(crate) f: F,
    pub(crate) node: usize,
}
struct InspectPush<F, P> {
    f: F,
    down: P,
    site: Site,
}
impl<M: Meta, T: 'static, F: FnMut(&T) + 'static> Wrap<M, T, M, T> for InspectStage<F> {
    fn wrap<P: Push<M, T>>(self, env: &Env, down: P) -> impl Push<M, T> {
        InspectPush::<F, P> { f: self.f, down, site: env.site(self.node) }
    }
}
impl<M: Meta, T, F: FnMut(&T) + 'static, P: Push<M, T>> Push<M, T> for InspectPush<F, P> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        let guard = self.site.guard();
        (self.f)(&record);
        guard.disarm();
        self.down.push(at, record);
    }
    hands_on!(@settle);
}

pub(crate) struct FilterMapStage<F> {
    pub(crate) f: F,
    pub(crate) node: usize,
}
struct FilterMapPush<F, P> {
    f: F,
    down: P,
    passed: u64,
    site: Site,
}
impl<M: Meta, T: 'static, R: 'static, F: FnMut(T) -> Option<R> + 'static> Wrap<M, T, M, R> for FilterMapStage<F> {
    fn wrap<P: Push<M, R>>(self, env: &Env, down: P) -> impl Push<M, T> {
        FilterMapPush::<F, P> { f: self.f, down, passed: 0, site: env.site(self.node) }
    }
}
impl<M: Meta, T, R, F: FnMut(T) -> Option<R> + 'static, P: Push<M, R>> Push<M, T> for FilterMapPush<F, P> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        let guard = self.site.guard();
        let kept = (self.f)(record);
        guard.disarm();
        self.passed += u64::from(kept.is_some());
        if let Some(record) = kept {
            self.down.push(at, record);
        }
    }
    settle_counted!();
}

pub(crate) struct FlatMapStage<F> {
    pub(crate) f: F,
    pub(crate) node: usize,
}
struct FlatMapPush<F, P> {
    f: F,
    down: P,
    passed: u64,
    site: Site,
}
impl<M: Meta, T: 'static, I, F> Wrap<M, T, M, I::Item> for FlatMapStage<F>
where
    I: IntoIterator<Item: 'static>,
    F: FnMut(T) -> I + 'static,
{
    fn wrap<P: Push<M, I::Item>>(self, env: &Env, down: P) -> impl Push<M, T> {
        FlatMapPush::<F, P> { f: self.f, down, passed: 0, site: env.site(self.node) }
    }
}
impl<M: Meta, T, I, F, P> Push<M, T> for FlatMapPush<F, P>
where
    I: IntoIterator,
    F: FnMut(T) -> I + 'static,
    P: Push<M, I::Item>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        let guard = self.site.guard();
        for item in (self.f)(record) {
            self.passed += 1;
            self.down.push(at, item);
        }
        guard.disarm();
    }
    settle_counted!();
}

/// A stage that passes records on as they are, and counts them.
pub(crate) struct PassStage {
    pub(crate) node: usize,
}
struct PassPush<P> {
    down: P,
    site: Site,
}
impl<M: Meta, T: 'static> Wrap<M, T, M, T> for PassStage {
    fn wrap<P: Push<M, T>>(self, env: &Env, down: P) -> impl Push<M, T> {
        PassPush { down, site: env.site(self.node) }
    }
}
impl<M: Meta, T, P: Push<M, T>> Push<M, T> for PassPush<P> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        self.down.push(at, record);
    }
    hands_on!(@settle);
}
