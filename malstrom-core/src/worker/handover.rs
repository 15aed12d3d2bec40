//! How a worker makes a change: segment by segment, as the barrier that carries it passes them.
//!
//! A segment that the barrier has passed stands still. It writes its part of the snapshot to the end, gives away what others gain, and
//! goes on when it has taken in what it gains itself. Segments upstream of it are behind the barrier by then, and those downstream are
//! before it: so nothing that stands still is waited for by what it waits for.
use super::Place;
use crate::contract::snapshot::{Book, Loaded, NO_GROUP, Part, Pen, Schema, Shelf, Task};
use crate::error::{Error, Result};
use crate::exchange::changes::{Changes, Cut, Parcel};
use crate::exchange::fabric::Fabric;
use crate::exchange::layout::Change;
use crate::failpoint::{Failpoint, reach};
use crate::stream::env::Env;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What a worker has handed over and taken in for a change: the one that is under way, or the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// The interval of the barrier that carries it; 0 if there was none.
    pub interval: u64,
    /// How many bytes others have got from it.
    pub given: u64,
    /// How many bytes it has taken in from others.
    pub taken: u64,
    /// For how long one of its segments stood still, at the longest.
    pub stood: Duration,
}

/// See the [module](self).
pub(super) struct Handover {
    worker: usize,
    fabric: Arc<Fabric>,
    changes: Rc<Changes>,
    /// The change that is being made.
    under_way: Option<UnderWay>,
    /// What has come for a change that this worker has not heard of, or a segment that has not come to it.
    parcels: Vec<Parcel>,
    /// The barrier at which it has joined.
    joined: Option<u64>,
    installed: Option<u64>,
    handed: Handed,
    /// When the segments have gone on that did last, and since when the first of them had stood still.
    gone_on: Option<(Duration, Duration)>,
}
struct UnderWay {
    interval: u64,
    cut: Rc<Cut>,
    /// The segments that have not given, and those that have not taken in what they gain.
    to_give: Vec<usize>,
    to_take: Vec<usize>,
    /// Since when segments stand still.
    stand: BTreeMap<usize, Duration>,
}
impl std::fmt::Debug for Handover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let under_way = self.under_way.as_ref().map(|under_way| under_way.interval);
        f.debug_struct("Handover").field("under_way", &under_way).finish_non_exhaustive()
    }
}
impl Handover {
    pub(super) fn new(worker: usize, fabric: Arc<Fabric>, changes: Rc<Changes>) -> Self {
        Handover {
            worker,
            fabric,
            changes,
            under_way: None,
            parcels: Vec::new(),
            joined: None,
            installed: None,
            handed: Handed::default(),
            gone_on: None,
        }
    }
    /// The barrier of this interval carries a change.
    pub(super) fn begin(&mut self, interval: u64, change: Arc<Change>) {
        if self.changes.joins().is_some() && self.joined.is_none() {
            self.joined = Some(interval);
        }
        let cut = self.changes.add(interval, change);
        let (to_give, to_take, stand) = (Vec::new(), Vec::new(), BTreeMap::new());
        self.under_way = Some(UnderWay { interval, cut, to_give, to_take, stand });
        (self.handed, self.gone_on) = (Handed { interval, ..Handed::default() }, None);
    }
    /// A barrier is to begin.
    pub(super) fn tell(&self, interval: u64) {
        self.changes.tell(interval);
    }
    pub(super) fn is_under_way(&self, interval: u64) -> bool {
        self.under_way.as_ref().is_some_and(|under_way| under_way.interval == interval)
    }
    /// Whether this is the barrier at which it has joined others.
    pub(super) fn joined_at(&self, interval: u64) -> bool {
        self.joined == Some(interval)
    }
    /// Whether all segments have given what others gain at the barrier of this interval, and with that have written all.
    pub(super) fn has_given_all(&self, interval: u64) -> bool {
        !self.is_under_way(interval) || self.under_way.as_ref().is_none_or(|under_way| under_way.to_give.is_empty())
    }
    /// The barrier behind which all is there that this worker has gained.
    pub(super) fn installed(&mut self) -> Option<u64> {
        self.installed.take()
    }
    /// What it has given and taken, as far as it is at `now`. What was done in the step in which a segment went on belongs to the time for
    /// which that stood still.
    pub(super) fn handed(&self, now: Duration) -> Handed {
        let last = self.gone_on.map_or(Duration::ZERO, |(_, since)| now.saturating_sub(since));
        Handed { stood: self.handed.stood.max(last), ..self.handed }
    }
    /// Has the segments that the barrier has passed give and take. `pen` is that of its snapshot, if that is not complete. Whether it
    /// did something.
    pub(super) fn go_on(&mut self, segments: &mut [Place], pen: Option<&mut Pen>, env: &Env) -> Result<bool> {
        let now = env.clock().elapsed();
        if let Some((at, _)) = self.gone_on
            && now > at
        {
            self.handed = self.handed(now);
            self.gone_on = None;
        }
        let Some(under_way) = &mut self.under_way else { return Ok(false) };
        if under_way.to_give.is_empty() && under_way.to_take.is_empty() {
            under_way.to_give = (0..segments.len()).collect();
            under_way.to_take = under_way.to_give.clone();
        }
        let interval = under_way.interval;
        let mut busy = false;
        if let Some(pen) = pen {
            let passed: Vec<usize> =
                under_way.to_give.iter().copied().filter(|at| segments[*at].segment.passed() >= interval).collect();
            for at in passed {
                let place = &mut segments[at];
                place.stands = true;
                under_way.stand.insert(at, now);
                write_all(place, pen, env)?;
                let source = place.segment.is_source();
                let cut = &under_way.cut;
                let gives = if source { cut.gives_at_source(self.worker) } else { cut.gives(self.worker) };
                for (to, groups) in gives {
                    let mut parcel = Pen::new(usize::MAX);
                    place.segment.persist(Task::Give(&mut parcel, &groups));
                    check(&mut parcel, env)?;
                    let (chunks, schemas) = parcel.finish();
                    let parcel = Parcel { interval, segment: at, chunks, schemas };
                    self.handed.given += parcel.bytes();
                    self.fabric.hand_over(self.worker, to, parcel)?;
                    reach(Failpoint::HandingOver);
                }
                place.segment.give_way(interval);
                under_way.to_give.retain(|other| *other != at);
                busy = true;
            }
        }
        self.parcels.extend(self.fabric.take_parcels(self.worker));
        let UnderWay { cut, to_give, to_take, stand, .. } = under_way;
        for at in to_take.clone() {
            let givers = cut.givers(self.worker, segments[at].segment.is_source());
            let come = self.parcels.iter().filter(|parcel| parcel.segment == at && parcel.interval == interval).count();
            if to_give.contains(&at) || come < givers {
                continue;
            }
            let (mine, others) = std::mem::take(&mut self.parcels)
                .into_iter()
                .partition(|parcel| parcel.segment == at && parcel.interval == interval);
            self.parcels = others;
            let place = &mut segments[at];
            if givers > 0 {
                self.handed.taken += mine.iter().map(Parcel::bytes).sum::<u64>();
                let received = Received(mine);
                let mut book = Book::new(&received);
                place.segment.persist(Task::Take(&mut book, &cut.owned(self.worker)));
                book.close()?;
            }
            place.segment.go_on(interval);
            place.stands = false;
            if let Some(since) = stand.remove(&at) {
                let first = self.gone_on.map_or(since, |(_, first)| first.min(since));
                self.gone_on = Some((now, first));
            }
            to_take.retain(|other| *other != at);
            busy = true;
        }
        if to_give.is_empty() && to_take.is_empty() {
            self.under_way = None;
            self.installed = Some(interval);
        }
        Ok(busy)
    }
}
/// Has a segment write all that it kept at the barrier.
fn write_all(place: &mut Place, pen: &mut Pen, env: &Env) -> Result<()> {
    loop {
        pen.next_slice(usize::MAX);
        place.segment.persist(Task::Save(pen));
        check(pen, env)?;
        if !pen.is_postponed() {
            return Ok(());
        }
    }
}
fn check(pen: &mut Pen, env: &Env) -> Result<()> {
    pen.failure()
        .map_or(Ok(()), |(node, why)| Err(Error::Unwritable { operator: env.id(node).to_string(), message: why }))
}

/// What has come for one segment.
struct Received(Vec<Parcel>);
impl Shelf for Received {
    fn schema(&self, node: usize, part: Part) -> Option<Schema> {
        let mut schemas = self.0.iter().flat_map(|parcel| &parcel.schemas);
        schemas.find(|(at, of, _)| (*at, *of) == (node, part)).map(|(.., schema)| schema.clone())
    }
    fn chunks(&self, node: usize, part: Part) -> Result<Vec<Loaded>> {
        let chunks = self.0.iter().flat_map(|parcel| &parcel.chunks);
        let mine = chunks.filter(|chunk| (chunk.head.node, chunk.head.part) == (node, part));
        let loaded = mine.map(|chunk| Loaded {
            group: chunk.head.group,
            full: chunk.head.full,
            entries: chunk.head.entries,
            bytes: bytes::Bytes::copy_from_slice(&chunk.bytes),
        });
        let mut loaded: Vec<Loaded> = loaded.collect();
        // By group, as a snapshot has them; what belongs to none comes last.
        loaded.sort_by_key(|chunk| if chunk.group == NO_GROUP { u32::MAX } else { u32::from(chunk.group) });
        Ok(loaded)
    }
}
