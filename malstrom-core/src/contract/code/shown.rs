//! What a codec has written, for people to look at: whoever shows it need not know the type of the values.
use super::Codec;
use crate::contract::record::json::Json;
use crate::contract::record::{CodecError, Description};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

/// A codec of values whose type is forgotten.
#[derive(Clone)]
pub struct Shown(Rc<dyn Shows>);
impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown(version {})", self.version())
    }
}
trait Shows {
    fn version(&self) -> u32;
    fn migrates(&self) -> bool;
    fn description(&self, version: u32) -> Option<Description>;
    fn json(&self, version: u32, bytes: &[u8]) -> Result<Json, CodecError>;
}
struct Of<V, C>(C, PhantomData<fn() -> V>);
impl<V, C: Codec<V>> Shows for Of<V, C> {
    fn version(&self) -> u32 {
        self.0.version()
    }
    fn migrates(&self) -> bool {
        self.0.migrates()
    }
    fn description(&self, version: u32) -> Option<Description> {
        self.0.description(version)
    }
    fn json(&self, version: u32, bytes: &[u8]) -> Result<Json, CodecError> {
        self.0.decode(version, bytes).map(|value| self.0.show(&value))
    }
}
impl Shown {
    /// What this codec writes.
    ///
    /// ```
    /// use malstrom_core::contract::code::{OfRecord, Shown};
    /// let shown = Shown::by(OfRecord::<(u64, String)>::new());
    /// let mut bytes = Vec::new();
    /// malstrom_core::Record::encode(&(7u64, "x".to_owned()), &mut bytes)?;
    /// assert_eq!(shown.json(1, &bytes)?.to_string(), "[7,\"x\"]");
    /// # Ok::<(), malstrom_core::CodecError>(())
    /// ```
    pub fn by<V: 'static>(codec: impl Codec<V>) -> Self {
        Shown(Rc::new(Of(codec, PhantomData)))
    }
    /// See [`Codec::version`].
    pub fn version(&self) -> u32 {
        self.0.version()
    }
    /// See [`Codec::migrates`].
    pub fn migrates(&self) -> bool {
        self.0.migrates()
    }
    /// See [`Codec::description`].
    pub fn description(&self, version: u32) -> Option<Description> {
        self.0.description(version)
    }
    /// A value as it is now, whatever version has written it.
    ///
    /// # Errors
    /// If the bytes are not those of a value of that version.
    pub fn json(&self, version: u32, bytes: &[u8]) -> Result<Json, CodecError> {
        self.0.json(version, bytes)
    }
}
