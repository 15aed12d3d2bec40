//! What `#[derive(Record)]` generates: a type taken apart into a tree of its fields, which is written instead of it.
//!
//! The tree is made of tuples of at most 12 and, for the variants of an enum, of `Result`s, halving their number at each
//! level: so the deepest type is as deep as the logarithm of what the user wrote.
use super::archive::{Check, De, Own, Ref, Ser};
use super::json::{self, Json};
use super::{CodecError, Describe, Record, TypeRef};
use rkyv::bytecheck::CheckBytes;
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};
use rkyv::{Archive, Deserialize, Place, Portable, Serialize};

/// A type taken apart.
///
/// Named for what it says when a type derives both: `conflicting implementations of trait RecordOrKey`.
#[diagnostic::on_unimplemented(message = "`{Self}` does not derive `Record`")]
pub trait RecordOrKey: Send + Sized + 'static {
    /// The type's name.
    const NAME: &'static str;
    /// The variants and their fields. A struct is one variant without a name.
    const VARIANTS: &'static [(&'static str, &'static [&'static str])];
    /// The fields.
    type Fields: Tree;
    /// Lends the fields. Must give the same variant each time.
    fn parts(&self) -> Refs<'_, Self>;
    /// Makes a value from its fields.
    fn build(fields: Self::Fields) -> Self;
    /// Adds this type and its fields to `d`.
    fn describe_parts(d: &mut Describe) -> TypeRef {
        d.named::<Self>(Self::NAME, |d| {
            let mut variants = vec![Vec::new()];
            <Self::Fields as Tree>::describe(d, &mut variants);
            Self::VARIANTS.iter().copied().zip(variants).collect()
        })
    }
    /// See [`Record::to_json`].
    fn show_parts(&self) -> Json {
        json::of_parts(self)
    }
}

/// The fields of `T`, lent.
pub type Refs<'a, T> = <<T as RecordOrKey>::Fields as Tree>::Refs<'a>;

/// Fields, or variants of fields.
pub trait Tree:
    Archive<Archived: Portable + for<'c> CheckBytes<Check<'c>> + Deserialize<Self, De>> + Sized + 'static
{
    /// The same fields, lent.
    type Refs<'a>: Archive<Archived = <Self as Archive>::Archived, Resolver = <Self as Archive>::Resolver>
        + Serialize<Ser>;
    /// How many variants there are.
    const VARIANTS: usize = 1;
    /// Adds each field to the last variant, or begins a new variant.
    fn describe(d: &mut Describe, variants: &mut Vec<Vec<TypeRef>>);
    /// Adds each field to `fields`. The variant that they are of.
    fn show(fields: &Self::Refs<'_>, out: &mut Vec<Json>) -> usize;
}

impl<T: Record> Tree for Own<T> {
    type Refs<'a> = Ref<'a, T>;
    fn describe(d: &mut Describe, variants: &mut Vec<Vec<TypeRef>>) {
        let field = T::describe(d);
        if let Some(variant) = variants.last_mut() {
            variant.push(field);
        }
    }
    fn show(field: &Self::Refs<'_>, out: &mut Vec<Json>) -> usize {
        out.push(field.0.to_json());
        0
    }
}
impl<A: Tree, B: Tree> Tree for Result<A, B> {
    type Refs<'a> = Result<A::Refs<'a>, B::Refs<'a>>;
    const VARIANTS: usize = A::VARIANTS + B::VARIANTS;
    fn describe(d: &mut Describe, variants: &mut Vec<Vec<TypeRef>>) {
        A::describe(d, variants);
        variants.push(Vec::new());
        B::describe(d, variants);
    }
    fn show(fields: &Self::Refs<'_>, out: &mut Vec<Json>) -> usize {
        match fields {
            Ok(first) => A::show(first, out),
            Err(second) => A::VARIANTS + B::show(second, out),
        }
    }
}
impl Tree for () {
    type Refs<'a> = ();
    fn describe(_: &mut Describe, _: &mut Vec<Vec<TypeRef>>) {}
    fn show((): &(), _: &mut Vec<Json>) -> usize {
        0
    }
}
macro_rules! tuples {
    ($([$($t:ident)*])*) => {$(
        impl<$($t: Tree),*> Tree for ($($t,)*) {
            type Refs<'a> = ($($t::Refs<'a>,)*);
            fn describe(d: &mut Describe, variants: &mut Vec<Vec<TypeRef>>) {
                $($t::describe(d, variants);)*
            }
            #[allow(non_snake_case)]
            fn show(($($t,)*): &Self::Refs<'_>, out: &mut Vec<Json>) -> usize {
                $($t::show($t, out);)*
                0
            }
        }
    )*};
}
tuples! {
    [A] [A B] [A B C] [A B C D] [A B C D E] [A B C D E F] [A B C D E F G] [A B C D E F G H] [A B C D E F G H I]
    [A B C D E F G H I J] [A B C D E F G H I J K] [A B C D E F G H I J K L]
}

/// The layout of types that are taken apart.
#[derive(Debug)]
pub struct Fields;

impl<T: RecordOrKey> ArchiveWith<T> for Fields {
    type Archived = <T::Fields as Archive>::Archived;
    type Resolver = <T::Fields as Archive>::Resolver;
    fn resolve_with(value: &T, resolver: Self::Resolver, out: Place<Self::Archived>) {
        value.parts().resolve(resolver, out);
    }
}
impl<T: RecordOrKey> SerializeWith<T, Ser> for Fields {
    fn serialize_with(value: &T, ser: &mut Ser) -> Result<Self::Resolver, CodecError> {
        value.parts().serialize(ser)
    }
}
impl<T: RecordOrKey> DeserializeWith<<T::Fields as Archive>::Archived, T, De> for Fields {
    fn deserialize_with(fields: &<T::Fields as Archive>::Archived, de: &mut De) -> Result<T, CodecError> {
        fields.deserialize(de).map(T::build)
    }
}

#[diagnostic::do_not_recommend]
impl<T: RecordOrKey> Record for T {
    type As = Fields;
    fn describe(d: &mut Describe) -> TypeRef {
        T::describe_parts(d)
    }
    fn to_json(&self) -> Json {
        self.show_parts()
    }
}

/// What `#[derive(Record)]` generates, for the structs of this crate: `record_by_fields!(Window { start, end: Timestamp })`
/// with the type of every field, and parameters as `Windowed<K, V>`. Behind `as` may stand how it looks in JSON.
#[macro_export]
#[doc(hidden)]
macro_rules! record_by_fields {
    ($name:ident $(<$($param:ident),*>)? { $($field:ident: $ty:ty),* $(,)? } $(as $json:expr)?) => {
        impl$(<$($param: $crate::Record),*>)? $crate::contract::record::tree::RecordOrKey for $name$(<$($param),*>)? {
            const NAME: &'static str = stringify!($name);
            const VARIANTS: &'static [(&'static str, &'static [&'static str])] = &[("", &[$(stringify!($field)),*])];
            type Fields = ($($crate::contract::record::archive::Own<$ty>,)*);
            fn parts(&self) -> $crate::contract::record::tree::Refs<'_, Self> {
                ($($crate::contract::record::archive::Ref(&self.$field),)*)
            }
            fn build(($($crate::contract::record::archive::Own($field),)*): Self::Fields) -> Self {
                $name { $($field),* }
            }
            $(fn show_parts(&self) -> $crate::contract::record::json::Json {
                let json: fn(&Self) -> $crate::contract::record::json::Json = $json;
                json(self)
            })?
        }
    };
}
