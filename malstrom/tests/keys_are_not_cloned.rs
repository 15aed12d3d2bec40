//! The engine clones a key once, when its state is made; `count()` clones it once more for each record that it emits.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::PartitionKey;
use malstrom::connect::for_each;
use malstrom::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

static CLONES: AtomicU64 = AtomicU64::new(0);
const RECORDS: u64 = 50_000;
const KEYS: u64 = 300;

#[derive(Record, Debug, PartialEq, Eq, Hash)]
struct Name(String);
impl Clone for Name {
    fn clone(&self) -> Self {
        CLONES.fetch_add(1, Ordering::Relaxed);
        Name(self.0.clone())
    }
}
impl PartitionKey for Name {
    fn write_key(&self, out: &mut malstrom_core::contract::key::KeyWriter<'_>) {
        self.0.write_key(out);
    }
}
#[derive(Record)]
struct Visit {
    name: Name,
}
#[keyed_state(key = Name)]
#[derive(Default)]
struct Seen {
    n: u64,
}
#[operator]
fn seen(seen: &mut Seen, _: Visit) -> u64 {
    seen.n += 1;
    seen.n
}

fn visits() -> impl Iterator<Item = Visit> {
    (0..RECORDS).map(|i| Visit { name: Name(format!("visitor number {}", i % KEYS)) })
}
pipeline! {
    fn stateful() { source(visits()) -> key_by(|v: &Visit| v.name.clone()) -> seen -> map(|n| n) -> sink(for_each(|_: u64| ())); }
    fn counted() { source(visits()) -> key_by(|v: &Visit| v.name.clone()) -> count() -> sink(for_each(|_: (Name, u64)| ())); }
}

#[test]
fn once_per_key_and_once_per_count() {
    for workers in [1, 3] {
        // The closure of `key_by` is the program's and clones once per record.
        for (name, job, engine) in [("stateful", stateful as fn() -> _, KEYS), ("counted", counted, KEYS + RECORDS)] {
            CLONES.store(0, Ordering::Relaxed);
            support::run(workers, job).unwrap();
            assert_eq!(CLONES.load(Ordering::Relaxed), RECORDS + engine, "{name}, {workers} workers");
        }
    }
}
