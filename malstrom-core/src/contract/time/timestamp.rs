//! The time that comes with Malstrom.
use super::{Span, Ticks, Time};
use crate::contract::key::{KeyWriter, PartitionKey};
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// A point in time: microseconds since 1970-01-01T00:00:00Z, the Unix epoch, as an `i64` (±292,000 years).
///
/// ```
/// use malstrom_core::{Durations, Timestamp};
///
/// let departure: Timestamp = "2013-01-01T05:17:00-05:00".parse()?;
/// assert_eq!(departure.as_micros(), 1_357_035_420_000_000);
/// assert_eq!((departure + 250.millis()).to_string(), "2013-01-01T10:17:00.250Z");
/// assert_eq!(departure.floor_to(1.hours()).to_string(), "2013-01-01T10:00:00Z");
/// assert_eq!(departure - departure.floor_to(1.hours()), 17.minutes());
/// # Ok::<(), malstrom_core::InvalidTimestamp>(())
/// ```
///
/// As text it is RFC 3339 in UTC, with 0, 3 or 6 digits of a second's fraction, as many as it needs. RFC 3339 knows the
/// years 0 to 9999; outside of them it is the number of microseconds followed by `us`, as `-62167219200000001us`. Both are
/// read back as the same timestamp, see [`FromStr`](#impl-FromStr-for-Timestamp).
///
/// To serde it is that text, or in binary formats the `i64`. Where a text is written, the number is read as well.
///
/// Arithmetic is in whole microseconds, a `Duration` being rounded down, and stops at [`MIN`](Timestamp::MIN) and
/// [`MAX`](Timestamp::MAX).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    micros: i64,
}
crate::record_by_fields!(Timestamp { micros: i64 } as |at| at.to_string().into());

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Timestamp = Timestamp { micros: 0 };
    /// The first one, about 292,000 years before 1970.
    pub const MIN: Timestamp = Timestamp { micros: i64::MIN };
    /// The last one, about 292,000 years after 1970.
    pub const MAX: Timestamp = Timestamp { micros: i64::MAX };

    /// So many microseconds after 1970-01-01T00:00:00Z; before it if negative.
    ///
    /// ```
    /// use malstrom_core::Timestamp;
    /// assert_eq!(Timestamp::from_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
    /// ```
    #[inline(always)]
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp { micros }
    }
    /// So many milliseconds after 1970-01-01T00:00:00Z, [`MIN`](Timestamp::MIN) or [`MAX`](Timestamp::MAX) if that is out
    /// of range.
    ///
    /// ```
    /// use malstrom_core::Timestamp;
    /// assert_eq!(Timestamp::from_millis(1_357_035_420_001).to_string(), "2013-01-01T10:17:00.001Z");
    /// assert_eq!(Timestamp::from_millis(i64::MAX), Timestamp::MAX);
    /// ```
    #[inline]
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp { micros: millis.saturating_mul(1_000) }
    }
    /// So many seconds after 1970-01-01T00:00:00Z, [`MIN`](Timestamp::MIN) or [`MAX`](Timestamp::MAX) if that is out of
    /// range.
    ///
    /// ```
    /// use malstrom_core::Timestamp;
    /// assert_eq!(Timestamp::from_secs(1_357_035_420).to_string(), "2013-01-01T10:17:00Z");
    /// assert_eq!(Timestamp::from_secs(i64::MIN), Timestamp::MIN);
    /// ```
    #[inline]
    pub const fn from_secs(secs: i64) -> Self {
        Timestamp { micros: secs.saturating_mul(1_000_000) }
    }
    /// The microseconds since 1970-01-01T00:00:00Z, negative before it.
    ///
    /// ```
    /// use malstrom_core::Timestamp;
    /// assert_eq!(Timestamp::from_secs(2).as_micros(), 2_000_000);
    /// ```
    #[inline(always)]
    pub const fn as_micros(self) -> i64 {
        self.micros
    }
    /// How long after `earlier` this is, or zero if it is not. The same as `self - earlier`.
    ///
    /// ```
    /// use malstrom_core::{Durations, Timestamp};
    /// let (first, last) = (Timestamp::from_secs(5), Timestamp::from_secs(8));
    /// assert_eq!(last.duration_since(first), 3.seconds());
    /// assert_eq!(first.duration_since(last), 0.seconds());
    /// ```
    #[inline]
    pub const fn duration_since(self, earlier: Timestamp) -> Duration {
        if self.micros > earlier.micros {
            Duration::from_micros(self.micros.abs_diff(earlier.micros))
        } else {
            Duration::ZERO
        }
    }
    /// The last multiple of `step`, counted from 1970-01-01T00:00:00Z, that is not after this; this itself if `step` is
    /// less than a microsecond, [`MIN`](Timestamp::MIN) if that multiple is out of range.
    ///
    /// ```
    /// use malstrom_core::{Durations, Timestamp};
    /// let before_1970 = Timestamp::from_secs(-1);
    /// assert_eq!(before_1970.floor_to(1.days()).to_string(), "1969-12-31T00:00:00Z");
    /// ```
    #[inline]
    pub fn floor_to(self, step: Duration) -> Timestamp {
        let micros = match i64::try_from(step.as_micros()) {
            Ok(0) => self.micros,
            Ok(step) => self.micros.saturating_sub(self.micros.rem_euclid(step)),
            Err(_) if self.micros < 0 => i64::MIN,
            Err(_) => 0,
        };
        Timestamp { micros }
    }
}

/// The microseconds of `length`. So many, from `i64::MIN`, are beyond `i64::MAX` if they do not fit.
#[inline]
fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    /// The point `length` later, [`MAX`](Timestamp::MAX) at the latest.
    #[inline]
    fn add(self, length: Duration) -> Timestamp {
        Timestamp { micros: self.micros.saturating_add_unsigned(micros(length)) }
    }
}
impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    /// The point `length` earlier, [`MIN`](Timestamp::MIN) at the earliest.
    #[inline]
    fn sub(self, length: Duration) -> Timestamp {
        Timestamp { micros: self.micros.saturating_sub_unsigned(micros(length)) }
    }
}
impl AddAssign<Duration> for Timestamp {
    #[inline]
    fn add_assign(&mut self, length: Duration) {
        *self = *self + length;
    }
}
impl SubAssign<Duration> for Timestamp {
    #[inline]
    fn sub_assign(&mut self, length: Duration) {
        *self = *self - length;
    }
}
impl Sub for Timestamp {
    type Output = Duration;
    /// How long after `earlier` this is, or zero if it is not.
    #[inline]
    fn sub(self, earlier: Timestamp) -> Duration {
        self.duration_since(earlier)
    }
}

impl Time for Timestamp {
    const TICKS: Ticks = Ticks::Calendar;
    #[inline(always)]
    fn to_ticks(self) -> i64 {
        self.micros
    }
    #[inline(always)]
    fn from_ticks(ticks: i64) -> Self {
        Timestamp { micros: ticks }
    }
}
impl Span<Timestamp> for Duration {
    #[inline]
    fn ticks(self) -> i64 {
        i64::try_from(self.as_micros()).unwrap_or(i64::MAX)
    }
}
impl PartitionKey for Timestamp {
    #[inline(always)]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        out.word(self.micros as u64, 8);
    }
}
