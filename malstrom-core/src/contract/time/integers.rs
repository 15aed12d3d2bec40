//! Integers as logical time: an offset, a version, a height, or ticks of a clock that is the program's own.
use super::{Span, Ticks, Time};

/// A time whose lengths are integers, of any type: `lag = 5` is one.
///
/// ```
/// use malstrom_core::Span;
/// use malstrom_core::contract::time::Logical;
///
/// fn lag<T: Logical>(_: T) -> i64 {
///     Span::<T>::ticks(5)
/// }
/// assert_eq!(lag(1u64), 5);
/// ```
pub trait Logical: Time {}

macro_rules! times {
    ($($t:ident)*) => {$(
        impl Time for $t {
            const TICKS: Ticks = Ticks::Integer;
            #[inline(always)]
            fn to_ticks(self) -> i64 {
                nearest!(self, i64)
            }
            #[inline(always)]
            fn from_ticks(ticks: i64) -> Self {
                nearest!(ticks, $t)
            }
        }
        impl Logical for $t {}
    )*};
}
macro_rules! spans {
    ($($t:ident)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: Logical> Span<T> for $t {
            #[inline(always)]
            fn ticks(self) -> i64 {
                nearest!(self, i64)
            }
        }
    )*};
}
/// An integer as another type, clamped to its range.
macro_rules! nearest {
    ($value:expr, $t:ident) => {{
        #[allow(unused_comparisons, reason = "of unsigned types")]
        let least = if $value < 0 { $t::MIN } else { $t::MAX };
        $t::try_from($value).unwrap_or(least)
    }};
}

times! { u8 u16 u32 u64 usize i8 i16 i32 i64 isize }
spans! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_their_own_ticks() {
        assert_eq!([7u8.to_ticks(), 7u64.to_ticks(), 7isize.to_ticks(), (-7i16).to_ticks()], [7, 7, 7, -7]);
        assert_eq!((u8::from_ticks(7), usize::from_ticks(7), i64::from_ticks(-7)), (7, 7, -7));
    }

    #[test]
    fn what_does_not_fit_is_the_nearest_that_does() {
        assert_eq!([u64::MAX.to_ticks(), (i64::MAX as u64 + 1).to_ticks(), usize::MAX.to_ticks()], [i64::MAX; 3]);
        assert_eq!((u8::from_ticks(-1), u8::from_ticks(256), u64::from_ticks(i64::MIN)), (0, 255, 0));
        assert_eq!((i8::from_ticks(-129), i8::from_ticks(128), i32::from_ticks(i64::MAX)), (-128, 127, i32::MAX));
        assert_eq!((i64::from_ticks(i64::MIN), u64::from_ticks(i64::MAX)), (i64::MIN, i64::MAX as u64));
    }

    #[test]
    fn a_plain_number_is_a_length_of_any_integer_time() {
        fn ticks<T: Time, L: Span<T>>(_: T, lag: L) -> i64 {
            lag.ticks()
        }
        assert_eq!([ticks(1u64, 5), ticks(1u8, 500), ticks(1i64, -5), ticks(1usize, 5u16)], [5, 500, -5, 5]);
        assert_eq!([ticks(1i8, u64::MAX), ticks(1u32, u128::MAX), ticks(1, i128::MIN)], [i64::MAX, i64::MAX, i64::MIN]);
    }
}
