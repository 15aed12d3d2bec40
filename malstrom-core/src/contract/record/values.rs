//! Records that hold no others.
use super::archive::{De, Ser};
use super::json::{self, Json};
use super::{CodecError, Describe, Record, TypeRef};
use rkyv::primitive::{ArchivedI64, ArchivedU64};
use rkyv::string::{ArchivedString, StringResolver};
use rkyv::with::{ArchiveWith, DeserializeWith, Identity, SerializeWith};
use rkyv::{Archive, Place};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

macro_rules! values {
    ($($($t:ty => $name:literal)* as $json:expr;)*) => {$($(
        impl Record for $t {
            type As = Identity;
            fn describe(_: &mut Describe) -> TypeRef {
                TypeRef::plain($name)
            }
            fn to_json(&self) -> Json {
                let json: fn(&$t) -> Json = $json;
                json(self)
            }
        }
    )*)*};
}
values! {
    u8 => "u8" u16 => "u16" u32 => "u32" u64 => "u64" i8 => "i8" i16 => "i16" i32 => "i32" i64 => "i64" bool => "bool"
        as |value| (*value).into();
    u128 => "u128" i128 => "i128" as |number| json::wide(*number);
    f32 => "f32" as |number| json::float32(*number);
    f64 => "f64" as |number| json::float(*number);
    char => "char" String => "String" as |text| Json::String(text.to_string());
    () => "()" as |()| Json::Null;
    Duration => "Duration" as |time| Json::String(format!("{time:?}"));
    bytes::Bytes => "Bytes" as |bytes| bytes.iter().copied().collect();
}

/// Pointer-sized integers, written as 64 bits on every machine.
#[derive(Debug)]
pub struct Wide;

macro_rules! wide {
    ($($t:ident as $wide:ident, $archived:ident)*) => {$(
        impl ArchiveWith<$t> for Wide {
            type Archived = $archived;
            type Resolver = ();
            fn resolve_with(value: &$t, (): (), out: Place<$archived>) {
                (*value as $wide).resolve((), out);
            }
        }
        impl SerializeWith<$t, Ser> for Wide {
            fn serialize_with(_: &$t, _: &mut Ser) -> Result<(), CodecError> {
                Ok(())
            }
        }
        impl DeserializeWith<$archived, $t, De> for Wide {
            fn deserialize_with(value: &$archived, _: &mut De) -> Result<$t, CodecError> {
                value.to_native().try_into().map_err(|_| CodecError::new(concat!("too large for this machine's ", stringify!($t))))
            }
        }
        impl Record for $t {
            type As = Wide;
            fn describe(_: &mut Describe) -> TypeRef {
                TypeRef::plain(stringify!($t))
            }
            fn to_json(&self) -> Json {
                json::wide(*self)
            }
        }
    )*};
}
wide! { usize as u64, ArchivedU64 isize as i64, ArchivedI64 }

/// Nothing at all.
#[derive(Debug)]
pub struct Nothing;

impl<T: Send + 'static> ArchiveWith<PhantomData<T>> for Nothing {
    type Archived = ();
    type Resolver = ();
    fn resolve_with(_: &PhantomData<T>, (): (), _: Place<()>) {}
}
impl<T: Send + 'static> SerializeWith<PhantomData<T>, Ser> for Nothing {
    fn serialize_with(_: &PhantomData<T>, _: &mut Ser) -> Result<(), CodecError> {
        Ok(())
    }
}
impl<T: Send + 'static> DeserializeWith<(), PhantomData<T>, De> for Nothing {
    fn deserialize_with((): &(), _: &mut De) -> Result<PhantomData<T>, CodecError> {
        Ok(PhantomData)
    }
}
impl<T: Send + 'static> Record for PhantomData<T> {
    type As = Nothing;
    fn describe(_: &mut Describe) -> TypeRef {
        TypeRef::plain("()")
    }
    fn to_json(&self) -> Json {
        Json::Null
    }
}

/// Shared text, written as a string.
#[derive(Debug)]
pub struct Text;

impl ArchiveWith<Arc<str>> for Text {
    type Archived = ArchivedString;
    type Resolver = StringResolver;
    fn resolve_with(text: &Arc<str>, resolver: StringResolver, out: Place<ArchivedString>) {
        ArchivedString::resolve_from_str(text, resolver, out);
    }
}
impl SerializeWith<Arc<str>, Ser> for Text {
    fn serialize_with(text: &Arc<str>, ser: &mut Ser) -> Result<StringResolver, CodecError> {
        ArchivedString::serialize_from_str(text, ser)
    }
}
impl DeserializeWith<ArchivedString, Arc<str>, De> for Text {
    fn deserialize_with(text: &ArchivedString, _: &mut De) -> Result<Arc<str>, CodecError> {
        Ok(text.as_str().into())
    }
}
impl Record for Arc<str> {
    type As = Text;
    fn describe(_: &mut Describe) -> TypeRef {
        TypeRef::plain("String")
    }
    fn to_json(&self) -> Json {
        Json::String(self.to_string())
    }
}
