//! Windows of one size: which of them, and which pane, a time belongs to.
//!
//! All arithmetic is done in 128 bits and clamped to the range of times, so that no window overflows.
use super::super::time::Timestamp;
use super::super::window::Window;
use super::Times;
use std::fmt;
use std::marker::PhantomData;

/// Windows of one size that lie at regular distances. Window `j` is `[offset + j * every, offset + j * every + size)`.
///
/// The starts and ends of all windows cut time into *panes*: at most two for each `every`, which all windows share.
#[derive(Clone, Copy, Debug)]
pub struct Aligned<N> {
    size: i64,
    every: i64,
    offset: i64,
    /// How much of a pane's `every` the tail of an older window takes.
    tail: i64,
    /// There is one window, of all times.
    whole: bool,
    times: PhantomData<N>,
}
/// A stretch of time that is not cut by the start or end of any window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pane {
    /// Its place among all panes.
    pub index: i128,
    /// Its first tick.
    pub first: i64,
    /// Its last tick.
    pub last: i64,
}
impl Pane {
    #[inline(always)]
    pub(crate) fn holds(&self, time: i64) -> bool {
        self.first <= time && time <= self.last
    }
}
fn clamp(ticks: i128) -> i64 {
    ticks.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}
impl<N: Times> Aligned<N> {
    pub(crate) fn new(size: i64, every: i64, offset: i64) -> Self {
        let (offset, tail) = (offset.rem_euclid(every), size % every);
        Aligned { size, every, offset, tail, whole: false, times: PhantomData }
    }
    /// One window, of all times.
    pub(crate) fn whole() -> Self {
        Aligned { whole: true, ..Aligned::new(1, 1, 0) }
    }
    /// Whether there is one window, of all times.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }
    /// The last window that `time` belongs to.
    fn latest(&self, time: i64) -> i128 {
        (i128::from(time) - i128::from(self.offset)).div_euclid(i128::from(self.every))
    }
    fn start(&self, window: i128) -> i128 {
        i128::from(self.offset) + window * i128::from(self.every)
    }
    /// The pane of `time`.
    pub fn pane(&self, time: i64) -> Pane {
        if self.whole {
            return Pane { index: 0, first: i64::MIN, last: i64::MAX };
        }
        let window = self.latest(time);
        let (start, middle) = (self.start(window), self.start(window) + i128::from(self.tail));
        let next = start + i128::from(self.every);
        let in_tail = i128::from(time) < middle;
        let (index, first, end) = match (self.tail, in_tail) {
            (0, _) => (2 * window, start, next),
            (_, true) => (2 * window, start, middle),
            (_, false) => (2 * window + 1, middle, next),
        };
        Pane { index, first: clamp(first), last: clamp(end - 1) }
    }
    /// The first and the last window that a pane is part of.
    pub fn windows(&self, pane: i128) -> (i128, i128) {
        if self.whole {
            return (0, 0);
        }
        let (latest, behind) = (pane.div_euclid(2), pane.rem_euclid(2) == 1);
        let reach = i128::from(self.size / self.every) - i128::from(self.tail == 0 || behind);
        (latest - reach, latest)
    }
    /// The panes of a window: from the first on, before the second.
    pub fn panes(&self, window: i128) -> (i128, i128) {
        if self.whole {
            return (0, 1);
        }
        (2 * window, 2 * (window + i128::from(self.size / self.every)) + i128::from(self.tail > 0))
    }
    /// The last tick of a window. [`i64::MAX`] is never reached by a watermark.
    pub fn last(&self, window: i128) -> i64 {
        if self.whole { i64::MAX } else { clamp(self.start(window) + i128::from(self.size) - 1) }
    }
    /// The last window that ends at `time` or before.
    pub fn ended(&self, time: i64) -> i128 {
        (i128::from(time) + 1 - i128::from(self.size) - i128::from(self.offset)).div_euclid(i128::from(self.every))
    }
    /// A window as users see it.
    pub fn window(&self, window: i128) -> Window {
        if self.whole {
            return Window::new(Timestamp::MIN, Timestamp::MAX);
        }
        let start = self.start(window);
        let bound = |ticks| Timestamp::from_micros(clamp(ticks));
        Window::new(bound(start), bound(start + i128::from(self.size)))
    }
    /// The pane of this index, if any time lies in it.
    pub(crate) fn pane_at(&self, index: i128) -> Option<Pane> {
        let first = if self.whole {
            0
        } else {
            let start =
                index.div_euclid(2).checked_mul(i128::from(self.every))?.checked_add(i128::from(self.offset))?;
            start.checked_add(index.rem_euclid(2) * i128::from(self.tail))?
        };
        Some(self.pane(clamp(first))).filter(|pane| pane.index == index)
    }
    /// Whether any time lies in this window.
    pub(crate) fn has_window(&self, window: i128) -> bool {
        if self.whole {
            return window == 0;
        }
        let start = window.checked_mul(i128::from(self.every)).and_then(|at| at.checked_add(i128::from(self.offset)));
        start.is_some_and(|start| {
            let end = start.saturating_add(i128::from(self.size));
            start <= i128::from(i64::MAX) && end > i128::from(i64::MIN)
        })
    }
    /// A time that lies before all windows which end behind `time`.
    pub(crate) fn held_back(&self, time: i64) -> i64 {
        if self.whole { i64::MIN } else { time.saturating_sub(self.size) }
    }
    /// Whether all windows that `time` belongs to have been closed for `lateness`.
    #[inline]
    pub fn is_late(&self, time: i64, lateness: i64, watermark: i64) -> bool {
        self.is_over(self.latest(time), lateness, watermark)
    }
    /// Whether a window has been closed for `lateness`, so that nothing can be added to it any more.
    #[inline]
    pub(crate) fn is_over(&self, window: i128, lateness: i64, watermark: i64) -> bool {
        !self.whole && watermark > i64::MIN && self.last(window).saturating_add(lateness) <= watermark
    }
}
/// In ticks.
impl<N> fmt::Display for Aligned<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Aligned { size, every, offset, whole, .. } = self;
        if *whole { f.write_str("all times") } else { write!(f, "size {size}, every {every}, offset {offset}") }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Often, Once};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against the definition: `time` is in window `j` if it is at or behind its start and before its end.
        #[test]
        fn panes_and_windows_agree_with_their_definition(
            size in 1i64..40, every in 1i64..40, offset in -50i64..50, time in -200i64..200,
        ) {
            let every = every.min(size);
            let spec = Aligned::<Often>::new(size, every, offset);
            let pane = spec.pane(time);
            prop_assert!(pane.first <= time && time <= pane.last);
            let (first, last) = spec.windows(pane.index);
            for j in -300i128..300 {
                let start = spec.start(j);
                prop_assert_eq!((start - i128::from(offset)).rem_euclid(i128::from(every)), 0);
                let inside = start <= i128::from(time) && i128::from(time) < start + i128::from(size);
                prop_assert_eq!(inside, first <= j && j <= last, "window {}", j);
                let (from, to) = spec.panes(j);
                prop_assert_eq!(inside, from <= pane.index && pane.index < to, "window {}", j);
                prop_assert_eq!(spec.ended(spec.last(j)), j);
                prop_assert_eq!(spec.ended(spec.last(j) - 1), j - 1);
            }
        }
    }

    proptest! {
        /// Against those that times lie in.
        #[test]
        fn panes_and_windows_without_times_are_told(
            (size, every, offset) in prop_oneof![(1i64..40, 1i64..40, -50i64..50), (any::<i64>(), any::<i64>(), any::<i64>())],
            time in prop_oneof![-200i64..200, any::<i64>(), Just(i64::MIN), Just(i64::MAX)],
            any: i128,
        ) {
            let size = size.max(1);
            let spec = Aligned::<Often>::new(size, every.clamp(1, size), offset);
            let pane = spec.pane(time);
            prop_assert_eq!(spec.pane_at(pane.index), Some(pane));
            prop_assert_eq!(spec.pane_at(2 * pane.index.div_euclid(2) + 1).is_some(), spec.tail > 0 && {
                let middle = spec.start(pane.index.div_euclid(2)) + i128::from(spec.tail);
                middle <= i128::from(i64::MAX) && middle + i128::from(spec.every - spec.tail) > i128::from(i64::MIN)
            });
            let (first, last) = spec.windows(pane.index);
            prop_assert!(spec.has_window(first) && spec.has_window(last));
            let (least, most) = (spec.windows(spec.pane(i64::MIN).index).0, spec.windows(spec.pane(i64::MAX).index).1);
            prop_assert!(!spec.has_window(least - 1) && !spec.has_window(most + 1));
            let (least, most) = (spec.pane(i64::MIN).index, spec.pane(i64::MAX).index);
            prop_assert!(spec.pane_at(any).is_none_or(|pane| least <= any && any <= most && pane.index == any));
        }
    }

    #[test]
    fn windows_at_the_ends_of_time_do_not_overflow() {
        let spec = Aligned::<Once>::new(i64::MAX, i64::MAX, 7);
        for time in [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX] {
            let pane = spec.pane(time);
            assert!(pane.first <= time && time <= pane.last, "{time}: {pane:?}");
            assert!(!spec.is_late(time, i64::MAX, i64::MAX - 1) || time < 0, "{time}");
        }
        assert!(
            !Aligned::<Once>::new(10, 10, 0).is_late(i64::MAX, 0, i64::MAX - 1),
            "its window ends behind all times"
        );
    }
}
