//! Windows and what comes out of them: what they contain, and what they are written as.
#![allow(clippy::unwrap_used)]
use malstrom_core::contract::key::canonical;
use malstrom_core::contract::record::description;
use malstrom_core::{Durations, Late, Record, Timestamp, Window, Windowed};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

fn window(start: i64, end: i64) -> Window {
    Window::new(Timestamp::from_micros(start), Timestamp::from_micros(end))
}
fn encoded<T: Record>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).unwrap();
    bytes
}
fn round_trip<T: Record + Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    assert_eq!(T::decode(&encoded(value)).as_ref(), Ok(value));
    assert_eq!(serde_json::from_str::<T>(&serde_json::to_string(value).unwrap()).unwrap(), *value);
    assert_eq!(postcard::from_bytes(&postcard::to_allocvec(value).unwrap()).as_ref(), Ok(value));
}

#[test]
fn a_window_begins_with_its_start_and_ends_before_its_end() {
    let hour = window(0, 3_600_000_000);
    let at = Timestamp::from_micros;
    assert_eq!([-1, 0, 3_599_999_999, 3_600_000_000].map(|t| hour.contains(at(t))), [false, true, true, false]);
    assert_eq!((hour.start(), hour.end()), (at(0), at(0) + 1.hours()));
    let all = Window::new(Timestamp::MIN, Timestamp::MAX);
    assert_eq!([i64::MIN, 0, i64::MAX].map(|t| all.contains(at(t))), [true, true, false]);
    for nothing in [window(5, 5), window(7, 3)] {
        assert!((0..10).all(|t| !nothing.contains(at(t))));
    }
}

#[test]
fn windows_are_ordered_by_start_then_end() {
    let mut windows = [window(1, 5), window(-1, 9), window(1, 3), window(0, 9)];
    windows.sort();
    assert_eq!(windows, [window(-1, 9), window(0, 9), window(1, 3), window(1, 5)]);
}

#[test]
fn they_read_well() {
    assert_eq!(window(0, 60_000_000).to_string(), "1970-01-01T00:00:00Z..1970-01-01T00:01:00Z");
    assert_eq!(window(i64::MIN, 0).to_string(), "-9223372036854775808us..1970-01-01T00:00:00Z");
    let window = window(0, 500_000);
    let text = r#"{"start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:00:00.500Z"}"#;
    assert_eq!(serde_json::to_string(&window).unwrap(), text);
    let late = Late { record: 7u64, watermark: Timestamp::UNIX_EPOCH };
    assert_eq!(serde_json::to_string(&late).unwrap(), r#"{"record":7,"watermark":"1970-01-01T00:00:00Z"}"#);
    assert_eq!(late.to_string(), "late for 1970-01-01T00:00:00Z: 7");
}

#[test]
fn they_are_records_made_of_their_fields() {
    assert_eq!(encoded(&Timestamp::from_micros(-2)), encoded(&-2i64));
    assert_eq!(encoded(&window(1, -2)), encoded(&(1i64, -2i64)));
    assert!(Timestamp::decode(&[0; 7]).is_err() && Window::decode(&[0; 15]).is_err());
    let described = format!("{:?}", description::<Late<Windowed<u32, Vec<Window>>>>());
    for name in [
        "Late",
        "record",
        "watermark",
        "Windowed",
        "key",
        "window",
        "value",
        "Window",
        "start",
        "end",
        "Timestamp",
        "micros",
    ] {
        assert!(described.contains(&format!("{name:?}")), "{name}: {described}");
    }
}

proptest! {
    #[test]
    fn any_of_them_round_trips(start in any::<i64>(), end in any::<i64>(), key in any::<u32>(), text in any::<String>()) {
        let window = window(start, end);
        round_trip(&window.start());
        round_trip(&window);
        round_trip(&Windowed { key, window, value: vec![Some(text.clone()), None] });
        round_trip(&Late { record: (key, text), watermark: window.end() });
        assert_eq!(canonical(&window.start()), start.to_le_bytes());
        assert_eq!(canonical(&window), [start.to_le_bytes(), end.to_le_bytes()].concat());
    }
}
