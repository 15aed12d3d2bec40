//! Distributed, stateful stream processing.
// The macros write `::malstrom`, also in this crate.
extern crate self as malstrom;

#[doc(hidden)]
pub mod __private;

pub use malstrom_core::*;

/// Makes a type one whose values may leave their worker: by an exchange, or in a snapshot.
///
/// ```
/// use malstrom::Record;
///
/// #[derive(Record, Debug, PartialEq)]
/// enum Shape {
///     Circle { radius: f64 },
///     Group(Vec<Shape>),
/// }
///
/// let shape = Shape::Group(vec![Shape::Circle { radius: 2.0 }]);
/// let mut bytes = Vec::new();
/// shape.encode(&mut bytes)?;
/// assert_eq!(Shape::decode(&bytes)?, shape);
/// # Ok::<(), malstrom::CodecError>(())
/// ```
///
/// Every field must be a [`Record`](trait@Record). `#[record(skip)]` leaves a field out: it is `Default` when the record
/// is read. `#[record(codec = serde)]` on the type has serde write it, for types whose fields only know that.
/// `#[record(crate = path)]` says where this crate is, if not at `::malstrom`.
pub use malstrom_macros::Record;

/// Makes a type one that streams can be keyed by. It makes it a [`Record`](trait@Record) too.
///
/// ```
/// use malstrom::Key;
///
/// #[derive(Key, PartialEq, Eq, Hash, Clone)]
/// enum Account {
///     Private(u64),
///     Business { country: String, number: u64 },
/// }
/// ```
///
/// Where a key lives follows from its canonical bytes: the index of the variant, then the fields in their order. So the
/// order of fields and variants is part of the data, and changing it loses the state of keys that are kept already.
/// Floats, `HashMap` and `HashSet` cannot be part of a key. `#[key(crate = path)]` says where this crate is.
pub use malstrom_macros::Key;

/// Makes a type one that operators can keep per key. It makes it a [`Record`](trait@Record) too.
///
/// ```
/// use malstrom::{KeyedState, keyed_state};
///
/// mod v1 {
///     #[malstrom::keyed_state(key = u64, name = "profile")]
///     pub struct Profile { pub count: u32 }
/// }
///
/// #[keyed_state(key = u64, name = "profile", version = 2, migrate_from = v1::Profile)]
/// #[derive(Default)]
/// struct Profile { count: u64, mean: f64 }
///
/// impl From<v1::Profile> for Profile {
///     fn from(old: v1::Profile) -> Self {
///         Profile { count: old.count.into(), mean: 0.0 }
///     }
/// }
/// assert_eq!((Profile::NAME, Profile::VERSION), ("profile", 2));
/// ```
///
/// | option | |
/// |---|---|
/// | `key = K` | what it is kept per; required |
/// | `name = ".."` | what snapshots call it; the type's name if left out |
/// | `version = 2` | counts up when the fields change; 1 if left out |
/// | `migrate_from = Old` | the state of an older version, for which there is a `From<Old>` |
/// | `crate = path` | where this crate is, if not at `::malstrom` |
pub use malstrom_macros::keyed_state;
