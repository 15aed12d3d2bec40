//! Timestamps as text, and to serde. The calendar is chrono's: its RFC 3339 is strict, and it compiles in a second.
use super::Timestamp;
use chrono::{DateTime, TimeZone};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What RFC 3339 can write: the microseconds from year 0 to the end of year 9999.
const WRITTEN: std::ops::RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

/// A leap second of chrono follows the second that it belongs to, so its fraction is the end of that second: the order of
/// times stays.
pub(super) fn micros_of<Z: TimeZone>(at: &DateTime<Z>) -> i64 {
    at.timestamp() * 1_000_000 + i64::from(at.timestamp_subsec_micros().min(999_999))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.as_micros();
        match DateTime::from_timestamp_micros(micros).filter(|_| WRITTEN.contains(&micros)) {
            // As much of the fraction as there is, by the thousand.
            Some(at) => write!(f, "{:?}Z", at.naive_utc()),
            None => write!(f, "{micros}us"),
        }
    }
}
/// As [`Display`](fmt::Display).
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no [`Timestamp`].
///
/// ```
/// use malstrom_core::Timestamp;
/// let error = "2013-01-01T05:17:00".parse::<Timestamp>().unwrap_err();
/// assert_eq!(error.to_string(), "`2013-01-01T05:17:00` is not a time: it has no offset, such as `Z` or `+02:00`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time: {why}")]
pub struct InvalidTimestamp {
    text: Box<str>,
    why: &'static str,
}

/// How many characters of a wrong text an error shows.
const SHOWN: usize = 40;
const EXPECTED: &str = "expected the form of `2013-01-01T05:17:00Z`";
const NO_OFFSET: &str = "it has no offset, such as `Z` or `+02:00`";
const OUT_OF_RANGE: &str = "there is no such date, time of day or offset";
const TOO_LARGE: &str = "so many microseconds are out of range";

/// RFC 3339, such as `2013-01-01T05:17:00-05:00`: with `Z` or an offset, with any number of digits of a second's fraction,
/// of which the first six count; `t` and `z` may be small, and a space may stand for `T`. Second 60, where a leap second is
/// inserted, is read as the last microsecond of second 59.
///
/// Or a number of microseconds since 1970-01-01T00:00:00Z followed by `us`, such as `-62167219200000001us`.
impl FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        match DateTime::parse_from_rfc3339(text) {
            Ok(at) => Ok(Timestamp::from_micros(micros_of(&at))),
            Err(error) => from_ticks_or(text, error.kind()),
        }
    }
}

#[cold]
fn from_ticks_or(text: &str, kind: chrono::format::ParseErrorKind) -> Result<Timestamp, InvalidTimestamp> {
    let why = match text.strip_suffix("us").map(i64::from_str) {
        Some(Ok(micros)) => return Ok(Timestamp::from_micros(micros)),
        Some(Err(error)) if is_too_large(&error) => TOO_LARGE,
        _ if kind == chrono::format::ParseErrorKind::OutOfRange => OUT_OF_RANGE,
        _ if text.len() < 2 * SHOWN && DateTime::parse_from_rfc3339(&format!("{text}Z")).is_ok() => NO_OFFSET,
        _ => EXPECTED,
    };
    let shown = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}..", &text[..end]).into(),
        None => text.into(),
    };
    Err(InvalidTimestamp { text: shown, why })
}
fn is_too_large(error: &std::num::ParseIntError) -> bool {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    matches!(error.kind(), PosOverflow | NegOverflow)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.as_micros())
        }
    }
}
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(TextOrMicros)
        } else {
            i64::deserialize(deserializer).map(Timestamp::from_micros)
        }
    }
}

struct TextOrMicros;

impl Visitor<'_> for TextOrMicros {
    type Value = Timestamp;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time of RFC 3339 or a number of microseconds")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_i64<E: Error>(self, micros: i64) -> Result<Timestamp, E> {
        Ok(Timestamp::from_micros(micros))
    }
    fn visit_u64<E: Error>(self, micros: u64) -> Result<Timestamp, E> {
        i64::try_from(micros).map(Timestamp::from_micros).map_err(|_| E::custom(format_args!("{micros}: {TOO_LARGE}")))
    }
}
