//! Somebody who looks at what crosses exchanges, to find out whether two runs of a job do the same.
use crate::contract::record::{CodecError, Description, Record};
use std::rc::Rc;

/// Is shown every record that crosses an exchange, before it is sent.
pub trait Watch {
    /// A record crosses the exchange of operator `node`.
    fn crosses(&self, node: usize, record: &[u8]);
}
/// Looks at one record of a type.
pub(crate) type Look<T> = Rc<dyn Fn(&T)>;

/// Gives the content of records: the same bytes for equal records, in whatever order their maps and sets are.
///
/// ```
/// use malstrom_core::exchange::watch::content;
/// use std::collections::HashSet;
/// let content = content::<HashSet<u64>>();
/// let (a, b): (HashSet<u64>, HashSet<u64>) = ((0..100).collect(), (0..100).rev().collect());
/// assert_eq!(content(&a)?, content(&b)?);
/// # Ok::<(), malstrom_core::CodecError>(())
/// ```
pub fn content<T: Record>() -> impl Fn(&T) -> Result<Vec<u8>, CodecError> + Copy {
    let ordered = is_ordered(&format!("{:?}", Description::by(T::describe)));
    move |record| {
        if !ordered {
            return Ok(record.to_json().to_string().into_bytes());
        }
        let mut bytes = Vec::new();
        record.encode(&mut bytes)?;
        Ok(bytes)
    }
}
/// Whether what this describes has one order. Of what only serde knows, nobody can say.
pub(crate) fn is_ordered(description: &str) -> bool {
    !["\"Map\"", "\"Set\"", "serde"].iter().any(|name| description.contains(name))
}
