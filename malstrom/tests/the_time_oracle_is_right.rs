//! The oracle of event time agrees with cases that were worked out by hand.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use proptest::prelude::*;
use support::time_oracle::{
    Ev, Firing, Kind, Model, Pair, Shape, joined_in_windows, joined_within, on_time, sessions, streams, windows_of,
};

fn ev(key: u64, at: i64) -> Ev {
    Ev { key, at, id: 0, value: 0 }
}
fn at(times: &[i64]) -> Vec<Ev> {
    times.iter().enumerate().map(|(id, at)| Ev { id: id as u64, ..ev(0, *at) }).collect()
}
/// Windows and the times of their records.
fn shown(firings: &[Firing]) -> Vec<((i64, i64), Vec<i64>)> {
    firings.iter().map(|f| (f.window, f.records.iter().map(|e| e.at).collect())).collect()
}

#[test]
fn windows_are_half_open_and_aligned_to_zero() {
    assert_eq!(
        [0, 9, 10, -1, -10, -11].map(|at| windows_of(10, 10, 0, at)[0]),
        [(0, 10), (0, 10), (10, 20), (-10, 0), (-10, 0), (-20, -10)]
    );
    assert_eq!([0, 2, 3].map(|at| windows_of(10, 10, 3, at)), [vec![(-7, 3)], vec![(-7, 3)], vec![(3, 13)]]);
    assert_eq!(windows_of(10, 10, 43, 3), windows_of(10, 10, -7, 3));
    assert_eq!(windows_of(10, 5, 0, -1), [(-10, 0), (-5, 5)]);
    assert_eq!(windows_of(10, 4, 0, 0), [(-8, 2), (-4, 6), (0, 10)]);
    assert_eq!(windows_of(10, 4, 0, 2), [(-4, 6), (0, 10)]);
    assert_eq!(windows_of(i64::MAX, i64::MAX, 0, -1), [(-i64::MAX, 0)]);
    assert_eq!(windows_of(10, 10, 0, i64::MAX), [(i64::MAX - 7, i64::MAX)]);
    assert_eq!(windows_of(10, 10, 0, i64::MIN), [(i64::MIN, i64::MIN + 8)]);
}

#[test]
fn sessions_end_where_nothing_comes_for_the_gap() {
    let runs = |times: &[i64]| {
        sessions(&at(times), 5).iter().map(|s| s.iter().map(|e| e.at).collect()).collect::<Vec<Vec<_>>>()
    };
    assert_eq!(runs(&[7, 0, 4, 12]), [vec![0, 4, 7], vec![12]]);
    assert_eq!(runs(&[3, 3]), [[3, 3]]);
    assert_eq!(
        shown(&on_time(Kind::Session { gap: 5 }, at(&[7, 0, 4, 12]))),
        [((0, 12), vec![0, 4, 7]), ((12, 17), vec![12])]
    );
}

#[test]
fn counted_windows_span_their_records() {
    let kind = Kind::Counted { n: 2 };
    assert_eq!(shown(&on_time(kind, at(&[9, 4, 5]))), [((4, 10), vec![9, 4]), ((5, 6), vec![5])]);
}

#[test]
fn a_record_exactly_lag_behind_is_on_time() {
    // The watermark is 4 after 10.
    let tens = Kind::Aligned { size: 5, every: 5, offset: 0 };
    let model = Model::new(tens, 5, 0, &at(&[10, 5, 4, 0]));
    assert_eq!(model.late.iter().map(|(e, watermark)| (e.at, *watermark)).collect::<Vec<_>>(), [(4, 4), (0, 4)]);
    assert_eq!(shown(&model.firings), [((5, 10), vec![5]), ((10, 15), vec![10])]);
    assert!(Model::new(tens, 6, 0, &at(&[10, 5, 4, 0])).late.is_empty());
}

#[test]
fn a_window_that_has_fired_fires_again_within_its_lateness() {
    let tens = Kind::Aligned { size: 10, every: 10, offset: 0 };
    // The watermark is 10 after 11, which closes the first window; from 14 on it is closed for good.
    let model = Model::new(tens, 0, 5, &at(&[1, 11, 3, 14, 5, 15, 7]));
    assert_eq!(
        shown(&model.firings),
        [((0, 10), vec![1]), ((0, 10), vec![1, 3]), ((0, 10), vec![1, 3, 5]), ((10, 20), vec![11, 14, 15])]
    );
    assert_eq!(model.late, [(at(&[1, 11, 3, 14, 5, 15, 7])[6], 14)]);
}

#[test]
fn sessions_merge_and_are_late_when_what_they_would_merge_into_has_closed() {
    let fives = Kind::Session { gap: 5 };
    // 0 and 6 are apart until 3 comes, which is on time.
    assert_eq!(shown(&Model::new(fives, 4, 0, &at(&[0, 6, 3])).firings), [((0, 11), vec![0, 3, 6])]);
    // Without lag the first one has closed at 5, and what would have merged with it is a session of its own.
    let model = Model::new(fives, 0, 0, &at(&[0, 6, 3, -3]));
    assert_eq!(shown(&model.firings), [((0, 5), vec![0]), ((3, 11), vec![3, 6])]);
    assert_eq!(model.late, [(at(&[0, 6, 3, -3])[3], 5)]);
    // Within its lateness it merges after all, and the merged one is still open.
    let model = Model::new(fives, 0, 3, &at(&[0, 6, 3, -3]));
    assert_eq!(shown(&model.firings), [((0, 5), vec![0]), ((-3, 11), vec![-3, 0, 3, 6])]);
    assert!(model.late.is_empty());
}

#[test]
fn joins_pair_what_is_near() {
    let pair = |a: i64, b: i64| (Some(ev(1, a)), Some(ev(1, b)));
    let (a, b) = ([ev(1, 0), ev(1, 10), ev(2, 50)], [ev(1, 5), ev(1, 16), ev(3, 50)]);
    assert_eq!(joined_within(&a, &b, 5, (false, false)), [pair(0, 5), pair(10, 5)]);
    let all = joined_within(&a, &b, 5, (true, true));
    let alone: [Pair; 3] = [(None, Some(ev(1, 16))), (None, Some(ev(3, 50))), (Some(ev(2, 50)), None)];
    assert_eq!(all, [alone[0], alone[1], pair(0, 5), pair(10, 5), alone[2]]);
    let tens = |at| windows_of(10, 10, 0, at);
    assert_eq!(joined_in_windows(&a, &b, tens, (true, false)), [pair(0, 5), pair(10, 16), alone[2]]);
    // Once for each of the two windows that they share.
    let overlapping = |at| windows_of(10, 5, 0, at);
    assert_eq!(joined_in_windows(&[ev(1, 7)], &[ev(1, 8)], overlapping, (true, true)), [pair(7, 8), pair(7, 8)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn streams_are_no_more_in_disorder_than_they_say((splits, lag) in streams(Shape { splits: 4, records: 200, dealt: true, late: 0 })) {
        for split in &splits {
            let mut max = i64::MIN;
            for e in split {
                prop_assert!(e.at >= max.saturating_sub(lag));
                max = max.max(e.at);
            }
        }
    }
    #[test]
    fn the_model_of_one_split_agrees_with_the_definition_of_windows(
        (splits, lag) in streams(Shape { splits: 1, records: 200, dealt: true, late: 0 }),
        kind in prop_oneof![
            (1..40i64, 1..9i64, -40..40i64).prop_map(|(size, parts, offset)| Kind::Aligned { size, every: (size / parts).max(1), offset }),
            (1..30i64).prop_map(|gap| Kind::Session { gap }),
        ],
    ) {
        let model = Model::new(kind, lag, 0, &splits[0]);
        prop_assert!(model.late.is_empty());
        let mut firings = model.firings;
        firings.sort_by_key(|f| (f.key, f.window.1));
        prop_assert_eq!(firings, on_time(kind, splits[0].iter().copied()));
    }
    #[test]
    fn in_the_model_each_record_is_in_a_window_or_late(
        (splits, lag) in streams(Shape { splits: 1, records: 200, dealt: true, late: 4 }),
        gap in 1..30i64,
        lateness in 0..40i64,
    ) {
        for kind in [Kind::Session { gap }, Kind::Aligned { size: gap, every: gap, offset: 3 }] {
            let model = Model::new(kind, lag, lateness, &splits[0]);
            let mut ids: Vec<u64> = model.late.iter().map(|(e, _)| e.id).collect();
            let fired: std::collections::BTreeSet<u64> = model.firings.iter().flat_map(|f| &f.records).map(|e| e.id).collect();
            ids.extend(fired);
            ids.sort_unstable();
            prop_assert_eq!(ids, splits[0].iter().map(|e| e.id).collect::<Vec<_>>());
        }
    }
}
