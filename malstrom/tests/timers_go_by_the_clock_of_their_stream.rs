//! A timer that is set by an integer where times are of the calendar, or the other way round, would fire at some moment that
//! nobody meant. The job fails, and says so.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::{Error, Pipeline, Time};
use std::time::{Duration, SystemTime};

#[keyed_state(key = u64)]
#[derive(Default)]
struct Bells;

/// What an operator may do to timers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    AtInteger,
    AfterInteger,
    CancelInteger,
    AtTimestamp,
    AtSystemTime,
    AfterDuration,
    AtBlock,
}
const ALL: [By; 7] = [
    By::AtInteger,
    By::AfterInteger,
    By::CancelInteger,
    By::AtTimestamp,
    By::AtSystemTime,
    By::AfterDuration,
    By::AtBlock,
];
impl By {
    fn is_integer(self) -> bool {
        matches!(self, By::AtInteger | By::AfterInteger | By::CancelInteger)
    }
    fn is_of_the_calendar(self) -> bool {
        matches!(self, By::AtTimestamp | By::AtSystemTime | By::AfterDuration)
    }
}

/// A type of the program's own, with integers for ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block(i64);
impl Time for Block {
    fn to_ticks(self) -> i64 {
        self.0
    }
    fn from_ticks(ticks: i64) -> Self {
        Block(ticks)
    }
}

#[operator(on_timer = ring)]
fn plan(_: &mut Bells, by: u8, timers: Timers<'_, u8>) -> u8 {
    match ALL[usize::from(by)] {
        By::AtInteger => timers.at(5, by),
        By::AfterInteger => timers.after(5u8, by),
        By::CancelInteger => timers.cancel(5i64, by),
        By::AtTimestamp => timers.at(Timestamp::from_secs(1), by),
        By::AtSystemTime => timers.at(SystemTime::UNIX_EPOCH, by),
        By::AfterDuration => timers.after(Duration::from_secs(1), by),
        By::AtBlock => timers.at(Block(5), by),
    }
    by
}
#[operator]
fn ring(_: &mut Bells, by: u8) -> u8 {
    by + 100
}

pipeline! {
    fn calendar(by: u8, out: memory::Collector<u8>) {
        source([by]) -> timestamps(|_| Timestamp::from_micros(7)) -> key_by(|_| 1u64) -> plan -> sink(out);
    }
    fn machine(by: u8, out: memory::Collector<u8>) {
        source([by]) -> timestamps(|_| SystemTime::UNIX_EPOCH) -> key_by(|_| 1u64) -> plan -> sink(out);
    }
    fn integers(by: u8, out: memory::Collector<u8>) {
        source([by]) -> timestamps(|_| 7u32) -> key_by(|_| 1u64) -> map(|by| by) -> plan -> sink(out);
    }
    fn blocks(by: u8, out: memory::Collector<u8>) {
        source([by]) -> timestamps(|_| Block(7)) -> key_by(|_| 1u64) -> plan -> sink(out);
    }
}

/// Runs `job` with each way to set a timer. Those that are `wrong` are refused; the others fire.
fn check(job: fn(u8, memory::Collector<u8>) -> Pipeline, wrong: impl Fn(By) -> bool, said: &str) {
    for (i, by) in (0u8..).zip(ALL) {
        let out = memory::collector();
        let into = out.clone();
        match support::run(1, move || job(i, into.clone())) {
            Err(Error::Panic { operator, message }) if wrong(by) => {
                assert!(operator.ends_with("/plan") && message.contains(said), "{by:?}: {operator}: {message}");
                assert!(out.take().is_empty(), "{by:?}");
            }
            Ok(_) if !wrong(by) => {
                let expected = if by == By::CancelInteger { vec![i] } else { vec![i, i + 100] };
                assert_eq!(out.take(), expected, "{by:?}");
            }
            other => panic!("{by:?}: {other:?}"),
        }
    }
}

#[test]
fn integers_are_refused_on_a_stream_with_times_of_the_calendar() {
    check(calendar, By::is_integer, "times of the calendar");
    check(machine, By::is_integer, "times of the calendar");
}
#[test]
fn times_of_the_calendar_are_refused_on_a_stream_with_integers() {
    check(integers, By::is_of_the_calendar, "integers");
}
#[test]
fn times_of_the_programs_own_may_be_set_by_anything() {
    check(blocks, |_| false, "");
}
