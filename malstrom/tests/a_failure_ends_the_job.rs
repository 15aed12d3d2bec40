//! `?` ends the job with the operator's id and what it said, and nothing passes that operator after the failing record.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use malstrom::{Error, Sink};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const AT: u64 = 5_000;

#[operator]
fn strict(x: u64) -> Result<u64, String> {
    if x == AT { Err(format!("{x} is too much")) } else { Ok(x) }
}
#[operator]
fn strict_many(x: u64) -> Result<impl Iterator<Item = u64>, String> {
    if x == AT { Err(format!("{x} is too much")) } else { Ok([x, x].into_iter()) }
}
#[keyed_state(key = u64)]
#[derive(Default)]
struct Seen {
    n: u64,
}
#[operator]
fn strict_keyed(seen: &mut Seen, x: u64) -> Result<Option<u64>, String> {
    seen.n += 1;
    if x == AT { Err(format!("{x} is too much")) } else { Ok(Some(x)) }
}

/// Counts how often it was closed.
#[derive(Debug)]
struct Closing {
    got: memory::Collector<u64>,
    closed: Arc<AtomicUsize>,
}
impl Sink for Closing {
    type In = u64;
    fn write(&mut self, batch: &mut Vec<u64>) -> malstrom::Result<()> {
        self.got.write(batch)
    }
    fn close(&mut self) -> malstrom::Result<()> {
        self.closed.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

pipeline! {
    fn plain(n: u64, got: memory::Collector<u64>) { source(0..n) -> strict? -> sink(for_each(move |x| { use malstrom::Sink; got.clone().write(&mut vec![x]).unwrap(); })); }
    fn many(n: u64, got: memory::Collector<u64>) { source(0..n) -> strict_many? as strict -> sink(got); }
    fn keyed(n: u64, got: memory::Collector<u64>, closed: Arc<AtomicUsize>) {
        source(0..n) -> key_by(|x| x % 7) -> strict_keyed? as strict -> sink(Closing { got, closed });
    }
}

fn check(name: &str, outcome: malstrom::Result<malstrom::Report>) {
    match outcome {
        Err(error @ Error::Operator { .. }) => {
            assert_eq!(error.to_string(), format!("operator `{name}/strict` failed: 5000 is too much"));
            assert_eq!(format!("{error:?}"), format!("operator `{name}/strict` failed: 5000 is too much"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_passes_behind_the_failing_record() {
    for workers in [1, 3] {
        // Also where the failing record is the last one.
        for n in [AT + 1, AT + 2, 20_000] {
            let got = memory::collector();
            let into = got.clone();
            check("plain", support::run(workers, move || plain(n, into.clone())));
            assert_eq!(got.take(), (0..AT).collect::<Vec<_>>());
            let into = got.clone();
            check("many", support::run(workers, move || many(n, into.clone())));
            assert!(got.take().iter().all(|x| *x < AT));
            let (into, closed) = (got.clone(), Arc::new(AtomicUsize::new(0)));
            let closing = closed.clone();
            check("keyed", support::run(workers, move || keyed(n, into.clone(), closing.clone())));
            let got = got.take();
            assert!(got.iter().all(|x| x % 7 != AT % 7 || *x < AT), "{workers} workers, {n} records");
            if workers == 1 {
                assert_eq!(closed.load(Ordering::SeqCst), 0, "a sink is not closed when the job fails");
            }
            assert!(closed.load(Ordering::SeqCst) < workers);
        }
    }
}
