//! Records that hold others.
use super::archive::{Archived, De, Elements, Own, Ref, Ser, Written};
use super::json::{self, Json};
use super::tree::{RecordOrKey, Refs, Tree};
use super::{CodecError, Describe, Record, TypeRef};
use rkyv::boxed::{ArchivedBox, BoxResolver};
use rkyv::option::ArchivedOption;
use rkyv::tuple::ArchivedTuple2;
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};
use rkyv::{Archive, Deserialize, Place, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

/// Behind a pointer: `Arc`. What is shared is written once per owner.
#[derive(Debug)]
pub struct Boxed;

impl<T: Record + Sync> ArchiveWith<Arc<T>> for Boxed {
    type Archived = ArchivedBox<Archived<T>>;
    type Resolver = BoxResolver;
    fn resolve_with(value: &Arc<T>, resolver: BoxResolver, out: Place<Self::Archived>) {
        Behind(&**value).resolve(resolver, out);
    }
}
impl<T: Record + Sync> SerializeWith<Arc<T>, Ser> for Boxed {
    fn serialize_with(value: &Arc<T>, ser: &mut Ser) -> Result<BoxResolver, CodecError> {
        Behind(&**value).serialize(ser)
    }
}
impl<T: Record + Sync> DeserializeWith<ArchivedBox<Archived<T>>, Arc<T>, De> for Boxed {
    fn deserialize_with(value: &ArchivedBox<Archived<T>>, de: &mut De) -> Result<Arc<T>, CodecError> {
        value.get().read(de).map(Arc::new)
    }
}
impl<T: Record + Sync> Record for Arc<T> {
    type As = Boxed;
    fn describe(d: &mut Describe) -> TypeRef {
        TypeRef::of("Box", [T::describe(d)])
    }
    fn to_json(&self) -> Json {
        T::to_json(self)
    }
}

/// Behind a pointer: a `Box`, or what it points to. A `Box` of a type from elsewhere could be given any of our traits
/// there (it is "fundamental"), so it has to be a record in the same way as derived types.
#[derive(Debug)]
pub struct Behind<B>(B);

impl<T: Record> Archive for Behind<Box<T>> {
    type Archived = ArchivedBox<Archived<T>>;
    type Resolver = BoxResolver;
    fn resolve(&self, resolver: BoxResolver, out: Place<Self::Archived>) {
        ArchivedBox::resolve_from_ref(&Ref(&*self.0), resolver, out);
    }
}
impl<T: Record> Archive for Behind<&T> {
    type Archived = ArchivedBox<Archived<T>>;
    type Resolver = BoxResolver;
    fn resolve(&self, resolver: BoxResolver, out: Place<Self::Archived>) {
        ArchivedBox::resolve_from_ref(&Ref(self.0), resolver, out);
    }
}
impl<T: Record> Serialize<Ser> for Behind<&T> {
    fn serialize(&self, ser: &mut Ser) -> Result<BoxResolver, CodecError> {
        ser.nested(|ser| ArchivedBox::serialize_from_ref(&Ref(self.0), ser))
    }
}
impl<T: Record> Deserialize<Behind<Box<T>>, De> for ArchivedBox<Archived<T>> {
    fn deserialize(&self, de: &mut De) -> Result<Behind<Box<T>>, CodecError> {
        self.get().read(de).map(|value| Behind(Box::new(value)))
    }
}
impl<T: Record> Tree for Behind<Box<T>> {
    type Refs<'a> = Behind<&'a T>;
    fn describe(d: &mut Describe, variants: &mut Vec<Vec<TypeRef>>) {
        <(Own<T>,)>::describe(d, variants);
    }
    fn show(field: &Self::Refs<'_>, out: &mut Vec<Json>) -> usize {
        out.push(field.0.to_json());
        0
    }
}
impl<T: Record> RecordOrKey for Box<T> {
    const NAME: &'static str = "Box";
    const VARIANTS: &'static [(&'static str, &'static [&'static str])] = &[("", &["0"])];
    type Fields = Behind<Box<T>>;
    fn parts(&self) -> Refs<'_, Self> {
        Behind(&**self)
    }
    fn build(Behind(value): Self::Fields) -> Self {
        value
    }
    fn describe_parts(d: &mut Describe) -> TypeRef {
        TypeRef::of("Box", [T::describe(d)])
    }
}

/// In place: `Option` and arrays.
#[derive(Debug)]
pub struct Inline;

impl<T: Record> ArchiveWith<Option<T>> for Inline {
    type Archived = ArchivedOption<Archived<T>>;
    type Resolver = Option<<Own<T> as Archive>::Resolver>;
    fn resolve_with(value: &Option<T>, resolver: Self::Resolver, out: Place<Self::Archived>) {
        value.as_ref().map(Ref).resolve(resolver, out);
    }
}
impl<T: Record> SerializeWith<Option<T>, Ser> for Inline {
    fn serialize_with(value: &Option<T>, ser: &mut Ser) -> Result<Self::Resolver, CodecError> {
        value.as_ref().map(Ref).serialize(ser)
    }
}
impl<T: Record> DeserializeWith<ArchivedOption<Archived<T>>, Option<T>, De> for Inline {
    fn deserialize_with(value: &ArchivedOption<Archived<T>>, de: &mut De) -> Result<Option<T>, CodecError> {
        value.as_ref().map(|value| value.read(de)).transpose()
    }
}
impl<T: Record> Record for Option<T> {
    type As = Inline;
    fn describe(d: &mut Describe) -> TypeRef {
        TypeRef::of("Option", [T::describe(d)])
    }
    fn to_json(&self) -> Json {
        self.as_ref().map_or(Json::Null, T::to_json)
    }
}

impl<T: Record, const N: usize> ArchiveWith<[T; N]> for Inline {
    type Archived = [Archived<T>; N];
    type Resolver = [<Own<T> as Archive>::Resolver; N];
    fn resolve_with(value: &[T; N], resolver: Self::Resolver, out: Place<Self::Archived>) {
        value.each_ref().map(Ref).resolve(resolver, out);
    }
}
impl<T: Record, const N: usize> SerializeWith<[T; N], Ser> for Inline {
    fn serialize_with(value: &[T; N], ser: &mut Ser) -> Result<Self::Resolver, CodecError> {
        value.each_ref().map(Ref).serialize(ser)
    }
}
impl<T: Record, const N: usize> DeserializeWith<[Archived<T>; N], [T; N], De> for Inline {
    fn deserialize_with(values: &[Archived<T>; N], de: &mut De) -> Result<[T; N], CodecError> {
        let values: [Own<T>; N] = values.deserialize(de)?;
        Ok(values.map(|Own(value)| value))
    }
}
impl<T: Record, const N: usize> Record for [T; N] {
    type As = Inline;
    fn describe(d: &mut Describe) -> TypeRef {
        TypeRef::of(format!("[_; {N}]"), [T::describe(d)])
    }
    fn to_json(&self) -> Json {
        self.iter().map(T::to_json).collect()
    }
}

/// One after the other: vectors, sets and, as pairs, maps.
#[derive(Debug)]
pub struct Sequence;

macro_rules! sequences {
    ($($name:ident<T $(, $s:ident: [$($hasher:tt)*])?>, $label:literal, $json:path: [$($bound:tt)*];)*) => {$(
        impl<T: Record $($bound)* $(, $s: $($hasher)*)?> ArchiveWith<$name<T $(, $s)?>> for Sequence {
            type Archived = Elements<Archived<T>>;
            type Resolver = Written;
            fn resolve_with(_: &$name<T $(, $s)?>, written: Written, out: Place<Self::Archived>) {
                Elements::resolve(written, out);
            }
        }
        impl<T: Record $($bound)* $(, $s: $($hasher)*)?> SerializeWith<$name<T $(, $s)?>, Ser> for Sequence {
            fn serialize_with(value: &$name<T $(, $s)?>, ser: &mut Ser) -> Result<Written, CodecError> {
                Elements::write(value.iter().map(Ref), ser)
            }
        }
        impl<T: Record $($bound)* $(, $s: $($hasher)*)?> DeserializeWith<Elements<Archived<T>>, $name<T $(, $s)?>, De> for Sequence {
            fn deserialize_with(values: &Elements<Archived<T>>, de: &mut De) -> Result<$name<T $(, $s)?>, CodecError> {
                let read: $name<T $(, $s)?> = values.as_slice().iter().map(|value| value.read(de)).collect::<Result<_, CodecError>>()?;
                if read.len() == values.as_slice().len() { Ok(read) } else { Err(CodecError::new("an element occurs twice")) }
            }
        }
        impl<T: Record $($bound)* $(, $s: $($hasher)*)?> Record for $name<T $(, $s)?> {
            type As = Sequence;
            fn describe(d: &mut Describe) -> TypeRef {
                TypeRef::of($label, [T::describe(d)])
            }
            fn to_json(&self) -> Json {
                $json(self.iter().map(T::to_json).collect())
            }
        }
    )*};
}
sequences! {
    Vec<T>, "Vec", Json::Array: [];
    BTreeSet<T>, "Set", Json::Array: [+ Ord];
    HashSet<T, S: [BuildHasher + Default + Send + 'static]>, "Set", json::sorted: [+ Eq + Hash];
}

macro_rules! maps {
    ($($name:ident<K, V $(, $s:ident: [$($hasher:tt)*])?>: [$($bound:tt)*];)*) => {$(
        impl<K: Record $($bound)*, V: Record $(, $s: $($hasher)*)?> ArchiveWith<$name<K, V $(, $s)?>> for Sequence {
            type Archived = Elements<ArchivedTuple2<Archived<K>, Archived<V>>>;
            type Resolver = Written;
            fn resolve_with(_: &$name<K, V $(, $s)?>, written: Written, out: Place<Self::Archived>) {
                Elements::resolve(written, out);
            }
        }
        impl<K: Record $($bound)*, V: Record $(, $s: $($hasher)*)?> SerializeWith<$name<K, V $(, $s)?>, Ser> for Sequence {
            fn serialize_with(value: &$name<K, V $(, $s)?>, ser: &mut Ser) -> Result<Written, CodecError> {
                Elements::write(value.iter().map(|(key, value)| (Ref(key), Ref(value))), ser)
            }
        }
        impl<K: Record $($bound)*, V: Record $(, $s: $($hasher)*)?>
            DeserializeWith<Elements<ArchivedTuple2<Archived<K>, Archived<V>>>, $name<K, V $(, $s)?>, De> for Sequence
        {
            fn deserialize_with(
                entries: &Elements<ArchivedTuple2<Archived<K>, Archived<V>>>,
                de: &mut De,
            ) -> Result<$name<K, V $(, $s)?>, CodecError> {
                let entry = |entry: &ArchivedTuple2<Archived<K>, Archived<V>>| Ok((entry.0.read(de)?, entry.1.read(de)?));
                let read: $name<K, V $(, $s)?> = entries.as_slice().iter().map(entry).collect::<Result<_, CodecError>>()?;
                if read.len() == entries.as_slice().len() { Ok(read) } else { Err(CodecError::new("a key occurs twice")) }
            }
        }
        impl<K: Record $($bound)*, V: Record $(, $s: $($hasher)*)?> Record for $name<K, V $(, $s)?> {
            type As = Sequence;
            fn describe(d: &mut Describe) -> TypeRef {
                let key = K::describe(d);
                TypeRef::of("Map", [key, V::describe(d)])
            }
            fn to_json(&self) -> Json {
                json::map(self.iter())
            }
        }
    )*};
}
maps! {
    BTreeMap<K, V>: [+ Ord];
    HashMap<K, V, S: [BuildHasher + Default + Send + 'static]>: [+ Eq + Hash];
}

macro_rules! tuples {
    ($([$($t:ident $v:ident)*])*) => {$(
        impl<$($t: Record),*> ArchiveWith<($($t,)*)> for Inline {
            type Archived = <($(Own<$t>,)*) as Archive>::Archived;
            type Resolver = <($(Own<$t>,)*) as Archive>::Resolver;
            fn resolve_with(($($v,)*): &($($t,)*), resolver: Self::Resolver, out: Place<Self::Archived>) {
                ($(Ref($v),)*).resolve(resolver, out);
            }
        }
        impl<$($t: Record),*> SerializeWith<($($t,)*), Ser> for Inline {
            fn serialize_with(($($v,)*): &($($t,)*), ser: &mut Ser) -> Result<Self::Resolver, CodecError> {
                ($(Ref($v),)*).serialize(ser)
            }
        }
        impl<$($t: Record),*> DeserializeWith<<($(Own<$t>,)*) as Archive>::Archived, ($($t,)*), De> for Inline {
            fn deserialize_with(
                fields: &<($(Own<$t>,)*) as Archive>::Archived,
                de: &mut De,
            ) -> Result<($($t,)*), CodecError> {
                let ($(Own($v),)*): ($(Own<$t>,)*) = fields.deserialize(de)?;
                Ok(($($v,)*))
            }
        }
        impl<$($t: Record),*> Record for ($($t,)*) {
            type As = Inline;
            fn describe(d: &mut Describe) -> TypeRef {
                let fields = [$($t::describe(d)),*];
                TypeRef::of("", fields)
            }
            fn to_json(&self) -> Json {
                let ($($v,)*) = self;
                Json::Array(vec![$($v.to_json()),*])
            }
        }
    )*};
}
tuples! {
    [A a] [A a B b] [A a B b C c] [A a B b C c D d] [A a B b C c D d E e] [A a B b C c D d E e F f]
    [A a B b C c D d E e F f G g] [A a B b C c D d E e F f G g H h] [A a B b C c D d E e F f G g H h I i]
    [A a B b C c D d E e F f G g H h I i J j] [A a B b C c D d E e F f G g H h I i J j K k]
    [A a B b C c D d E e F f G g H h I i J j K k L l]
}
