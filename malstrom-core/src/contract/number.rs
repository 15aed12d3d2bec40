//! Numbers that can be averaged.

/// A number that `average` can take.
pub trait Number: Copy + 'static {
    /// The nearest `f64`.
    fn to_f64(self) -> f64;
}
macro_rules! number {
    ($($t:ty)*) => { $(impl Number for $t {
        #[inline(always)]
        fn to_f64(self) -> f64 {
            self as f64
        }
    })* };
}
number!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);
