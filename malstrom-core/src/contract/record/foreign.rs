//! Types of other crates, each behind the feature of its crate's name and written as a record that is there already:
//!
//! | type | written as |
//! |---|---|
//! | `uuid::Uuid` | `[u8; 16]`, in the order in which they are read |
//! | `jiff::Timestamp`, `chrono::DateTime<Utc>` | `(i64, u32)`: the seconds since 1970, rounded down, and the nanoseconds |
//! | `jiff::civil::DateTime`, `chrono::NaiveDateTime` | the same, as if it were in UTC |
//! | `jiff::civil::Date`, `chrono::NaiveDate` | `i32`: the days since 1970-01-01 |
//! | `rust_decimal::Decimal` | `[u32; 4]`: the 96 bits of its digits, lowest first, and the scale, with the sign as its highest bit |
//!
//! A leap second of chrono has nanoseconds from a billion on. A decimal keeps its scale: 1.00 is read back as 1.00.
use super::archive::{Archived, De, Ref, Ser};
use super::json::Json;
use super::{CodecError, Describe, Record, TypeRef};
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};
use rkyv::{Archive, Place, Serialize};

/// A type of another crate.
pub trait Foreign: Send + Sized + 'static {
    /// Its name, with its crate's.
    const NAME: &'static str;
    /// What it is written as.
    type Written: Record;
    /// What is written for this value.
    fn to_written(&self) -> Self::Written;
    /// The value that was written, if there is one.
    fn from_written(written: Self::Written) -> Option<Self>;
}

/// The layout of what is written as another type.
#[derive(Debug)]
pub struct Converted;

impl<T: Foreign> ArchiveWith<T> for Converted {
    type Archived = Archived<T::Written>;
    type Resolver = <Ref<'static, T::Written> as Archive>::Resolver;
    fn resolve_with(value: &T, resolver: Self::Resolver, out: Place<Self::Archived>) {
        Ref(&value.to_written()).resolve(resolver, out);
    }
}
impl<T: Foreign> SerializeWith<T, Ser> for Converted {
    fn serialize_with(value: &T, ser: &mut Ser) -> Result<Self::Resolver, CodecError> {
        Ref(&value.to_written()).serialize(ser)
    }
}
impl<T: Foreign> DeserializeWith<Archived<T::Written>, T, De> for Converted {
    fn deserialize_with(written: &Archived<T::Written>, de: &mut De) -> Result<T, CodecError> {
        T::from_written(written.read(de)?).ok_or_else(|| CodecError::new(format!("out of the range of {}", T::NAME)))
    }
}

macro_rules! foreign {
    ($($feature:literal $t:ty as $written:ty, $name:literal: $to:expr, $from:expr;)*) => {$(
        #[cfg(feature = $feature)]
        impl Foreign for $t {
            const NAME: &'static str = $name;
            type Written = $written;
            #[inline]
            fn to_written(&self) -> $written {
                let to: fn(&$t) -> $written = $to;
                to(self)
            }
            #[inline]
            fn from_written(written: $written) -> Option<$t> {
                let from: fn($written) -> Option<$t> = $from;
                from(written)
            }
        }
        #[cfg(feature = $feature)]
        impl Record for $t {
            type As = Converted;
            fn describe(_: &mut Describe) -> TypeRef {
                TypeRef::plain($name)
            }
            fn to_json(&self) -> Json {
                // What `Debug` writes of times is what RFC 3339 says; numbers and ids are themselves.
                Json::String(format!("{self:?}"))
            }
        }
    )*};
}
foreign! {
    "uuid" uuid::Uuid as [u8; 16], "uuid::Uuid": |id| *id.as_bytes(), |bytes| Some(uuid::Uuid::from_bytes(bytes));

    "jiff" jiff::Timestamp as (i64, u32), "jiff::Timestamp":
        |at| rounded_down(at.as_second(), at.subsec_nanosecond()),
        |(seconds, nanos)| jiff::Timestamp::new(seconds, below_a_second(nanos)?).ok();
    "jiff" jiff::civil::DateTime as (i64, u32), "jiff::civil::DateTime":
        |at| {
            let since = at.duration_since(JIFF_EPOCH.to_datetime(jiff::civil::Time::midnight()));
            rounded_down(since.as_secs(), since.subsec_nanos())
        },
        |(seconds, nanos)| {
            let since = jiff::SignedDuration::new(seconds, below_a_second(nanos)?);
            JIFF_EPOCH.to_datetime(jiff::civil::Time::midnight()).checked_add(since).ok()
        };
    "jiff" jiff::civil::Date as i32, "jiff::civil::Date":
        |date| (date.duration_since(JIFF_EPOCH).as_secs() / DAY) as i32,
        |days| JIFF_EPOCH.checked_add(jiff::SignedDuration::from_secs(i64::from(days) * DAY)).ok();

    "chrono" chrono::DateTime<chrono::Utc> as (i64, u32), "chrono::DateTime<Utc>":
        |at| (at.timestamp(), at.timestamp_subsec_nanos()),
        |written| chrono::NaiveDateTime::from_written(written).map(|at| at.and_utc());
    "chrono" chrono::NaiveDateTime as (i64, u32), "chrono::NaiveDateTime":
        |at| at.and_utc().to_written(),
        // A leap second may follow any second in chrono, except where it makes one from a timestamp.
        |(seconds, nanos)| {
            let second = chrono::DateTime::from_timestamp(seconds, 0)?.naive_utc();
            chrono::Timelike::with_nanosecond(&second, nanos)
        };
    "chrono" chrono::NaiveDate as i32, "chrono::NaiveDate":
        |date| date.to_epoch_days(),
        chrono::NaiveDate::from_epoch_days;

    "rust_decimal" rust_decimal::Decimal as [u32; 4], "rust_decimal::Decimal":
        |number| {
            let parts = number.unpack();
            [parts.lo, parts.mid, parts.hi, parts.scale | u32::from(parts.negative) << 31]
        },
        |[lo, mid, hi, scale_and_sign]| {
            let (scale, negative) = (scale_and_sign & (u32::MAX >> 1), scale_and_sign >> 31 == 1);
            if scale > rust_decimal::Decimal::MAX_SCALE {
                return None;
            }
            let mut number = rust_decimal::Decimal::from_parts(lo, mid, hi, false, scale);
            // This keeps the sign of a zero.
            number.set_sign_negative(negative);
            Some(number)
        };
}

#[cfg(feature = "jiff")]
const JIFF_EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);
#[cfg(feature = "jiff")]
const DAY: i64 = 24 * 60 * 60;
#[cfg(feature = "jiff")]
const SECOND: i32 = 1_000_000_000;

/// From seconds and nanoseconds of the same sign.
#[cfg(feature = "jiff")]
fn rounded_down(seconds: i64, nanos: i32) -> (i64, u32) {
    if nanos < 0 { (seconds - 1, (nanos + SECOND) as u32) } else { (seconds, nanos as u32) }
}
#[cfg(feature = "jiff")]
fn below_a_second(nanos: u32) -> Option<i32> {
    i32::try_from(nanos).ok().filter(|&nanos| nanos < SECOND)
}
