//! Records: values that may leave their worker.

/// A value that may leave its worker: by an exchange between processes, or in a snapshot.
/// Derive it with `#[derive(Record)]`.
pub trait Record: Send + Sized + 'static {}

impl Record for () {}
macro_rules! plain { ($($t:ty)*) => { $(impl Record for $t {})* } }
plain!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64 bool char String usize isize);
