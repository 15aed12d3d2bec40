//! Event time of all types, `lag` and `idle`, late records that are read, and operators that ask for time.
#![deny(unused, unused_qualifications, missing_debug_implementations)]
#![deny(clippy::pedantic)]
use malstrom::Time;
use malstrom::prelude::*;
use std::time::{Duration, SystemTime};

#[derive(Record, Clone, Debug)]
struct Tx {
    card: u64,
    at: Timestamp,
}
#[operator]
fn stamp(tx: Tx, at: EventTime, watermark: Watermark) -> (u64, bool) {
    (tx.card, watermark.time().is_some_and(|time| time > *at))
}
#[operator]
fn tick(x: u64, at: EventTime<u64>) -> u64 {
    x + *at
}
#[operator]
fn signed(x: u64, at: EventTime<i64>) -> Option<i64> {
    (x > 0).then_some(*at)
}
#[operator]
fn small(x: u64, at: EventTime<i32>) -> (u64, i32) {
    (x, *at)
}
#[operator]
fn clock(x: u64, at: EventTime<SystemTime>) -> Option<u64> {
    (*at >= SystemTime::UNIX_EPOCH).then_some(x)
}
/// The time as whatever the stream has.
#[operator]
fn timed<T: Clone + 'static, Tm: Time>(record: T, at: EventTime<Tm>) -> (T, Tm) {
    (record, *at)
}
/// Time that the program makes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block(u32);
impl Time for Block {
    fn to_ticks(self) -> i64 {
        self.0.to_ticks()
    }
    fn from_ticks(ticks: i64) -> Self {
        Block(u32::from_ticks(ticks))
    }
}

pipeline! {
    fn p(txs: Vec<Tx>, lag: Duration) {
        let txs = source(txs) -> timestamps(|tx| tx.at, lag = lag, idle = 30.seconds());
        txs -> stamp -> sink(debug());
        txs -> timed::<Tx, Timestamp> -> map(|(tx, at)| (tx.card, at)) -> sink(debug());
        txs -> key_by(|tx| tx.card)
            -> window(tumbling(1.hours()), lateness = 5.minutes()) else late as hourly
            -> count()
            -> map(|n| n.value)
            -> sink(stdout());
        late -> map(|late| late.record.card) -> sink(stdout());
        txs -> key_by(|tx| tx.card) -> window(session(30.minutes()))? as visits -> count() -> map(|n| n.value) -> sink(stdout());
        txs -> key_by(|tx| tx.card)
            -> window(sliding(10.minutes(), 1.minutes()).offset(30.seconds())) else drop
            -> max(|tx| tx.at)
            -> map(|n| (n.window.start(), n.value))
            -> sink(debug());
        source(0..9u64) -> key_by(|x| x % 2) -> window(counted(2)) -> sum(|x| *x) -> map(|n| n.value) -> sink(stdout());
        source(0..9u64) -> key_by(|x| x % 2) -> window(global()) -> top(2, |x| *x) -> map(|n| n.value) -> sink(debug());
    }

    fn of_integers() {
        source(0..9u64) -> timestamps(|x| *x, lag = 5) -> tick -> timed::<u64, u64> -> sink(debug());
        source(0..9u64) -> timestamps(|x| -x.cast_signed(), lag = 5u8, idle = 1.seconds()) -> signed -> sink(stdout());
        source(0..9u64) -> timestamps(|_| 7, lag = 0) -> small -> sink(debug());
        source(0..9u64) -> timestamps(|_| SystemTime::UNIX_EPOCH, lag = 5.millis()) -> clock -> sink(stdout());
        source(0..9u64) -> timestamps(|_| Block(7)) -> timed::<u64, Block> as blocks -> sink(debug());
        source(0..9u64) -> timestamps(|x| *x)
            -> key_by(|x| x % 2)
            -> window(tumbling(10).offset(3), lateness = 5) else drop
            -> count()
            -> map(|n| n.value)
            -> sink(stdout());
        let a = source(0..9u64) -> timestamps(|x| *x);
        let b = source(0..9u64) -> timestamps(|x| *x);
        union(a, b) -> tick as both -> sink(stdout());
    }
}

fn main() {
    let tx = |card, secs| Tx { card, at: Timestamp::from_secs(secs) };
    let run = malstrom::Runtime::builder().workers(1).build().unwrap();
    let report = run.run(move || p(vec![tx(1, 0), tx(1, 7)], Duration::from_secs(5))).unwrap();
    assert_eq!(report.operator("p/hourly").map(|op| op.records_in), Some(2));
    assert!(report.operator("p/visits").is_some());
    malstrom::Runtime::builder().workers(1).build().unwrap().run(of_integers).unwrap();
}
