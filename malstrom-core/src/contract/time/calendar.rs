//! Other types for a point on the calendar: their ticks are microseconds since 1970, rounded down, and so they are the
//! same points as [`Timestamp`]s. Each way what is out of range is the nearest that is not.
use super::{Span, Ticks, Time, Timestamp};
use std::time::{Duration, SystemTime};

impl Time for SystemTime {
    const TICKS: Ticks = Ticks::Calendar;
    #[inline]
    fn to_ticks(self) -> i64 {
        match self.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => {
                let before = before.duration().as_nanos().div_ceil(1_000);
                i64::try_from(before).map_or(i64::MIN, |micros| -micros)
            }
        }
    }
    #[inline]
    fn from_ticks(ticks: i64) -> Self {
        let away = Duration::from_micros(ticks.unsigned_abs());
        let epoch = SystemTime::UNIX_EPOCH;
        // Every tick has its time on the systems that Malstrom runs on.
        let there = if ticks < 0 { epoch.checked_sub(away) } else { epoch.checked_add(away) };
        there.unwrap_or(epoch)
    }
}

#[cfg(feature = "jiff")]
impl Time for jiff::Timestamp {
    const TICKS: Ticks = Ticks::Calendar;
    #[inline]
    fn to_ticks(self) -> i64 {
        self.as_second() * 1_000_000 + i64::from(self.subsec_nanosecond().div_euclid(1_000))
    }
    #[inline]
    fn from_ticks(ticks: i64) -> Self {
        let nearest = if ticks < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_microsecond(ticks).unwrap_or(nearest)
    }
}

#[cfg(feature = "chrono")]
impl Time for chrono::DateTime<chrono::Utc> {
    const TICKS: Ticks = Ticks::Calendar;
    #[inline]
    fn to_ticks(self) -> i64 {
        super::text::micros_of(&self)
    }
    #[inline]
    fn from_ticks(ticks: i64) -> Self {
        let nearest =
            if ticks < 0 { chrono::DateTime::<chrono::Utc>::MIN_UTC } else { chrono::DateTime::<chrono::Utc>::MAX_UTC };
        chrono::DateTime::from_timestamp_micros(ticks).unwrap_or(nearest)
    }
}

macro_rules! calendar {
    ($($(#[$cfg:meta])? $t:ty;)*) => {$(
        $(#[$cfg])?
        impl Span<$t> for Duration {
            #[inline]
            fn ticks(self) -> i64 {
                Span::<Timestamp>::ticks(self)
            }
        }
        $(#[$cfg])?
        impl From<$t> for Timestamp {
            /// In whole microseconds, rounded down.
            #[inline]
            fn from(time: $t) -> Self {
                Timestamp::from_ticks(time.to_ticks())
            }
        }
        $(#[$cfg])?
        impl From<Timestamp> for $t {
            /// The same point, or the nearest one that the type has.
            #[inline]
            fn from(time: Timestamp) -> Self {
                <$t>::from_ticks(time.to_ticks())
            }
        }
    )*};
}
calendar! {
    SystemTime;
    #[cfg(feature = "jiff")] jiff::Timestamp;
    #[cfg(feature = "chrono")] chrono::DateTime<chrono::Utc>;
}
