//! What the guide on time says beside its programs, which are tests of `malstrom-examples` themselves.
use malstrom::prelude::*;
use malstrom_examples::guide::{Lines, Sale, at, clock, lines, lines_on, sales, tea};

#[keyed_state(key = String)]
#[derive(Default)]
struct Nothing {}

#[operator]
fn stamped<T: std::fmt::Debug + 'static>(record: T, at: EventTime) -> String {
    format!("{} {record:?}", clock(*at))
}
#[operator(on_timer = rung)]
fn ring(_: &mut Nothing, sale: Sale, timers: Timers<'_, String>, #[arg] minutes: u64) {
    timers.at(sale.at + minutes.minutes(), clock(sale.at));
    timers.at(sale.at + minutes.minutes(), clock(sale.at));
}
#[operator]
fn rung(_: &mut Nothing, set_at: String) -> String {
    set_at
}
#[operator(on_timer = again)]
fn back(_: &mut Nothing, sale: Sale, timers: Timers<'_, u8>) {
    timers.at(sale.at - 1.hours(), 1);
}
#[operator]
fn again(_: &mut Nothing, left: u8, timers: Timers<'_, u8>) -> u8 {
    if left > 0 {
        timers.after(10.minutes(), left - 1);
    }
    left
}

pipeline! {
    fn counted_windows(sales: Vec<Sale>, out: Lines) {
        source(sales) -> key_by(|sale| sale.item.clone()) -> window(counted(4)) -> count()
            -> map(|count| count.value.to_string()) -> sink(out);
    }
    fn one_window(sales: Vec<Sale>, out: Lines) {
        source(sales) -> key_by(|sale| sale.item.clone()) -> window(global()) -> count()
            -> map(|count| count.value.to_string()) -> sink(out);
    }
    fn days(sales: Vec<Sale>, out: Lines) {
        source(sales) -> timestamps(|sale| sale.at) -> key_by(|sale| sale.item.clone())
            -> window(tumbling(1.days()).offset(5.hours()))? -> count() -> map(|count| count.window.to_string()) -> sink(out);
    }
    fn distinct_items(sales: Vec<Sale>, out: Lines) {
        let evs = source(sales) -> timestamps(|sale| sale.at, lag = 3.minutes()) -> map(|sale| sale.item) -> key_by(|_| ());
        evs -> window(tumbling(10.minutes()))? -> distinct() -> stamped -> sink(out);
    }
    fn failing(sales: Vec<Sale>, out: Lines) {
        source(sales) -> timestamps(|sale| sale.at, lag = 3.minutes()) -> key_by(|sale| sale.item.clone())
            -> window(tumbling(10.minutes()))? -> count() -> map(|count| count.value.to_string()) -> sink(out);
    }
    fn times_of_counts(sales: Vec<Sale>, out: Lines) {
        source(sales) -> timestamps(|sale| sale.at, lag = 3.minutes()) -> key_by(|sale| sale.item.clone())
            -> window(tumbling(10.minutes())) else drop -> count() -> map(|count| count.value) -> stamped -> sink(out);
    }
    fn hours_of_minutes(sales: Vec<Sale>, lateness: std::time::Duration, out: Lines) {
        source(sales) -> timestamps(|sale| sale.at, lag = 3.minutes()) -> key_by(|sale| sale.item.clone())
            -> window(tumbling(10.minutes()), lateness = 5.minutes())? as minutes -> count()
            -> key_by(|count| count.window.start().floor_to(20.minutes()))
            -> window(tumbling(20.minutes()), lateness = lateness) else late as twenty
            -> fold(Vec::new(), |mut counts, count| { counts.push(count.value); counts })
            -> map(|w| format!("{:?}", w.value)) -> sink(out.clone());
        late -> map(|late| format!("late: {}", late.record.value)) -> sink(out);
    }
    fn times_of_timers(sales: Vec<Sale>, minutes: u64, out: Lines) {
        source(sales) -> timestamps(|sale| sale.at) -> key_by(|sale| sale.item.clone()) -> ring(minutes) -> stamped -> sink(out);
    }
    fn times_gone_by(sales: Vec<Sale>, out: Lines) {
        source(sales) -> timestamps(|sale| sale.at) -> key_by(|sale| sale.item.clone()) -> back -> stamped -> sink(out);
    }
    fn joined(a: Vec<Sale>, b: Vec<Sale>, out: Lines) {
        let a = source(a) as a -> timestamps(|sale| sale.at) -> key_by(|sale| sale.item.clone());
        let b = source(b) as b -> timestamps(|sale| sale.at) -> key_by(|sale| sale.item.clone());
        join(a, b, within = 5.minutes(), kind = outer)
            -> map(|(a, b)| (a.is_some(), b.is_some())) -> stamped -> sink(out);
    }
    fn joined_in_windows(a: Vec<Sale>, b: Vec<Sale>, out: Lines) {
        let a = source(a) as a -> timestamps(|sale| sale.at) -> key_by(|sale| sale.item.clone());
        let b = source(b) as b -> timestamps(|sale| sale.at) -> key_by(|sale| sale.item.clone());
        join(a, b, window = sliding(10.minutes(), 5.minutes()))
            -> map(|(a, b)| format!("{} {}", clock(a.at), clock(b.at))) -> sink(out);
    }
    fn left_behind(sales: Vec<Sale>, out: Lines) {
        let all = source(sales) -> timestamps(|sale| sale.at, lag = 3.minutes()) -> key_by(|sale| sale.item.clone());
        join(all, all, within = 0.seconds()) -> map(|(a, _)| clock(a.at)) -> sink(out);
    }
}

#[test]
fn windows_of_so_many_records_and_one_for_all() {
    assert_eq!(lines(|out| counted_windows(tea(), out)), ["3", "4", "4"]);
    assert_eq!(lines(|out| one_window(tea(), out)), ["11"]);
}

#[test]
fn windows_are_shifted() {
    let days = lines(|out| days(sales("tea", &["04:59", "05:00"]), out));
    assert_eq!(days, ["2026-03-01T05:00:00Z..2026-03-02T05:00:00Z", "2026-03-02T05:00:00Z..2026-03-03T05:00:00Z"]);
}

#[test]
fn distinct_records_of_a_window() {
    let sold = || [sales("tea", &["09:00", "09:01", "09:11"]), sales("jam", &["09:12", "09:13"])].concat();
    let told = lines(move |out| distinct_items(sold(), out));
    assert_eq!(told, ["09:09 \"tea\"", "09:19 \"jam\"", "09:19 \"tea\""]);
}

#[test]
fn a_late_record_may_fail_the_job() {
    let why = lines(|out| failing(tea(), out));
    assert!(why.len() == 1 && why[0].contains("failing/window"), "{why:?}");
}

#[test]
fn what_windows_emit_has_their_last_tick() {
    assert_eq!(lines(|out| times_of_counts(tea(), out)), ["09:09 6", "09:19 4"]);
}

#[test]
fn a_correction_is_late_for_the_next_window_unless_that_is_patient() {
    // The watermark is past 09:20 when the record of 09:19 comes. On several workers the second window waits to hear that of
    // each of them, and the correction may come before.
    let sold = || sales("tea", &["09:01", "09:11", "09:24", "09:19"]);
    let told = lines_on(1, move |out| hours_of_minutes(sold(), 0.seconds(), out));
    assert_eq!(told, ["[1, 1]", "[1]", "late: 2"]);
    let told = lines_on(1, move |out| hours_of_minutes(sold(), 10.minutes(), out));
    assert_eq!(told, ["[1, 1, 2]", "[1, 1]", "[1]"]);
}

#[test]
fn what_timers_emit_has_the_time_they_were_set_for() {
    let rung = lines(|out| times_of_timers(sales("tea", &["09:00", "09:30"]), 10, out));
    assert_eq!(rung, ["09:10 \"09:00\"", "09:40 \"09:30\""]);
}

#[test]
fn a_timer_for_a_time_gone_by_fires_at_once_and_may_set_others() {
    let rung = lines(|out| times_gone_by(sales("tea", &["09:00", "09:30"]), out));
    assert_eq!(rung.len(), 4, "{rung:?}");
}

#[test]
fn what_joins_emit_has_the_later_time_or_its_own() {
    let pairs = lines(|out| joined(sales("cup", &["09:00", "09:20"]), sales("cup", &["09:03", "09:40"]), out));
    assert_eq!(pairs, ["09:03 (true, true)", "09:20 (true, false)", "09:40 (false, true)"]);
}

#[test]
fn windows_that_overlap_pair_as_often_as_they_do() {
    let pairs = lines(|out| joined_in_windows(sales("cup", &["09:07"]), sales("cup", &["09:03", "09:08"]), out));
    assert_eq!(pairs, ["09:07 09:03", "09:07 09:08", "09:07 09:08"]);
}

#[test]
fn a_join_leaves_out_what_is_behind_the_watermark() {
    let joined = lines(|out| left_behind(tea(), out));
    assert_eq!(joined.len(), 10);
    assert!(!joined.contains(&"09:07".to_owned()), "{joined:?}");
    assert_eq!(at("09:07"), tea()[8].at);
}
