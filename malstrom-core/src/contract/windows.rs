//! Windows: what `window(..)` takes, and which window a time belongs to.
//!
//! A stream that is cut into windows is closed by an aggregate or by an operator that keeps state. Until then it may pass
//! through stages that keep none, be split, shared and keyed anew; it may not end in a sink or a fragment's end, or enter what
//! has windows or times of its own. Failures, side outputs and late records leave the windows.
mod aligned;

use super::crossing::{Apart, Crossing};
use super::form::{AnyWindows, Timing, Windowing};
use super::time::{Span, Time, Timestamp};
use super::window::Window;
pub use aligned::{Aligned, Pane};
use std::marker::PhantomData;

/// What `window(..)` takes, on a stream with times `Tm`.
pub trait Assigns<Tm: Timing>: WindowLike {
    /// What it comes to once its lengths are ticks.
    type Spec: Kind;
    /// The lengths in ticks.
    ///
    /// # Errors
    /// What is wrong with them.
    fn spec(self) -> Result<Self::Spec, String>;
    /// Some windows, in place of those that were refused.
    #[doc(hidden)]
    fn fallback() -> Self::Spec;
}
/// What `window(..)` takes.
pub trait WindowLike: 'static {
    /// `J` if it needs no event time.
    type Wants<J: 'static>: 'static;
    /// `J` if no record can be late for it.
    type Refuses<J: 'static>: 'static;
    /// What its lengths are given in, [`Zero`] if it has none.
    type Length: 'static;
}

/// Windows of one size, one behind the other. See [`tumbling`].
#[derive(Clone, Copy, Debug)]
pub struct Tumbling<D> {
    size: D,
    offset: Option<D>,
}
/// Windows of one size that overlap. See [`sliding`].
#[derive(Clone, Copy, Debug)]
pub struct Sliding<D> {
    size: D,
    every: D,
    offset: Option<D>,
}
/// Windows that end where nothing comes for a while. See [`session`].
#[derive(Clone, Copy, Debug)]
pub struct Session<D> {
    gap: D,
}
/// Windows of so many records. See [`counted`].
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    records: u64,
}
/// One window for all. See [`global`].
#[derive(Clone, Copy, Debug)]
pub struct Global(());

/// Windows of `size`, one behind the other, aligned to the Unix epoch: `[0, size)`, `[size, 2 * size)`, ..
///
/// ```
/// use malstrom_core::{Durations, contract::windows::tumbling};
/// let hours = tumbling(1.hours());
/// let days_in_berlin = tumbling(1.days()).offset(23.hours());
/// # let _ = (hours, days_in_berlin);
/// ```
pub fn tumbling<D>(size: D) -> Tumbling<D> {
    Tumbling { size, offset: None }
}
/// Windows of `size`, of which one begins `every` so often: with `sliding(10.minutes(), 1.minutes())`, each record belongs
/// to ten of them, and to a million at most.
///
/// An aggregate does not go through a record ten times: windows are put together from parts that they share. `top` and
/// `distinct` still go by the order of arrival; `reduce` is given the parts in the order of their times, and `fold` and
/// operators each record once per window.
///
/// ```
/// use malstrom_core::{Durations, contract::windows::sliding};
/// let windows = sliding(10.minutes(), 1.minutes());
/// # let _ = windows;
/// ```
pub fn sliding<D>(size: D, every: D) -> Sliding<D> {
    Sliding { size, every, offset: None }
}
/// Per key, a window for each run of records that are less than `gap` apart: from the first to `gap` behind the last.
///
/// Sessions that a record joins become one. `fold` and operators are given its records in the order of their times, when it
/// closes; with a `lateness`, all of them again for each record that comes then, and the records must be `Clone`.
///
/// ```
/// use malstrom_core::{Durations, contract::windows::session};
/// let visits = session(30.minutes());
/// # let _ = visits;
/// ```
pub fn session<D>(gap: D) -> Session<D> {
    Session { gap }
}
/// Per key, a window for every `records` records, in the order in which they arrive. Needs no event time.
///
/// ```
/// use malstrom_core::contract::windows::counted;
/// let tens = counted(10);
/// # let _ = tens;
/// ```
pub fn counted(records: u64) -> Counted {
    Counted { records }
}
/// Per key, one window, which closes when the input has ended. Needs no event time.
///
/// ```
/// use malstrom_core::contract::windows::global;
/// let all = global();
/// # let _ = all;
/// ```
pub fn global() -> Global {
    Global(())
}
impl<D> Tumbling<D> {
    /// Shifts all windows by `offset`.
    #[must_use]
    pub fn offset(self, offset: D) -> Self {
        Tumbling { offset: Some(offset), ..self }
    }
}
impl<D> Sliding<D> {
    /// Shifts all windows by `offset`.
    #[must_use]
    pub fn offset(self, offset: D) -> Self {
        Sliding { offset: Some(offset), ..self }
    }
}

/// No length of time.
#[derive(Clone, Copy, Debug)]
pub struct Zero;
impl<T: Time> Span<T> for Zero {
    fn ticks(self) -> i64 {
        0
    }
}
/// Stands for something that is asked for.
#[derive(Debug)]
pub struct Wanted;

impl<D: 'static> WindowLike for Tumbling<D> {
    type Wants<J: 'static> = Wanted;
    type Refuses<J: 'static> = Wanted;
    type Length = D;
}
impl<D: 'static> WindowLike for Sliding<D> {
    type Wants<J: 'static> = Wanted;
    type Refuses<J: 'static> = Wanted;
    type Length = D;
}
impl<D: 'static> WindowLike for Session<D> {
    type Wants<J: 'static> = Wanted;
    type Refuses<J: 'static> = Wanted;
    type Length = D;
}
impl WindowLike for Counted {
    type Wants<J: 'static> = J;
    type Refuses<J: 'static> = J;
    type Length = Zero;
}
impl WindowLike for Global {
    type Wants<J: 'static> = J;
    type Refuses<J: 'static> = J;
    type Length = Zero;
}

fn positive(ticks: i64, what: &str) -> Result<i64, String> {
    if ticks > 0 { Ok(ticks) } else { Err(format!("{what} must be more than 0, and is {ticks}")) }
}
impl<T: Time, D: Span<T>> Assigns<T> for Tumbling<D> {
    type Spec = Aligned<Once>;
    fn fallback() -> Aligned<Once> {
        Aligned::new(1, 1, 0)
    }
    fn spec(self) -> Result<Aligned<Once>, String> {
        let size = positive(self.size.ticks(), "the size of a window")?;
        Ok(Aligned::new(size, size, self.offset.map_or(0, Span::ticks)))
    }
}
/// To how many windows a record may belong. More is a mistake in the lengths, and a job that hangs.
const MOST_WINDOWS: i64 = 1_000_000;
impl<T: Time, D: Span<T>> Assigns<T> for Sliding<D> {
    type Spec = Aligned<Often>;
    fn fallback() -> Aligned<Often> {
        Aligned::new(1, 1, 0)
    }
    fn spec(self) -> Result<Aligned<Often>, String> {
        let size = positive(self.size.ticks(), "the size of a window")?;
        let every = positive(self.every.ticks(), "how often a window begins")?;
        if every > size {
            return Err(format!(
                "a window of {size} that begins every {every} leaves out what lies between two windows: `every` must not be greater than the size"
            ));
        }
        if size / every > MOST_WINDOWS {
            return Err(format!(
                "with a window of {size} that begins every {every}, each record belongs to {} windows: {MOST_WINDOWS} are the most",
                size / every
            ));
        }
        Ok(Aligned::new(size, every, self.offset.map_or(0, Span::ticks)))
    }
}
impl<T: Time, D: Span<T>> Assigns<T> for Session<D> {
    type Spec = Sessions;
    fn fallback() -> Sessions {
        Sessions { gap: 1 }
    }
    fn spec(self) -> Result<Sessions, String> {
        Ok(Sessions { gap: positive(self.gap.ticks(), "the gap between two sessions")? })
    }
}
impl<Tm: Timing> Assigns<Tm> for Counted {
    type Spec = Counts;
    fn fallback() -> Counts {
        Counts { records: 1 }
    }
    fn spec(self) -> Result<Counts, String> {
        match self.records {
            0 => Err("a counted window must have at least 1 record".into()),
            records => Ok(Counts { records }),
        }
    }
}
impl<Tm: Timing> Assigns<Tm> for Global {
    type Spec = Aligned<Once>;
    fn fallback() -> Aligned<Once> {
        Aligned::new(1, 1, 0)
    }
    fn spec(self) -> Result<Aligned<Once>, String> {
        Ok(Aligned::whole())
    }
}

/// Each record belongs to one window.
#[derive(Clone, Copy, Debug)]
pub struct Once;
/// Each record may belong to several windows.
#[derive(Clone, Copy, Debug)]
pub struct Often;
/// To how many windows a record belongs.
pub trait Times: Copy + 'static {
    /// Whether there may be several.
    const MANY: bool;
    /// `T` if so, `()` if not.
    type Copied<T: 'static>: 'static;
}
impl Times for Once {
    const MANY: bool = false;
    type Copied<T: 'static> = ();
}
impl Times for Often {
    const MANY: bool = true;
    type Copied<T: 'static> = T;
}
/// How a record of type `T` comes to each of its windows.
pub trait Deals<T>: Times {
    /// A copy for a further window.
    fn copy(record: &T) -> Option<T>;
}
impl<T> Deals<T> for Once {
    fn copy(_: &T) -> Option<T> {
        None
    }
}
impl<T: Clone> Deals<T> for Often {
    fn copy(record: &T) -> Option<T> {
        Some(record.clone())
    }
}

/// Sessions: `gap` in ticks.
#[derive(Clone, Copy, Debug)]
pub struct Sessions {
    pub(crate) gap: i64,
}
impl Sessions {
    /// The last tick of the window of a session whose last record is at `last`.
    pub(crate) fn last(self, last: i64) -> i64 {
        last.saturating_add(self.gap - 1)
    }
    /// The window of a session whose records are at `first` to `last`, as users see it.
    pub(crate) fn window(self, first: i64, last: i64) -> Window {
        Window::new(Timestamp::from_micros(first), Timestamp::from_micros(last.saturating_add(self.gap)))
    }
    /// Whether two times, the first of which is not the later one, are less than the gap apart.
    pub(crate) fn near(self, earlier: i64, later: i64) -> bool {
        i128::from(later) - i128::from(earlier) < i128::from(self.gap)
    }
}
/// Windows of so many records.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    pub(crate) records: u64,
}

/// A window closes once.
#[derive(Debug)]
pub struct OnTime;
/// A window closes again for each record that comes within its lateness.
#[derive(Debug)]
pub struct Lenient;
/// Whether windows have a lateness.
pub trait Lateness: 'static {
    /// Whether they have.
    const ANY: bool;
    /// `T` if they have, `()` if not.
    type Kept<T: 'static>: 'static;
}
impl Lateness for OnTime {
    const ANY: bool = false;
    type Kept<T: 'static> = ();
}
impl Lateness for Lenient {
    const ANY: bool = true;
    type Kept<T: 'static> = T;
}
/// A kind of windows.
pub trait Kind: Copy + 'static {
    /// How a stream came from an exchange, once it is cut into these windows.
    type Crosses<C: Crossing>: Crossing;
    /// `T` where records `T` are copied for a stage that keeps state, `()` elsewhere.
    type Copied<L: Lateness, T: 'static>: 'static;
}
impl<N: Times> Kind for Aligned<N> {
    type Crosses<C: Crossing> = C::Sliced;
    type Copied<L: Lateness, T: 'static> = N::Copied<T>;
}
impl Kind for Sessions {
    type Crosses<C: Crossing> = Apart;
    type Copied<L: Lateness, T: 'static> = L::Kept<T>;
}
impl Kind for Counts {
    type Crosses<C: Crossing> = Apart;
    type Copied<L: Lateness, T: 'static> = ();
}

/// A stream that is cut into windows: which ones, and whether they have a lateness.
#[derive(Debug)]
pub struct Cut<W, L>(PhantomData<fn() -> (W, L)>);
/// What is known of the windows of a stream while the graph is built.
#[derive(Clone, Copy, Debug)]
pub struct Spec<W> {
    pub(crate) windows: W,
    /// In ticks.
    pub(crate) lateness: i64,
}
impl<W: Kind, L: Lateness> Windowing for Cut<W, L> {
    type Spec = Spec<W>;
    type UnwindowedFor<T: 'static> = AnyWindows;
    type WindowedFor<T: 'static> = T;
    type Copied<T: 'static> = W::Copied<L, T>;
    type Retained<S: 'static> = L::Kept<S>;
}
