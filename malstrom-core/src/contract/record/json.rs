//! Records as JSON, for people who look at what is kept.
//!
//! | value | JSON |
//! |---|---|
//! | numbers | numbers; those of 128 bits that JSON readers would round are strings, and floats that are no numbers are `null` |
//! | `String`, `char` | strings |
//! | [`Timestamp`](crate::Timestamp) | a string, as RFC 3339 says |
//! | `Duration` | a string: `1.5s` |
//! | `Option` | the value or `null` |
//! | tuples, arrays, vectors, sets | lists |
//! | maps | objects where the keys are strings, and lists of pairs elsewhere |
//! | structs and enums | as serde writes them: objects by field, variants by name |
//!
//! It is for reading only: not every value comes back from it.
use super::tree::{RecordOrKey, Tree};
use super::{Describe, Record, TypeRef};
/// What a record is shown as. An alias and no re-export: the compiler would write `std::string::String` in every message, to
/// tell it from this variant.
pub type Json = serde_json::Value;

/// A number that is not finite has no JSON.
pub(super) fn float(number: f64) -> Json {
    serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number)
}
/// The shortest one that reads as this number. As an `f64` it would have digits that nobody wrote.
pub(super) fn float32(number: f32) -> Json {
    number.to_string().parse().map_or(Json::Null, float)
}
/// As a number if it fits into 64 bits.
pub(crate) fn wide(number: impl TryInto<u64> + TryInto<i64> + Copy + ToString) -> Json {
    let unsigned: Result<u64, _> = number.try_into();
    let signed: Result<i64, _> = number.try_into();
    match (unsigned, signed) {
        (Ok(number), _) => number.into(),
        (_, Ok(number)) => number.into(),
        _ => Json::String(number.to_string()),
    }
}
/// In the order of their text, where the values come in none.
pub(crate) fn sorted(mut values: Vec<Json>) -> Json {
    values.sort_by_cached_key(Json::to_string);
    Json::Array(values)
}
pub(super) fn map<'a, K: Record, V: Record>(entries: impl Iterator<Item = (&'a K, &'a V)>) -> Json {
    if K::describe(&mut Describe::default()) != TypeRef::plain("String") {
        return sorted(entries.map(|(key, value)| Json::Array(vec![key.to_json(), value.to_json()])).collect());
    }
    let text = |key: Json| match key {
        Json::String(text) => text,
        other => other.to_string(),
    };
    Json::Object(entries.map(|(key, value)| (text(key.to_json()), value.to_json())).collect())
}

/// A struct or enum by its fields.
pub(super) fn of_parts<T: RecordOrKey>(value: &T) -> Json {
    let mut fields = Vec::new();
    let variant = T::Fields::show(&value.parts(), &mut fields);
    let Some((name, names)) = T::VARIANTS.get(variant) else { return Json::Null };
    let fields = named(names, fields);
    match (name.is_empty(), fields) {
        (true, fields) => fields.unwrap_or(Json::Null),
        (false, None) => Json::String((*name).to_owned()),
        (false, Some(fields)) => Json::Object([((*name).to_owned(), fields)].into_iter().collect()),
    }
}
/// The fields of a variant; `None` if there are none.
fn named(names: &[&str], mut fields: Vec<Json>) -> Option<Json> {
    let is_tuple = names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    match (is_tuple, fields.len()) {
        (_, 0) => None,
        (true, 1) => fields.pop(),
        (true, _) => Some(Json::Array(fields)),
        (false, _) => Some(Json::Object(names.iter().map(|name| (*name).to_owned()).zip(fields).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, Window};
    use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
    use std::sync::Arc;
    use std::time::Duration;

    #[track_caller]
    fn check(record: impl Record, json: &str) {
        assert_eq!(record.to_json().to_string(), json);
    }

    #[test]
    fn values_are_shown_as_people_write_them() {
        check(7u8, "7");
        check(u64::MAX, "18446744073709551615");
        check(i64::MIN, "-9223372036854775808");
        check(-1isize, "-1");
        check(u128::from(u64::MAX), "18446744073709551615");
        check(i128::MIN, "\"-170141183460469231731687303715884105728\"");
        check(-5i128, "-5");
        check((0.1f32, 0.1f64, 2.0f64), "[0.1,0.1,2.0]");
        check((f64::NAN, f32::INFINITY), "[null,null]");
        check((true, 'ä', ()), "[true,\"ä\",null]");
        check("a \"b\"\n".to_owned(), "\"a \\\"b\\\"\\n\"");
        check(Duration::from_millis(1500), "\"1.5s\"");
        check(Timestamp::from_secs(1), "\"1970-01-01T00:00:01Z\"");
        check(
            Window::new(Timestamp::UNIX_EPOCH, Timestamp::from_secs(60)),
            "{\"end\":\"1970-01-01T00:01:00Z\",\"start\":\"1970-01-01T00:00:00Z\"}",
        );
    }
    #[test]
    fn containers_are_lists_and_objects() {
        check((Some(1u8), None::<u8>, Box::new(2u8), Arc::new(3u8), Arc::<str>::from("x")), "[1,null,2,3,\"x\"]");
        check(vec![[1u8, 2], [3, 4]], "[[1,2],[3,4]]");
        check(BTreeSet::from([2u8, 1]), "[1,2]");
        check(HashSet::<u8>::from_iter([3, 1, 2]), "[1,2,3]");
        check(BTreeMap::from([("b".to_owned(), 1u8), ("a".to_owned(), 2)]), "{\"a\":2,\"b\":1}");
        check(HashMap::<u8, bool>::from_iter([(2, true), (1, false)]), "[[1,false],[2,true]]");
        check(BTreeMap::<String, u8>::new(), "{}");
        check(BTreeMap::<u8, u8>::new(), "[]");
    }
    #[test]
    fn enums_are_shown_by_the_names_of_their_variants() {
        let description = crate::contract::record::description::<Vec<u64>>();
        check(description, "{\"root\":{\"Of\":[\"Vec\",[{\"Plain\":\"u64\"}]]},\"types\":[]}");
    }
}
