//! Iterators as sources, and sinks that stay in the process.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::{Collected, chain, read, read_by, resumed};
use malstrom_core::connect::{FromIter, for_each, memory};
use malstrom_core::{Read, Sink, Source, SplitReader};
use std::cell::Cell;
use std::rc::Rc;

#[test]
fn an_iterator_is_read_in_the_steps_asked_for() {
    for max in [1, 2, 3, 512] {
        assert_eq!(read_by(FromIter::new(vec!["a", "b", "c"]), max).unwrap().records, ["a", "b", "c"]);
    }
    let mut reader = FromIter::new(0..).open((), None).unwrap();
    let mut out = Collected::default();
    assert_eq!(reader.read(3, &mut out).unwrap(), Read::More);
    assert_eq!((out.records, reader.position()), (vec![0, 1, 2], 3));
}

#[test]
fn an_iterator_is_not_asked_for_more_than_is_emitted() {
    let asked = Rc::new(Cell::new(0));
    let counter = Rc::clone(&asked);
    let mut reader = FromIter::new((0..100).inspect(move |_| counter.set(counter.get() + 1))).open((), None).unwrap();
    reader.read(10, &mut Collected::default()).unwrap();
    assert_eq!(asked.get(), 10);
}

#[test]
fn an_iterator_goes_on_at_its_position() {
    for first in [0, 1, 99, 100, 500] {
        let all: Vec<_> = (0..100).collect();
        assert_eq!(resumed(|| FromIter::new(0..100), first).unwrap().records, all);
        assert_eq!(resumed(|| memory::splits(1, |_| 0..100), first).unwrap().records, all);
    }
}

#[test]
fn an_iterator_that_has_become_shorter_is_at_its_end() {
    let mut reader = FromIter::new([1, 2]).open((), Some(5)).unwrap();
    assert_eq!(reader.read(9, &mut Collected::default()).unwrap(), Read::End);
}

#[test]
fn an_iterator_can_be_opened_only_once() {
    let mut source = FromIter::new([1]);
    source.open((), None).unwrap();
    assert!(chain(source.open((), None)).contains("can be read only once"));
}

#[test]
fn splits_are_iterators_of_their_own() {
    let source = memory::splits(3, |split| vec![split; split]);
    assert_eq!(read(source).unwrap().records, [1, 2, 2]);
    assert!(read(memory::splits(0, |_| 0..9)).unwrap().records.is_empty());
    assert_eq!(memory::splits(2, |_| 0..9).side_by_side(), usize::MAX);
}

#[test]
fn a_split_that_is_no_more_is_an_error() {
    assert_eq!(
        chain(memory::splits(2, |_| 0..9).open(2, None)),
        "there is no split 2: the source has 2 of them, counted from 0"
    );
}

#[test]
fn a_collector_gathers_what_all_its_copies_write() {
    fn anywhere<T: Clone + Send + Sync>(_: &T) {}
    let collector = memory::collector::<Cell<u32>>();
    anywhere(&collector);
    let mut sink = collector.clone();
    let mut batch = vec![Cell::new(1)];
    std::thread::spawn(move || sink.write(&mut batch).unwrap()).join().unwrap();
    let mut batch = vec![Cell::new(2), Cell::new(3)];
    collector.clone().write(&mut batch).unwrap();
    assert!(batch.is_empty());
    assert_eq!(collector.take().iter().map(Cell::get).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(collector.take().is_empty());
}

#[test]
fn a_closure_takes_records_at_once_or_in_batches() {
    let sum = Rc::new(Cell::new(0));
    let inside = Rc::clone(&sum);
    let mut sink = for_each(move |n: u32| inside.set(inside.get() + n));
    let mut batch = Vec::new();
    sink.accept(1, &mut batch);
    assert!(batch.is_empty() && sum.get() == 1);
    sink.write(&mut vec![2, 3]).unwrap();
    assert_eq!(sum.get(), 6);
}
