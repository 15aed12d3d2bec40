//! What a record is made of: the names and types of its fields, and a fingerprint of them.
use super::Record;
use super::archive::{Own, Ref};
use super::tree::{RecordOrKey, Refs};
use serde::{Deserialize, Serialize};
use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// A type, as a description names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeRef {
    /// A type without parts, by its name.
    Plain(String),
    /// A container and what it contains. A tuple has no name.
    Of(String, Vec<TypeRef>),
    /// A struct or enum: its place in [`Description::types`].
    Named(u32),
}
impl TypeRef {
    /// A type without parts.
    pub fn plain(name: impl Into<String>) -> Self {
        TypeRef::Plain(name.into())
    }
    /// A container of `parts`.
    pub fn of(name: impl Into<String>, parts: impl Into<Vec<TypeRef>>) -> Self {
        TypeRef::Of(name.into(), parts.into())
    }
}

/// The name of a variant (none for a struct) and the names and types of its fields.
pub type Variant = (String, Vec<(String, TypeRef)>);

/// What a record is made of. It is a record itself, so it can be kept beside what it describes.
///
/// ```
/// use malstrom_core::contract::record::description;
/// assert_eq!(description::<Vec<(u64, Option<String>)>>().to_string(), "Vec<(u64, Option<String>)>");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The type described.
    pub root: TypeRef,
    /// Each struct and enum in it, once, in the order in which they are met.
    pub types: Vec<(String, Vec<Variant>)>,
}

/// Collects a [`Description`].
#[derive(Debug, Default)]
pub struct Describe {
    types: Vec<(String, Vec<Variant>)>,
    seen: HashMap<TypeId, u32>,
}
impl Describe {
    /// The struct or enum `T`, whose variants are asked for at the first visit only: so recursion ends.
    pub fn named<T: 'static>(
        &mut self,
        name: &str,
        variants: impl FnOnce(&mut Self) -> Vec<((&'static str, &'static [&'static str]), Vec<TypeRef>)>,
    ) -> TypeRef {
        let (index, first) = self.visit::<T>(name);
        if first {
            let variants = variants(self).into_iter().map(|((name, fields), types)| {
                (name.to_owned(), fields.iter().map(|&field| field.to_owned()).zip(types).collect())
            });
            let variants = variants.collect();
            self.fill(index, variants);
        }
        TypeRef::Named(index)
    }
    /// The struct or enum `T` that serde writes: its fields' types are known by their text only.
    pub fn by_serde<T: 'static>(
        &mut self,
        name: &str,
        variants: &[(&'static str, &[(&'static str, &'static str)])],
    ) -> TypeRef {
        let (index, first) = self.visit::<T>(&format!("{name} (serde)"));
        if first {
            let field = |&(name, ty): &(&str, &str)| (name.to_owned(), TypeRef::plain(ty));
            let variants =
                variants.iter().map(|(name, fields)| ((*name).to_owned(), fields.iter().map(field).collect()));
            self.fill(index, variants.collect());
        }
        TypeRef::Named(index)
    }
    /// The description of `root`, which has been described by this.
    pub fn description(self, root: TypeRef) -> Description {
        Description { root, types: self.types }
    }
    fn visit<T: 'static>(&mut self, name: &str) -> (u32, bool) {
        let next = self.types.len() as u32;
        let index = *self.seen.entry(TypeId::of::<T>()).or_insert(next);
        if index == next {
            self.types.push((name.to_owned(), Vec::new()));
        }
        (index, index == next)
    }
    fn fill(&mut self, index: u32, variants: Vec<Variant>) {
        if let Some(entry) = self.types.get_mut(index as usize) {
            entry.1 = variants;
        }
    }
}

/// What `T` is made of.
pub fn description<T: Record>() -> Description {
    Description::by(T::describe)
}

/// A number that changes whenever a name or a type in the description of `T` does.
///
/// ```
/// use malstrom_core::contract::record::fingerprint;
/// assert_eq!(fingerprint::<Vec<u64>>(), fingerprint::<Vec<u64>>());
/// assert_ne!(fingerprint::<Vec<u64>>(), fingerprint::<Vec<i64>>());
/// ```
pub fn fingerprint<T: Record>() -> u64 {
    description::<T>().fingerprint()
}

impl Description {
    /// What `describe` says that something is made of.
    pub fn by(describe: impl FnOnce(&mut Describe) -> TypeRef) -> Self {
        let mut parts = Describe::default();
        let root = describe(&mut parts);
        Description { root, types: parts.types }
    }
    /// The hash of the [`Display`](fmt::Display) form, which is canonical.
    pub fn fingerprint(&self) -> u64 {
        xxh3_64(self.to_string().as_bytes())
    }
    /// The type as its author would write it.
    pub(super) fn show(&self, ty: &TypeRef) -> String {
        let named = |index: u32| self.types.get(index as usize).map_or("?", |(name, _)| name.as_str()).to_owned();
        let mut text = String::new();
        show(ty, &named, &mut text);
        text
    }
}

fn show(ty: &TypeRef, named: &dyn Fn(u32) -> String, out: &mut String) {
    let (open, parts, close) = match ty {
        TypeRef::Plain(name) => return out.push_str(name),
        TypeRef::Named(index) => return out.push_str(&named(*index)),
        TypeRef::Of(name, parts) if name.is_empty() => ("(".to_owned(), parts, ")".to_owned()),
        TypeRef::Of(name, parts) => match name.strip_prefix("[_") {
            Some(length) => ("[".to_owned(), parts, length.to_owned()),
            None => (format!("{name}<"), parts, ">".to_owned()),
        },
    };
    out.push_str(&open);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        show(part, named, out);
    }
    out.push_str(&close);
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A name may stand for several types (of two modules, or with other parameters), so each has its number.
        let write = |ty: &TypeRef| {
            let mut text = String::new();
            show(ty, &|index| format!("#{index}"), &mut text);
            text
        };
        f.write_str(&write(&self.root))?;
        for (index, (name, variants)) in self.types.iter().enumerate() {
            write!(f, "\n#{index} {name}")?;
            for (variant, fields) in variants {
                write!(f, "{}{variant} {{", if variant.is_empty() { "" } else { " | " })?;
                for (field, ty) in fields {
                    write!(f, " {field}: {},", write(ty))?;
                }
                f.write_str(" }")?;
            }
        }
        Ok(())
    }
}

crate::record_by_fields!(Description { root: TypeRef, types: Vec<(String, Vec<Variant>)> });

impl RecordOrKey for TypeRef {
    const NAME: &'static str = "TypeRef";
    const VARIANTS: &'static [(&'static str, &'static [&'static str])] =
        &[("Plain", &["0"]), ("Of", &["0", "1"]), ("Named", &["0"])];
    type Fields = Result<(Own<String>,), Result<(Own<String>, Own<Vec<TypeRef>>), (Own<u32>,)>>;
    fn parts(&self) -> Refs<'_, Self> {
        match self {
            TypeRef::Plain(name) => Ok((Ref(name),)),
            TypeRef::Of(name, parts) => Err(Ok((Ref(name), Ref(parts)))),
            TypeRef::Named(index) => Err(Err((Ref(index),))),
        }
    }
    fn build(fields: Self::Fields) -> Self {
        match fields {
            Ok((Own(name),)) => TypeRef::Plain(name),
            Err(Ok((Own(name), Own(parts)))) => TypeRef::Of(name, parts),
            Err(Err((Own(index),))) => TypeRef::Named(index),
        }
    }
}
