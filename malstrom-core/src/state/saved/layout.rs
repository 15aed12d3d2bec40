//! How entries are laid out, and whether this program can read what another has written.
use crate::contract::code::{Codec, Shown};
use crate::contract::record::{CodecError, Description, Record, TypeRef, description, difference};
use crate::contract::snapshot::Schema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What has written the entries of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edition {
    /// The version of the values.
    pub version: u32,
    /// Whether values come with the time at which they expire.
    pub expires: bool,
    /// How often key groups have been halved since. What was written of a group is then read for each of its parts, which has some of
    /// the keys.
    pub halvings: u32,
}
impl Edition {
    /// Whether a key of this group is in the part of a group that is read. All groups are as they are now.
    ///
    /// ```
    /// use malstrom_core::state::saved::Edition;
    /// let edition = Edition { version: 1, expires: false, halvings: 1 };
    /// // What was written of group 7 has the keys of the groups 14 and 15.
    /// assert_eq!((edition.has(14, 14)?, edition.has(14, 15)?), (true, false));
    /// assert!(edition.has(14, 16).is_err());
    /// # Ok::<(), malstrom_core::CodecError>(())
    /// ```
    ///
    /// # Errors
    /// If it must not be in the whole group.
    pub fn has(self, part: u16, group: u16) -> Result<bool, CodecError> {
        let [whole, of_key] = [part, group].map(|group| group >> self.halvings);
        if whole != of_key {
            return Err(CodecError::new(format!(
                "it has a key of group {of_key}: the seed of the job is not that of the snapshot"
            )));
        }
        Ok(part == group)
    }
}

/// How the entries of a chapter are laid out.
pub struct Layout {
    edition: Edition,
    migrates: bool,
    content: Content,
    former: Box<dyn Fn(u32) -> Option<Description>>,
}
/// What a snapshot keeps of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Description>,
    value: Description,
    #[serde(default)]
    expires: bool,
}
impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layout").field("edition", &self.edition).field("content", &self.content).finish_non_exhaustive()
    }
}

impl Layout {
    /// Values by key.
    pub fn of_entries<K: Record, V>(codec: &impl Codec<V>) -> Self {
        Layout { content: Content { key: Some(description::<K>()), ..Self::of(codec).content }, ..Self::of(codec) }
    }
    /// A value that has no key.
    pub fn of<V>(codec: &impl Codec<V>) -> Self {
        let value = Description::by(|d| codec.describe(d));
        let (edition, codec) = (Edition { version: codec.version(), expires: false, halvings: 0 }, codec.clone());
        Layout {
            edition,
            migrates: codec.migrates(),
            content: Content { key: None, value, expires: false },
            former: Box::new(move |version| codec.description(version)),
        }
    }
    /// Values by key, to look at them.
    pub fn of_shown(key: Description, shown: &Shown) -> Self {
        let nothing = || Description { root: TypeRef::plain("()"), types: Vec::new() };
        let (edition, shown) = (Edition { version: shown.version(), expires: false, halvings: 0 }, shown.clone());
        let value = shown.description(edition.version).unwrap_or_else(nothing);
        Layout {
            edition,
            migrates: shown.migrates(),
            content: Content { key: Some(key), value, expires: false },
            former: Box::new(move |version| shown.description(version)),
        }
    }
    /// The same, with the time at which values expire beside them, or without.
    pub fn expiring(mut self, expires: bool) -> Self {
        (self.edition.expires, self.content.expires) = (expires, expires);
        self
    }
    /// What this program writes.
    pub fn edition(&self) -> Edition {
        self.edition
    }
    /// What a snapshot keeps of it.
    ///
    /// # Errors
    /// None, as far as is known: there is nothing in it that has no JSON.
    pub fn schema(&self) -> Result<Schema, CodecError> {
        let description = serde_json::to_string(&self.content).map_err(|error| CodecError::new(error.to_string()))?;
        Ok(Schema { version: self.edition.version, description })
    }
    /// What has written a snapshot with this schema, if this program can read it.
    ///
    /// # Errors
    /// If it cannot: the keys or the values are not what they were, or the version is one that it does not know.
    pub fn read(&self, schema: &Schema) -> Result<Edition, CodecError> {
        let Schema { version, description } = schema;
        let was: Content = serde_json::from_str(description)
            .map_err(|error| CodecError::new(format!("the snapshot's description of it cannot be read: {error}")))?;
        let keys = match (&was.key, &self.content.key) {
            (Some(was), Some(is)) => difference(was, is),
            (None, None) => None,
            _ => Some("values had keys and have none, or the other way round".to_owned()),
        };
        if let Some(difference) = keys {
            return Err(CodecError::new(format!(
                "the keys are not what they were: {difference}. Key the stream as before, give the stage another id (`as`), \
                 or start anew with `--restore none`"
            )));
        }
        let present = self.edition.version;
        if *version > present {
            return Err(CodecError::new(format!(
                "it was written by version {version} and this program knows versions up to {present}: run the newer program"
            )));
        }
        let known = if *version == present { Some(self.content.value.clone()) } else { (self.former)(*version) };
        let known = known.ok_or_else(|| {
            CodecError::new(format!(
                "it was written by version {version} and this program has version {present}: add `migrate_from` for what \
                 version {version} was"
            ))
        })?;
        match difference(&was.value, &known) {
            None => Ok(Edition { version: *version, expires: was.expires, halvings: 0 }),
            Some(difference) if !self.migrates => Err(CodecError::new(format!(
                "{difference}. Give the stage another id (`as`), or start anew with `--restore none`"
            ))),
            Some(difference) if *version == present => Err(CodecError::new(format!(
                "{difference}, but the version is {version} still: raise `version`, and add `migrate_from` for what it was"
            ))),
            Some(difference) => Err(CodecError::new(format!(
                "what `migrate_from` says of version {version} is not what was written: {difference}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::code::OfRecord;
    use crate::contract::record::Describe;

    /// Version 2 of a pair; version 1 was one number.
    #[derive(Clone)]
    struct Second;
    impl Codec<(u64, u64)> for Second {
        fn version(&self) -> u32 {
            2
        }
        fn describe(&self, d: &mut Describe) -> TypeRef {
            <(u64, u64)>::describe(d)
        }
        fn description(&self, version: u32) -> Option<Description> {
            match version {
                1 => Some(description::<u64>()),
                2 => Some(description::<(u64, u64)>()),
                _ => None,
            }
        }
        fn migrates(&self) -> bool {
            true
        }
        fn encode(&self, value: &(u64, u64), out: &mut Vec<u8>) -> Result<(), CodecError> {
            value.encode(out)
        }
        fn decode(&self, version: u32, bytes: &[u8]) -> Result<(u64, u64), CodecError> {
            if version == 1 { Record::decode(bytes).map(|value| (value, 0)) } else { Record::decode(bytes) }
        }
    }
    fn refusal<K: Record, V>(codec: &impl Codec<V>, schema: &Schema) -> String {
        Layout::of_entries::<K, V>(codec).read(schema).unwrap_err().to_string()
    }
    fn first<T: Record>(version: u32) -> Schema {
        Schema { version, ..Layout::of_entries::<String, T>(&OfRecord::<T>::new()).schema().unwrap() }
    }

    #[test]
    fn what_has_changed_is_refused_with_the_reason() {
        let second = Layout::of_entries::<String, _>(&Second).expiring(true);
        let edition = Edition { version: 2, expires: true, halvings: 0 };
        assert_eq!(second.read(&second.schema().unwrap()), Ok(edition));
        assert_eq!(second.read(&first::<u64>(1)), Ok(Edition { version: 1, expires: false, halvings: 0 }));

        let changed = refusal::<String, _>(&Second, &first::<(u64, u32)>(2));
        assert!(
            changed.contains("the type was `(u64, u32)` and is `(u64, u64)`, but the version is 2 still"),
            "{changed}"
        );
        let former = refusal::<String, _>(&Second, &first::<u32>(1));
        assert!(former.contains("what `migrate_from` says of version 1 is not what was written"), "{former}");
        let newer = refusal::<String, _>(&Second, &first::<(u64, u64)>(3));
        assert!(newer.contains("written by version 3 and this program knows versions up to 2"), "{newer}");
        let unknown = refusal::<String, _>(&Second, &first::<u64>(0));
        assert!(unknown.contains("add `migrate_from` for what version 0 was"), "{unknown}");
        let keys = refusal::<u64, _>(&Second, &first::<(u64, u64)>(2));
        assert!(keys.contains("the keys are not what they were: the type was `String` and is `u64`"), "{keys}");
        let fixed = refusal::<String, _>(&OfRecord::<u32>::new(), &first::<u64>(1));
        assert!(fixed.contains("the type was `u64` and is `u32`. Give the stage another id"), "{fixed}");
        let broken = refusal::<String, _>(&Second, &Schema { version: 2, description: "{".into() });
        assert!(broken.contains("cannot be read"), "{broken}");
    }
}
