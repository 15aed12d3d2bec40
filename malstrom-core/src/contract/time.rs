//! Event time: when something happened, as the records say. Watermarks, timers and windows count it in ticks, an `i64`,
//! so that one runtime serves every type of time.
//!
//! | time | tick | length of time |
//! |---|---|---|
//! | [`Timestamp`], `SystemTime` | a microsecond since 1970, UTC | `std::time::Duration` |
//! | with features: `jiff::Timestamp`, `chrono::DateTime<Utc>` | the same | `std::time::Duration` |
//! | integers up to 64 bits | 1 | any integer |
mod calendar;
mod durations;
mod integers;
mod text;
mod timestamp;

pub use durations::Durations;
pub use integers::Logical;
pub use text::InvalidTimestamp;
pub use timestamp::Timestamp;

use std::fmt::Debug;

/// A point in event time: any type with an order-preserving map to `i64`.
///
/// ```
/// use malstrom_core::{Time, Timestamp};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
/// struct Block(u32);
///
/// impl Time for Block {
///     fn to_ticks(self) -> i64 {
///         self.0.to_ticks()
///     }
///     fn from_ticks(ticks: i64) -> Self {
///         Block(u32::from_ticks(ticks))
///     }
/// }
/// assert_eq!(Block(7).to_ticks(), 7);
/// assert_eq!(Block::from_ticks(-1), Block(0));
/// assert_eq!(Timestamp::from_secs(7).to_ticks(), 7_000_000);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time",
    label = "not a time",
    note = "`Timestamp`, `SystemTime` and integers of up to 64 bits are times, so are `jiff::Timestamp` and \
            `chrono::DateTime<Utc>` with the features of their crates' names; implement `Time` for a type of your own"
)]
pub trait Time: Copy + Ord + Debug + Send + 'static {
    /// This point as a number of ticks, the nearest one if there are not that many. Of two points the later one never
    /// has less.
    fn to_ticks(self) -> i64;
    /// The point at `ticks`, or the one nearest to it.
    fn from_ticks(ticks: i64) -> Self;
    /// What its ticks are. A type of your own may be anything.
    #[doc(hidden)]
    const TICKS: Ticks = Ticks::Any;
}

/// What the ticks of a time are, for what no type tells: a timer is set by an operator, which does not know the stream that
/// it will stand on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(hidden)]
pub enum Ticks {
    /// Microseconds since 1970.
    Calendar,
    /// Those of an integer.
    Integer,
    /// Nobody knows.
    #[default]
    Any,
}
impl Ticks {
    /// What is wrong with a time or a length of these ticks on a stream that has others.
    pub(crate) fn clash(self, stream: Ticks) -> Option<&'static str> {
        match (self, stream) {
            (Ticks::Integer, Ticks::Calendar) => Some(
                "a timer was set by an integer, but the stream has times of the calendar: \
                 write `timers.at(*at + 5.seconds(), ..)` or `timers.after(5.seconds(), ..)`",
            ),
            (Ticks::Calendar, Ticks::Integer) => Some(
                "a timer was set by a time of the calendar or a `Duration`, but the times of the stream are integers: \
                 write `timers.at(*at + 5, ..)` or `timers.after(5, ..)`",
            ),
            _ => None,
        }
    }
}

/// A length of event time on the clock of `T`: `std::time::Duration` for times of the calendar, any integer for integers.
///
/// ```
/// use malstrom_core::{Durations, Span, Timestamp};
///
/// assert_eq!(Span::<Timestamp>::ticks(5.millis()), 5_000);
/// assert_eq!(Span::<u64>::ticks(5), 5);
/// ```
///
/// A type of your own has the lengths that it is given: `impl Span<Block> for u32 {..}`, or for all integers at once with
/// [`Logical`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a length of time on the clock of `{T}`",
    label = "not a length of time for `{T}`",
    note = "it is a `Duration`, such as `5.seconds()`, where times are `Timestamp` or another time of the calendar, and \
            an integer where times are integers"
)]
pub trait Span<T: Time>: Copy + Debug + 'static {
    /// Its length in ticks, rounded down; `i64::MAX` if it is longer. An integer may be negative.
    fn ticks(self) -> i64;
}
