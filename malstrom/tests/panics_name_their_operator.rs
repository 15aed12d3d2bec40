//! A panic in a program's code, wherever it is called from, ends the job, names the operator, and leaves no worker
//! waiting for the one that is gone.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use malstrom::{Error, Pipeline, Sink};
use support::sources::ByCalls;

/// At which record it happens: not the first, not in the first batch.
const AT: u64 = 5_000;

fn boom(x: u64) -> u64 {
    assert!(x != AT, "boom");
    x
}

#[keyed_state(key = u64)]
struct Touchy {
    n: u64,
}
impl Default for Touchy {
    fn default() -> Self {
        panic!("boom")
    }
}
#[keyed_state(key = u64)]
#[derive(Default)]
struct Plain {
    n: u64,
}

#[operator]
fn detonate(x: u64) -> u64 {
    boom(x)
}
#[operator]
fn detonate_keyed(state: &mut Plain, x: u64) -> u64 {
    state.n += 1;
    boom(x)
}
#[operator]
fn many(x: u64) -> impl Iterator<Item = u64> {
    (0..2).map(move |i| boom(x + i))
}
#[operator]
fn touch(state: &mut Touchy, x: u64) -> u64 {
    state.n += x;
    x
}

pipeline! {
    fn in_operator() { source(memory::splits(4, |_| 0..6_000u64)) -> detonate -> sink(for_each(|_: u64| ())); }
    fn in_keyed() { source(memory::splits(4, |_| 0..6_000u64)) -> key_by(|x| *x) -> detonate_keyed -> sink(for_each(|_: u64| ())); }
    fn in_iterator() { source(0..6_000u64) -> many -> key_by(|x| *x) -> sink(for_each(|_: u64| ())); }
    fn in_map() { source(0..6_000u64) -> map(|x| x) -> map(boom) as second -> key_by(|x| *x) -> count() -> sink(for_each(|_: (u64, u64)| ())); }
    fn in_filter() { source(0..6_000u64) -> filter(|x| boom(*x) > 3) -> key_by(|x| *x) -> sink(for_each(|_: u64| ())); }
    fn in_flat_map() { source(0..6_000u64) -> flat_map(|x| [x, boom(x)]) -> key_by(|x| *x) -> sink(for_each(|_: u64| ())); }
    fn in_key_by() { source(0..6_000u64) -> key_by(|x| boom(*x)) -> sink(for_each(|_: u64| ())); }
    fn in_default() { source(0..6_000u64) -> key_by(|x| *x) -> map(|x| x) -> touch -> sink(for_each(|_: u64| ())); }
    fn in_sum() { source(0..6_000u64) -> key_by(|x| *x) -> sum(|x| boom(*x)) -> sink(for_each(|_: (u64, u64)| ())); }
    fn in_windowed_sum() {
        source(0..6_000u64) -> timestamps(|x| x.cast_signed()) -> key_by(|x| *x) -> window(tumbling(10_000))? -> sum(|x| boom(*x)) -> sink(for_each(|_| ()));
    }
    fn in_windowed_reduce() {
        source(0..6_000u64) -> key_by(|x| x % 2) -> window(global()) -> reduce(|a, b| a.max(boom(b))) -> sink(for_each(|_| ()));
    }
    fn in_combined_sum() { source(0..6_000u64) -> key_by(|x| x % 7) -> combine() -> sum(|x| boom(*x)) as total -> sink(for_each(|_: (u64, u64)| ())); }
    fn in_merge() { source(memory::splits(4, |_| 0..6_000u64)) -> key_by(|_| 0u64) -> combine() -> sum(|x| AddBomb(*x)) -> sink(for_each(|_: (u64, AddBomb)| ())); }
    fn in_split() {
        let (a, b) = source(0..6_000u64) -> split(|x| boom(*x) > 7);
        a -> sink(for_each(|_: u64| ()));
        b -> sink(for_each(|_: u64| ()));
    }
    fn in_closure_sink() { source(0..6_000u64) -> key_by(|x| *x) -> sink(for_each(|x: u64| { boom(x); })); }
    fn in_source() { source((0..6_000u64).map(boom)) -> key_by(|x| *x) -> map(|x| x) -> sink(for_each(|_: u64| ())); }
    fn in_splits() { source(memory::splits(4, |split| (0..6_000u64).map(move |x| if split == 3 { boom(x) } else { x }))) -> key_by(|x| *x) -> sink(for_each(|_: u64| ())); }
    fn in_open() { source(memory::splits(4, |split| { assert!(split != 3, "boom"); 0..6_000u64 })) as flow -> key_by(|x| *x) -> sink(for_each(|_: u64| ())); }
    fn in_sink_method(at: &'static str) { source(0..6_000u64) -> key_by(|x| *x) -> map(|x| x) -> sink(SinkBomb { at }) as bomb; }
}

/// Cannot be added to one that was added up of many.
#[derive(Clone, Default)]
struct AddBomb(u64);
impl std::ops::AddAssign for AddBomb {
    fn add_assign(&mut self, other: AddBomb) {
        self.0 += boom(other.0.min(AT));
    }
}
/// Panics in the method it is told.
#[derive(Debug)]
struct SinkBomb {
    at: &'static str,
}
impl Sink for SinkBomb {
    type In = u64;
    fn open(&mut self, _: usize, _: usize) -> malstrom::Result<()> {
        assert!(self.at != "open", "boom");
        Ok(())
    }
    fn write(&mut self, batch: &mut Vec<u64>) -> malstrom::Result<()> {
        batch.clear();
        assert!(self.at != "write", "boom");
        Ok(())
    }
    fn flush(&mut self) -> malstrom::Result<()> {
        assert!(self.at != "flush", "boom");
        Ok(())
    }
    fn close(&mut self) -> malstrom::Result<()> {
        assert!(self.at != "close", "boom");
        Ok(())
    }
}
impl Drop for SinkBomb {
    fn drop(&mut self) {
        assert!(self.at != "drop" || std::thread::panicking(), "boom");
    }
}

fn panics_in(operator: &str, pipeline: impl Fn() -> Pipeline + Clone + Send + Sync + 'static) {
    for workers in [1, 3] {
        match support::run(workers, pipeline.clone()) {
            Err(Error::Panic { operator: named, message }) => {
                assert_eq!((named.as_str(), message.as_str()), (operator, "boom"), "{workers} workers");
            }
            other => panic!("{operator}, {workers} workers: {other:?}"),
        }
    }
}

#[test]
fn an_operator() {
    panics_in("in_operator/detonate", in_operator);
    panics_in("in_keyed/detonate_keyed", in_keyed);
    panics_in("in_iterator/many", in_iterator);
}
#[test]
fn a_closure() {
    panics_in("in_map/second", in_map);
    panics_in("in_filter/filter", in_filter);
    panics_in("in_flat_map/flat_map", in_flat_map);
    panics_in("in_key_by/key_by", in_key_by);
    panics_in("in_sum/sum", in_sum);
    panics_in("in_split/split", in_split);
}
#[test]
fn an_aggregate_that_begins_before_the_exchange() {
    panics_in("in_windowed_sum/sum", in_windowed_sum);
    panics_in("in_windowed_reduce/reduce", in_windowed_reduce);
    panics_in("in_combined_sum/total", in_combined_sum);
    panics_in("in_merge/sum", in_merge);
}
#[test]
fn the_default_of_a_state() {
    panics_in("in_default/touch", in_default);
}
#[test]
fn a_source() {
    panics_in("in_source/source", in_source);
    panics_in("in_splits/source", in_splits);
    panics_in("in_open/flow", in_open);
}
#[test]
fn a_sink() {
    panics_in("in_closure_sink/sink", in_closure_sink);
    for at in ["open", "write", "flush", "close"] {
        panics_in("in_sink_method/bomb", move || in_sink_method(at));
    }
}
#[test]
fn the_pipeline_function() {
    panics_in("the pipeline function", || panic!("boom"));
    // On one worker of three, while the others wait for its records.
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let failed = support::run(3, move || {
        assert!(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) != 1, "boom");
        in_sink_method("never")
    });
    assert!(matches!(failed, Err(Error::Panic { .. })), "{failed:?}");
}

/// A key whose bytes cannot be had, and a record that cannot be copied.
mod values {
    use super::*;

    #[derive(Record, Clone, Debug, PartialEq, Eq, Hash)]
    struct KeyBomb(u64);
    impl malstrom::PartitionKey for KeyBomb {
        fn write_key(&self, out: &mut malstrom_core::contract::key::KeyWriter<'_>) {
            out.word(boom(self.0), 8);
        }
    }
    #[derive(Debug)]
    struct CloneBomb(u64);
    impl Clone for CloneBomb {
        fn clone(&self) -> Self {
            CloneBomb(boom(self.0))
        }
    }
    pipeline! {
        fn in_key_bytes() { source(0..6_000u64) -> map(|x| x) -> key_by(|x| KeyBomb(*x)) -> sink(for_each(|_: u64| ())); }
        fn in_copy() {
            let bombs = source(0..6_000u64) -> map(CloneBomb);
            bombs -> sink(for_each(|_: CloneBomb| ()));
            bombs -> sink(for_each(|_: CloneBomb| ()));
        }
    }
    #[test]
    fn a_key() {
        panics_in("in_key_bytes/key_by", in_key_bytes);
    }
    #[test]
    fn a_copy() {
        panics_in("in_copy/map", in_copy);
    }
}

#[test]
fn dropping_a_sink() {
    for workers in [1, 3] {
        let failed = support::run(workers, || in_sink_method("drop"));
        assert!(matches!(failed, Err(Error::Panic { .. })), "{failed:?}");
    }
}

#[test]
fn the_progress_of_a_split() {
    use malstrom::{Emit, Never, Progress, Read, Source, SplitReader};
    struct Shown;
    struct Reader;
    impl Source for Shown {
        type Out = u64;
        type Error = Never;
        type Split = ();
        type Position = ();
        type Reader = Reader;
        fn splits(&mut self) -> malstrom::Result<Vec<()>> {
            Ok(vec![()])
        }
        fn open(&mut self, (): (), _: Option<()>) -> malstrom::Result<Reader> {
            Ok(Reader)
        }
    }
    impl SplitReader for Reader {
        type Out = u64;
        type Error = Never;
        type Position = ();
        fn read(&mut self, _: usize, _: &mut impl Emit<u64, Never>) -> malstrom::Result<Read> {
            Ok(Read::After(std::time::Duration::from_millis(1)))
        }
        fn position(&self) {}
        fn progress(&self) -> Option<Progress> {
            panic!("boom")
        }
    }
    pipeline! { fn shown() { source(Shown) -> key_by(|x| *x) -> sink(for_each(|_: u64| ())); } }
    for workers in [1, 3] {
        let failed = support::run(workers, shown);
        assert!(matches!(failed, Err(Error::Panic { .. })), "{failed:?}");
    }
}

#[test]
fn an_endless_source_beside_it_ends() {
    pipeline! {
        fn endless() {
            source(ByCalls { splits: 3u64, read: |split: u64, call: u64, emit: &mut dyn FnMut(u64)| {
                (0..100).for_each(|i| emit(if split == 1 && call == 50 { AT } else { AT + 1 + i }));
                Ok(malstrom::Read::More)
            }}) -> key_by(|x| *x) -> map(boom) -> sink(for_each(|_: u64| ()));
        }
    }
    panics_in("endless/map", endless);
}
