//! What event time comes to, by brute force: windows by their definition, sessions by sorting, joins by looking at all pairs,
//! and a model of one split, whose watermark is known after each record. And random streams to try them on.
use super::scrambled;
use malstrom::prelude::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt;

/// A record of the streams below. No two have the same `id`.
#[derive(Record, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ev {
    pub key: u64,
    pub at: i64,
    pub id: u64,
    pub value: i64,
}
/// On one line, also where many are printed.
impl fmt::Debug for Ev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} of {} at {}: {}", self.id, self.key, self.at, self.value)
    }
}

/// Windows, in ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// One of `size` begins at each `offset + n * every`.
    Aligned {
        size: i64,
        every: i64,
        offset: i64,
    },
    Session {
        gap: i64,
    },
    Counted {
        n: usize,
    },
    Global,
}

/// What one window of one key emits once.
#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    pub key: u64,
    pub window: (i64, i64),
    /// In the order in which they are applied.
    pub records: Vec<Ev>,
}

fn clamp(ticks: i128) -> i64 {
    ticks.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// All aligned windows that contain `at`, the first one first: of all that begin anywhere near, those that do.
pub fn windows_of(size: i64, every: i64, offset: i64, at: i64) -> Vec<(i64, i64)> {
    let [size, every, offset, at] = [size, every, offset, at].map(i128::from);
    let near = |time: i128| (time - offset) / every;
    (near(at - size) - 2..=near(at) + 2)
        .map(|n| offset + n * every)
        .filter(|start| *start <= at && at < start + size)
        .map(|start| (clamp(start), clamp(start + size)))
        .collect()
}

/// The sessions of one key, each in the order of times, records of one time in the order of `records`.
pub fn sessions(records: &[Ev], gap: i64) -> Vec<Vec<Ev>> {
    let mut sorted = records.to_vec();
    sorted.sort_by_key(|e| e.at);
    sorted.chunk_by(|a, b| i128::from(b.at) - i128::from(a.at) < gap.into()).map(<[Ev]>::to_vec).collect()
}

fn span(records: &[Ev], behind: i64) -> (i64, i64) {
    let (first, last) = (records.iter().map(|e| e.at).min(), records.iter().map(|e| e.at).max());
    (first.unwrap_or(0), last.unwrap_or(0).saturating_add(behind))
}

pub fn by_key(records: impl IntoIterator<Item = Ev>) -> BTreeMap<u64, Vec<Ev>> {
    let mut by_key: BTreeMap<u64, Vec<Ev>> = BTreeMap::new();
    records.into_iter().for_each(|e| by_key.entry(e.key).or_default().push(e));
    by_key
}

/// What input that is on time comes to: by key, and per key in the order of the windows' ends. The records of each key are
/// given in the order of their arrival.
pub fn on_time(kind: Kind, records: impl IntoIterator<Item = Ev>) -> Vec<Firing> {
    let mut firings = Vec::new();
    for (key, records) in by_key(records) {
        let mut fire = |window, records: &[Ev]| firings.push(Firing { key, window, records: records.to_vec() });
        match kind {
            Kind::Aligned { size, every, offset } => {
                let windows = records.iter().flat_map(|e| windows_of(size, every, offset, e.at));
                let windows: std::collections::BTreeSet<_> = windows.collect();
                for (start, end) in windows {
                    // At the ends of time, where bounds are clamped, only this tells.
                    let holds = |e: &Ev| windows_of(size, every, offset, e.at).contains(&(start, end));
                    let inside: Vec<Ev> = records.iter().copied().filter(holds).collect();
                    fire((start, end), &inside);
                }
            }
            Kind::Session { gap } => sessions(&records, gap).iter().for_each(|s| fire(span(s, gap), s)),
            Kind::Counted { n } => records.chunks(n).for_each(|chunk| fire(span(chunk, 1), chunk)),
            Kind::Global => fire((i64::MIN, i64::MAX), &records),
        }
    }
    firings
}

/// What one split on one worker comes to, where the watermark advances with each record.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// In order.
    pub firings: Vec<Firing>,
    /// The late records, and the watermark when they came.
    pub late: Vec<(Ev, i64)>,
}
struct Open {
    key: u64,
    window: (i64, i64),
    /// With the number of their arrival.
    records: Vec<(usize, Ev)>,
    fired: bool,
}
impl Open {
    /// Whether the watermark has been at its last tick for `lateness`.
    fn closed(&self, lateness: i64, watermark: Option<i64>) -> bool {
        closed(self.window, lateness, watermark)
    }
    fn fire(&mut self, kind: Kind) -> Firing {
        self.fired = true;
        let mut records = self.records.clone();
        records.sort_by_key(|(arrival, e)| (if matches!(kind, Kind::Session { .. }) { e.at } else { 0 }, *arrival));
        Firing { key: self.key, window: self.window, records: records.into_iter().map(|(_, e)| e).collect() }
    }
}
fn closed((_, end): (i64, i64), lateness: i64, watermark: Option<i64>) -> bool {
    watermark.is_some_and(|watermark| i128::from(end) - 1 + i128::from(lateness) <= watermark.into())
}

impl Model {
    pub fn new(kind: Kind, lag: i64, lateness: i64, records: &[Ev]) -> Model {
        Model::changed(kind, lag, (lateness, lateness), records.len(), records)
    }
    /// The same where the lateness is another one behind the first `then` records.
    pub fn changed(kind: Kind, lag: i64, lateness: (i64, i64), then: usize, records: &[Ev]) -> Model {
        let mut model = Model::default();
        let Some((windows, gap)) = aligned_or_session(kind) else {
            model.firings = on_time(kind, records.iter().copied());
            return model;
        };
        let (mut open, mut watermark, mut max): (Vec<Open>, Option<i64>, i64) = (Vec::new(), None, i64::MIN);
        for (arrival, e) in records.iter().enumerate() {
            if arrival == then {
                open.retain(|window| !window.closed(lateness.0, watermark));
            }
            let lateness = if arrival < then { lateness.0 } else { lateness.1 };
            open.retain(|window| !window.closed(lateness, watermark));
            // A session takes in all those that it meets.
            let mut targets = Vec::new();
            let mut met = Vec::new();
            if let Some(gap) = gap {
                let meets = |o: &Open| o.key == e.key && o.window.0 < e.at + gap && e.at < o.window.1;
                let apart;
                (met, apart) = std::mem::take(&mut open).into_iter().partition(meets);
                open = apart;
                let bounds = met.iter().map(|o| o.window).chain([(e.at, e.at + gap)]);
                targets.extend(bounds.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))));
            }
            targets.extend(windows(e.at));
            targets.retain(|window| !closed(*window, lateness, watermark));
            match (targets.is_empty(), watermark) {
                (true, Some(watermark)) => model.late.push((*e, watermark)),
                (true, None) => unreachable!("nothing is late before there is a watermark"),
                _ => {}
            }
            for window in targets {
                let at = open.iter().position(|o| (o.key, o.window) == (e.key, window) && gap.is_none());
                let at = at.unwrap_or_else(|| {
                    let records = met.drain(..).flat_map(|o| o.records).collect();
                    open.push(Open { key: e.key, window, records, fired: false });
                    open.len() - 1
                });
                open[at].records.push((arrival, *e));
                if closed(window, 0, watermark) {
                    model.firings.push(open[at].fire(kind));
                }
            }
            max = max.max(e.at);
            watermark = Some(max.saturating_sub(lag).saturating_sub(1));
            model.close(kind, &mut open, |o| o.closed(0, watermark));
        }
        model.close(kind, &mut open, |_| true);
        model
    }
    fn close(&mut self, kind: Kind, open: &mut [Open], due: impl Fn(&Open) -> bool) {
        let mut due: Vec<&mut Open> = open.iter_mut().filter(|o| !o.fired && due(o)).collect();
        due.sort_by_key(|o| o.window.1);
        self.firings.extend(due.into_iter().map(|o| o.fire(kind)));
    }
}
type WindowsOf = Box<dyn Fn(i64) -> Vec<(i64, i64)>>;
fn aligned_or_session(kind: Kind) -> Option<(WindowsOf, Option<i64>)> {
    match kind {
        Kind::Aligned { size, every, offset } => Some((Box::new(move |at| windows_of(size, every, offset, at)), None)),
        Kind::Session { gap } => Some((Box::new(|_| Vec::new()), Some(gap))),
        Kind::Counted { .. } | Kind::Global => None,
    }
}

// ---- joins ---------------------------------------------------------------------------------------------------------

/// What is emitted: both, or one that found no partner.
pub type Pair = (Option<Ev>, Option<Ev>);

/// What a join of any kind emits.
pub trait Joined: 'static {
    fn pair(self) -> Pair;
}
impl Joined for (Ev, Ev) {
    fn pair(self) -> Pair {
        (Some(self.0), Some(self.1))
    }
}
impl Joined for (Ev, Option<Ev>) {
    fn pair(self) -> Pair {
        (Some(self.0), self.1)
    }
}
impl Joined for (Option<Ev>, Ev) {
    fn pair(self) -> Pair {
        (self.0, Some(self.1))
    }
}
impl Joined for Pair {
    fn pair(self) -> Pair {
        self
    }
}

/// Which records without a partner are emitted: of the left side, of the right side.
pub type Outer = (bool, bool);

/// The four kinds: inner, left, right, outer.
pub const KINDS: [Outer; 4] = [(false, false), (true, false), (false, true), (true, true)];

/// All pairs of one key that are not further apart than `within`, and those without a partner, sorted.
pub fn joined_within(a: &[Ev], b: &[Ev], within: i64, outer: Outer) -> Vec<Pair> {
    let near = |a: &Ev, b: &Ev| a.key == b.key && (i128::from(a.at) - i128::from(b.at)).abs() <= within.into();
    let mut pairs = paired(a, b, near, outer);
    pairs.sort_unstable();
    pairs
}
/// All pairs of one key for each window that both are in, and per window those without a partner, sorted.
pub fn joined_in_windows(a: &[Ev], b: &[Ev], windows: impl Fn(i64) -> Vec<(i64, i64)>, outer: Outer) -> Vec<Pair> {
    let all: std::collections::BTreeSet<_> = a.iter().chain(b).flat_map(|e| windows(e.at)).collect();
    let mut pairs = Vec::new();
    for window in all {
        let inside = |side: &[Ev]| side.iter().copied().filter(|e| windows(e.at).contains(&window)).collect::<Vec<_>>();
        pairs.extend(paired(&inside(a), &inside(b), |a, b| a.key == b.key, outer));
    }
    pairs.sort_unstable();
    pairs
}
fn paired(a: &[Ev], b: &[Ev], partners: impl Fn(&Ev, &Ev) -> bool, outer: Outer) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for left in a {
        let with = b.iter().filter(|right| partners(left, right)).map(|right| (Some(*left), Some(*right)));
        let before = pairs.len();
        pairs.extend(with);
        if outer.0 && pairs.len() == before {
            pairs.push((Some(*left), None));
        }
    }
    let alone = b.iter().filter(|right| outer.1 && !a.iter().any(|left| partners(left, right)));
    pairs.extend(alone.map(|right| (None, Some(*right))));
    pairs
}

// ---- random streams ------------------------------------------------------------------------------------------------

/// The records of each split, in the order in which it gives them.
pub type Splits = Vec<Vec<Ev>>;

/// How random streams look.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// At most so many splits, and records in each of them.
    pub splits: usize,
    pub records: usize,
    /// Each split has keys of its own, so that the order of each key's records is known.
    pub dealt: bool,
    /// One in so many records is older than `lag` allows; none if 0.
    pub late: u64,
}

/// Random splits, and the lag by which they are in disorder: with ties, gaps, and times before 0.
pub fn streams(shape: Shape) -> impl Strategy<Value = (Splits, i64)> {
    let lag = prop_oneof![Just(0i64), 1..8i64, 20..60i64];
    let length = prop_oneof![0..4usize, 4..(shape.records / 4).max(5), shape.records / 2..=shape.records];
    let start = prop_oneof![Just(-40i64), -9_000..9_000i64, Just(1_700_000_000_000_000)];
    (
        any::<u64>(),
        1..=shape.splits,
        length,
        lag,
        prop_oneof![1..4u64, 5..40u64],
        prop_oneof![Just(0u64), 1..4u64, 5..20u64],
        start,
    )
        .prop_map(move |(seed, splits, length, lag, keys, step, start)| {
            let mut random = scrambled(seed);
            let mut id = 0;
            let split = |split: usize| {
                // Splits begin at different times, and are of different length.
                let mut clock = start + (random() % 50) as i64;
                let n = if split == 0 { length } else { length - random() as usize % (length + 1) };
                let mut record = || {
                    clock += (random() % (step + 1)) as i64
                        + if random().is_multiple_of(40) { (random() % 300) as i64 } else { 0 };
                    let behind = if shape.late > 0 && random().is_multiple_of(shape.late) { 4 * lag + 30 } else { lag };
                    let (key, at) = (random() % keys, clock - (random() % (behind as u64 + 1)) as i64);
                    let key = if shape.dealt { key * splits as u64 + split as u64 } else { key };
                    id += 1;
                    Ev { key, at, id, value: (random() % 201) as i64 - 100 }
                };
                (0..n).map(|_| record()).collect()
            };
            ((0..splits).map(split).collect(), lag)
        })
}

/// What one split of random records may be windowed by.
pub fn windows() -> impl Strategy<Value = (i64, i64, i64)> {
    (prop_oneof![1..4i64, 5..60i64, Just(500i64)], -70..70i64, 1..12i64)
        .prop_map(|(size, offset, parts)| (size, (size / parts).max(1), offset))
}
