//! The types of other crates: what is written is read back, what is broken is refused, and where keys live never changes.
#![cfg(all(feature = "chrono", feature = "jiff", feature = "rust_decimal", feature = "uuid"))]
#![allow(clippy::unwrap_used)]
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use jiff::Timestamp;
use jiff::civil;
use malstrom_core::contract::key::KeyGroups;
use malstrom_core::contract::key::canonical;
use malstrom_core::contract::record::description;
use malstrom_core::state::key_group::KeyHasher;
use malstrom_core::{PartitionKey, Record};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::fmt::Debug;
use uuid::Uuid;

fn encoded<T: Record>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).unwrap();
    bytes
}
/// Reads `value` back, alone and within others, and writes it as `W` is.
fn round_trip<T: Record + Clone + PartialEq + Debug, W: Record>(value: &T, written: &W) {
    let bytes = encoded(value);
    assert_eq!(bytes, encoded(written), "{value:?}");
    assert_eq!(T::decode(&bytes).as_ref(), Ok(value));
    let several = (1u8, vec![Some(value.clone()), None], Box::new(value.clone()));
    assert_eq!(Record::decode(&encoded(&several)), Ok(several));
}
fn refused<T: Record + Debug>(written: &impl Record) -> String {
    T::decode(&encoded(written)).unwrap_err().to_string()
}
fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
fn naive(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}
fn utc(text: &str) -> DateTime<Utc> {
    naive(text).and_utc()
}
fn stamp(text: &str) -> Timestamp {
    text.parse().unwrap()
}
fn clock(text: &str) -> civil::DateTime {
    text.parse().unwrap()
}
fn day(text: &str) -> civil::Date {
    text.parse().unwrap()
}
fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}
fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}
const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

#[test]
fn uuids_round_trip() {
    for id in [Uuid::nil(), Uuid::max(), id(ID)] {
        round_trip(&id, &id.into_bytes());
    }
}

#[test]
fn points_in_time_round_trip() {
    round_trip(&Timestamp::UNIX_EPOCH, &(0i64, 0u32));
    round_trip(&DateTime::UNIX_EPOCH, &(0i64, 0u32));
    for (text, seconds, nanos) in [
        ("1970-01-01T00:00:00.000000001", 0, 1),
        ("1969-12-31T23:59:59.999999999", -1, 999_999_999),
        ("1969-12-31T23:59:59", -1, 0),
        ("1969-12-31T23:59:58.5", -2, 500_000_000),
        ("2026-05-17T08:09:10.123456789", 1_779_005_350, 123_456_789),
    ] {
        let written = (seconds as i64, nanos as u32);
        round_trip(&stamp(&format!("{text}Z")), &written);
        round_trip(&clock(text), &written);
        round_trip(&utc(text), &written);
        round_trip(&naive(text), &written);
    }
    round_trip(&Timestamp::MIN, &(Timestamp::MIN.as_second(), 0u32));
    round_trip(&Timestamp::MAX, &(Timestamp::MAX.as_second(), 999_999_999u32));
    round_trip(&civil::DateTime::MIN, &(-377_705_116_800i64, 0u32));
    round_trip(&civil::DateTime::MAX, &(253_402_300_799i64, 999_999_999u32));
    round_trip(&DateTime::<Utc>::MIN_UTC, &(DateTime::<Utc>::MIN_UTC.timestamp(), 0u32));
    round_trip(&DateTime::<Utc>::MAX_UTC, &(DateTime::<Utc>::MAX_UTC.timestamp(), 999_999_999u32));
    round_trip(&NaiveDateTime::MIN, &(NaiveDateTime::MIN.and_utc().timestamp(), 0u32));
    round_trip(&NaiveDateTime::MAX, &(NaiveDateTime::MAX.and_utc().timestamp(), 999_999_999u32));
}

#[test]
fn leap_seconds_of_chrono_round_trip() {
    let leap = naive("2016-12-31T23:59:60.25");
    let written = (1_483_228_799i64, 1_250_000_000u32);
    round_trip(&leap, &written);
    round_trip(&leap.and_utc(), &written);
    // Chrono has them after any second.
    let odd = naive("2020-01-02T03:04:05").with_nanosecond(1_999_999_999).unwrap();
    round_trip(&odd, &(1_577_934_245i64, 1_999_999_999u32));
    round_trip(&odd.and_utc(), &(1_577_934_245i64, 1_999_999_999u32));
    let last = NaiveDateTime::MAX.with_nanosecond(1_999_999_999).unwrap();
    round_trip(&last, &(last.and_utc().timestamp(), 1_999_999_999u32));
    round_trip(&last.and_utc(), &(last.and_utc().timestamp(), 1_999_999_999u32));
}

#[test]
fn dates_round_trip() {
    for (text, days) in [("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("0001-01-01", -719_162)] {
        round_trip(&date(text), &days);
        round_trip(&day(text), &days);
    }
    round_trip(&NaiveDate::MIN, &NaiveDate::MIN.to_epoch_days());
    round_trip(&NaiveDate::MAX, &NaiveDate::MAX.to_epoch_days());
    round_trip(&civil::Date::MIN, &-4_371_587);
    round_trip(&civil::Date::MAX, &2_932_896);
}

#[test]
fn decimals_round_trip_with_their_scale() {
    for (text, written) in [
        ("0", [0, 0, 0, 0]),
        ("-0.00", [0, 0, 0, 0x8000_0002]),
        ("1.00", [100, 0, 0, 2]),
        ("-1.5", [15, 0, 0, 0x8000_0001]),
        ("4294967296", [0, 1, 0, 0]),
        ("79228162514264337593543950335", [u32::MAX, u32::MAX, u32::MAX, 0]),
        ("-7.9228162514264337593543950335", [u32::MAX, u32::MAX, u32::MAX, 0x8000_001c]),
    ] {
        let mut number = decimal(text);
        number.set_sign_negative(text.starts_with('-'));
        round_trip(&number, &written);
        // Equality is blind to this.
        assert_eq!(Decimal::decode(&encoded(&number)).unwrap().serialize(), number.serialize());
    }
}

#[test]
fn what_is_out_of_range_is_refused() {
    fn instants<T: Record + Debug>(name: &str, seconds: [i64; 2], nanos: u32) {
        let [first, last] = seconds;
        for written in [
            (first - 1, nanos - 1),
            (last + 1, 0),
            (0, nanos),
            (first, nanos),
            (last, nanos),
            (0, u32::MAX),
            (i64::MIN, 0),
            (i64::MIN, nanos - 1),
            (i64::MAX, 0),
            (i64::MAX, nanos - 1),
            (i64::MAX, u32::MAX),
        ] {
            assert_eq!(refused::<T>(&written), format!("out of the range of {name}"), "{written:?}");
        }
    }
    let jiff = 1_000_000_000;
    instants::<Timestamp>("jiff::Timestamp", [Timestamp::MIN, Timestamp::MAX].map(Timestamp::as_second), jiff);
    instants::<civil::DateTime>("jiff::civil::DateTime", [-377_705_116_800, 253_402_300_799], jiff);
    let chrono = 2 * jiff;
    let ends = [NaiveDateTime::MIN, NaiveDateTime::MAX].map(|at| at.and_utc().timestamp());
    let below = DateTime::from_timestamp(ends[0] - 1, 0);
    assert_eq!(below, None, "these are the ends");
    instants::<NaiveDateTime>("chrono::NaiveDateTime", ends, chrono);
    instants::<DateTime<Utc>>("chrono::DateTime<Utc>", ends, chrono);

    for days in [-4_371_588, 2_932_897, i32::MIN, i32::MAX] {
        assert_eq!(refused::<civil::Date>(&days), "out of the range of jiff::civil::Date");
    }
    for days in [NaiveDate::MIN.to_epoch_days() - 1, NaiveDate::MAX.to_epoch_days() + 1, i32::MIN, i32::MAX] {
        assert_eq!(refused::<NaiveDate>(&days), "out of the range of chrono::NaiveDate");
    }
    for scale in [29, 0x8000_001d, 1 << 30, 1 << 16, u32::MAX] {
        assert_eq!(refused::<Decimal>(&[1u32, 0, 0, scale]), "out of the range of rust_decimal::Decimal");
    }
}

#[test]
fn bytes_of_another_length_are_refused() {
    fn cut<T: Record + Debug>(value: &T) {
        let bytes = encoded(value);
        for len in 0..bytes.len() {
            assert!(T::decode(&bytes[..len]).is_err(), "{value:?} from {len} bytes");
        }
    }
    cut(&id(ID));
    cut(&Timestamp::MAX);
    cut(&civil::DateTime::MAX);
    cut(&civil::Date::MAX);
    cut(&DateTime::<Utc>::MAX_UTC);
    cut(&NaiveDateTime::MAX);
    cut(&NaiveDate::MAX);
    cut(&Decimal::MAX);
}

#[test]
fn a_description_has_the_names_of_the_types() {
    assert_eq!(description::<(Uuid, Timestamp)>().to_string(), "(uuid::Uuid, jiff::Timestamp)");
    let civil = description::<(civil::Date, civil::DateTime)>().to_string();
    assert_eq!(civil, "(jiff::civil::Date, jiff::civil::DateTime)");
    let chrono = description::<(DateTime<Utc>, NaiveDate, NaiveDateTime)>().to_string();
    assert_eq!(chrono, "(chrono::DateTime<Utc>, chrono::NaiveDate, chrono::NaiveDateTime)");
    assert_eq!(description::<Decimal>().to_string(), "rust_decimal::Decimal");
}

proptest! {
    #[test]
    fn any_instant_round_trips(seconds in -377_000_000_000i64..253_000_000_000, nanos in 0u32..1_000_000_000) {
        let written = (seconds, nanos);
        let at = Timestamp::new(seconds, nanos as i32).unwrap();
        round_trip(&at, &written);
        round_trip(&jiff::tz::TimeZone::UTC.to_datetime(at), &written);
        let at = DateTime::from_timestamp(seconds, nanos).unwrap();
        round_trip(&at, &written);
        round_trip(&at.naive_utc(), &written);
    }
    #[test]
    fn any_day_round_trips(days in -4_371_587i32..=2_932_896) {
        let date = NaiveDate::default() + TimeDelta::days(days.into());
        round_trip(&date, &days);
        round_trip(&day(&civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap().to_string()), &days);
    }
    #[test]
    fn any_bytes_give_a_value_that_is_written_so_or_an_error(words: [u32; 4], seconds: i64, nanos: u32, days: i32) {
        fn read<T: Record + Debug>(written: &impl Record) {
            if let Ok(value) = T::decode(&encoded(written)) {
                assert_eq!(encoded(&value), encoded(written));
            }
        }
        for scale in [words[3], words[3] & 0x8000_001f] {
            read::<Decimal>(&[words[0], words[1], words[2], scale]);
        }
        for seconds in [seconds, seconds >> 25] {
            read::<Timestamp>(&(seconds, nanos));
            read::<civil::DateTime>(&(seconds, nanos));
            read::<DateTime<Utc>>(&(seconds, nanos));
            read::<NaiveDateTime>(&(seconds, nanos));
        }
        for days in [days, days >> 5] {
            read::<civil::Date>(&days);
            read::<NaiveDate>(&days);
        }
    }
    #[test]
    fn equal_decimals_are_the_same_key(mantissa in -1_000_000_000_000i64..1_000_000_000_000, scale in 0u32..8, zeros in 0u32..8) {
        let number = Decimal::new(mantissa, scale);
        let longer = Decimal::from_i128_with_scale(i128::from(mantissa) * 10i128.pow(zeros), scale + zeros);
        assert_eq!(number, longer);
        assert_eq!(canonical(&number), canonical(&longer));
        assert_eq!(canonical(&number) == canonical(&-number), number.is_zero());
    }
}

/// Canonical bytes; hash and group with seed 0; the same with seed 0x9E3779B97F4A7C15.
type Golden = (&'static str, u64, u16, u64, u16);

fn actual<K: PartitionKey>(key: &K) -> (String, u64, u16, u64, u16) {
    let bytes = canonical(key).iter().map(|byte| format!("{byte:02x}")).collect();
    let [plain, seeded] = [0, 0x9E37_79B9_7F4A_7C15].map(|seed| KeyHasher::new(seed).hash(key));
    (bytes, plain, KeyGroups::DEFAULT.of(plain), seeded, KeyGroups::DEFAULT.of(seeded))
}

macro_rules! golden {
    ($($name:ident: $key:expr => $golden:expr;)*) => {
        $(#[test]
        fn $name() {
            let golden: Golden = $golden;
            let (bytes, plain, group, seeded, seeded_group) = actual(&$key);
            assert_eq!((bytes.as_str(), plain, group, seeded, seeded_group), golden);
        })*
        /// Prints the table, for keys that are new.
        #[test]
        #[ignore = "a tool, not a test"]
        fn print() {
            $({
                let (bytes, plain, group, seeded, seeded_group) = actual(&$key);
                println!("    {}: {} => (\"{bytes}\", {plain:#018x}, {group}, {seeded:#018x}, {seeded_group});", stringify!($name), stringify!($key));
            })*
        }
    };
}

golden! {
    uuid_nil: Uuid::nil() => ("00000000000000000000000000000000", 0x025b_6b69_d99e_24d7, 37, 0x1da4_a393_48db_1c74, 474);
    uuid_mixed: id(ID) => ("67e5504410b1426f9247bb680e5fe0c8", 0x3c60_a0b7_132d_f8d8, 966, 0x7f52_e344_e9ae_efb2, 2037);
    uuid_pair: (id(ID), 1u8) => ("67e5504410b1426f9247bb680e5fe0c801", 0x66e8_5597_4064_290d, 1646, 0x7991_7fd1_c9a9_6afd, 1945);
    jiff_timestamp: stamp("2026-05-17T08:09:10.123456789Z") => ("a677096a0000000015cd5b07", 0x1426_5468_c402_4434, 322, 0x3eb3_2d7f_a1b9_316a, 1003);
    jiff_timestamp_before_1970: stamp("1969-12-31T23:59:58.5Z") => ("feffffffffffffff0065cd1d", 0x075d_c961_7b2c_c966, 117, 0x7232_5b3f_f888_d5f1, 1827);
    jiff_datetime: clock("2026-05-17T08:09:10.123456789") => ("a677096a0000000015cd5b07", 0x1426_5468_c402_4434, 322, 0x3eb3_2d7f_a1b9_316a, 1003);
    jiff_datetime_before_1970: clock("1969-12-31T23:59:58.5") => ("feffffffffffffff0065cd1d", 0x075d_c961_7b2c_c966, 117, 0x7232_5b3f_f888_d5f1, 1827);
    jiff_date: day("2026-05-17") => ("6e500000", 0x7947_ba19_2820_4cee, 1940, 0x9f83_58dd_0f7c_fcce, 2552);
    jiff_date_before_1970: day("1969-12-31") => ("ffffffff", 0x8a77_feaa_a1ca_0d45, 2215, 0xb3ac_5db1_3076_9740, 2874);
    chrono_utc: utc("2026-05-17T08:09:10.123456789") => ("a677096a0000000015cd5b07", 0x1426_5468_c402_4434, 322, 0x3eb3_2d7f_a1b9_316a, 1003);
    chrono_utc_before_1970: utc("1969-12-31T23:59:58.5") => ("feffffffffffffff0065cd1d", 0x075d_c961_7b2c_c966, 117, 0x7232_5b3f_f888_d5f1, 1827);
    chrono_naive: naive("2026-05-17T08:09:10.123456789") => ("a677096a0000000015cd5b07", 0x1426_5468_c402_4434, 322, 0x3eb3_2d7f_a1b9_316a, 1003);
    chrono_leap_second: naive("2016-12-31T23:59:60.25") => ("7f46685800000000807c814a", 0x1c19_038c_6d6a_fb60, 449, 0x2c4a_a3f0_03aa_49dc, 708);
    chrono_date: date("2026-05-17") => ("6e500000", 0x7947_ba19_2820_4cee, 1940, 0x9f83_58dd_0f7c_fcce, 2552);
    chrono_date_before_1970: date("1969-12-31") => ("ffffffff", 0x8a77_feaa_a1ca_0d45, 2215, 0xb3ac_5db1_3076_9740, 2874);
    decimal_zero: decimal("0.000") => ("00000000000000000000000000000000", 0x025b_6b69_d99e_24d7, 37, 0x1da4_a393_48db_1c74, 474);
    decimal_minus_zero: -Decimal::ZERO => ("00000000000000000000000000000000", 0x025b_6b69_d99e_24d7, 37, 0x1da4_a393_48db_1c74, 474);
    decimal_one: decimal("1.0") => ("01000000000000000000000000000000", 0x3d54_3fb6_c2c9_4bdf, 981, 0x4a1a_ec98_5057_7e24, 1185);
    decimal_one_longer: decimal("1.00") => ("01000000000000000000000000000000", 0x3d54_3fb6_c2c9_4bdf, 981, 0x4a1a_ec98_5057_7e24, 1185);
    decimal_hundred: decimal("100") => ("64000000000000000000000000000000", 0xd86e_9ecb_50fc_ed68, 3462, 0x7077_a079_cd17_7ff3, 1799);
    decimal_minus: decimal("-12.50") => ("7d000000000000000000000001000080", 0x08ac_e299_2303_4b8d, 138, 0x3ab8_9259_cab4_cc74, 939);
    decimal_max: Decimal::MAX => ("ffffffffffffffffffffffff00000000", 0x8d83_cd65_f645_02dd, 2264, 0x8c89_79bd_e344_bec0, 2248);
}
