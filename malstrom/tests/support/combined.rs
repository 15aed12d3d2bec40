//! What the six aggregates that are combined come to, as text, and what they should come to.
use super::time_oracle::{Ev, Firing, Splits};
use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// A record that becomes one with others of its key: which ones they were, in the order in which they were met.
#[derive(Record, Clone, Debug, PartialEq)]
pub struct Bag {
    pub key: u64,
    pub ids: Vec<u64>,
}
pub fn bag(e: Ev) -> Bag {
    Bag { key: e.key, ids: vec![e.id] }
}
/// It depends on the order, and not on which two are first made one.
pub fn joined(mut a: Bag, b: Bag) -> Bag {
    a.ids.extend(b.ids);
    a
}

/// What came out: of which chain, under which key, of which window, and what.
pub type Told = (&'static str, u64, (i64, i64), String);
pub type Out = Collector<Told>;
pub fn bounds(window: Window) -> (i64, i64) {
    (window.start().as_micros(), window.end().as_micros())
}
pub fn told<V: Debug>(name: &'static str) -> impl Fn(Windowed<u64, V>) -> Told {
    move |w| (name, w.key, bounds(w.window), format!("{:?}", w.value))
}
pub fn told_bag(w: Windowed<u64, Bag>) -> [Told; 2] {
    let (key, window, mut ids) = (w.key, bounds(w.window), w.value.ids);
    let in_order = format!("{ids:?}");
    ids.sort_unstable();
    [("reduce", key, window, format!("{ids:?}")), ("reduce in order", key, window, in_order)]
}
/// What a window of these records comes to.
pub fn results(records: &[Ev]) -> Vec<(&'static str, String)> {
    if records.is_empty() {
        return Vec::new();
    }
    let values = || records.iter().map(|e| e.value);
    let ids: Vec<u64> = records.iter().map(|e| e.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    vec![
        ("count", format!("{:?}", records.len())),
        ("sum", format!("{:?}", values().sum::<i64>())),
        ("min", format!("{:?}", values().min().unwrap())),
        ("max", format!("{:?}", values().max().unwrap())),
        ("average", format!("{:?}", values().sum::<i64>() as f64 / records.len() as f64)),
        ("reduce", format!("{sorted:?}")),
        ("reduce in order", format!("{ids:?}")),
    ]
}

/// By chain and key, in order.
pub type PerKey = BTreeMap<(&'static str, u64), Vec<((i64, i64), String)>>;
pub fn per_key(told: impl IntoIterator<Item = Told>) -> PerKey {
    let mut all = PerKey::new();
    told.into_iter().for_each(|(name, key, window, value)| all.entry((name, key)).or_default().push((window, value)));
    all
}
pub fn expected(firings: &[Firing]) -> PerKey {
    per_key(
        firings
            .iter()
            .flat_map(|f| results(&f.records).into_iter().map(move |(name, value)| (name, f.key, f.window, value))),
    )
}
pub fn splits(data: &Splits) -> memory::Splits<impl Fn(usize) -> std::vec::IntoIter<Ev> + 'static> {
    let data = data.clone();
    memory::splits(data.len(), move |split| data[split].clone().into_iter())
}
