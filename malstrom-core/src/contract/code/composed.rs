//! Codecs for what is made of values that have a codec of their own. Each part is written behind its length, in four
//! bytes, little end first, except for the last of a fixed number.
use super::Codec;
use crate::contract::record::json::{Json, sorted};
use crate::contract::record::{CodecError, Describe, Description, TypeRef};
use std::collections::HashMap;
use std::hash::Hash;

/// Writes a value that may be absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfOption<C>(pub C);
impl<V, C: Codec<V>> Codec<Option<V>> for OfOption<C> {
    fn version(&self) -> u32 {
        self.0.version()
    }
    fn describe(&self, d: &mut Describe) -> TypeRef {
        TypeRef::of("Option", [self.0.describe(d)])
    }
    fn description(&self, version: u32) -> Option<Description> {
        let Description { root, types } = self.0.description(version)?;
        Some(Description { root: TypeRef::of("Option", [root]), types })
    }
    fn migrates(&self) -> bool {
        self.0.migrates()
    }
    fn encode(&self, value: &Option<V>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        whole(out, |out| {
            out.push(u8::from(value.is_some()));
            value.as_ref().map_or(Ok(()), |value| self.0.encode(value, out))
        })
    }
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Option<V>, CodecError> {
        match bytes {
            [0] => Ok(None),
            [1, value @ ..] => self.0.decode(version, value).map(Some),
            _ => Err(CodecError::new("neither a value nor the absence of one")),
        }
    }
    fn show(&self, value: &Option<V>) -> Json {
        value.as_ref().map_or(Json::Null, |value| self.0.show(value))
    }
}

/// Writes a pair.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfPair<C, D>(pub C, pub D);
impl<C, D> OfPair<C, D> {
    /// As [`encode`](Codec::encode), where the two do not lie beside each other.
    pub(crate) fn encode_parts<V, W>(&self, first: &V, second: &W, out: &mut Vec<u8>) -> Result<(), CodecError>
    where
        C: Codec<V>,
        D: Codec<W>,
    {
        whole(out, |out| {
            prefixed(out, |out| self.0.encode(first, out))?;
            self.1.encode(second, out)
        })
    }
}
impl<V, W, C: Codec<V>, D: Codec<W>> Codec<(V, W)> for OfPair<C, D> {
    fn version(&self) -> u32 {
        self.0.version().max(self.1.version())
    }
    fn describe(&self, d: &mut Describe) -> TypeRef {
        TypeRef::of("", [self.0.describe(d), self.1.describe(d)])
    }
    fn encode(&self, (first, second): &(V, W), out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.encode_parts(first, second, out)
    }
    fn decode(&self, version: u32, mut bytes: &[u8]) -> Result<(V, W), CodecError> {
        let first = self.0.decode(version, part(&mut bytes)?)?;
        Ok((first, self.1.decode(version, bytes)?))
    }
    fn show(&self, (first, second): &(V, W)) -> Json {
        Json::Array(vec![self.0.show(first), self.1.show(second)])
    }
}

/// Writes any number of values, in their order.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfList<C>(pub C);
impl<V, C: Codec<V>> Codec<Vec<V>> for OfList<C> {
    fn version(&self) -> u32 {
        self.0.version()
    }
    fn describe(&self, d: &mut Describe) -> TypeRef {
        TypeRef::of("Vec", [self.0.describe(d)])
    }
    fn encode(&self, values: &Vec<V>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        whole(out, |out| {
            out.extend(length(values.len())?);
            values.iter().try_for_each(|value| prefixed(out, |out| self.0.encode(value, out)))
        })
    }
    fn decode(&self, version: u32, mut bytes: &[u8]) -> Result<Vec<V>, CodecError> {
        let count = number(&mut bytes)?;
        // The number is not believed: there is room for what has been read.
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.0.decode(version, part(&mut bytes)?)?);
        }
        end(bytes)?;
        Ok(values)
    }
    fn show(&self, values: &Vec<V>) -> Json {
        values.iter().map(|value| self.0.show(value)).collect()
    }
}

/// Writes a map, in the order of the keys' bytes: maps that are equal are written alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfMap<C, D>(pub C, pub D);
impl<K: Eq + Hash, V, C: Codec<K>, D: Codec<V>> Codec<HashMap<K, V>> for OfMap<C, D> {
    fn version(&self) -> u32 {
        self.0.version().max(self.1.version())
    }
    fn describe(&self, d: &mut Describe) -> TypeRef {
        TypeRef::of("Map", [self.0.describe(d), self.1.describe(d)])
    }
    fn encode(&self, map: &HashMap<K, V>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut keys = Vec::new();
        let mut entries = Vec::with_capacity(map.len());
        for (key, value) in map {
            let from = keys.len();
            self.0.encode(key, &mut keys)?;
            entries.push((from..keys.len(), value));
        }
        entries.sort_unstable_by(|(a, _), (b, _)| keys[a.clone()].cmp(&keys[b.clone()]));
        whole(out, |out| {
            out.extend(length(entries.len())?);
            entries.into_iter().try_for_each(|(key, value)| {
                out.extend(length(key.len())?);
                out.extend_from_slice(&keys[key]);
                prefixed(out, |out| self.1.encode(value, out))
            })
        })
    }
    fn decode(&self, version: u32, mut bytes: &[u8]) -> Result<HashMap<K, V>, CodecError> {
        let count = number(&mut bytes)?;
        let mut map = HashMap::new();
        for _ in 0..count {
            let key = self.0.decode(version, part(&mut bytes)?)?;
            let value = self.1.decode(version, part(&mut bytes)?)?;
            if map.insert(key, value).is_some() {
                return Err(CodecError::new("a map has the same key twice"));
            }
        }
        end(bytes)?;
        Ok(map)
    }
    fn show(&self, map: &HashMap<K, V>) -> Json {
        sorted(map.iter().map(|(key, value)| Json::Array(vec![self.0.show(key), self.1.show(value)])).collect())
    }
}

/// Leaves `out` as it was if `write` fails.
fn whole(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>) -> Result<(), CodecError> {
    let before = out.len();
    let result = write(out);
    if result.is_err() {
        out.truncate(before);
    }
    result
}
fn length(length: usize) -> Result<[u8; 4], CodecError> {
    match u32::try_from(length) {
        Ok(length) => Ok(length.to_le_bytes()),
        Err(_) => Err(CodecError::new("more than 4 GiB in one value: keep less per key")),
    }
}
/// What `write` writes, behind its length.
fn prefixed(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>) -> Result<(), CodecError> {
    let at = out.len();
    out.extend([0; 4]);
    write(out)?;
    let length = length(out.len() - at - 4)?;
    out[at..at + 4].copy_from_slice(&length);
    Ok(())
}
/// Takes a number off the front.
fn number(bytes: &mut &[u8]) -> Result<usize, CodecError> {
    let (number, rest) = bytes.split_first_chunk().ok_or_else(cut_short)?;
    *bytes = rest;
    Ok(u32::from_le_bytes(*number) as usize)
}
/// Takes a part off the front, which stands behind its length.
fn part<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], CodecError> {
    let length = number(bytes)?;
    let (part, rest) = bytes.split_at_checked(length).ok_or_else(cut_short)?;
    *bytes = rest;
    Ok(part)
}
fn end(bytes: &[u8]) -> Result<(), CodecError> {
    if bytes.is_empty() { Ok(()) } else { Err(CodecError::new("more bytes than the value has")) }
}
fn cut_short() -> CodecError {
    CodecError::new("fewer bytes than the value has")
}

#[cfg(test)]
mod tests;
