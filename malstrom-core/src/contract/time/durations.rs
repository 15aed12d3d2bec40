//! `5.seconds()`.
use std::time::Duration;

/// Integers as lengths of time. A negative one is zero, one that is too large is [`Duration::MAX`].
///
/// ```
/// use malstrom_core::Durations;
/// use std::time::Duration;
///
/// assert_eq!(5.seconds(), Duration::from_secs(5));
/// assert_eq!(2u8.days() + 3.hours(), Duration::from_secs(51 * 60 * 60));
/// assert_eq!((-1).minutes(), Duration::ZERO);
/// ```
pub trait Durations: Sized {
    /// So many times `unit`.
    #[doc(hidden)]
    fn times(self, unit: Duration) -> Duration;

    /// So many microseconds.
    #[inline]
    fn micros(self) -> Duration {
        self.times(Duration::from_micros(1))
    }
    /// So many milliseconds.
    #[inline]
    fn millis(self) -> Duration {
        self.times(Duration::from_millis(1))
    }
    /// So many seconds.
    #[inline]
    fn seconds(self) -> Duration {
        self.times(Duration::from_secs(1))
    }
    /// So many minutes, of 60 seconds.
    #[inline]
    fn minutes(self) -> Duration {
        self.times(Duration::from_mins(1))
    }
    /// So many hours, of 60 minutes.
    #[inline]
    fn hours(self) -> Duration {
        self.times(Duration::from_hours(1))
    }
    /// So many days, of 24 hours.
    #[inline]
    fn days(self) -> Duration {
        self.times(Duration::from_hours(24))
    }
}

macro_rules! durations {
    ($($t:ident)*) => {$(
        impl Durations for $t {
            #[inline]
            fn times(self, unit: Duration) -> Duration {
                // What does not fit is negative, except in u128.
                let n = u128::try_from(self).unwrap_or(0);
                let nanos = n.saturating_mul(unit.as_nanos()).min(Duration::MAX.as_nanos());
                Duration::from_nanos_u128(nanos)
            }
        }
    )*};
}
durations! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_what_they_say() {
        let nanos = [7.micros(), 7.millis(), 7.seconds(), 7.minutes(), 7.hours(), 7.days()].map(|d| d.as_nanos());
        let unit = [1_000, 1_000_000, 1_000_000_000, 60_000_000_000, 3_600_000_000_000, 86_400_000_000_000];
        assert_eq!(nanos, unit.map(|unit| 7 * unit));
    }

    #[test]
    fn every_integer_type_has_them() {
        let hours = [1u8.hours(), 1u16.hours(), 1u32.hours(), 1u64.hours(), 1u128.hours(), 1usize.hours()];
        assert_eq!(hours, [1i8.hours(), 1i16.hours(), 1i32.hours(), 1i64.hours(), 1i128.hours(), 1isize.hours()]);
    }

    #[test]
    fn a_negative_number_is_no_time_at_all() {
        assert_eq!([(-1).micros(), i64::MIN.days(), i128::MIN.hours(), 0.seconds()], [Duration::ZERO; 4]);
    }

    #[test]
    fn too_much_is_the_longest() {
        assert_eq!([u64::MAX.minutes(), u128::MAX.micros(), i128::MAX.days(), i64::MAX.days()], [Duration::MAX; 4]);
        assert_eq!(u64::MAX.seconds(), Duration::from_secs(u64::MAX));
        assert_eq!(u64::MAX.micros(), Duration::from_micros(u64::MAX));
    }
}
