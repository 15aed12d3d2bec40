//! Points in time: arithmetic stops at the ends, and every type's map to ticks keeps the order.
#![allow(clippy::unwrap_used)]
use malstrom_core::{Durations, Span, Time, Timestamp};
use proptest::prelude::*;
use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NANO: Duration = Duration::from_nanos(1);

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
fn nearest(micros: i128) -> i64 {
    micros.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}
/// Numbers of all sizes, and the ends.
fn any_size() -> impl Strategy<Value = i64> {
    prop_oneof![
        (any::<i64>(), 0u32..63).prop_map(|(n, shift)| n >> shift),
        prop::sample::select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX])
    ]
}
fn any_length() -> impl Strategy<Value = Duration> {
    let seconds = (any::<u64>(), 0u32..64, 0u32..1_000_000_000).prop_map(|(s, shift, n)| Duration::new(s >> shift, n));
    prop_oneof![seconds, any::<u64>().prop_map(Duration::from_nanos), Just(Duration::MAX), Just(Duration::ZERO)]
}
fn in_order<T: Time>(a: T, b: T) {
    let (first, last) = (a.min(b), a.max(b));
    assert!(first.to_ticks() <= last.to_ticks(), "{first:?} is before {last:?}");
}
fn ticks_stay<T: Time>(time: T) {
    assert_eq!(T::from_ticks(time.to_ticks()).to_ticks(), time.to_ticks(), "{time:?}");
}
fn converts<T: Time + From<Timestamp> + Into<Timestamp> + Debug>(time: T, micros: i64) {
    assert_eq!(time.to_ticks(), micros, "{time:?}");
    assert_eq!(time.into(), at(micros));
    assert_eq!(T::from(at(micros)), T::from_ticks(micros));
}

#[test]
fn units_are_saturated_into_microseconds() {
    assert_eq!(
        [at(5), Timestamp::from_millis(5), Timestamp::from_secs(-5)].map(Timestamp::as_micros),
        [5, 5_000, -5_000_000]
    );
    assert_eq!([Timestamp::from_millis(i64::MAX), Timestamp::from_secs(i64::MAX)], [Timestamp::MAX; 2]);
    assert_eq!([Timestamp::from_millis(i64::MIN), Timestamp::from_secs(i64::MIN)], [Timestamp::MIN; 2]);
    assert_eq!(Timestamp::default(), Timestamp::UNIX_EPOCH);
}

#[test]
fn arithmetic_stops_at_the_ends() {
    assert_eq!(Timestamp::MAX + 1.micros(), Timestamp::MAX);
    assert_eq!(Timestamp::MIN - 1.micros(), Timestamp::MIN);
    assert_eq!([Timestamp::MIN + Duration::MAX, Timestamp::MIN + u64::MAX.micros()], [Timestamp::MAX; 2]);
    assert_eq!([Timestamp::MAX - Duration::MAX, Timestamp::MAX - u64::MAX.micros()], [Timestamp::MIN; 2]);
    assert_eq!(Timestamp::MAX - Timestamp::MIN, u64::MAX.micros());
    assert_eq!(Timestamp::MIN - Timestamp::MAX, Duration::ZERO);
    assert_eq!(at(7) + 999 * NANO, at(7));
    assert_eq!(Timestamp::MIN.floor_to(7.days()), Timestamp::MIN);
    assert_eq!([at(-1).floor_to(Duration::MAX), Timestamp::MAX.floor_to(Duration::MAX)], [Timestamp::MIN, at(0)]);
    assert_eq!([at(-7).floor_to(Duration::ZERO), at(-7).floor_to(999 * NANO)], [at(-7); 2]);
}

#[test]
fn a_duration_is_a_length_on_the_calendar() {
    assert_eq!([1_999 * NANO, 1.seconds(), Duration::MAX].map(Span::<Timestamp>::ticks), [1, 1_000_000, i64::MAX]);
    assert_eq!(Span::<SystemTime>::ticks(1.millis()), 1_000);
}

#[test]
fn system_times_are_timestamps() {
    converts(UNIX_EPOCH, 0);
    converts(UNIX_EPOCH + 1_999 * NANO, 1);
    converts(UNIX_EPOCH - NANO, -1);
    converts(UNIX_EPOCH - 1_000 * NANO, -1);
    converts(UNIX_EPOCH - 1_001 * NANO, -2);
    converts(UNIX_EPOCH + 1_357_035_420.seconds(), 1_357_035_420_000_000);
    let end = Duration::from_secs(i64::MAX as u64);
    converts(UNIX_EPOCH.checked_add(end).unwrap(), i64::MAX);
    converts(UNIX_EPOCH.checked_sub(end).unwrap(), i64::MIN);
    for micros in [i64::MIN, -1, 0, 1, i64::MAX] {
        assert_eq!(SystemTime::from_ticks(micros).to_ticks(), micros);
    }
}

#[cfg(feature = "jiff")]
#[test]
fn jiff_timestamps_are_timestamps() {
    let read = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    converts(read("1970-01-01T00:00:00.000001999Z"), 1);
    converts(read("1969-12-31T23:59:59.999999999Z"), -1);
    converts(read("1969-12-31T23:59:59.999999Z"), -1);
    converts(read("2013-01-01T10:17:00Z"), 1_357_035_420_000_000);
    for end in [jiff::Timestamp::MIN, jiff::Timestamp::MAX] {
        converts(end, end.as_nanosecond().div_euclid(1_000) as i64);
    }
    assert_eq!(jiff::Timestamp::from(Timestamp::MIN), jiff::Timestamp::MIN);
    assert_eq!(jiff::Timestamp::from(Timestamp::MAX), jiff::Timestamp::MAX);
    assert_eq!(Span::<jiff::Timestamp>::ticks(1.millis()), 1_000);
}

#[cfg(feature = "chrono")]
#[test]
fn chrono_times_are_timestamps() {
    use chrono::{DateTime, NaiveDateTime, Utc};
    let read = |text: &str| text.parse::<NaiveDateTime>().unwrap().and_utc();
    converts(read("1970-01-01T00:00:00.000001999"), 1);
    converts(read("1969-12-31T23:59:59.999999999"), -1);
    converts(read("2013-01-01T10:17:00"), 1_357_035_420_000_000);
    converts(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MIN_UTC.timestamp_micros());
    converts(DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MAX_UTC.timestamp_micros());
    assert_eq!(DateTime::<Utc>::from(Timestamp::MIN), DateTime::<Utc>::MIN_UTC);
    assert_eq!(DateTime::<Utc>::from(Timestamp::MAX), DateTime::<Utc>::MAX_UTC);
    assert_eq!(Span::<DateTime<Utc>>::ticks(1.millis()), 1_000);
    // A leap second is after the second that it belongs to, and before the next.
    let leap = read("2016-12-31T23:59:60.25");
    converts(leap, 1_483_228_799_999_999);
    in_order(read("2016-12-31T23:59:59.999999999"), leap);
    in_order(leap, read("2017-01-01T00:00:00"));
}

proptest! {
    #[test]
    fn sums_are_those_of_a_wider_integer(micros in any_size(), length in any_length()) {
        let (wide, long) = (i128::from(micros), length.as_micros() as i128);
        let (mut later, mut earlier) = (at(micros), at(micros));
        later += length;
        earlier -= length;
        assert_eq!((at(micros) + length, later), (at(nearest(wide + long)), at(nearest(wide + long))));
        assert_eq!((at(micros) - length, earlier), (at(nearest(wide - long)), at(nearest(wide - long))));
        assert_eq!(i128::from(Span::<Timestamp>::ticks(length)), long.min(i64::MAX.into()));
    }
    #[test]
    fn differences_are_those_of_a_wider_integer(a in any_size(), b in any_size()) {
        let wide = (i128::from(a) - i128::from(b)).max(0) as u128;
        assert_eq!(((at(a) - at(b)).as_nanos(), at(a).duration_since(at(b)).as_nanos()), (wide * 1_000, wide * 1_000));
    }
    #[test]
    fn floors_are_those_of_a_wider_integer(micros in any_size(), step in any_length()) {
        let (wide, step_micros) = (i128::from(micros), step.as_micros() as i128);
        let floor = if step_micros == 0 { wide } else { wide - wide.rem_euclid(step_micros) };
        assert_eq!(at(micros).floor_to(step), at(nearest(floor)));
    }
    #[test]
    fn ticks_keep_the_order(a in any_size(), b in any_size(), near in -3_000i64..3_000) {
        for b in [b, a.saturating_add(near)] {
            assert_eq!(at(a).cmp(&at(b)), a.cmp(&b));
            in_order(at(a), at(b));
            in_order(a as u64, b as u64);
            in_order(a as u8, b as u8);
            in_order(a as isize, b as isize);
            let system = |nanos: i64| {
                let away = Duration::from_nanos(nanos.unsigned_abs());
                if nanos < 0 { UNIX_EPOCH - away } else { UNIX_EPOCH + away }
            };
            in_order(system(a), system(b));
            ticks_stay(system(a));
            assert_eq!(system(a).to_ticks(), a.div_euclid(1_000));
            assert_eq!(SystemTime::from_ticks(a).cmp(&SystemTime::from_ticks(b)), a.cmp(&b));
        }
        assert_eq!(SystemTime::from_ticks(a).to_ticks(), a);
    }
    #[cfg(feature = "jiff")]
    #[test]
    fn ticks_of_jiff_keep_the_order(a in any_size(), b in any_size(), near in -3_000i64..3_000) {
        for b in [b, a.saturating_add(near)] {
            let read = |nanos: i64| jiff::Timestamp::from_nanosecond(nanos.into()).unwrap();
            in_order(read(a), read(b));
            assert_eq!(read(a).to_ticks(), a.div_euclid(1_000));
            in_order(jiff::Timestamp::from_ticks(a), jiff::Timestamp::from_ticks(b));
            ticks_stay(jiff::Timestamp::from_ticks(a));
        }
    }
    #[cfg(feature = "chrono")]
    #[test]
    fn ticks_of_chrono_keep_the_order(a in any_size(), b in any_size(), near in -3_000i64..3_000) {
        use chrono::{DateTime, Utc};
        for b in [b, a.saturating_add(near)] {
            in_order(DateTime::from_timestamp_nanos(a), DateTime::from_timestamp_nanos(b));
            assert_eq!(DateTime::from_timestamp_nanos(a).to_ticks(), a.div_euclid(1_000));
            in_order(DateTime::<Utc>::from_ticks(a), DateTime::<Utc>::from_ticks(b));
            ticks_stay(DateTime::<Utc>::from_ticks(a));
        }
    }
}
