//! Timestamps as text and to serde, against jiff, which has no part in them.
#![allow(clippy::unwrap_used)]
use malstrom_core::{InvalidTimestamp, Timestamp};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// 0000-01-01T00:00:00Z and the last microsecond of the year 9999.
const FIRST: i64 = -62_167_219_200_000_000;
const LAST: i64 = 253_402_300_799_999_999;

fn parse(text: &str) -> Result<Timestamp, InvalidTimestamp> {
    text.parse()
}
fn read(text: &str) -> i64 {
    parse(text).unwrap().as_micros()
}
fn written(micros: i64) -> String {
    Timestamp::from_micros(micros).to_string()
}
fn refused(text: &str) -> String {
    let message = parse(text).unwrap_err().to_string();
    message.strip_prefix(&format!("`{text}` is not a time: ")).unwrap().to_owned()
}
/// What jiff makes of the same point, put together by hand.
fn by_jiff(micros: i64) -> String {
    let at = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_microsecond(micros).unwrap());
    let fraction = match at.subsec_nanosecond() / 1_000 {
        0 => String::new(),
        micros if micros % 1_000 == 0 => format!(".{:03}", micros / 1_000),
        micros => format!(".{micros:06}"),
    };
    let [month, day, hour, minute, second] = [at.month(), at.day(), at.hour(), at.minute(), at.second()];
    format!("{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z", at.year())
}
/// Points of all sizes, as many in the years that RFC 3339 knows as outside.
fn micros() -> impl Strategy<Value = i64> {
    let close = (any::<i64>(), 0u32..63).prop_map(|(micros, shift)| micros >> shift);
    let whole = (FIRST / 1_000_000..LAST / 1_000_000).prop_map(|seconds| seconds * 1_000_000);
    prop_oneof![
        any::<i64>(),
        close,
        FIRST..=LAST,
        whole,
        (FIRST / 1_000..LAST / 1_000).prop_map(|millis| millis * 1_000)
    ]
}

#[test]
fn a_fraction_has_as_many_digits_as_it_needs() {
    assert_eq!(written(0), "1970-01-01T00:00:00Z");
    assert_eq!(written(1_500_000), "1970-01-01T00:00:01.500Z");
    assert_eq!(written(1_500_010), "1970-01-01T00:00:01.500010Z");
    assert_eq!(written(-1), "1969-12-31T23:59:59.999999Z");
    assert_eq!(format!("{:?}", Timestamp::from_micros(1_000)), "1970-01-01T00:00:00.001Z");
}

#[test]
fn years_that_rfc_3339_does_not_know_are_microseconds() {
    assert_eq!((written(FIRST), written(FIRST - 1)), ("0000-01-01T00:00:00Z".into(), "-62167219200000001us".into()));
    assert_eq!(
        (written(LAST), written(LAST + 1)),
        ("9999-12-31T23:59:59.999999Z".into(), "253402300800000000us".into())
    );
    assert_eq!(
        (written(i64::MIN), written(i64::MAX)),
        ("-9223372036854775808us".into(), "9223372036854775807us".into())
    );
    for micros in [i64::MIN, FIRST - 1, FIRST, 0, LAST, LAST + 1, i64::MAX] {
        assert_eq!(read(&written(micros)), micros);
    }
    assert_eq!((read("0us"), read("+7us")), (0, 7));
    // A time of day before the first year, written with its offset.
    assert_eq!(read("0000-01-01T00:00:00+01:00"), FIRST - 3_600_000_000);
}

#[test]
fn every_form_of_rfc_3339_is_read() {
    let at = 1_357_035_420_000_000;
    for text in [
        "2013-01-01T10:17:00Z",
        "2013-01-01t10:17:00z",
        "2013-01-01 10:17:00Z",
        "2013-01-01T10:17:00.000Z",
        "2013-01-01T05:17:00-05:00",
        "2013-01-01T15:47:00+05:30",
        "2013-01-01T10:17:00-00:00",
        "2013-01-02T10:16:00+23:59",
    ] {
        assert_eq!(read(text), at, "{text}");
    }
    for (fraction, micros) in [
        ("5", 500_000),
        ("25", 250_000),
        ("0000019", 1),
        ("123456789012345678901234567890", 123_456),
        ("9999999", 999_999),
    ] {
        assert_eq!(read(&format!("2013-01-01T10:17:00.{fraction}Z")), at + micros, "{fraction}");
    }
    // Rounded down before 1970 too.
    assert_eq!(read("1969-12-31T23:59:59.9999999Z"), -1);
}

#[test]
fn a_leap_second_ends_the_second_before_it() {
    let next = read("2017-01-01T00:00:00Z");
    assert_eq!(read("2016-12-31T23:59:60Z"), next - 1);
    assert_eq!(read("2016-12-31T23:59:60.75Z"), next - 1);
    assert_eq!(read("2016-12-31T18:59:60-05:00"), next - 1);
    assert!(parse("2016-12-31T23:59:61Z").is_err());
}

#[test]
fn what_is_no_time_is_refused_with_the_reason() {
    const FORM: &str = "expected the form of `2013-01-01T05:17:00Z`";
    for text in [
        "",
        " ",
        "us",
        "-us",
        "now",
        "1357035420",
        "2013-01-01",
        "2013-01-01T10:17Z",
        "20130101T101700Z",
        "-0001-01-01T00:00:00Z",
    ] {
        assert_eq!(refused(text), FORM, "{text}");
    }
    for text in [
        " 2013-01-01T10:17:00Z",
        "2013-01-01T10:17:00Z ",
        "2013-01-01T10:17:00.Z",
        "2013-01-01T10:17:00ß",
        "２013-01-01T10:17:00Z",
    ] {
        assert_eq!(refused(text), FORM, "{text}");
    }
    for text in [
        "2013-13-01T10:17:00Z",
        "2013-02-29T10:17:00Z",
        "2013-01-01T24:00:00Z",
        "2013-01-01T10:60:00Z",
        "2013-01-01T10:17:00+24:00",
    ] {
        assert_eq!(refused(text), "there is no such date, time of day or offset", "{text}");
    }
    for text in ["2013-01-01T10:17:00", "2013-01-01 10:17:00.5"] {
        assert_eq!(refused(text), "it has no offset, such as `Z` or `+02:00`");
    }
    for text in ["9223372036854775808us", "-9223372036854775809us"] {
        assert_eq!(refused(text), "so many microseconds are out of range");
    }
}

#[test]
fn an_error_shows_no_more_of_a_long_text_than_helps() {
    let message = parse(&"ß".repeat(1_000_000)).unwrap_err().to_string();
    assert_eq!(message, format!("`{}..` is not a time: expected the form of `2013-01-01T05:17:00Z`", "ß".repeat(40)));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Flight {
    tail: String,
    time_hour: Timestamp,
    arrival: Option<Timestamp>,
}
fn flight(arrival: Option<i64>) -> Flight {
    Flight {
        tail: "N14228".into(),
        time_hour: Timestamp::from_secs(1_357_034_400),
        arrival: arrival.map(Timestamp::from_micros),
    }
}

#[test]
fn json_has_the_text_and_takes_the_number_too() {
    let text = r#"{"tail":"N14228","time_hour":"2013-01-01T10:00:00Z","arrival":null}"#;
    assert_eq!(serde_json::to_string(&flight(None)).unwrap(), text);
    assert_eq!(serde_json::from_str::<Flight>(text).unwrap(), flight(None));
    let numbers = r#"{"tail":"N14228","time_hour":1357034400000000,"arrival":-5}"#;
    assert_eq!(serde_json::from_str::<Flight>(numbers).unwrap(), flight(Some(-5)));
    assert_eq!(serde_json::from_value::<Timestamp>(serde_json::json!("5us")).unwrap(), Timestamp::from_micros(5));
    for (wrong, why) in [
        ("1.5", "invalid type: floating point `1.5`, expected a time of RFC 3339 or a number of microseconds"),
        ("9223372036854775808", "9223372036854775808: so many microseconds are out of range"),
        (r#""noon""#, "`noon` is not a time: expected the form of `2013-01-01T05:17:00Z`"),
    ] {
        let message = serde_json::from_str::<Timestamp>(wrong).unwrap_err().to_string();
        assert!(message.starts_with(why), "{message}");
    }
}

#[test]
fn csv_has_the_text_and_takes_the_number_too() {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.serialize(flight(Some(1_500_000))).unwrap();
    let text = String::from_utf8(out.into_inner().unwrap()).unwrap();
    assert_eq!(text, "tail,time_hour,arrival\nN14228,2013-01-01T10:00:00Z,1970-01-01T00:00:01.500Z\n");
    let rows = format!("{text}N14228,1357034400000000,\nN14228,2013-01-01T05:00:00-05:00,-5\n");
    let flights: Vec<Flight> = csv::Reader::from_reader(rows.as_bytes()).deserialize().map(Result::unwrap).collect();
    assert_eq!(flights, [flight(Some(1_500_000)), flight(None), flight(Some(-5))]);
}

#[test]
fn binary_formats_have_the_number() {
    for micros in [i64::MIN, -1, 0, 1_357_034_400_000_000, i64::MAX] {
        let bytes = postcard::to_allocvec(&Timestamp::from_micros(micros)).unwrap();
        assert_eq!(bytes, postcard::to_allocvec(&micros).unwrap());
        assert_eq!(postcard::from_bytes(&bytes), Ok(Timestamp::from_micros(micros)));
    }
}

proptest! {
    #[test]
    fn any_timestamp_is_read_back(micros in micros()) {
        let text = written(micros);
        assert_eq!(read(&text), micros, "{text}");
        let json = serde_json::to_string(&Timestamp::from_micros(micros)).unwrap();
        assert_eq!((json.as_str(), serde_json::from_str(&json).unwrap()), (&*format!("{text:?}"), Timestamp::from_micros(micros)));
    }
    #[test]
    fn the_text_is_that_of_jiff(micros in FIRST..=LAST) {
        assert_eq!(written(micros), by_jiff(micros));
    }
    #[test]
    fn jiff_reads_what_is_written(micros in FIRST..=LAST) {
        let at: jiff::Timestamp = written(micros).parse().unwrap();
        assert_eq!(at, jiff::Timestamp::from_microsecond(micros).unwrap());
    }
    #[test]
    fn what_jiff_writes_is_read(nanos in FIRST as i128 * 1_000..=LAST as i128 * 1_000, hours in -23i8..=23) {
        let at = jiff::Timestamp::from_nanosecond(nanos).unwrap();
        assert_eq!(i128::from(read(&at.to_string())), nanos.div_euclid(1_000));
        let there = at.display_with_offset(jiff::tz::Offset::constant(hours)).to_string();
        // With its offset a point may be one of a year that RFC 3339 does not know.
        if there.len() >= 20 && there.as_bytes()[4] == b'-' && there.as_bytes()[0] != b'-' {
            assert_eq!(i128::from(read(&there)), nanos.div_euclid(1_000), "{there}");
        }
    }
    /// Without the `Z`, which is greater than a point.
    #[test]
    fn the_order_of_texts_is_that_of_times(a in FIRST..=LAST, b in FIRST..=LAST, close in -2_000_000i64..2_000_000) {
        for b in [b, (a + close).clamp(FIRST, LAST), (a / 1_000_000 * 1_000_000).max(FIRST)] {
            assert_eq!(written(a).trim_end_matches('Z').cmp(written(b).trim_end_matches('Z')), a.cmp(&b));
        }
    }
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), micros in micros(), at in any::<usize>(), put in any::<char>()) {
        let _ = parse(&text);
        let mut broken: Vec<char> = written(micros).chars().collect();
        let at = at % broken.len();
        let _ = parse(&broken[..at].iter().collect::<String>());
        broken[at] = put;
        let _ = parse(&broken.into_iter().collect::<String>());
    }
}
