//! The keys of other crates: what their records are written as (`record/foreign.rs`), and so the same key in jiff and
//! in chrono. Decimals are written without trailing zeros, for 1.0 and 1.00 are equal.
use super::{KeyWriter, PartitionKey};
use crate::contract::record::foreign::Foreign;

macro_rules! foreign {
    ($($feature:literal $t:ty: |$key:ident, $out:ident| $write:expr;)*) => {$(
        #[cfg(feature = $feature)]
        impl PartitionKey for $t {
            #[inline(always)]
            fn write_key(&self, $out: &mut KeyWriter<'_>) {
                let $key = self;
                $write;
            }
        }
    )*};
}
foreign! {
    "uuid" uuid::Uuid: |id, out| out.bytes(&id.to_written());
    "jiff" jiff::Timestamp: |at, out| at.to_written().write_key(out);
    "jiff" jiff::civil::DateTime: |at, out| at.to_written().write_key(out);
    "jiff" jiff::civil::Date: |date, out| date.to_written().write_key(out);
    "chrono" chrono::DateTime<chrono::Utc>: |at, out| at.to_written().write_key(out);
    "chrono" chrono::NaiveDateTime: |at, out| at.to_written().write_key(out);
    "chrono" chrono::NaiveDate: |date, out| date.to_written().write_key(out);
    "rust_decimal" rust_decimal::Decimal: |number, out| number.normalize().to_written().write_key(out);
}
