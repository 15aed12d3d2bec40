//! The first phase: partial results, before the exchange.
use super::{Part, Shared};
use crate::contract::extract::time::Watermark;
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::KeyGroups;
use crate::contract::key::PartitionKey;
use crate::contract::windows::{Aligned, Pane, Times};
use crate::state::table::{Ranks, StateTable};
use crate::stream::aggregate::Aggregate;
use crate::stream::signal::{Mark, Signal};
use crate::stream::timing::Progress;
use crate::stream::windows::{Horizon, Host, Rest, horizon};
use crate::stream::{At, Push};
use std::marker::PhantomData;

/// Of how many keys a combiner keeps something; records of further ones are sent as they are. So its memory is bounded,
/// and where hardly any two records have a key in common little is lost on trying.
const KEYS: usize = 1 << 15;
/// And where all of it is handed on at once, as soon as nothing else is to be done.
const KEYS_AT_ONCE: usize = 1 << 12;
/// After so many records there is word of how far event time has come here, even if nothing else is to be sent. It takes a
/// place in the channels to the owners, which are bounded: so a worker cannot run ahead of one that is slower, for which all
/// windows in between would have to stay open.
const WORD: u64 = 1 << 10;

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
    /// All groups: who owns them matters behind the exchange only, and so does how many there are.
    ranks: Ranks,
    /// Of how many keys of how many panes something is kept.
    entries: usize,
    /// How many slots of the first pane have been handed on.
    handed: usize,
    /// How many records have come since there was word of the time.
    silent: u64,
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
            ranks: Ranks::all(KeyGroups::DEFAULT),
            entries: 0,
            handed: 0,
            silent: 0,
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
        let table = self.spare.take().unwrap_or_else(|| StateTable::new(self.ranks.clone()));
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
            // What is kept here is part of no snapshot.
            Signal::End(_) | Signal::Barrier(_) => Some(Horizon::End),
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
    fn settled<P: Push<M, Self::Out>>(&mut self, arrived: u64, rest: &mut Rest<(), P>) {
        self.silent += arrived;
        if self.silent >= WORD {
            self.silent = 0;
            rest.down.flush();
        }
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
