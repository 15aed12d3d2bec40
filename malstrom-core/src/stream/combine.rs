//! Aggregation in two phases: what comes to a worker is combined there before it is sent to the workers that own the keys,
//! so that a key which many records have costs its owner no more than others do.
//!
//! The first phase is a [`Combiner`], which stands between `key_by` and the exchange. It keeps a partial result per key,
//! and in windows per pane, until the watermark passes the pane; whatever it sends goes through one exchange, in the order
//! in which it was made. A record of a pane that has been sent goes as it is, to be judged where its windows are. The
//! second phase is the stage that would stand there anyway, and takes both.
use super::aggregate::Aggregate;
use super::env::{Env, Site};
use super::link::Wrap;
use super::signal::{End, Flow, Mark, Signal};
use super::timing::Progress;
use super::windows::late::OnLate;
use super::windows::panes::PaneHost;
use super::windows::{Horizon, Host, Rest, horizon};
use super::{At, Push, hands_on};
use crate::contract::extract::time::Watermark;
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::window::{Late, Window};
use crate::contract::windows::{Aligned, Lateness, Pane, Times};
use crate::state::table::{Ranks, StateTable};
use std::cell::{Cell, OnceCell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

/// Of how many keys a combiner keeps something; records of further ones are sent as they are. So its memory is bounded,
/// and where hardly any two records have a key in common little is lost on trying.
const KEYS: usize = 1 << 15;
/// And where all of it is handed on at once, as soon as nothing else is to be done.
const KEYS_AT_ONCE: usize = 1 << 12;

/// What goes to the owner of a key.
pub(crate) enum Part<T, V> {
    Record(T),
    /// What has come of so many records.
    Gathered {
        kept: V,
        records: u64,
    },
}

/// An aggregate that both phases use, which are segments of one worker and never run at the same time.
pub(crate) struct Shared<A>(Rc<RefCell<A>>);
impl<A> Clone for Shared<A> {
    fn clone(&self) -> Self {
        Shared(self.0.clone())
    }
}
impl<K, T, A: Aggregate<K, T>> Aggregate<K, T> for Shared<A> {
    type Kept = A::Kept;
    type Out = A::Out;
    type Closed = A::Closed;
    const EACH: bool = A::EACH;
    const MERGES: bool = A::MERGES;
    const COMBINES: bool = A::COMBINES;
    #[inline(always)]
    fn fresh(&self) -> A::Kept {
        self.0.borrow().fresh()
    }
    #[inline(always)]
    fn add(&mut self, kept: &mut A::Kept, record: T) {
        self.0.borrow_mut().add(kept, record);
    }
    #[inline(always)]
    fn shown(&self, kept: &A::Kept, key: &K) -> Option<A::Out> {
        self.0.borrow().shown(kept, key)
    }
    fn merge(&mut self, kept: &mut A::Kept, later: A::Kept) {
        self.0.borrow_mut().merge(kept, later);
    }
    fn close(&mut self, kept: A::Kept, key: &K, window: Window, emit: impl FnMut(A::Closed)) {
        self.0.borrow_mut().close(kept, key, window, emit);
    }
}
/// An aggregate until it is known whether it works in two phases.
pub(crate) struct Seat<A> {
    alone: Cell<Option<A>>,
    shared: OnceCell<Shared<A>>,
}
impl<A> Seat<A> {
    pub(crate) fn new(aggregate: A) -> Rc<Self> {
        Rc::new(Seat { alone: Cell::new(Some(aggregate)), shared: OnceCell::new() })
    }
    /// For one phase.
    pub(crate) fn alone(&self) -> crate::Result<A> {
        self.alone.take().ok_or_else(Self::gone)
    }
    /// For both phases.
    pub(crate) fn shared(&self) -> crate::Result<Shared<A>> {
        if let Some(shared) = self.shared.get() {
            return Ok(shared.clone());
        }
        let shared = Shared(Rc::new(RefCell::new(self.alone()?)));
        Ok(self.shared.get_or_init(|| shared).clone())
    }
    fn gone() -> crate::Error {
        crate::Error::Config(
            "an aggregate was made twice on one worker: the pipeline was built from parts of another".into(),
        )
    }
}

/// What a combiner goes by.
pub(crate) trait Grouping: 'static {
    /// What is known of the time of the records behind one partial result.
    type Latest: Copy + 'static;
    /// Of how many keys something is kept.
    const KEYS: usize;
    /// Whether everything is handed on before any signal is.
    const RUNNING: bool;
    /// Before the first record.
    fn never() -> Self::Latest;
    /// A record of this time is added.
    fn note(latest: &mut Self::Latest, time: i64);
    /// The time of the partial result.
    fn time(latest: Self::Latest, pane: Pane) -> i64;
}
/// By pane: windows are put together from them.
pub(crate) struct ByPane;
impl Grouping for ByPane {
    type Latest = ();
    const KEYS: usize = KEYS;
    const RUNNING: bool = false;
    fn never() {}
    #[inline(always)]
    fn note((): &mut (), _: i64) {}
    /// On time for as long as any window of the pane is open.
    fn time((): (), pane: Pane) -> i64 {
        pane.last
    }
}
/// By nothing: results are shown as they come.
pub(crate) struct Running;
impl Grouping for Running {
    type Latest = i64;
    const KEYS: usize = KEYS_AT_ONCE;
    const RUNNING: bool = true;
    fn never() -> i64 {
        i64::MIN
    }
    #[inline(always)]
    fn note(latest: &mut i64, time: i64) {
        *latest = time.max(*latest);
    }
    fn time(latest: i64, _: Pane) -> i64 {
        latest
    }
}

struct Gathering<V, L> {
    kept: V,
    records: u64,
    latest: L,
}
/// What a combiner keeps of one pane.
type PaneTable<K, V, L> = (Pane, StateTable<K, Gathering<V, L>>);
/// The first phase.
pub(crate) struct Combiner<K, T, A: Aggregate<K, T>, N, G: Grouping> {
    aggregate: Shared<A>,
    windows: Aligned<N>,
    /// By index.
    panes: Vec<PaneTable<K, A::Kept, G::Latest>>,
    /// The pane of the last record, if it is still the one at this place.
    hot: usize,
    spare: Option<StateTable<K, Gathering<A::Kept, G::Latest>>>,
    /// Of how many keys of how many panes something is kept.
    entries: usize,
    /// How many slots of the first pane have been handed on.
    handed: usize,
    wants_late: bool,
    /// Nothing is combined any more.
    retired: bool,
    types: PhantomData<fn(T, G)>,
}
impl<K: PartitionKey, T: 'static, A: Aggregate<K, T>, N: Times, G: Grouping> Combiner<K, T, A, N, G> {
    /// `wants_late` says whether somebody wants to see each record that is late.
    pub(crate) fn new(aggregate: Shared<A>, windows: Aligned<N>, wants_late: bool) -> Self {
        Combiner {
            aggregate,
            windows,
            panes: Vec::new(),
            hot: 0,
            spare: None,
            entries: 0,
            handed: 0,
            wants_late,
            retired: false,
            types: PhantomData,
        }
    }
    /// Turns to the pane of this time, which is new if there was none. `false` if the watermark has passed it: it is
    /// gone, and comes not back. And while nobody waits for this worker: what it kept could come too late.
    #[cold]
    #[inline(never)]
    fn turn_to(&mut self, time: i64, progress: &Progress) -> bool {
        if let Some(at) = self.panes.iter().position(|(pane, _)| pane.holds(time)) {
            self.hot = at;
            return true;
        }
        if self.retired || !G::RUNNING && progress.watermark == Watermark::Idle {
            return false;
        }
        let pane = self.windows.pane(time);
        if !G::RUNNING && pane.last <= progress.time {
            return false;
        }
        self.hot = self.panes.partition_point(|(other, _)| other.index < pane.index);
        let table = self.spare.take().unwrap_or_else(|| StateTable::new(Ranks::all()));
        self.panes.insert(self.hot, (pane, table));
        true
    }
    /// Adds a record to the hot pane. Gives it back if there is no room for its key.
    #[inline(always)]
    fn gather<M: Meta<Key = K>>(&mut self, at: At<'_, M>, time: i64, record: T) -> Option<T> {
        let Some((_, table)) = self.panes.get_mut(self.hot) else { return Some(record) };
        let gathering = if self.entries < G::KEYS {
            let fresh = || Gathering { kept: self.aggregate.fresh(), records: 0, latest: G::never() };
            table.entry(at.hash, at.key, fresh)
        } else {
            match table.get(at.hash, at.key) {
                Some(known) => known,
                None => return Some(record),
            }
        };
        self.entries += usize::from(gathering.records == 0);
        gathering.records += 1;
        G::note(&mut gathering.latest, time);
        self.aggregate.add(&mut gathering.kept, record);
        None
    }
}
impl<M, K, T, A, N, G> Host<M, T, ()> for Combiner<K, T, A, N, G>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    N: Times,
    G: Grouping,
{
    type Out = Part<T, A::Kept>;
    #[inline(always)]
    fn record<P: Push<M, Self::Out>>(&mut self, at: At<'_, M>, record: T, rest: &mut Rest<(), P>) {
        let time = at.stamp.ticks().unwrap_or(0);
        let guard = rest.site.guard();
        let hot = self.panes.get(self.hot).is_some_and(|(pane, _)| pane.holds(time));
        let left = if hot || self.turn_to(time, &rest.progress) { self.gather(at, time, record) } else { Some(record) };
        guard.disarm();
        if let Some(record) = left {
            rest.emit::<M, _>(at.hash, at.key, time, Part::Record(record));
        }
    }
    fn horizon(&mut self, signal: Signal) -> Option<Horizon> {
        match signal {
            // Others do not wait for this worker from now on, and where event time is then nobody here knows. What is
            // late of what comes after that is found out at the owner, record by record if they are wanted.
            Signal::Time(Mark::Idle(_)) => {
                self.retired |= self.wants_late;
                Some(Horizon::End)
            }
            Signal::Time(_) if G::RUNNING => Some(Horizon::End),
            Signal::End(_) => Some(Horizon::End),
            signal => horizon(signal),
        }
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        self.panes.first().is_some_and(|(pane, _)| horizon.closes(pane.last))
    }
    fn close<P: Push<M, Self::Out>>(&mut self, horizon: Horizon, rest: &mut Rest<(), P>) -> bool {
        let Some((pane, table)) = self.panes.first_mut().filter(|(pane, _)| horizon.closes(pane.last)) else {
            return false;
        };
        while self.handed < table.slots() {
            self.handed += 1;
            if let Some((hash, key, Gathering { kept, records, latest })) = table.take_slot(self.handed - 1) {
                let time = G::time(latest, *pane);
                rest.emit::<M, _>(hash, &key, time, Part::Gathered { kept, records });
                self.entries -= 1;
                return true;
            }
        }
        self.handed = 0;
        self.hot = 0;
        self.spare = Some(self.panes.remove(0).1);
        true
    }
    fn flush<P: Push<M, Self::Out>>(&mut self, rest: &mut Rest<(), P>) -> bool {
        let any = G::RUNNING && self.entries > 0;
        while any && Host::<M, T, ()>::close(self, Horizon::End, rest) {}
        any
    }
    #[inline(always)]
    fn touch(&self, hash: u64) {
        if let Some((_, table)) = self.panes.get(self.hot) {
            table.touch(hash);
        }
    }
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        self.panes.get(self.hot).is_some_and(|(_, table)| table.worth_touching())
    }
}

/// The second phase in windows.
pub(crate) struct PartHost<H>(pub(crate) H);
impl<M, K, T, A, N, L, X> Host<M, Part<T, A::Kept>, X> for PartHost<PaneHost<K, T, A, N, L>>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    N: Times,
    L: Lateness,
    X: 'static,
{
    type Out = A::Closed;
    #[inline(always)]
    fn record<P: Push<M, A::Closed>>(&mut self, at: At<'_, M>, part: Part<T, A::Kept>, rest: &mut Rest<X, P>) {
        match part {
            Part::Record(record) => self.0.record(at, record, rest),
            part => self.0.add(at, at.stamp.ticks().unwrap_or(0), part, rest),
        }
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        Host::<M, T, X>::due(&mut self.0, horizon)
    }
    fn close<P: Push<M, A::Closed>>(&mut self, horizon: Horizon, rest: &mut Rest<X, P>) -> bool {
        Host::<M, T, X>::close(&mut self.0, horizon, rest)
    }
}

/// What happens to those that are late of what a combiner has sent.
pub(crate) struct LateParts<M: Meta, T>(pub(crate) Option<Box<dyn OnLate<M, T>>>);
impl<M: Meta, T: 'static, V: 'static> OnLate<M, Part<T, V>> for LateParts<M, T> {
    fn late(&mut self, at: At<'_, M>, late: Late<Part<T, V>>, site: &Site) {
        let Some(on_late) = &mut self.0 else { return };
        match late.record {
            Part::Record(record) => on_late.late(at, Late { record, watermark: late.watermark }, site),
            Part::Gathered { .. } => {
                on_late.late_unseen(at.stamp.ticks().unwrap_or(0), late.watermark.as_micros(), site);
            }
        }
    }
    fn further(&self, part: &Part<T, V>) -> u64 {
        match part {
            Part::Record(_) => 0,
            Part::Gathered { records, .. } => records - 1,
        }
    }
    fn stopped(&self) -> bool {
        self.0.as_ref().is_some_and(|on_late| on_late.stopped())
    }
    fn drops(&self) -> bool {
        self.0.as_ref().is_some_and(|on_late| on_late.drops())
    }
    fn pump(&mut self) -> Flow {
        self.0.as_mut().map_or(Flow::Free, |on_late| on_late.pump())
    }
    fn flush(&mut self) -> bool {
        self.0.as_mut().is_some_and(|on_late| on_late.flush())
    }
    fn finish(&mut self, end: End) {
        if let Some(on_late) = &mut self.0 {
            on_late.finish(end);
        }
    }
}

/// The second phase where there are no windows: shows what has come of each partial result.
pub(crate) struct PartsStage<A> {
    pub(crate) aggregate: Shared<A>,
    pub(crate) node: usize,
}
struct PartsPush<K, V, A, P> {
    aggregate: Shared<A>,
    table: StateTable<K, V>,
    down: P,
    site: Site,
}
impl<K, M, T, A> Wrap<M, Part<T, A::Kept>, M, A::Out> for PartsStage<A>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
{
    fn wrap<P: Push<M, A::Out>>(self, env: &Env, down: P) -> impl Push<M, Part<T, A::Kept>> {
        PartsPush::<K, A::Kept, A, P> {
            aggregate: self.aggregate,
            table: StateTable::new(env.ranks()),
            down,
            site: env.site(self.node),
        }
    }
}
impl<K, M, T, A, P> Push<M, Part<T, A::Kept>> for PartsPush<K, A::Kept, A, P>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    P: Push<M, A::Out>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, part: Part<T, A::Kept>) {
        let guard = self.site.guard();
        let kept = self.table.entry(at.hash, at.key, || self.aggregate.fresh());
        match part {
            Part::Record(record) => self.aggregate.add(kept, record),
            Part::Gathered { kept: later, .. } => Aggregate::<K, T>::merge(&mut self.aggregate, kept, later),
        }
        let out = Aggregate::<K, T>::shown(&self.aggregate, kept, at.key);
        guard.disarm();
        if let Some(out) = out {
            self.down.push(at, out);
        }
    }
    hands_on!(@settle);
}
