//! Windows of event time, and what comes out of them.
use super::key::{KeyWriter, PartitionKey};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A stretch of event time: from `start` on, and before `end`. Ordered by `start`, then by `end`.
///
/// ```
/// use malstrom_core::{Durations, Timestamp, Window};
///
/// let start: Timestamp = "2013-01-01T00:00:00Z".parse()?;
/// let window = Window::new(start, start + 1.hours());
/// assert!(window.contains(start) && !window.contains(start + 1.hours()));
/// assert_eq!(window.to_string(), "2013-01-01T00:00:00Z..2013-01-01T01:00:00Z");
/// # Ok::<(), malstrom_core::InvalidTimestamp>(())
/// ```
///
/// On a stream whose times are integers, these are the microseconds: `window.start().as_micros()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    start: Timestamp,
    end: Timestamp,
}
crate::record_by_fields!(Window { start: Timestamp, end: Timestamp });

impl Window {
    /// The window `[start, end)`. It contains nothing unless `end` is after `start`.
    #[inline]
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Window { start, end }
    }
    /// The first point in it.
    #[inline]
    pub const fn start(self) -> Timestamp {
        self.start
    }
    /// The first point after it.
    #[inline]
    pub const fn end(self) -> Timestamp {
        self.end
    }
    /// Whether `time` lies in it.
    #[inline]
    pub fn contains(self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }
}
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}
impl PartitionKey for Window {
    #[inline(always)]
    fn write_key(&self, out: &mut KeyWriter<'_>) {
        self.start.write_key(out);
        self.end.write_key(out);
    }
}

/// What an aggregate makes of the records of one key in one window.
///
/// ```
/// use malstrom_core::{Timestamp, Window, Windowed};
///
/// let window = Window::new(Timestamp::UNIX_EPOCH, Timestamp::from_secs(60));
/// let count = Windowed { key: "JFK".to_owned(), window, value: 7u64 };
/// assert_eq!(
///     serde_json::to_string(&count)?,
///     r#"{"key":"JFK","window":{"start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:01:00Z"},"value":7}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Windowed<K, V> {
    /// The key of the records.
    pub key: K,
    /// When they happened.
    pub window: Window,
    /// What they add up to.
    pub value: V,
}
crate::record_by_fields!(Windowed<K, V> { key: K, window: Window, value: V });

/// A record that came when every window it belongs to had closed.
///
/// ```
/// use malstrom_core::{Late, Timestamp};
///
/// let late = Late { record: "UA 1545", watermark: Timestamp::from_secs(60) };
/// assert_eq!(late.to_string(), "late for 1970-01-01T00:01:00Z: UA 1545");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Late<T> {
    /// The record.
    pub record: T,
    /// How far event time had advanced when it came.
    pub watermark: Timestamp,
}
crate::record_by_fields!(Late<T> { record: T, watermark: Timestamp });
impl<T: fmt::Display> fmt::Display for Late<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "late for {}: {}", self.watermark, self.record)
    }
}
